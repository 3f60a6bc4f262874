"""The history: searches found, renamed, copied, compared, merged, deleted and brought back; papers of all searches."""

import threading
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TabbedContent

from pasa_tui.errors import LibraryError
from pasa_tui.events import SearchState
from pasa_tui.library import Library
from pasa_tui.papers import Query
from pasa_tui.tui.panes.query import QueryEditor
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.screens.comparing import CompareScreen
from pasa_tui.tui.screens.history import HistoryScreen
from pasa_tui.tui.screens.labelling import LineDialog
from tests.helpers import paper
from tests.library.builders import QUERY, kept
from tests.tui.conftest import Running, ask, screen_of, until
from tests.tui.test_app import lines, notes


async def history(pilot: Pilot[None]) -> OptionList:
    await pilot.press("escape", "f4")
    await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
    await pilot.pause()
    return pilot.app.screen.query_one(OptionList)


def texts(options: OptionList) -> list[str]:
    return [str(option.prompt) for option in options.options]


async def test_a_deleted_search_comes_back(running: Running, library: Library) -> None:
    for number in (1, 2):
        kept(library, number)
    async with running() as pilot:
        options = await history(pilot)
        await pilot.press("f8")
        await pilot.pause()
        assert options.option_count == 1 and [row.id for row in library.searches()] == [1]
        assert "ctrl+z brings it back" in notes(pilot)
        await pilot.press("f8", "ctrl+z", "ctrl+z")
        await until(pilot, lambda: len(library.searches()) == 2)
        await pilot.press("ctrl+z")
        assert "No search was deleted" in notes(pilot)
    library.delete_search(2)
    async with running() as pilot:
        await history(pilot)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: len(library.searches()) == 2)


