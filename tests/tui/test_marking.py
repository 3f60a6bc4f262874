"""What a user does to papers: pick, star, reject, tag, note, filter, sort, copy, export, undo."""

import json
from pathlib import Path

from textual.widgets import Input, Select, TextArea

from pasa_tui.library import Library
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.screens.dialogs import ChoiceDialog
from pasa_tui.tui.screens.exporting import ExportDialog
from pasa_tui.tui.screens.labelling import NoteDialog, TagDialog
from tests.helpers import paper
from tests.tui.conftest import Running, ask, screen_of, until
from tests.tui.test_app import lines, notes, shows


def shown(pilot: object) -> list[str]:
    return [line for line in lines(pilot) if line.strip()]  # type: ignore[arg-type]


async def test_a_filter_narrows_while_it_is_typed_and_escape_takes_it_away(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await pilot.press("f", *"spars")
        assert len(shown(pilot)) == 1 and "spars▏" in str(results.border_title)
        await pilot.press("enter", "j")
        assert len(shown(pilot)) == 1 and results.filter_text == "spars"
        await pilot.press("f", "backspace", "ctrl+u", *"s#")
        assert "No paper here fits the filter" in shown(pilot)[0] and results.cursor is None
        await pilot.press("escape")
        assert len(shown(pilot)) == 5 and results.filter_text == ""


async def test_sorting_goes_through_the_orders_and_the_cursor_stays_on_its_paper(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await pilot.press("j", "j")
        kept = results.cursor
        for order in ("date", "title", "depth", "source", "score"):
            await pilot.press("o")
            assert results.arrangement.order == order and results.cursor == kept
        first = shown(pilot)[0]
        await pilot.press("O")
        assert shown(pilot)[-1] == first and results.cursor == kept


async def test_several_papers_are_picked_and_starred_and_it_is_undone(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await pilot.press("space", "J")
        assert len(results.picked) == 3 and "3 picked" in str(results.border_subtitle)
        await pilot.press("s")
        await pilot.pause()
        assert len(library.starred()) == 3 and results.picked == ()
        await pilot.press("u")
        await until(pilot, lambda: not library.starred())
        assert "Undone: star of 3 papers" in notes(pilot)
        await pilot.press("u")
        assert "nothing to undo" in notes(pilot)
        await pilot.press("ctrl+a")
        assert len(results.picked) == 5
        await pilot.press("escape")
        assert results.picked == ()


async def test_a_range_is_picked_upwards_and_by_mouse(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await pilot.press("G", "shift+up")
        assert len(results.picked) == 2
        await pilot.press("escape")
        await pilot.click(results, offset=(10, 1))
        await pilot.click(results, offset=(10, 3), shift=True)
        assert len(results.picked) == 3
        await pilot.click(results, offset=(10, 2), control=True)
        assert len(results.picked) == 2


async def test_a_rejected_paper_leaves_the_list_and_comes_back(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await pilot.press("x")
        await pilot.pause()
        assert len(shown(pilot)) == 4 and library.marks().rejected == {paper(1).id}
        assert "3 selected" in str(results.border_subtitle) and results.cursor != paper(1).id
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("end", "enter")
        await until(pilot, lambda: results.arrangement.view == "rejected")
        assert len(shown(pilot)) == 1 and "✗" in shown(pilot)[0]
        await pilot.press("x", "a")
        await pilot.pause()
        assert len(shown(pilot)) == 5 and not library.marks().rejected


async def test_tags_are_given_to_many_and_taken_away(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("space", "space", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TagDialog))
        await pilot.press(*"read, to  cite", "enter")
        await until(pilot, lambda: library.all_tags() == {"read": 2, "to cite": 2})
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TagDialog))
        pilot.app.screen.query_one(Input).value = "to cite, new"
        await pilot.press("enter")
        await until(pilot, lambda: library.tags(paper(1).id) == ("new", "to cite"))
        await shows(pilot, "new, to cite")
        await pilot.press("u", "u")
        await until(pilot, lambda: library.all_tags() == {})


async def test_a_note_is_written_shown_and_undone(running: Running, library: Library) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, NoteDialog))
        pilot.app.screen.query_one(TextArea).text = "[b]read[/b] this\nsoon"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: library.note(paper(1).id) == "[b]read[/b] this\nsoon")
        await shows(pilot, "[b]read[/b] this")
        await pilot.press("u")
        await until(pilot, lambda: library.note(paper(1).id) == "")


async def test_links_go_to_the_clipboard(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("space", "space", "y")
        await pilot.pause()
        assert pilot.app.clipboard.splitlines() == [
            "https://arxiv.org/abs/2001.00001",
            "https://arxiv.org/abs/2001.00011",
        ]
        await pilot.press("escape", "w")
        await pilot.pause()
        assert pilot.app.clipboard == "https://arxiv.org/abs/2001.00002"


async def test_what_is_in_zotero_is_marked_as_known(running: Running, library: Library) -> None:
    library.set_known("zotero", [paper(1)])
    async with running() as pilot:
        await ask(pilot)
        assert "≡" in shown(pilot)[0] and not any("≡" in line for line in shown(pilot)[1:])
        await shows(pilot, "≡ known")


async def test_the_new_ones_since_the_last_search(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await ask(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("down", "down", "down", "down", "enter")
        await until(pilot, lambda: results.arrangement.view == "new")
        assert "No paper here fits" in shown(pilot)[0]


async def test_the_format_follows_the_suffix_that_is_typed(running: Running, tmp_path: Path) -> None:
    async with running() as pilot:
        await ask(pilot)
        for name, begins in (("out.csv", "score,"), ("out.RIS", "TY  - "), ("out.md", "1. **"), ("out.bib", "@")):
            await pilot.press("e")
            await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
            field = pilot.app.screen.query_one(Input)
            field.value = str(tmp_path / name)
            await pilot.pause()
            assert field.value == str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, lambda name=name: (tmp_path / name).exists())  # type: ignore[misc]
            assert (tmp_path / name).read_text(encoding="utf-8-sig").lstrip().startswith(begins), name


async def test_export_of_the_picked_in_any_format_to_the_clipboard(running: Running, tmp_path: Path) -> None:
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("space", "space", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        pilot.app.screen.query_one(Select).value = "csl-json"
        await until(pilot, lambda: pilot.app.screen.query_one(Input).value.endswith(".json"))
        await pilot.click("#clipboard")
        await until(pilot, lambda: pilot.app.screen is screen_of(pilot))
        assert len(json.loads(pilot.app.clipboard)) == 2
        assert "2 papers copied as CSL-JSON" in notes(pilot)
