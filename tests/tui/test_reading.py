"""Reading on: the log's lines and filter, a paper's sections and who cites it, steps by hand."""

from pathlib import Path

from textual.widgets import Input, TabbedContent

from pasa_tui.library import Library
from pasa_tui.tui.panes.log import ActionLog
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.screens.labelling import LineDialog
from pasa_tui.tui.screens.pictures import PicturesScreen
from tests.helpers import paper
from tests.tui.conftest import Running, Script, ask, screen_of, until
from tests.tui.test_app import notes, shows


def log_lines(log: ActionLog) -> list[str]:
    return [str(node.label) for node in log.root.children]


async def test_the_log_is_filtered_by_searches_and_by_what_they_found(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        log = screen_of(pilot).query_one(ActionLog)
        await pilot.press("1", "f", *"cited by the")
        await pilot.pause()
        lines = [line for line in log_lines(log) if "⌕" in line or "⤷" in line]
        assert len(lines) == 1 and "Related Work" in lines[0] and "cited by the▏" in str(log.border_title)
        await pilot.press("escape")
        await pilot.pause()
        assert any("first search" in line for line in log_lines(log)) and str(log.border_title) == "Crawler"


async def test_a_line_of_the_log_leads_to_its_paper(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        log, results = screen.query_one(ActionLog), screen.query_one(ResultsList)
        await pilot.press("1", "g", "space", "down", "down", "enter")
        await until(pilot, lambda: results.has_focus)
        assert results.cursor is not None and results.cursor == log.cursor_node.data  # type: ignore[union-attr]
        await pilot.press("a", "1", "g", "down", "z", "G")
        assert not any(node.is_expanded for node in log.root.children)
        assert log.cursor_line == log.last_line


async def test_a_paper_shows_its_sections_and_who_cites_it(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await shows(
            pilot, "Its sections that cite", "▸ Related Work", "· skip this", "0.70 Retrieval cited by the first"
        )
        await pilot.press("j")
        await shows(pilot, "Cited by 1 paper of the library", "Dense retrieval with few labels")


async def test_a_paper_is_expanded_by_hand_in_all_its_sections(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        await pilot.press("E")
        await until(pilot, lambda: screen.idle and len([a for a in screen.state.actions.values() if a.paper_id]) == 6)  # type: ignore[union-attr]
        await shows(pilot, "▸ Related Work", "▸ skip this")
        action = max(library.state(1).actions.values(), key=lambda action: action.number)
        assert action.chosen == ("Related Work", "skip this") and action.paper_id == paper(1).id
        assert library.search(1).status == "done"


async def test_similar_papers_are_searched_for(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        await pilot.press("S")
        await until(pilot, lambda: screen.idle and library.search(1).status == "done")
        texts = [action.text for action in library.state(1).actions.values() if action.is_search]
        assert texts[-1] == "Dense retrieval with few labels"


async def test_no_step_by_hand_while_a_search_runs(running: Running) -> None:
    async with running(Script(hanging=True)) as pilot:
        screen = screen_of(pilot)
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: screen.state is not None and len(screen.state.papers) == 3)
        await pilot.press("E")
        assert "Wait until the search has ended" in notes(pilot)


async def test_pictures_are_drawn_and_written(running: Running, tmp_path: Path) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PicturesScreen))
        tabs = pilot.app.screen.query_one(TabbedContent)
        for name in ("scores", "years", "citations", "growth"):
            await pilot.press("right")
            await until(pilot, lambda name=name: tabs.active == name)  # type: ignore[misc]
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "pictures")
        await pilot.press("enter")
        await until(pilot, lambda: len(list((tmp_path / "pictures").glob("*.svg"))) == 4)
        await pilot.press("escape", "P")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "report.html")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "report.html").exists())
