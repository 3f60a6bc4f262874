"""How the screen is arranged and looks: borders, one pane alone, jumping, themes, settings, keys of one's own."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, SelectionList

from pasa_tui.assembly import Surroundings
from pasa_tui.config import Paths
from pasa_tui.config.settings import InterfaceSettings, Settings, checked, choices_of, load_settings
from pasa_tui.errors import ConfigError
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.query import QueryEditor, SearchOptions
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.panes.welcome import Welcome
from pasa_tui.tui.screens.dialogs import ChoiceDialog, ErrorDialog
from pasa_tui.tui.screens.help import HelpScreen, help_content
from pasa_tui.tui.screens.jumping import JumpScreen
from pasa_tui.tui.screens.labelling import LineDialog
from pasa_tui.tui.screens.settings import SettingsScreen, ThemeDialog
from pasa_tui.tui.screens.sources import SourcesDialog
from tests.tui.conftest import Running, ask, screen_of, until
from tests.tui.test_app import notes


@pytest.mark.parametrize("size", [(120, 36), (200, 50)])
async def test_borders_move_by_key_and_mouse_and_stay(running: Running, paths: Paths, size: tuple[int, int]) -> None:
    async with running(size=size) as pilot:
        await ask(pilot)
        left, results = screen_of(pilot).query_one("#left"), screen_of(pilot).query_one(ResultsList)
        wide = size[0] > 160
        width, extent = left.region.width, results.region.width if wide else results.region.height
        await pilot.press("ctrl+right", "ctrl+shift+up")
        await until(pilot, lambda: left.region.width > width)
        await until(pilot, lambda: (results.region.width if wide else results.region.height) < extent)
        edge, kept = left.region.right - 1, left.region.width
        await pilot.mouse_down(offset=(edge, 12))
        await pilot.hover(offset=(edge - 9, 12))
        await pilot.mouse_up(offset=(edge - 9, 12))
        await until(pilot, lambda: left.region.width < kept - 5)
        dragged = left.region.width
    assert msgspec.json.decode(paths.panes_file.read_bytes())["left"] is not None
    async with running(size=size) as pilot:
        screen = screen_of(pilot)
        screen.open_search(1)
        left = screen.query_one("#left")
        await until(pilot, lambda: abs(left.region.width - dragged) <= 1)
        await pilot.press("equals_sign")
        await until(pilot, lambda: left.region.width == width)


async def test_a_broken_file_of_sizes_counts_as_none(running: Running, paths: Paths) -> None:
    paths.panes_file.parent.mkdir(parents=True, exist_ok=True)
    paths.panes_file.write_text('{"left": "wide"')
    async with running(size=(80, 24)) as pilot:
        await ask(pilot)
        await pilot.press("ctrl+right", "ctrl+shift+down")
        assert screen_of(pilot).query_one(ResultsList).region.width == 80


async def test_a_pane_is_shown_alone_and_back(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        results = screen.query_one(ResultsList)
        before = results.region.height
        await pilot.press("M")
        await until(pilot, lambda: screen.maximized is results and results.region.height > before)
        await pilot.press("escape")
        await until(pilot, lambda: screen.maximized is None and results.region.height == before)


async def test_jumping(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        screen = screen_of(pilot)
        for key, pane in (("l", "#log"), ("a", "#paper"), ("p", "#results"), ("q", "#query")):
            await pilot.press("ctrl+o")
            await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
            await pilot.press(key)
            await until(pilot, lambda pane=pane: screen.query_one(pane).has_focus)  # type: ignore[misc]
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
        await pilot.press("z")
        await until(pilot, lambda: pilot.app.screen is screen)


async def test_a_theme_is_tried_and_kept(running: Running, paths: Paths) -> None:
    async with running() as pilot:
        await ask(pilot)
        app = pilot.app
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, ThemeDialog))
        await pilot.press("home")
        await until(pilot, lambda: app.theme == "ansi-dark")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "pasa-night")
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, ThemeDialog))
        await pilot.press("home", "enter")
        await until(pilot, lambda: paths.config_file.exists() and app.theme == "ansi-dark")
    assert tomllib.loads(paths.config_file.read_text())["interface"]["theme"] == "ansi-dark"


async def test_settings_are_changed_in_their_file(running: Running, paths: Paths) -> None:
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text("# mine\n[agent]\nsearch_queries = 4 # few\n")
    async with running() as pilot:
        await ask(pilot)
        await pilot.press("comma")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press(*"search_queries", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = "500"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))
        assert "<= 100" in str(pilot.app.screen._error)
        await pilot.press("escape")
        # What was typed is still there to be mended.
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        assert pilot.app.screen.query_one(Input).value == "500"
        pilot.app.screen.query_one(Input).value = "7"
        await pilot.press("enter")
        await until(pilot, lambda: screen_of(pilot)._settings.search_queries == 7)
        assert "# mine" in paths.config_file.read_text() and "# few" in paths.config_file.read_text()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: screen_of(pilot)._settings.search_queries == 5)
        pilot.app.screen.query_one(Input).value = "search.corpus"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        assert [name for name, _ in pilot.app.screen._choices] == ["sample", "nowhere"]  # type: ignore[attr-defined]
        await pilot.press("escape")
        pilot.app.screen.query_one(Input).value = "latex"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("home", "enter")
        await until(pilot, lambda: load_settings(paths.config_file).export.latex)
    assert "# mine" in paths.config_file.read_text()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("agent.search_queries", "7", 7),
        ("agent.search_papers", "auto", "auto"),
        ("agent.search_papers", "20", 20),
        ("export.latex", "true", True),
        ("interface.theme", "2001", "2001"),
        ("agent.max_seconds", "12.5", 12.5),
        ("search.corpus", "a b", "a b"),
    ],
)
def test_what_is_typed_becomes_a_value(name: str, text: str, value: object) -> None:
    assert checked(name, text) == value and type(checked(name, text)) is type(value)


@pytest.mark.parametrize(("name", "text"), [("agent.search_queries", "many"), ("agent.nothing", "1"), ("no", "1")])
def test_what_can_be_no_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError):
        checked(name, text)


def test_words_that_a_setting_takes() -> None:
    assert choices_of("agent.schedule") == ("best-first", "layered") and choices_of("export.latex") == ("true", "false")
    assert choices_of("agent.search_papers") == () == choices_of("interface.theme")


async def test_keys_of_ones_own(app_for: Callable[..., PasaApp], library: object) -> None:
    app = app_for()
    app._keys = app.search_screen._keys = {"results.mark.star": "b", "results.nothing": "c"}
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: screen_of(pilot).ready)
        assert "names no action 'results.nothing'" in notes(pilot)
        await ask(pilot)
        await pilot.press("s")
        assert not library.starred()  # type: ignore[attr-defined]
        await pilot.press("b")
        await until(pilot, lambda: library.starred())  # type: ignore[attr-defined]
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
    text = help_content("results", {"results.mark.star": "b"}).plain
    line = next(line for line in text.splitlines() if "Star this paper" in line)
    assert (
        line.split()[0] == "b" and "results.mark.star" in text and text.index("In the results") < text.index("Anywhere")
    )


def test_keys_stand_in_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\n"results.mark.star" = "b"\n')
    assert load_settings(file).keys == {"results.mark.star": "b"}
    file.write_text('[keys]\n"results.mark.star" = 5\n')
    with pytest.raises(ConfigError, match="keys"):
        load_settings(file)


async def test_a_long_search_tells_when_it_ends(app_for: Callable[..., PasaApp]) -> None:
    app = app_for()
    app.search_screen._notify_after = 1e-9
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: screen_of(pilot).ready)
        await ask(pilot)
        await until(pilot, lambda: "The search has ended: 4 papers selected" in notes(pilot))
    assert replace(InterfaceSettings(), notify_after=0.0).notify_after == 0 and Settings().interface.notify_after == 30


async def test_every_action_of_the_list_is_in_the_palette(running: Running) -> None:
    async with running() as pilot:
        await ask(pilot)
        titles = [command.title for command in pilot.app.get_system_commands(screen_of(pilot))]
        assert {"Star (s)", "Sort (o)", "Pictures (p)", "Settings (f12)"} <= set(titles)
        sort = next(it for it in pilot.app.get_system_commands(screen_of(pilot)) if it.title == "Sort (o)")
        screen_of(pilot).query_one(QueryEditor).focus()
        await sort.callback()
        assert screen_of(pilot).query_one(ResultsList).arrangement.order == "date"


async def test_a_newcomer_is_told_what_is_here_and_offered_ollama(
    app_for: Callable[..., PasaApp], paths: Paths
) -> None:
    app = app_for()
    app._look_around = lambda online: Surroundings(online, "", ("qwen3:8b",))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: screen_of(pilot).ready)
        welcome = screen_of(pilot).query_one(Welcome)
        await until(pilot, lambda: any("Ollama with 1 models" in str(it.prompt) for it in welcome.options))
        await pilot.press("escape", "end", "enter")
        await until(pilot, lambda: paths.config_file.exists() and "Settings written" in notes(pilot))
    settings = load_settings(paths.config_file)
    assert settings.models.default == "ollama" and settings.profiles["ollama"].model == "qwen3:8b"


async def test_sources_are_chosen_one_by_one(running: Running) -> None:
    async with running() as pilot:
        await pilot.press("escape", "f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SourcesDialog))
        chosen = pilot.app.screen.query_one(SelectionList)
        assert "arxiv" in chosen.selected and "serper" not in chosen.selected
        chosen.deselect_all()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))
        await pilot.press("escape")
        chosen.select("openalex")
        await pilot.press("enter")
        await until(pilot, lambda: screen_of(pilot).query_one(SearchOptions).place == "openalex")


async def test_few_lines_are_given_to_the_papers(running: Running) -> None:
    async with running(size=(40, 12)) as pilot:
        await ask(pilot)
        results = screen_of(pilot).query_one(ResultsList)
        await until(pilot, lambda: results.scrollable_content_region.height >= 3)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen_of(pilot).query_one("#options").region.height == 1)
