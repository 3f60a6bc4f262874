"""Settings in the application: every one with its meaning, written into the settings file; themes as one looks."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from pasa_tui.config import Paths
from pasa_tui.config.editing import change_setting, unset_setting
from pasa_tui.config.settings import SettingInfo, Settings, checked, choices_of, explain, load_settings
from pasa_tui.errors import ConfigError
from pasa_tui.tui.listing import folded
from pasa_tui.tui.screens.dialogs import ChoiceDialog, Dialog, ErrorDialog
from pasa_tui.tui.screens.labelling import LineDialog
from pasa_tui.tui.text import MUTED

if TYPE_CHECKING:
    from textual.screen import Screen


class SettingsScreen(Dialog[None]):
    """A list that narrows as one types. Enter changes a setting; each change is written at once."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]

    def __init__(
        self, paths: Paths, corpora: Callable[[], Sequence[tuple[str, str]]], changed: Callable[[Settings], None]
    ) -> None:
        """`corpora` are those there are, with descriptions; `changed` is told of the settings after each change."""
        super().__init__()
        self._paths = paths
        self._corpora = corpora
        self._changed = changed

    def compose(self) -> ComposeResult:
        """A line to type in, the list, and what the highlighted setting means."""
        with Vertical(classes="dialog history") as dialog:
            dialog.border_title = "Settings"
            dialog.border_subtitle = "enter changes, escape closes"
            yield Input(placeholder="Type to find a setting")
            yield OptionList(markup=False)
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show all."""
        self._refill()

    def on_input_changed(self) -> None:
        """Show those with these words."""
        self._refill()

    def on_input_submitted(self) -> None:
        """Enter in the line changes the highlighted setting."""
        self._edit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click or Enter changes."""
        event.stop()
        self._edit()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what it means and where its value is from."""
        info = self._infos.get(event.option_id or "")
        if info is not None:
            self.query_one(".hint", Static).update(Content(f"{info.description} ({info.source})"))

    def on_key(self, event: object) -> None:
        """Arrow keys move in the list while the line has the focus."""
        key, options = getattr(event, "key", ""), self.query_one(OptionList)
        if self.query_one(Input).has_focus and key in ("down", "up"):
            (options.action_cursor_down if key == "down" else options.action_cursor_up)()

    def _refill(self) -> None:
        options, words = self.query_one(OptionList), folded(self.query_one(Input).value).split()
        kept = options.highlighted
        try:
            infos = list(explain(load_settings(self._paths.config_file), self._paths.config_file))
        except ConfigError as error:
            infos = []
            self.app.push_screen(ErrorDialog(error))
        self._infos = {
            info.name: info
            for info in infos
            if all(word in folded(f"{info.name} {info.description}") for word in words)
        }
        options.clear_options()
        options.add_options([Option(_line(info), id=name) for name, info in self._infos.items()])
        if self._infos:
            options.highlighted = min(kept or 0, len(self._infos) - 1)

    def _edit(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is None or not self._infos:
            return
        info = self._infos[options.get_option_at_index(options.highlighted).id or ""]
        section = info.name.partition(".")[0]
        if section in ("profiles", "keys"):
            self.notify(f"Change [{section}] in {self._paths.config_file}.", markup=False)
            return
        self._ask(info, _text(info.value))

    def _ask(self, info: SettingInfo, value: str) -> None:
        now = _text(info.value)
        words = [(word, "as it is now" if word == now else "") for word in choices_of(info.name)]
        if choices := self._corpora() if info.name == "search.corpus" else words:
            self.app.push_screen(
                ChoiceDialog(info.name, choices, value, info.description), lambda it: self._set(info, it)
            )
        else:
            hint = f"As it is now: {now or 'empty'}. Nothing at all: the default."
            self.app.push_screen(LineDialog(info.name, info.description, value, hint), lambda it: self._set(info, it))

    def _set(self, info: SettingInfo, text: str | None) -> None:
        if text is None or text == _text(info.value):
            return
        section, _, name = info.name.partition(".")
        try:
            if text.strip():
                change_setting(self._paths.config_file, section, name, checked(info.name, text))
            else:
                unset_setting(self._paths.config_file, section, name)
            self._changed(load_settings(self._paths.config_file))
        except ConfigError as error:
            self.app.push_screen(ErrorDialog(error), lambda _: self._ask(info, text))
        else:
            if info.source.startswith("PASA_TUI_"):
                self.notify(f"{info.source} still stands over the file.", severity="warning", markup=False)
        self._refill()


class ThemeDialog(ChoiceDialog):
    """Choose a theme; the application wears the highlighted one."""

    def __init__(self, names: Sequence[str], current: str) -> None:
        choices = [(name, "the terminal's own colours" if name.startswith("ansi") else "") for name in names]
        super().__init__(
            "Theme", choices, current, "Yours go into the themes folder that `pasa-tui config path` names."
        )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Wear it."""
        if event.option_id:
            self.app.theme = event.option_id


def ask_theme(screen: "Screen[None]", keep: Callable[[str], None]) -> None:
    """Let the user choose a theme, and `keep` its name; otherwise the one before comes back."""
    app, before = screen.app, screen.app.theme

    def chosen(name: str | None) -> None:
        app.theme = name or before
        if name and name != before:
            keep(name)

    app.push_screen(ThemeDialog(sorted(app.available_themes), before), chosen)


def _line(info: SettingInfo) -> Content:
    value = _text(info.value)
    changed = info.source != "default"
    return Content.assemble(
        (f"{info.name:<34} ", "bold" if changed else ""), (value or "–", "$text-accent" if changed else MUTED)
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
