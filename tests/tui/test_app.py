import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bibtexparser import parse_string
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._footer import FooterKey

from pasa_tui.errors import LibraryError
from pasa_tui.events import FoundPaper, PaperFound, PaperJudged
from pasa_tui.library import Library, Marks
from pasa_tui.papers import Provenance
from pasa_tui.session import Session
from pasa_tui.tui.actions import ACTIONS, PLACES
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.log import ActionLog
from pasa_tui.tui.panes.query import QueryEditor
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.runs import SearchProgressed
from pasa_tui.tui.screens.dialogs import ChoiceDialog, ConfirmDialog, CutOffDialog, ErrorDialog
from pasa_tui.tui.screens.exporting import ExportDialog
from pasa_tui.tui.screens.help import HelpScreen, help_content
from pasa_tui.tui.screens.history import HistoryScreen
from tests.helpers import paper
from tests.tui.conftest import HOSTILE, Running, Script, ask, screen_of, until


def paper_text(pilot: Pilot[None]) -> str:
    return str(screen_of(pilot).query_one("#paper-text", Static).visual)


async def shows(pilot: Pilot[None], *parts: str) -> None:
    """Wait until the paper pane has all these parts: it follows the cursor once that rests."""
    await until(pilot, lambda: all(part in paper_text(pilot) for part in parts))


def lines(pilot: Pilot[None]) -> list[str]:
    results = screen_of(pilot).query_one(ResultsList)
    return [results.render_line(y).text.rstrip() for y in range(results.size.height)]


def notes(pilot: Pilot[None]) -> str:
    return " ".join(f"{note.title} {note.message}" for note in pilot.app._notifications)


async def test_a_search_fills_log_list_and_paper(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        shown = lines(pilot)
        assert [re.search(r"\d\.\d\d", line)[0] for line in shown if line] == ["0.93", "0.70", "0.61", "0.55", "0.10"]  # type: ignore[index]
        assert "Dense retrieval with few" in shown[0] and "Retrieval cited" in shown[1]
        await shows(
            pilot,
            "Dense retrieval with few labels",
            "Ada Lovelace, Bo Beta",
            "ICLR 2020",
            "0.93",
            "Abstract",
            "search “first search”",
        )
        log = [str(node.label) for node in screen_of(pilot).query_one(ActionLog).root.children]
        assert "first search" in log[0] and any("Related Work" in line for line in log) and "done" in log[-1]
        status = str(screen_of(pilot).query_one("#status").render())
        assert "5 papers met · 4 selected" in status and "2 searches>4 results>3 new>5 judged>4 selected" in status


async def test_moving_reads_the_next_paper_and_its_way(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("j")
        await shows(pilot, "Retrieval cited by the first")
        await shows(pilot, "search “first search” → Dense retrieval with few labels → § Related Work")
        await pilot.press("G")
        await shows(pilot, "Off topic")
        await pilot.press("g", "down", "down")
        await shows(pilot, "Summary (ours)")


async def test_strangers_text_is_shown_as_it_is(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("j", "j", "j")
        await shows(pilot, HOSTILE.title, HOSTILE.abstract, "[b]Author[/b] 0", "and 4,988 more")
        assert all(len(line) <= 80 for line in lines(pilot))


async def test_stars_are_kept_and_shown(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("s", "j", "s", "s")
        await pilot.pause()
        assert "★" in lines(pilot)[0] and "★" not in lines(pilot)[1]
    assert library.starred() == {"arxiv:2001.00001"}


async def test_only_the_selected_on_demand(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("a")
        assert len([line for line in lines(pilot) if line]) == 4
        await pilot.press("a")
        assert len([line for line in lines(pilot) if line]) == 5


async def test_quit_and_start_again_the_search_opens_as_it_was(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        before = lines(pilot)
    async with running() as pilot:
        await pilot.press("escape", "h")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        await pilot.press(*"dens", "enter")
        await until(pilot, lambda: screen_of(pilot).state is not None)
        await pilot.pause()
        assert lines(pilot) == before
        assert screen_of(pilot).query_one(QueryEditor).text == "papers on dense retrieval"
    assert len(library.searches()) == 1


async def test_stopped_is_kept_and_resumed(running: Running, library: Library) -> None:
    async with running(Script(hanging=True)) as pilot:
        screen = screen_of(pilot)
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: screen.state is not None and len(screen.state.papers) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: screen.idle)
        assert library.search(1).status == "cancelled" and len(lines(pilot)[0]) > 0
    async with running() as pilot:
        screen = screen_of(pilot)
        await pilot.press("escape", "h")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.idle and screen.state is not None and screen.state.ending == "done")
        assert len(screen.state.papers) == 5  # type: ignore[union-attr]
    assert [row.status for row in library.searches()] == ["done"]


async def test_quitting_during_a_search_records_it(running: Running, library: Library) -> None:
    async with running(Script(hanging=True)) as pilot:
        screen = screen_of(pilot)
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: screen.state is not None and len(screen.state.papers) == 3)
        await pilot.press("ctrl+q")
    assert library.search(1).status == "cancelled" and library.search(1).met == 3


async def test_export_writes_what_was_chosen_and_asks_before_it_replaces(running: Running, tmp_path: Path) -> None:
    target = tmp_path / "out.bib"
    async with running() as pilot:
        await ask(pilot)
        for _ in range(2):
            await pilot.press("e")
            await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
            pilot.app.screen.query_one(Input).value = str(target)
            await pilot.press("enter")
            await pilot.pause()
        assert isinstance(pilot.app.screen, ConfirmDialog)
        target.write_text("mine")
        await pilot.press("escape")
        assert target.read_text() == "mine"
        await pilot.press("e")
        pilot.app.screen.query_one(Input).value = str(target)
        await pilot.press("enter", "y")
        await until(pilot, lambda: target.read_text() != "mine")
        assert "4 papers written" in notes(pilot)
    assert len(parse_string(target.read_text()).entries) == 4


async def test_export_into_nowhere_is_one_clear_message(running: Running, tmp_path: Path) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("e")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "no" / "such" / "out.bib")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))


