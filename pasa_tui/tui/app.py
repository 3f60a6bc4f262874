"""The application: themes, the command palette, and the search screen over a session."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_downloads_path
from textual.app import App, SystemCommand
from textual.screen import Screen

from pasa_tui.config import Paths, shipped_dir
from pasa_tui.errors import PasaError
from pasa_tui.tui.actions import ACTIONS
from pasa_tui.tui.screens.choosing import Choices
from pasa_tui.tui.screens.search import SearchScreen
from pasa_tui.tui.themes import FALLBACK_THEME, load_themes

if TYPE_CHECKING:
    from pasa_tui.assembly import Surroundings
    from pasa_tui.config.settings import Settings
    from pasa_tui.session import Session


class PasaApp(App[None]):
    """Takes what it needs as arguments: where things are, the settings, a session to open, what to offer."""

    TITLE = "pasa-tui"
    CSS_PATH = "pasa.tcss"

    def __init__(
        self,
        *,
        paths: Paths,
        settings: "Settings",
        open_session: Callable[[], "Session"],
        choices: Choices,
        is_online: Callable[[], bool] = lambda: True,
        look_around: "Callable[[bool], Surroundings] | None" = None,
    ) -> None:
        """`open_session` is called in a thread after the first frame; `choices` is what the next search can be like.

        `is_online`, called in that thread as well, says whether a live source can be reached; `look_around`, with that
        answer, what else there is to search with, for who has made no search yet.
        """
        super().__init__()
        self._open_session = open_session
        self._is_online = is_online
        self._look_around = look_around
        self.search_screen = SearchScreen(settings, choices, paths=paths, completed=self._open_in_thread)
        self._keys = settings.keys
        themes, self._problems = load_themes((shipped_dir("themes"), paths.themes_dir))
        for theme in themes:
            self.register_theme(theme)
        # Before the application runs, so that its CSS is read for one theme only.
        wanted = settings.interface.theme
        self.theme = wanted if wanted in self.available_themes else FALLBACK_THEME
        if self.theme != wanted:
            self._problems.append(f"There is no theme {wanted!r}; the command palette lists all.")

    def get_default_screen(self) -> Screen[None]:
        """The search screen, at once: another one below it would cost its share of the first frame."""
        return self.search_screen

    def on_mount(self) -> None:
        """Take the user's keys; say what was wrong with them and with themes."""
        known = {str(action.binding.id) for action in ACTIONS}
        self.set_keymap({name: keys for name, keys in self._keys.items() if name in known})
        for name in self._keys.keys() - known:
            self._problems.append(f"[keys] names no action {name!r}; help (?) lists them.")
        for problem in self._problems:
            self.notify(problem, severity="warning", markup=False)

    def _open_in_thread(self) -> None:
        self.run_worker(self._open, thread=True, exit_on_error=False)

    def _open(self) -> None:
        try:
            session = self._open_session()
        except PasaError as error:
            self.call_from_thread(self.search_screen.session_failed, error)
        else:
            self.call_from_thread(self.search_screen.session_opened, session)
        online = self._is_online()
        if self.is_running:
            self.call_from_thread(self.search_screen.network_known, online=online)
        if self._look_around is not None and self.search_screen.is_new_here and self.is_running:
            self.call_from_thread(self.search_screen.surroundings_known, self._look_around(online))

    def action_change_theme(self) -> None:
        """Choose a theme by looking at it."""
        self.search_screen.action_theme()

    async def action_quit(self) -> None:
        """End, once a running search has recorded that it was stopped."""
        await self.search_screen.stop_and_wait()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own commands, and every action of the screen from the registry."""
        yield from super().get_system_commands(screen)
        # A dialog with actions of its own has the name of their place.
        groups = ("search", "results") if screen is self.search_screen else (screen.id,)
        for action in ACTIONS:
            if action.group in groups:
                place = screen.query_one("#results") if action.group == "results" else screen
                name = f"{action.label} ({action.key_names.split()[0]})"
                yield SystemCommand(name, action.help, partial(self.run_action, action.name, place))

    def deliver_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None
    ) -> str | None:
        """Into the folder of downloads, or the working directory where there is none, as on servers."""
        folder = Path(path) if path else user_downloads_path()
        return super().deliver_screenshot(filename, str(folder if folder.is_dir() else Path.cwd()), time_format)
