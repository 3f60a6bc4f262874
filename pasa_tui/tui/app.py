"""The application: themes, the command palette, and the search screen over a session."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.screen import Screen

from pasa_tui.config import Paths, shipped_dir
from pasa_tui.errors import PasaError
from pasa_tui.tui.actions import ACTIONS
from pasa_tui.tui.places import Place
from pasa_tui.tui.screens.choosing import Choices
from pasa_tui.tui.screens.search import SearchScreen
from pasa_tui.tui.themes import load_themes

if TYPE_CHECKING:
    from pasa_tui.config.settings import Settings
    from pasa_tui.session import Session

FALLBACK_THEME = "textual-dark"


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
    ) -> None:
        """`open_session` is called in a thread after the first frame; `choices` is what the next search can be like.

        `is_online`, called in that thread as well, says whether a live source can be reached.
        """
        super().__init__()
        self._open_session = open_session
        self._is_online = is_online
        self.search_screen = SearchScreen(
            Place.of(settings.search),
            settings.models.default,
            settings.agent,
            choices,
            latex=settings.export.latex,
            completed=self._open_in_thread,
        )
        themes, self._theme_problems = load_themes((shipped_dir("themes"), paths.themes_dir))
        for theme in themes:
            self.register_theme(theme)
        # Before the application runs, so that its CSS is read for one theme only.
        wanted = settings.interface.theme
        self.theme = wanted if wanted in self.available_themes else FALLBACK_THEME
        if self.theme != wanted:
            self._theme_problems.append(f"There is no theme {wanted!r}; the command palette lists all.")

    def get_default_screen(self) -> Screen[None]:
        """The search screen, at once: another one below it would cost its share of the first frame."""
        return self.search_screen

    def on_mount(self) -> None:
        """Say what was wrong with themes."""
        for problem in self._theme_problems:
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

    async def action_quit(self) -> None:
        """End, once a running search has recorded that it was stopped."""
        await self.search_screen.stop_and_wait()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own commands, and every action of the screen from the registry."""
        yield from super().get_system_commands(screen)
        for action in ACTIONS:
            if action.group == "search" and screen is self.search_screen:
                run = f"screen.{action.name}"
                yield SystemCommand(
                    f"{action.label} ({action.key_names.split()[0]})", action.help, lambda run=run: self.run_action(run)
                )