async def test_an_empty_question_is_one_clear_message(running: Running, library: Library) -> None:
    async with running() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))
        await pilot.press("escape")
        assert screen_of(pilot).query_one("#query").has_focus
    assert library.searches() == []


async def test_an_unknown_corpus_keeps_the_question(running: Running, library: Library) -> None:
    async with running() as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        # From the live sources, past sample, to the third.
        await pilot.press("home", "down", "down", "enter")
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))
        await pilot.press("escape")
        assert screen_of(pilot).query_one(QueryEditor).text == "any"
    assert library.searches() == []


async def test_the_cut_off_is_checked_and_used(running: Running, library: Library) -> None:
    async with running() as pilot:
        for text in ("soon", "2020-06-30"):
            await pilot.press("f3")
            await until(pilot, lambda: isinstance(pilot.app.screen, CutOffDialog))
            await pilot.press(*text, "enter")
            await pilot.pause()
            if text == "soon":
                assert "not a date" in notes(pilot)
                dialog = pilot.app.screen
                assert isinstance(dialog, CutOffDialog) and dialog.query_one(Input).value == text
                await pilot.press("escape")
        await ask(pilot)
    assert str(library.search(1).before) == "2020-06-30"


async def test_papers_without_sections_are_counted_once(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        log = [str(node.label) for node in screen_of(pilot).query_one(ActionLog).root.children]
        # All but the first paper, which alone cites anything, and the two that it cites: nothing to follow there.
        assert any("4 papers opened, no sections" in line for line in log), log


async def test_stop_is_offered_only_while_something_runs(running: Running) -> None:
    async with running(Script(hanging=True)) as pilot:
        screen = screen_of(pilot)
        assert screen.check_action("stop", ()) is False
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: screen.state is not None and len(screen.state.papers) == 3)
        assert screen.check_action("stop", ()) is True and screen.check_action("resume", ()) is False
        await pilot.press("escape")
        await until(pilot, lambda: screen.idle)
        assert screen.check_action("stop", ()) is False and screen.check_action("resume", ()) is True


