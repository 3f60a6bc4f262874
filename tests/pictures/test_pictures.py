"""What the pictures of a search show, and that no stranger's text gets out of them."""

import datetime as dt
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.events import Event, PaperFound, PaperJudged, PaperMetAgain, SearchEnded, SearchStarted, SearchState
from pasa_tui.export.record import Record
from pasa_tui.library import SearchRow
from pasa_tui.papers import Paper, Provenance
from pasa_tui.pictures.figures import BINS, by_year, citation_map, histogram, timeline
from pasa_tui.pictures.report import figures_svg, render_search
from tests.helpers import paper

WAY = Provenance("search", "dense", None, 1)


def found(number: int, at: float, **changes: object) -> PaperFound:
    return PaperFound(at=at, paper=paper(number, **changes), provenance=WAY, depth=0, action=1)


def judged(number: int, at: float, score: float) -> PaperJudged:
    return PaperJudged(at=at, paper_id=paper(number).id, score=score, selected=score > 0.5)


EVENTS: list[Event] = [
    SearchStarted(query="dense retrieval?"),
    found(1, 0.1, date=dt.date(2020, 5, 1), authors=("Ada Lovelace",)),
    found(2, 0.2, date=dt.date(2022, 1, 1)),
    found(3, 0.2, date=None),
    judged(1, 0.3, 0.9),
    judged(2, 0.4, 1.0),
    judged(3, 0.4, 0.04),
    judged(2, 0.5, 0.2),
    PaperMetAgain(
        at=0.6, paper_id=paper(1).id, provenance=Provenance("section", "Related", paper(2).id, 1), depth=0, action=2
    ),
    SearchEnded(at=1.0, ending="done"),
]


def folded(events: list[Event]) -> SearchState:
    state = SearchState()
    for event in events:
        state.apply(event)
    return state


def test_growth_counts_papers_and_takes_back_what_was_judged_anew() -> None:
    figure = timeline(EVENTS)
    assert figure.seconds == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert figure.met == (0, 1, 3, 3, 3, 3) and figure.selected == (0, 0, 0, 1, 2, 1)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=600))
def test_growth_is_thinned_and_keeps_its_end(times: list[float]) -> None:
    events = [found(number, at) for number, at in enumerate(sorted(times))]
    figure = timeline(events)
    assert len(figure.seconds) <= 202 and figure.met[-1] == len(times)
    assert list(figure.seconds) == sorted(figure.seconds) and list(figure.met) == sorted(figure.met)


def test_scores_and_years() -> None:
    counts = histogram(folded(EVENTS)).counts
    assert len(counts) == BINS and (counts[0], counts[4], counts[18]) == (1, 1, 1)
    years = by_year(folded(EVENTS))
    assert (years.years, years.met, years.selected) == ((2020, 2021, 2022), (1, 0, 1), (1, 0, 0))


def test_the_map_has_who_cites_whom_among_the_dated() -> None:
    figure = citation_map(folded(EVENTS))
    assert figure.nodes[0].label == "Lovelace 2020" and len(figure.nodes) == 2
    assert figure.edges == ((1, 0),) and figure.years == ((2020, 0.0), (2022, 1.0))
    assert citation_map(SearchState()).nodes == () and by_year(SearchState()).years == ()
    assert timeline([]).seconds == (0.0,)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


ROW = SearchRow(
    1, "dense\n<script>?", None, {}, "done", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None, 3, 1, "<b>title</b>"
)


@given(st.text(max_size=80), st.text(max_size=40))
def test_strangers_text_stays_text(title: str, name: str) -> None:
    hostile = Paper(
        f"</title><script>alert(1)</script>{title}",
        abstract=f"<img src=x onerror=alert(1)>{title}",
        authors=(f'"><svg onload=x>{name}',),
        date=dt.date(2020, 1, 1),
        doi='10.1/"onclick=x',
        venue=title,
    )
    events: list[Event] = [
        PaperFound(paper=hostile, provenance=WAY, depth=0, action=1),
        PaperJudged(paper_id=hostile.id, score=0.9, selected=True, reason=title),
        SearchEnded(ending="done"),
    ]
    state = folded(events)
    for svg in figures_svg(state, events, 0.5).values():
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "style", "text", "path", "rect", "circle", "title"}
    record = Record(hostile, score=0.9, selected=True, reason=name, tags=(title,), note=name)
    page = Tags()
    page.feed(render_search(ROW, state, events, [record, Record(hostile, note=title)], threshold=0.5))
    assert not [tag for tag, _ in page.seen if tag in ("script", "img", "iframe", "object")]
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    links = [attributes["href"] for tag, attributes in page.seen if tag == "a"]
    assert links and all(link and link.startswith("https://doi.org/") for link in links)


@pytest.mark.parametrize("events", [[], EVENTS[:1], EVENTS[:2]])
def test_a_search_without_papers_has_pictures_too(events: list[Event]) -> None:
    for svg in figures_svg(folded(events), events, 0.5).values():
        assert ET.fromstring(svg).tag.endswith("svg")
