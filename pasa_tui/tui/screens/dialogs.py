"""Small questions: where to search, which cut-off, what to export where, really?"""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from pasa_tui.errors import PasaError
from pasa_tui.tui.text import MUTED

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A box in the middle of the screen."""

    CSS_PATH = "../dialogs.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012  # an instance variable of Screen


class ChoiceDialog(Dialog[str | None]):
    """Choose one of several. The answer is the name of the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], current: str, hint: str) -> None:
        """`choices` are (name, description) pairs; `hint` says how there come to be more."""
        super().__init__()
        self._title = title
        self._hint = hint
        self._choices = choices
        self._current = current

    def compose(self) -> ComposeResult:
        """A list with the current one highlighted."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield OptionList(
                *[
                    Option(Content.assemble((name, "bold"), (f"  {description}", MUTED)), id=name)
                    for name, description in self._choices
                ],
                markup=False,
            )
            yield Static(self._hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        """Highlight the current choice."""
        names = [name for name, _ in self._choices]
        self.query_one(OptionList).highlighted = names.index(self._current) if self._current in names else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the name."""
        self.dismiss(event.option_id)


class CutOffDialog(Dialog[str | None]):
    """Ask for a date as YYYY-MM-DD. The answer is the text (empty: none), or None if nothing changes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """One line to fill in."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Cut-off"
            yield Label("Only papers up to this day; empty for any:", markup=False)
            yield Input(self._current, placeholder="YYYY-MM-DD", max_length=10)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the text; who asked checks it."""
        self.dismiss(event.value.strip())


class ConfirmDialog(Dialog[bool]):
    """A question with yes and no."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,n", "dismiss(False)", "No"), ("y", "dismiss(True)", "Yes")]

    def __init__(self, question: str, yes: str, *, title: str = "Sure?") -> None:
        super().__init__()
        self._question = question
        self._yes = yes
        self._title = title

    def compose(self) -> ComposeResult:
        """The question and two buttons; no is the one that Enter presses."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Label(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no", variant="primary")
                yield Button(f"{self._yes} (y)", id="yes", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")


class ErrorDialog(Dialog[None]):
    """An error that stands in the way: its message and what to do about it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter", "dismiss", "Close")]

    def __init__(self, error: PasaError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """Message, hint, and a button."""
        with Vertical(classes="dialog error") as dialog:
            dialog.border_title = self._error.title
            yield Label(self._error.message, markup=False)
            if self._error.hint:
                yield Label(self._error.hint, classes="hint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Close", variant="primary")

    def on_button_pressed(self) -> None:
        """Close."""
        self.dismiss(None)
