"""The ranked papers: a list that draws only the lines in view, so thousands of papers cost no more than ten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pasa_tui.events import FoundPaper
from pasa_tui.papers import PaperId
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.text import fit, score_bar, short_authors

_BAR = 8

_WAYS = {"search": "⌕", "section": "⤷", "citing": "↑", "co-cited": "↔", "similar": "≈"}
"""How a paper was found: by a search, cited, citing, cited along, recommended."""


class ResultsList(ScrollView, can_focus=True):
    """One line a paper, best first. The cursor stays on its paper when others are put above it."""

    BINDINGS = bindings("results")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "results--cursor",
        "results--selected",
        "results--rest",
        "results--bar",
        "results--bar-rest",
        "results--star",
        "results--fact",
    }

    @dataclass
    class Highlighted(Message):
        """The cursor is on another paper, or on none."""

        paper_id: PaperId | None

    @dataclass
    class StarToggled(Message):
        """The user wants this paper starred, or not any more."""

        paper_id: PaperId

    class ReadRequested(Message):
        """The user wants to read the paper under the cursor."""

    def __init__(self) -> None:
        super().__init__(id="results")
        self.border_title = "Papers"
        self.selected_only = False
        self._rows: list[FoundPaper] = []
        self._everything: Sequence[FoundPaper] = ()
        self._starred: set[PaperId] = set()
        self._cursor: PaperId | None = None
        self._row = 0
        self._moved = False

    # -- what is shown ------------------------------------------------------------------------------------

    @property
    def cursor(self) -> PaperId | None:
        """The paper under the cursor."""
        return self._cursor

    def clear(self) -> None:
        """Show nothing, and let the cursor rest on the best paper again."""
        self._moved, self._cursor, self._row = False, None, 0
        self.show((), self._starred)

    def show(self, ranked: Sequence[FoundPaper], starred: set[PaperId]) -> None:
        """Show these papers, best first.

        Until the user moves, the cursor rests on the best; after that it stays on its paper, and on the same
        line of the screen where that can be.
        """
        before = self._row - self.scroll_offset.y
        self._everything, self._starred = ranked, starred
        self._rows = [found for found in ranked if found.selected] if self.selected_only else list(ranked)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        selected = sum(found.selected for found in ranked)
        self.border_subtitle = f"{selected:,} selected of {len(ranked):,}" if ranked else ""
        row = 0
        if self._moved and self._cursor is not None:
            row = next((n for n, found in enumerate(self._rows) if found.paper.id == self._cursor), -1)
            if row < 0:
                row = min(self._row, max(0, len(self._rows) - 1))
        self._put_cursor(row, scroll=False)
        if self._moved:
            self.scroll_to(y=max(0, self._row - before), animate=False, force=True)
        self.refresh()

    def _put_cursor(self, row: int, *, scroll: bool = True) -> None:
        self._row = max(0, min(row, len(self._rows) - 1))
        paper_id = self._rows[self._row].paper.id if self._rows else None
        if paper_id != self._cursor:
            self._cursor = paper_id
            self.post_message(self.Highlighted(paper_id))
        if scroll:
            self.scroll_to_region(Region(0, self._row, 1, 1), animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line `y` cells from the top of what is in view."""
        row, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        if row >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        found = self._rows[row]
        on_cursor = row == self._row
        base = self._style("results--cursor") if on_cursor else self.rich_style
        return Strip(self._segments(found, width, base, on_cursor=on_cursor)).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _segments(self, found: FoundPaper, width: int, base: Style, *, on_cursor: bool) -> list[Segment]:
        def part(text: str, name: str) -> Segment:
            style = self._style(name)
            return Segment(text, style.without_color + base if on_cursor and name != "results--bar" else base + style)

        kind = "selected" if found.selected else "rest"
        score = " –  " if found.score is None else f"{found.score:.2f}"
        year = str(found.paper.date.year) if found.paper.date else "    "
        way = _WAYS[found.provenance.kind]
        authors = short_authors(found.paper) if width >= 64 else ""
        segments = [
            part(f" {score} ", f"results--{kind}"),
            part(score_bar(found.score, _BAR), "results--bar" if found.selected else "results--bar-rest"),
            part(" ★ " if found.paper.id in self._starred else "   ", "results--star"),
            part(f"{year} {way} ", "results--fact"),
        ]
        used = sum(cell_len(segment.text) for segment in segments)
        name = fit(authors, 12) if authors else ""
        title = fit(found.paper.title, width - used - cell_len(name) - 1)
        return [*segments, part(title, f"results--{kind}"), part(" ", "results--fact"), part(name, "results--fact")]

    # -- what the user does -------------------------------------------------------------------------------

    def _move(self, row: int) -> None:
        self._moved = True
        self._put_cursor(row)

    def action_cursor_down(self) -> None:
        """To the next paper."""
        self._move(self._row + 1)

    def action_cursor_up(self) -> None:
        """To the previous paper."""
        self._move(self._row - 1)

    def action_page_down(self) -> None:
        """A page further."""
        self._move(self._row + max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        """A page back."""
        self._move(self._row - max(1, self.size.height - 1))

    def action_first(self) -> None:
        """To the best paper."""
        self._move(0)

    def action_last(self) -> None:
        """To the last paper."""
        self._move(len(self._rows) - 1)

    def action_star(self) -> None:
        """Ask for the star to be set or taken away."""
        if self._cursor is not None:
            self._moved = True
            self.post_message(self.StarToggled(self._cursor))

    def action_toggle_all(self) -> None:
        """Show all papers, or only the selected."""
        self.selected_only = not self.selected_only
        self.border_title = "Selected papers" if self.selected_only else "Papers"
        self.show(self._everything, self._starred)

    def action_read(self) -> None:
        """Ask to read the paper."""
        if self._cursor is not None:
            self.post_message(self.ReadRequested())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and self.scroll_offset.y + offset.y < len(self._rows):
            self._move(self.scroll_offset.y + offset.y)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self._put_cursor(self._row)
