"""How the screen looks, at three sizes in both themes. `pytest --snapshot-update` after a change that is meant."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.events import (
    Counted,
    Event,
    ExpandFinished,
    ExpandStarted,
    Funnel,
    MissingEstimated,
    ModelsCounted,
    PaperAssessed,
    PaperFound,
    PaperJudged,
    PlannedOn,
    QuestionSplit,
    RequestsCounted,
    SearchEnded,
    SearchFinished,
    SearchPlanned,
    SearchStarted,
    SectionsChosen,
    SourceTroubled,
)
from pasa_tui.library import Library
from pasa_tui.papers import Paper, Provenance, Query
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.log import ActionLog
from pasa_tui.tui.panes.query import QueryEditor
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.usage import ModelUsage, SourceUsage
from tests.helpers import paper
from tests.tui.conftest import HOSTILE, screen_of, until

SIZES = [(80, 24), (120, 36), (200, 50)]


def recorded(library: Library, *, live: bool = False, model: bool = False) -> None:
    """A finished search with fixed times, as the library keeps it.

    `live`: of live sources, with what goes wrong; `model`: by a language model, with verdicts by criterion.
    """
    way = Provenance("search", "dense retrieval labels", None, 1)
    papers = [
        paper(
            n,
            title=f"Paper {n} on dense retrieval with a title of some length to be cut",
            authors=(f"Ada Author{n}", "B"),
        )
        for n in range(1, 30)
    ]
    events: list[Event] = [SearchStarted(query="dense retrieval"), SearchPlanned(action=1, text=way.text)]
    for found in [*papers, HOSTILE]:
        events.append(PaperFound(paper=found, provenance=way, depth=0, action=1))
    events.append(SearchFinished(action=1, results=30, new=30))
    for number, found in enumerate(papers):
        score = 0.98 - number / 30
        events.append(
            PaperJudged(paper_id=found.id, score=score, selected=score > 0.5, reason="title: dense, retrieval")
        )
    events.append(PaperJudged(paper_id=HOSTILE.id, score=0.97, selected=True))
    cited = paper(40, title="Cited by the first")
    section = Provenance("section", "Related Work", papers[0].id, 1)
    events += [
        ExpandStarted(action=2, paper_id=papers[0].id, depth=0),
        SectionsChosen(action=2, sections=("Introduction", "Related Work"), chosen=("Related Work",)),
        PaperFound(paper=cited, provenance=section, depth=1, action=2),
        PaperJudged(paper_id=cited.id, score=0.4, selected=False),
        ExpandFinished(action=2, citations=3, resolved=1, new=1),
        Counted(funnel=Funnel(1, 30, 30, 31, 16, 1, 1, 1, 3, 1, 1)),
        SearchEnded(at=2.5, ending="done"),
    ]
    settings: dict[str, object] = {"corpus": "sample", "agent": {}}
    if live:
        settings["sources"] = ["auto"]
        events[-1:-1] = [*neighbours(papers[0]), *TOLD]
    if model:
        settings["model"] = "mine"
        events[1:1] = [QuestionSplit(criteria=CRITERIA)]
        events[-1:-1] = [*THOUGHT, PaperAssessed(paper_id=papers[0].id, verdicts=VERDICTS)]
    search_id = library.create_search(Query("Which papers study dense retrieval?"), settings)
    library.record(search_id, events)


CRITERIA = (
    Criterion("is about dense retrieval", 0.6),
    Criterion("needs no labelled data", 0.2),
    Criterion("is a survey", 0.1, "exclusion"),
    Criterion("appeared from 2019-01-01", 0.1, "date"),
)
VERDICTS = (
    Verdict(CRITERIA[0].text, "yes", "[b]dense retrieval[/b] with a title", True),
    Verdict(CRITERIA[1].text, "partly", "words that the model made up", False),
    Verdict(CRITERIA[2].text, "yes"),
    Verdict(CRITERIA[3].text, "no", "2020-01-01", True),
)
THOUGHT: tuple[Event, ...] = (
    PlannedOn(turn=1, searches=2, expansions=1),
    ModelsCounted(
        models=(ModelUsage("qwen3:8b", 14, 31, 4, prompt_tokens=9_200, completion_tokens=700, cost=0.0123, seconds=8),)
    ),
    MissingEstimated(missing=12.0, low=5.0, high=31.0),
)
TOLD: tuple[Event, ...] = (
    SourceTroubled(source="semantic-scholar", message="Too many requests; it wants 12.0 h of rest."),
    RequestsCounted(
        sources=(
            SourceUsage("arxiv", requests=6, cached=2),
            SourceUsage("openalex", requests=21, retried=3, failed=1, left="958 of 1,000 credits left today"),
        )
    ),
)


def neighbours(seed: Paper) -> list[Event]:
    """Who cites a paper, and what those cite besides."""
    ways = (Provenance("citing", "", seed.id, 1), Provenance("co-cited", "", seed.id, 2))
    events: list[Event] = [ExpandStarted(action=3, paper_id=seed.id, depth=0, direction="citing")]
    for number, way in enumerate(ways, start=50):
        found = paper(number, title=f"A {way.kind} paper")
        events.append(PaperFound(paper=found, provenance=way, depth=1, action=3))
        events.append(PaperJudged(paper_id=found.id, score=0.99, selected=True, reason="title: paper"))
    funnel = Funnel(1, 30, 30, 33, 18, 1, 1, 1, 3, 1, 1, requests=27, followed=1, candidates=40, near_new=2)
    return [*events, ExpandFinished(action=3, citations=38, resolved=38, new=2), Counted(funnel=funnel)]


async def settle(pilot: Pilot[None]) -> None:
    """Wait until everything is there, and keep the cursor of the editor from blinking."""
    await until(pilot, lambda: screen_of(pilot).ready and screen_of(pilot).query(FooterKey))
    screen_of(pilot).query_one(QueryEditor).cursor_blink = False
    await pilot.pause()


async def open_latest(pilot: Pilot[None]) -> None:
    await settle(pilot)
    screen_of(pilot).open_search(1)
    await until(pilot, lambda: screen_of(pilot).state is not None)
    await pilot.press("down")
    await until(pilot, lambda: "Not red" in str(screen_of(pilot).query_one("#paper-text", Static).visual))
    await pilot.pause()


@pytest.mark.parametrize("theme", ["pasa-night", "pasa-day"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_finished_search(
    snap_compare: Any, app_for: Callable[..., PasaApp], library: Library, size: tuple[int, int], theme: str
) -> None:
    recorded(library)
    assert snap_compare(app_for(theme=theme), run_before=open_latest, terminal_size=size)


@pytest.mark.parametrize("theme", ["pasa-night", "pasa-day"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_search_of_live_sources(
    snap_compare: Any, app_for: Callable[..., PasaApp], library: Library, size: tuple[int, int], theme: str
) -> None:
    async def open_and_unfold(pilot: Pilot[None]) -> None:
        await settle(pilot)
        screen = screen_of(pilot)
        screen.open_search(1)
        await until(pilot, lambda: "cites it" in str(screen.query_one("#paper-text", Static).visual))
        screen.query_one(ActionLog).root.expand_all()
        await pilot.pause()

    recorded(library, live=True)
    assert snap_compare(app_for(theme=theme, sources="auto"), run_before=open_and_unfold, terminal_size=size)


@pytest.mark.parametrize("theme", ["pasa-night", "pasa-day"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_search_by_a_language_model(
    snap_compare: Any, app_for: Callable[..., PasaApp], library: Library, size: tuple[int, int], theme: str
) -> None:
    async def open_and_read(pilot: Pilot[None]) -> None:
        await settle(pilot)
        screen = screen_of(pilot)
        screen.open_search(1)
        await until(pilot, lambda: "What was asked" in str(screen.query_one("#paper-text", Static).visual))
        screen.query_one(ActionLog).root.expand_all()
        if size[0] < 100:
            await pilot.press("3")
        await pilot.pause()

    recorded(library, model=True)
    assert snap_compare(app_for(theme=theme), run_before=open_and_read, terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_searched_yet(snap_compare: Any, app_for: Callable[..., PasaApp], size: tuple[int, int]) -> None:
    assert snap_compare(app_for(), run_before=settle, terminal_size=size)


@pytest.mark.parametrize("keys", [["f1"], ["f2"], ["f3"], ["f9"]], ids=["help", "corpus", "cut-off", "model"])
def test_dialogs(snap_compare: Any, app_for: Callable[..., PasaApp], keys: list[str]) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(app_for(), run_before=press, terminal_size=(100, 40))


def marked(library: Library) -> None:
    recorded(library)
    library.set_star(paper(2).id, True)
    library.set_tags(paper(3).id, ["to read"])
    library.set_note(paper(3).id, "A note\nof two lines")
    library.set_rejected(paper(4).id, True)
    library.set_known("zotero", [paper(5, title="Paper 5 on dense retrieval with a title of some length to be cut")])


@pytest.mark.parametrize("theme", ["pasa-day", "ansi-dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_marked_picked_and_filtered(
    snap_compare: Any, app_for: Callable[..., PasaApp], library: Library, size: tuple[int, int], theme: str
) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await open_latest(pilot)
        await pilot.press("g", "space", "space", "f", *"dense")
        screen = screen_of(pilot)
        results, text = screen.query_one(ResultsList), screen.query_one("#paper-text", Static)
        await until(pilot, lambda: results.filter_text == "dense")
        assert screen.state is not None and results.cursor is not None
        title = screen.state.papers[results.cursor].paper.title
        await until(pilot, lambda: title in str(text.visual))
        await pilot.pause()

    marked(library)
    assert snap_compare(app_for(theme=theme), run_before=press, terminal_size=size)


OPENED = {
    "tags": ["t"],
    "note": ["i"],
    "view": ["v"],
    "settings": ["comma"],
    "theme": ["T"],
    "growth": ["p"],
    "citations": ["p", "left"],
    "jump": ["ctrl+o"],
}


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "pasa-night"), ((120, 36), "ansi-dark")], ids=["80x24", "ansi"])
@pytest.mark.parametrize("keys", list(OPENED.values()), ids=list(OPENED))
def test_over_a_search(
    snap_compare: Any,
    app_for: Callable[..., PasaApp],
    library: Library,
    keys: list[str],
    size: tuple[int, int],
    theme: str,
) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await open_latest(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        for field in pilot.app.screen.query("Input, TextArea"):
            field.cursor_blink = False  # type: ignore[attr-defined]
        await pilot.pause()

    marked(library)
    assert snap_compare(app_for(theme=theme), run_before=press, terminal_size=size)
