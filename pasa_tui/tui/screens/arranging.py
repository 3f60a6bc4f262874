"""How the search screen is arranged and looks: borders between panes, one pane alone, jumping, themes, settings."""

from typing import TYPE_CHECKING

from textual import events
from textual.geometry import Offset, Size

from pasa_tui.errors import PasaError
from pasa_tui.tui.layout import Layout
from pasa_tui.tui.screens.starting import Starting

if TYPE_CHECKING:
    from pasa_tui.config import Paths
    from pasa_tui.config.settings import Settings

# Widget, key that jumps to it, action to run.
_TARGETS = (
    ("#query", "q", "edit_query"),
    ("#options", "w", "corpus"),
    ("#log", "l", "show_pane('log')"),
    ("#results", "p", "show_pane('results')"),
    ("#paper", "a", "show_pane('paper')"),
    ("#status", "h", "history"),
)

_OLLAMA = "http://127.0.0.1:11434/v1"


class Arranging(Starting):
    """The part of the search screen that changes how it looks."""

    _layout: Layout
    _paths: "Paths"
    _latex: bool
    _notify_after: float
    _size_known: Size | None = None

    def action_maximize(self) -> None:
        """Show the pane with the focus alone, or all again."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def action_move_border(self, border: str, steps: int) -> None:
        """Move a border between panes."""
        self._layout.move(border, steps)

    def action_reset_layout(self) -> None:
        """Panes as they were designed."""
        self._layout.reset()

    def on_resize(self, event: events.Resize) -> None:
        """Another width may mean another layout.

        A screen is told of a size more often than it changes, also because of what is done here.
        """
        if event.size != self._size_known:
            self._size_known = event.size
            # Behind this message, not behind a refresh: that would have the screen laid out and told its size again.
            self.call_next(self._layout.apply)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border."""
        if self._layout.grab(Offset(event.screen_x, event.screen_y)):
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the border."""
        if self._layout.is_dragging:
            self._layout.drag(Offset(event.screen_x, event.screen_y))

    def on_mouse_up(self) -> None:
        """Let the border go."""
        if self._layout.is_dragging:
            self.release_mouse()
            self._layout.drop()

    def action_jump(self) -> None:
        """Show a letter on every place; the next key goes there."""
        from pasa_tui.tui.screens.jumping import JumpScreen, Target

        shown = [
            (widget, key, action)
            for selector, key, action in _TARGETS
            for widget in self.query(selector)
            if widget.region.area and widget.is_on_screen
        ]
        targets = [Target(key, Offset(it.region.x + 1, it.region.y), action) for it, key, action in shown]

        async def chosen(action: str | None) -> None:
            if action:
                await self.run_action(action)

        self.app.push_screen(JumpScreen(targets), chosen)

    def action_theme(self) -> None:
        """Choose a theme by looking at it; it is kept in the settings."""
        from pasa_tui.config.editing import change_setting
        from pasa_tui.tui.screens.settings import ask_theme

        def keep(name: str) -> None:
            try:
                change_setting(self._paths.config_file, "interface", "theme", name)
            except PasaError as error:
                self.show_error(error)

        ask_theme(self, keep)

    def action_settings(self) -> None:
        """Change settings."""
        from pasa_tui.tui.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen(self._paths, self._choices.corpora, self._take_settings))

    def use_ollama(self, name: str) -> None:
        """Write a profile for a model of Ollama into the settings, and make it the one that searches."""
        from pasa_tui.config.editing import change_setting

        file = self._paths.config_file
        try:
            change_setting(file, "profiles.ollama", "url", _OLLAMA)
            change_setting(file, "profiles.ollama", "model", name)
            change_setting(file, "models", "default", "ollama")
        except PasaError as error:
            self.show_error(error)
            return
        self.notify(
            f"{name} searches from the next start on; quit with ctrl+q.", title="Settings written", markup=False
        )

    def _take_settings(self, settings: "Settings") -> None:
        """Those of searches hold from the next one, those of sources and models from the next start."""
        self._settings, self._latex = settings.agent, settings.export.latex
        self._notify_after = settings.interface.notify_after
        if settings.interface.theme in self.app.available_themes:
            self.app.theme = settings.interface.theme
