"""Two searches beside each other: what only one of them has, and what both have."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from pasa_tui.errors import PasaError
from pasa_tui.library import Comparison, Library, SearchRow
from pasa_tui.library.comparing import Compared
from pasa_tui.tui.screens.dialogs import Dialog, ErrorDialog
from pasa_tui.tui.text import MUTED, readable

_MOST = 500
"""Papers that a list shows at most; the heading has the number of all."""


class CompareScreen(Dialog[None]):
    """Three lists. `a` counts all papers met instead of the selected ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "dismiss", "Close"),
        ("a", "toggle_all", "All/selected"),
        ("h,left", "step(-1)", "Left"),
        ("l,right", "step(1)", "Right"),
    ]

    def __init__(self, library: Library, first: SearchRow, second: SearchRow) -> None:
        super().__init__()
        self._library = library
        self._rows = first, second
        self._selected_only = True

    def compose(self) -> ComposeResult:
        """The two questions, and a tab for each list."""
        first, second = self._rows
        with Vertical(classes="dialog history") as dialog:
            dialog.border_title = "Compare"
            dialog.border_subtitle = "arrows change the list, a all or selected, escape closes"
            yield Static(f"A  {first.id}  {first.name}\nB  {second.id}  {second.name}", markup=False)
            with TabbedContent():
                for name in ("only-a", "only-b", "both"):
                    with TabPane(name, id=name):
                        yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Compare."""
        self._fill()

    def action_toggle_all(self) -> None:
        """Compare all papers met, or only the selected."""
        self._selected_only = not self._selected_only
        self._fill()

    def action_step(self, step: int) -> None:
        """To the next list, or the previous one."""
        tabs, names = self.query_one(TabbedContent), ("only-a", "only-b", "both")
        tabs.active = names[(names.index(tabs.active) + step) % 3]
        tabs.get_pane(tabs.active).query_one(OptionList).focus()

    def _fill(self) -> None:
        first, second = self._rows
        try:
            compared = self._library.compare_searches(first.id, second.id, selected_only=self._selected_only)
        except PasaError as error:
            self.app.push_screen(ErrorDialog(error))
            return
        tabs = self.query_one(TabbedContent)
        for name, label, papers in _lists(compared):
            tabs.get_tab(name).label = Content(f"{label} ({len(papers):,})")
            options = tabs.get_pane(name).query_one(OptionList)
            options.clear_options()
            options.add_options([Option(_line(paper)) for paper in papers[:_MOST]])
            if not papers:
                options.add_option(Option(Content.styled("None.", MUTED), disabled=True))
        tabs.get_pane(tabs.active or "only-a").query_one(OptionList).focus()


def _lists(compared: Comparison) -> tuple[tuple[str, str, tuple[Compared, ...]], ...]:
    return (
        ("only-a", "Only A", compared.only_first),
        ("only-b", "Only B", compared.only_second),
        ("both", "Both", compared.both),
    )


def _line(compared: Compared) -> Content:
    scores = " ".join(" –  " if score is None else f"{score:.2f}" for score in (compared.first, compared.second))
    year = f"{compared.paper.date.year} " if compared.paper.date else "     "
    return Content.assemble((f"{scores}  {year} ", MUTED), readable(compared.paper.title))