async def test_failures_and_warnings_are_in_the_log(running: Running) -> None:
    script = Script(broken=frozenset({"search second search"}))
    async with running(script) as pilot:
        await ask(pilot)
        log = [str(node.label) for node in screen_of(pilot).query_one(ActionLog).root.children]
        assert any("second search is broken" in line for line in log)
        assert "1 failure" in str(screen_of(pilot).query_one("#status").render())


async def test_a_library_that_cannot_be_opened_is_one_clear_message(app_for: Callable[..., PasaApp]) -> None:
    app = app_for()

    def fail() -> None:
        raise LibraryError("The library is damaged.", "Move it away.")

    app._open_session = fail  # type: ignore[assignment]
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        await pilot.press("escape", *"any")
        assert not isinstance(app.screen, ErrorDialog)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))


async def test_a_question_asked_before_the_library_is_open_is_searched(
    app_for: Callable[..., PasaApp], library: Library
) -> None:
    app, opened = app_for(), threading.Event()
    open_session = app._open_session

    def slowly() -> Session:
        opened.wait(10)
        return open_session()

    app._open_session = slowly
    async with app.run_test() as pilot:
        await pilot.press(*"any", "enter")
        assert library.searches() == []
        opened.set()
        await until(pilot, lambda: app.search_screen.state is not None and app.search_screen.idle)
    assert [row.query for row in library.searches()] == ["any"]


async def test_a_multi_line_question(running: Running, library: Library) -> None:
    async with running() as pilot:
        await pilot.press("a", "ctrl+j", "b", "enter")
        await until(pilot, lambda: bool(library.searches()))
        assert library.search(1).query == "a\nb"
        await until(pilot, lambda: screen_of(pilot).idle)


async def test_tabs_on_a_narrow_terminal(running: Running) -> None:
    async with running(size=(80, 24)) as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        shown = {name: screen.query_one(f"#{name}").display for name in ("log", "results", "paper")}
        assert shown == {"log": False, "results": True, "paper": False}
        await pilot.press("enter")
        assert screen.query_one("#paper").display and screen.query_one("#paper").has_focus
        await pilot.press("1")
        assert screen.query_one("#log").display and not screen.query_one("#paper").display
        await pilot.resize_terminal(200, 50)
        await pilot.pause()
        assert all(screen.query_one(f"#{name}").display for name in ("log", "results", "paper"))