async def test_a_search_is_renamed_copied_and_found_by_its_title(running: Running, library: Library) -> None:
    kept(library, 1)
    async with running() as pilot:
        options = await history(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = "[b]Chapter"
        await pilot.press("enter")
        await until(pilot, lambda: library.search(1).title == "[b]Chapter")
        await pilot.press("f9")
        await until(pilot, lambda: len(library.searches()) == 2)
        await pilot.press(*"chap")
        await pilot.pause()
        assert options.option_count == 2 and texts(options)[0].startswith("[b]Chapter")
        assert "from search 1" in texts(options)[0]


async def test_two_searches_are_compared_and_merged(running: Running, library: Library) -> None:
    kept(library, 1, 2, 3)
    kept(library, 3, 5)
    async with running() as pilot:
        options = await history(pilot)
        await pilot.press("f6")
        assert "Pick two searches" in notes(pilot)
        await pilot.press("f5", "f6")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        tabs = pilot.app.screen.query_one(TabbedContent)
        labels = [str(tabs.get_tab(name).label) for name in ("only-a", "only-b", "both")]
        assert labels == ["Only A (1)", "Only B (1)", "Both (1)"]
        await pilot.press("a", "right")
        await pilot.pause()
        assert str(tabs.get_tab("only-b").label) == "Only B (2)" and tabs.active == "only-b"
        await pilot.press("escape")
        await pilot.press("f7")
        assert "Pick two or more" in notes(pilot)
        await pilot.press("f5", "f7")
        await until(pilot, lambda: len(library.searches()) == 3)
        await pilot.pause()
        assert options.option_count == 3 and len(library.state(3).papers) == 4


async def test_papers_of_all_searches_are_found_and_opened(running: Running, library: Library) -> None:
    kept(library, 1, 2)
    kept(library, 2, 3)
    async with running() as pilot:
        options = await history(pilot)
        await pilot.press("f3", *"number 2")
        await pilot.pause()
        assert options.option_count == 1 and "2 searches" in texts(options)[0]
        await pilot.press("enter")
        results = screen_of(pilot).query_one(ResultsList)
        await until(pilot, lambda: results.cursor == paper(2).id)
        assert screen_of(pilot).query_one(QueryEditor).text == QUERY.text


async def test_a_search_made_again_shows_what_is_new(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        await history(pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: len(library.searches()) == 2 and library.searches()[0].status == "done")
        assert library.searches()[0].parent == 1
        await until(pilot, lambda: screen.idle)


async def test_a_refined_question_goes_on_from_the_papers_found(running: Running, library: Library) -> None:
    kept(library, 7, query=Query("papers on dense retrieval"))
    async with running() as pilot:
        screen = screen_of(pilot)
        screen.open_search(1)
        await until(pilot, lambda: screen.state is not None)
        screen.query_one(QueryEditor).text = "papers on sparse retrieval"
        await pilot.press("R")
        await until(
            pilot, lambda: screen.idle and len(library.searches()) == 2 and library.searches()[0].status == "done"
        )
        row = library.searches()[0]
        assert (row.parent, row.query) == (1, "papers on sparse retrieval")
        kept_state = library.state(2)
        assert len(kept_state.papers) == 6 and kept_state.papers[paper(7).id].score == 0.9
        assert screen.state is not None and screen.state.papers == kept_state.papers
        assert len([line for line in lines(pilot) if line]) == 6


async def test_past_questions_come_back_into_the_editor(running: Running, library: Library) -> None:
    for text in ("first question", "second question", "second question"):
        kept(library, 1, query=replace(QUERY, text=text))
    async with running() as pilot:
        editor = screen_of(pilot).query_one(QueryEditor)
        await pilot.press(*"mine", "ctrl+up")
        await until(pilot, lambda: editor.text == "second question")
        await pilot.press("ctrl+up", "ctrl+up")
        await until(pilot, lambda: editor.text == "first question")
        await pilot.press("ctrl+down", "ctrl+down")
        await until(pilot, lambda: editor.text == "mine")


async def test_without_an_editor_one_is_told_so(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    async with running() as pilot:
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "variable EDITOR" in notes(pilot))
        monkeypatch.setenv("EDITOR", "vim")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "can't be handed to an editor" in notes(pilot))


async def test_the_line_of_the_history_takes_any_text(running: Running, library: Library) -> None:
    kept(library, 1)
    async with running() as pilot:
        options = await history(pilot)
        for text in ('"AND NOT', "[b]", "^*:()", "的"):
            pilot.app.screen.query_one(Input).value = text
            await pilot.pause()
            assert options.option_count == 1


async def test_a_question_is_completed_from_past_ones(running: Running, library: Library) -> None:
    kept(library, 1, query=replace(QUERY, text="Dense retrieval for code\nand more"))
    async with running() as pilot:
        editor = screen_of(pilot).query_one(QueryEditor)
        await pilot.press(*"dense re")
        assert editor.suggestion == "trieval for code"
        await pilot.press("right")
        assert editor.text == "dense retrieval for code"
        await pilot.press("left", *"x")
        assert editor.suggestion == ""


async def test_the_best_of_a_large_search_are_shown_while_it_is_read(
    running: Running, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(library, *range(1, 6))
    read, state = threading.Event(), Library.state

    def slowly(self: Library, search_id: int) -> SearchState:
        read.wait()
        return state(self, search_id)

    monkeypatch.setattr("pasa_tui.tui.runs._LARGE", 4)
    monkeypatch.setattr(Library, "state", slowly)
    async with running() as pilot:
        screen = screen_of(pilot)
        results = screen.query_one(ResultsList)
        screen.open_search(1)
        await until(pilot, lambda: results.cursor is not None)
        assert screen.state is None and screen.query_one(QueryEditor).text == QUERY.text
        results.focus()
        await pilot.press("j", "s")
        cursor = results.cursor
        read.set()
        await until(pilot, lambda: screen.state is not None)
        assert results.cursor == cursor and library.marks().starred == frozenset()
        assert results.border_subtitle == "3 selected of 5"


async def test_a_search_that_is_glimpsed_but_can_not_be_read_is_taken_off(
    running: Running, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(library, 1)

    def broken(self: Library, search_id: int) -> SearchState:
        raise LibraryError("The log can't be read.")

    monkeypatch.setattr("pasa_tui.tui.runs._LARGE", 0)
    monkeypatch.setattr(Library, "state", broken)
    async with running() as pilot:
        screen_of(pilot).open_search(1)
        await until(pilot, lambda: "can't be read" in notes(pilot))
        assert screen_of(pilot).has_class("-empty")
