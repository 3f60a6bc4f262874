"""All keys, made from the registry of actions."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pasa_tui.tui.actions import ACTIONS, PLACES, Action
from pasa_tui.tui.screens.dialogs import Dialog
from pasa_tui.tui.text import MUTED

_INTRODUCTION = (
    "Write a question and press Enter. The Crawler's actions appear in the log, the papers it meets in the list, "
    "ranked by the Selector's score; those above the threshold are selected. Everything is kept in the library."
)

_SIGNS = (
    ("⌕", "Found by a search"),
    ("⤷", "Cited by a paper that was opened"),
    ("↑", "Cites one of the best papers"),
    ("↔", "Cited together with one of the best papers"),
    ("≈", "Recommended beside the best papers"),
)


class HelpScreen(Dialog[None]):
    """Every action with its keys, place by place."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,question_mark", "dismiss", "Close")]

    def __init__(self, first: str = "", keys: Mapping[str, str] | None = None) -> None:
        """`first` is the place whose keys come first; `keys` are the user's own, by the names of actions."""
        super().__init__()
        self._first = first
        self._keys = keys or {}

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with VerticalScroll(classes="dialog help") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "escape closes"
            yield Static(help_content(self._first, self._keys), markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()


def help_content(first: str = "", keys: Mapping[str, str] = MappingProxyType({})) -> Content:
    """The introduction, then each place's keys in columns, those of the place `first` before the others.

    At the end stand the names by which the section [keys] of the settings gives actions other keys, as `keys` has.
    """
    content = Content(_INTRODUCTION)
    for group, place in sorted(PLACES.items(), key=lambda item: item[0] != first):
        content += Content.styled(f"\n\n{place}\n", "$text-accent bold")
        actions = [action for action in ACTIONS if action.group == group]
        content += Content("\n").join([_line(action, keys) for action in actions])
    content += Content.styled("\n\nSigns in the list of papers\n", "$text-accent bold")
    content += Content("\n").join([Content.assemble((f"  {sign:<18}", "bold"), said) for sign, said in _SIGNS])
    content += Content.styled("\n\nAlways\n", "$text-accent bold")
    content += Content.assemble(
        ("  tab shift+tab     ", "bold"), "Next or previous pane\n",
        ("  ctrl+p            ", "bold"), "Command palette: find any action by name, change the theme\n",
        ("  ctrl+q            ", "bold"), "Quit; a running search is kept and can be resumed",
    )  # fmt: skip
    content += Content.styled("\n\nNames of actions, for other keys in [keys] of the settings\n", "$text-accent bold")
    content += Content("\n").join(
        [Content.assemble((f"  {action.key_names:<18}", "bold"), (str(action.binding.id), MUTED)) for action in ACTIONS]
    )
    return content


def _line(action: Action, keys: Mapping[str, str]) -> Content:
    name = str(action.binding.id)
    mine = replace(action, keys=keys[name]) if name in keys else action
    return Content.assemble((f"  {mine.key_names:<18}", "bold"), action.help)