async def test_the_cursor_stays_on_its_paper_while_better_ones_arrive(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        results, state = screen_of(pilot).query_one(ResultsList), screen_of(pilot).state
        assert state is not None
        ranked = state.ranked()
        results.show(ranked[2:], Marks(), lambda paper: False)
        await pilot.press("j")
        kept = results.cursor
        results.show(ranked, Marks(), lambda paper: False)
        assert results.cursor == kept == ranked[3].paper.id


async def test_a_long_list_scrolls_as_far_as_its_filter_lets_it(running: Running) -> None:
    def found(count: int) -> list[FoundPaper]:
        papers = [
            paper(number, title=f"{('Even', 'Odd')[number % 2]} title {number}") for number in range(1, count + 1)
        ]
        return [FoundPaper(it, Provenance("search", "way"), 0, at, score=0.5) for at, it in enumerate(papers)]

    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        results.focus()
        results.show(found(200), Marks(), lambda paper: False)
        await pilot.pause()
        await pilot.press("G")
        assert results.scroll_offset.y == results.max_scroll_y == 200 - results.size.height
        await pilot.press("f", *"odd")
        assert results.virtual_size.height == results.vertical_scrollbar.window_virtual_size == 100
        assert results.scroll_offset.y == results.max_scroll_y == 100 - results.size.height
        await pilot.press(*" 199")
        assert results.scroll_offset.y == 0 and not results.show_vertical_scrollbar
        await pilot.press("escape")
        assert results.show_vertical_scrollbar and results.virtual_size.height == 200


async def test_what_arrives_waits_for_somebody_who_types_but_is_not_lost(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasa_tui.tui.screens.search._TYPING_SECONDS", 3600.0)
    monkeypatch.setattr("pasa_tui.tui.screens.search._UNDRAWN_SECONDS", 3600.0)
    async with running(Script(hanging=True)) as pilot:
        screen = screen_of(pilot)
        await pilot.press(*"any", "enter")
        await until(pilot, lambda: screen.state is not None and len(screen.state.papers) == 3 and not screen._undrawn)
        results, view = screen.query_one(ResultsList), screen._view
        assert view is not None and view.follower is not None
        results.focus()
        await pilot.press("f", "r")
        event = PaperFound(
            paper=paper(77, title="Retrieval that arrived"), provenance=Provenance("search", "way"), depth=0, action=1
        )
        judged = PaperJudged(paper_id=event.paper.id, score=0.99, selected=True, reason="")
        screen.post_message(SearchProgressed(view.follower, view.search_id or 1, [event, judged]))
        await until(pilot, lambda: screen._undrawn)
        screen._draw_if_needed()
        assert "that arrived" not in "".join(lines(pilot))
        monkeypatch.setattr("pasa_tui.tui.screens.search._TYPING_SECONDS", 0.0)
        await until(pilot, lambda: "that arrived" in "".join(lines(pilot)))


# -- the registry of actions --------------------------------------------------------------------------------


def test_every_action_is_registered_once_and_every_place_is_named() -> None:
    assert len({(action.group, action.name) for action in ACTIONS}) == len(ACTIONS)
    assert {action.group for action in ACTIONS} == set(PLACES)
    for group in PLACES:
        keys = [key for action in ACTIONS if action.group == group for key in action.keys.split(",")]
        assert len(keys) == len(set(keys)), group


def test_help_lists_every_action() -> None:
    text = help_content().plain
    for action in ACTIONS:
        assert action.help in text and action.key_names in text


async def test_keys_open_help_and_the_footer_shows_keys_at_once(running: Running) -> None:
    async with running() as pilot:
        await until(pilot, lambda: "Search" in [key.description for key in screen_of(pilot).query(FooterKey)])
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_the_palette_offers_every_action_of_the_screen(running: Running) -> None:
    async with running() as pilot:
        titles = " ".join(command.title for command in pilot.app.get_system_commands(screen_of(pilot)))
        for action in ACTIONS:
            if action.group == "search":
                assert action.label in titles


async def test_the_history_has_help_and_its_own_actions_in_the_palette(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        commands = {command.title: command.callback for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Undelete (ctrl+z)", "Merge (f7)", "Copy (f9)"} <= commands.keys()
        assert "Star (s)" not in commands
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_a_search_without_papers_says_why_where_they_would_be(running: Running) -> None:
    async with running(Script(papers=(), cited=(paper(11),), scores=())) as pilot:
        await pilot.press(*"any", "enter")
        screen = screen_of(pilot)
        await until(pilot, lambda: screen.idle and screen.state is not None and screen.state.ending)
        await until(pilot, lambda: "brought a paper" in lines(pilot)[0])


async def test_a_screenshot_needs_no_folder_of_downloads(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasa_tui.tui.app.user_downloads_path", lambda: tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    async with running() as pilot:
        pilot.app.deliver_screenshot("shot.svg")
        await until(pilot, (tmp_path / "shot.svg").exists)


@pytest.mark.parametrize("group", PLACES)
def test_every_action_has_its_method(group: str) -> None:
    from pasa_tui.tui.panes.paper import PaperPane
    from pasa_tui.tui.panes.query import QueryEditor
    from pasa_tui.tui.screens.search import SearchScreen

    places = {
        "search": SearchScreen,
        "query": QueryEditor,
        "results": ResultsList,
        "paper": PaperPane,
        "log": ActionLog,
        "history": HistoryScreen,
    }
    for action in ACTIONS:
        if action.group == group:
            assert hasattr(places[group], f"action_{action.name.partition('(')[0]}")
