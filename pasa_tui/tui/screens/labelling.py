"""Dialogs for what the user makes of papers: tags and notes, and what the list shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from pasa_tui.tui.screens.dialogs import Dialog


@dataclass(frozen=True, slots=True)
class TagChange:
    """Tags to give and to take away."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


class TagDialog(Dialog[TagChange | None]):
    """Ask for tags, separated by commas. A tag that was there and is no longer written is taken away."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, papers: int, common: Sequence[str], known: Mapping[str, int]) -> None:
        """`common` are the tags that all of the papers have; `known` every tag in use, with its count."""
        super().__init__()
        self._papers = papers
        self._common = tuple(common)
        self._known = known

    def compose(self) -> ComposeResult:
        """One line with the tags, completed from those in use."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Tags" if self._papers == 1 else f"Tags of {self._papers:,} papers"
            yield Label("Separated by commas:", markup=False)
            yield Input(", ".join(self._common), suggester=LastWordSuggester(tuple(self._known)))
            used = ", ".join(f"{tag} ({count:,})" for tag, count in list(self._known.items())[:30])
            yield Static(f"In use: {used}" if used else "No tag is in use yet.", classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the difference."""
        wanted = tuple(dict.fromkeys(" ".join(tag.split()) for tag in event.value.split(",") if tag.strip()))
        removed = tuple(tag for tag in self._common if tag not in wanted)
        self.dismiss(TagChange(tuple(tag for tag in wanted if tag not in self._common), removed))


class LastWordSuggester(SuggestFromList):
    """Completes what stands after the last comma."""

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last tag completed, or None."""
        before, comma, last = value.rpartition(",")
        begun = last.lstrip()
        found = await super().get_suggestion(begun) if begun else None
        return f"{before}{comma}{last[: len(last) - len(begun)]}{found}" if found else None


class NoteDialog(Dialog[str | None]):
    """Ask for a note. The answer is its text, or None if nothing changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", priority=True),
        Binding("ctrl+s,f5", "save", "Save", priority=True),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """A field of several lines."""
        with Vertical(classes="dialog note") as dialog:
            dialog.border_title = "Note"
            dialog.border_subtitle = "ctrl+s keeps it, escape leaves it as it was"
            yield Static(self._title, classes="hint", markup=False)
            yield TextArea(self._text, soft_wrap=True, show_line_numbers=False, tab_behavior="focus")

    def action_save(self) -> None:
        """Answer with the text."""
        self.dismiss(self.query_one(TextArea).text)


class LineDialog(Dialog[str | None]):
    """Ask for one line. The answer is the text, or None if nothing changes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, question: str, text: str, hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The question, and a line to answer it in."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Label(self._question, markup=False)
            yield Input(self._text)
            if self._hint:
                yield Static(self._hint, classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the line."""
        self.dismiss(event.value)
