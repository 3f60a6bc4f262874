"""Past searches: open, resume, delete."""

from dataclasses import dataclass
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from pasa_tui.errors import PasaError
from pasa_tui.library import Library, SearchRow
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.places import LIVE
from pasa_tui.tui.screens.dialogs import ConfirmDialog, Dialog
from pasa_tui.tui.text import MUTED, plural


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """What to do with which search."""

    what: Literal["open", "resume"]
    search_id: int


class HistoryScreen(Dialog[HistoryChoice | None]):
    """A list that narrows as one types. The answer is None if nothing was chosen."""

    BINDINGS = bindings("history")

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library

    def compose(self) -> ComposeResult:
        """A line to type in, the list, and the keys."""
        with Vertical(classes="dialog history") as dialog:
            dialog.border_title = "Past searches"
            yield Input(placeholder="Type to find a past search")
            yield OptionList(markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show all."""
        self._refill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show those with these words."""
        self._refill(event.value)

    def on_input_submitted(self) -> None:
        """Enter in the line opens the highlighted search."""
        self.action_open()

    def on_key(self, event: object) -> None:
        """Arrow keys move in the list while the line has the focus."""
        key = getattr(event, "key", "")
        options = self.query_one(OptionList)
        if self.query_one(Input).has_focus and key in ("down", "up"):
            (options.action_cursor_down if key == "down" else options.action_cursor_up)()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click or Enter opens."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Answer: open the highlighted search."""
        if (search_id := self._highlighted()) is not None:
            self.dismiss(HistoryChoice("open", search_id))

    def action_resume(self) -> None:
        """Answer: resume the highlighted search."""
        if (search_id := self._highlighted()) is not None:
            self.dismiss(HistoryChoice("resume", search_id))

    def action_close(self) -> None:
        """Answer nothing."""
        self.dismiss(None)

    def action_delete(self) -> None:
        """Forget the highlighted search, after a question."""
        search_id = self._highlighted()
        if search_id is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                try:
                    self._library.delete_search(search_id)
                except PasaError as error:
                    self.notify(str(error), severity="error", markup=False)
                self._refill(self.query_one(Input).value)

        query = " ".join(self._library.search(search_id).query.split())
        question = f"Forget “{query[:120]}”? Papers with a star, tag or note stay in the library."
        self.app.push_screen(ConfirmDialog(question, "Forget"), answered)

    def _highlighted(self) -> int | None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return None
        option_id = options.get_option_at_index(options.highlighted).id
        return int(option_id) if option_id else None

    def _refill(self, text: str) -> None:
        options = self.query_one(OptionList)
        kept = options.highlighted
        rows = self._library.searches(text)
        options.clear_options()
        options.add_options([Option(_line(row), id=str(row.id)) for row in rows])
        if rows:
            options.highlighted = min(kept or 0, len(rows) - 1)
        else:
            options.add_option(Option(Content.styled("No past search has these words.", MUTED), disabled=True))


def _line(row: SearchRow) -> Content:
    started = row.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
    colour = {"done": "$text-success", "failed": "$text-error"}.get(row.status, "$text-warning")
    where = LIVE if row.settings.get("sources", ["corpus"]) != ["corpus"] else str(row.settings.get("corpus", ""))
    return Content.assemble(
        (" ".join(row.query.split()), "bold"),
        ("\n", ""),
        (f"{row.id}  {started}  ", MUTED),
        (row.status, colour),
        (f"  {row.selected:,} selected of {plural(row.met, 'paper')}  {where}", MUTED),
    )
