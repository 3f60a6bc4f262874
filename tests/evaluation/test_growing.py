from datetime import date

from pasa_tui.evaluation.growing import ALONGSIDE, CITING, GUIDES, tree_of
from pasa_tui.evaluation.tree import UNJUDGED, encode_tree
from pasa_tui.events import (
    Event,
    ExpandFinished,
    ExpandStarted,
    GuideFound,
    PaperFound,
    PaperJudged,
    SearchFinished,
    SearchPlanned,
    SearchStarted,
    SearchState,
    SectionsChosen,
)
from pasa_tui.papers import PaperId, Provenance
from tests.helpers import paper

LATER = paper(9, title="Later", date=date(2025, 1, 1))


def found(number: int, kind: str, text: str, parent: PaperId | None = None, depth: int = 0) -> PaperFound:
    way = Provenance(kind, text, parent, 1)  # type: ignore[arg-type]
    return PaperFound(paper=paper(number), provenance=way, depth=depth, action=1)


def state_of(*events: Event) -> SearchState:
    state = SearchState()
    for event in (SearchStarted(query="which?"), *events):
        state.apply(event)
    return state


def test_papers_stand_where_they_were_met_first_and_empty_actions_are_kept() -> None:
    first = paper(1).id
    state = state_of(
        SearchPlanned(action=1, text="a"),
        found(1, "search", "a"),
        SearchFinished(action=1, results=1, new=1),
        SearchPlanned(action=2, text="nothing new"),
        SearchFinished(action=2, results=1, new=0),
        SearchPlanned(action=3, text="never finished"),
        PaperJudged(paper_id=first, score=0.9, selected=True),
        ExpandStarted(action=4, paper_id=first, depth=0),
        SectionsChosen(action=4, sections=("Intro", "Related"), chosen=("Intro", "Related")),
        found(2, "section", "Related", first, 1),
        ExpandFinished(action=4, citations=2, resolved=1, new=1),
        found(3, "citing", "", first, 1),
        found(4, "co-cited", "", first, 1),
        found(5, "similar", "", first, 1),
    )
    root = tree_of(state)
    assert root.title == "which?" and list(root.child) == ["a", "nothing new"] and root.child["nothing new"] == []
    (node,) = root.child["a"]
    assert (node.title, node.arxiv_id, node.depth, node.select_score) == ("Paper number 1", "2001.00001", 0, 0.9)
    assert node.abstract == "The abstract of paper 1." and node.extra == {"date": "2020-01-01"}
    assert {key: [below.title[-1] for below in nodes] for key, nodes in node.child.items()} == {
        "Intro": [],
        "Related": ["2"],
        CITING: ["3"],
        ALONGSIDE: ["4", "5"],
    }
    assert node.child["Related"][0].select_score == UNJUDGED and node.child["Related"][0].source == "Expand"


def test_what_a_later_paper_led_to_hangs_below_it_and_the_later_paper_is_never_selected() -> None:
    state = state_of(
        GuideFound(paper=LATER),
        ExpandStarted(action=1, paper_id=LATER.id, depth=0),
        SectionsChosen(action=1, sections=("Related",), chosen=("Related",)),
        found(2, "section", "Related", LATER.id, 1),
        ExpandFinished(action=1, citations=1, resolved=1, new=1),
    )
    root = tree_of(state)
    (guide,) = root.child[GUIDES]
    assert (guide.title, guide.select_score) == ("Later", 0.0)
    assert [node.title for node in guide.child["Related"]] == ["Paper number 2"]
    assert b'"select_score":0.0' in encode_tree(root)


def test_every_paper_of_a_search_is_in_its_tree_once() -> None:
    events = [found(number, "search", "a") for number in range(1, 20)]
    root = tree_of(state_of(*events, found(20, "section", "x", PaperId("arxiv:1900.00001"), 1)))
    assert sorted(node.title for node in root.walk()) == sorted(paper(number).title for number in range(1, 21))
