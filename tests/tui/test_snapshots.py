"""How the screen looks, at three sizes in both themes. `pytest --snapshot-update` after a change that is meant."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from pasa_tui.events import (
    Counted,
    Event,
    ExpandFinished,
    ExpandStarted,
    Funnel,
    PaperFound,
    PaperJudged,
    SearchEnded,
    SearchFinished,
    SearchPlanned,
    SearchStarted,
    SectionsChosen,
)
from pasa_tui.library import Library
from pasa_tui.papers import Provenance, Query
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.query import QueryEditor
from tests.helpers import paper
from tests.tui.conftest import HOSTILE, screen_of, until

SIZES = [(80, 24), (120, 36), (200, 50)]


def recorded(library: Library) -> None:
    """A finished search with fixed times, as the library keeps it."""
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
    search_id = library.create_search(Query("Which papers study dense retrieval?"), {"corpus": "sample", "agent": {}})
    library.record(search_id, events)


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


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_searched_yet(snap_compare: Any, app_for: Callable[..., PasaApp], size: tuple[int, int]) -> None:
    assert snap_compare(app_for(), run_before=settle, terminal_size=size)


@pytest.mark.parametrize("keys", [["f1"], ["f2"], ["f3"]], ids=["help", "corpus", "cut-off"])
def test_dialogs(snap_compare: Any, app_for: Callable[..., PasaApp], keys: list[str]) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(app_for(), run_before=press, terminal_size=(100, 40))
