"""Choosing the live sources one by one."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from pasa_tui.config.secrets import find_keys
from pasa_tui.errors import ConfigError, SecretError
from pasa_tui.sources.catalogue import SOURCES, parse_sources
from pasa_tui.tui.screens.dialogs import Dialog, ErrorDialog
from pasa_tui.tui.text import MUTED


class SourcesDialog(Dialog[Sequence[str] | None]):
    """Space chooses, Enter takes what is chosen. The answer is the names, or None if nothing changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "Cancel"),
        Binding("enter", "take", "Take", priority=True),
    ]

    def __init__(self, current: Sequence[str]) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """Every source with what it is asked for."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sources"
            dialog.border_subtitle = "space chooses, enter takes them"
            yield SelectionList(
                *[
                    Selection(
                        Content.assemble(
                            (f"{name}  ", "bold"), (info.use + (", needs a key" if info.needs_key else ""), MUTED)
                        ),
                        name,
                        name in self._current or (not self._current and info.automatic and not info.needs_key),
                    )
                    for name, info in SOURCES.items()
                ]
            )
            yield Static("pasa-tui doctor tells which of them can be reached.", classes="hint", markup=False)

    def action_take(self) -> None:
        """Answer with the names, where a search can be made with them."""
        names = self.query_one(SelectionList).selected
        try:
            keys = find_keys()
            self.dismiss(parse_sources(",".join(names) or "none", lambda name: name in keys))
        except (ConfigError, SecretError) as error:
            self.app.push_screen(ErrorDialog(error))
