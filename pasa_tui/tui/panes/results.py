"""The ranked papers: a list that draws only the lines in view, so thousands of papers cost no more than ten."""

import textwrap
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pasa_tui.events import FoundPaper, SearchState
from pasa_tui.library import Marks
from pasa_tui.papers import Paper, PaperId
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.listing import ORDERS, Arrangement, Lister
from pasa_tui.tui.text import fit, readable, score_bar, short_authors
from pasa_tui.tui.typing_filter import Filtering

_BAR = 8

_WAYS = {"search": "⌕", "section": "⤷", "citing": "↑", "co-cited": "↔", "similar": "≈"}
"""How a paper was found: by a search, cited, citing, cited along, recommended."""


class ResultsList(ScrollView, Filtering, can_focus=True):
    """One line a paper. The cursor stays on its paper when others are put above it.

    It is filtered, sorted and narrowed to a view by `Arrangement`; several papers can be picked for one action.
    """

    BINDINGS = bindings("results")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "results--cursor",
        "results--picked",
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
    class MarkRequested(Message):
        """The user wants to mark these papers: those picked, or else the one under the cursor."""

        what: Literal["star", "reject", "tag", "note", "copy", "open"]
        paper_ids: tuple[PaperId, ...]

    class ViewRequested(Message):
        """The user wants to choose what is listed."""

    class ReadRequested(Message):
        """The user wants to read the paper under the cursor."""

    def __init__(self) -> None:
        super().__init__(id="results")
        self.border_title = "Papers"
        self.arrangement = Arrangement()
        self._lister = Lister()
        self._rows: list[FoundPaper] = []
        self._everything: Sequence[FoundPaper] = ()
        self._marks = Marks()
        self._is_known: Callable[[Paper], bool] = lambda paper: False
        self._old: AbstractSet[PaperId] = frozenset()
        self._picked: set[PaperId] = set()
        self._picked_from: int | None = None
        self._cursor: PaperId | None = None
        self._row = 0
        self._moved = False
        self._why_empty = ""

    # -- what is shown ------------------------------------------------------------------------------------

    @property
    def cursor(self) -> PaperId | None:
        """The paper under the cursor."""
        return self._cursor

    @property
    def picked(self) -> tuple[PaperId, ...]:
        """The picked papers, in the order of their ranks."""
        return tuple(found.id for found in self._everything if found.id in self._picked)

    @property
    def chosen(self) -> tuple[PaperId, ...]:
        """The picked papers in the order of the list, or else the one under the cursor."""
        return self.picked or ((self._cursor,) if self._cursor is not None else ())

    def clear(self, old: AbstractSet[PaperId] = frozenset()) -> None:
        """Show nothing, and let the cursor rest on the best paper again. `old` are papers that are no news."""
        self._moved, self._cursor, self._row = False, None, 0
        self._picked, self._picked_from, self._old = set(), None, old
        self.arrangement = replace(self.arrangement, view="all", words="")
        self.filter_text, self.is_typing = "", False
        self.show((), self._marks, self._is_known)

    def show(self, ranked: Sequence[FoundPaper], marks: Marks, is_known: Callable[[Paper], bool]) -> None:
        """Show these papers, given best first, as they are arranged.

        Until the user moves, the cursor rests on the first; after that it stays on its paper, and on the same
        line of the screen where that can be.
        """
        before = self._row - self.scroll_offset.y
        self._everything, self._marks, self._is_known = ranked, marks, is_known
        self._rows = self._lister.listed(ranked, self.arrangement, marks, self._old)
        self._resize()
        self._label()
        row = 0
        if self._moved and self._cursor is not None:
            row = next((n for n, found in enumerate(self._rows) if found.id == self._cursor), -1)
            if row < 0:
                row = min(self._row, max(0, len(self._rows) - 1))
        self._put_cursor(row, scroll=False)
        if self._moved:
            self.scroll_to(y=max(0, self._row - before), animate=False, force=True)
        self.refresh()

    def explain(self, state: SearchState) -> None:
        """Say why a search that has ended has no papers."""
        said = " ".join(f"{warning.message} {warning.hint}" for warning in state.warnings)
        self._why_empty = said or "This search met no paper." if state.ending else ""

    def _resize(self) -> None:
        """Let the scrollbar know how many rows there are."""
        size, height = Size(self.scrollable_content_region.width, len(self._rows)), self.size.height
        if (self.virtual_size.height > height) != (size.height > height) or size.width != self.virtual_size.width:
            # The scrollbar comes or goes.
            self.virtual_size = size
        elif size != self.virtual_size:
            # Set plainly it would have the whole screen laid out anew, at every letter of a filter.
            self.set_reactive(ResultsList.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_to(y=min(self.scroll_offset.y, self.max_scroll_y), animate=False, force=True)

    def _label(self) -> None:
        rejected = self._marks.rejected
        selected = sum(found.selected for found in self._everything if not rejected or found.id not in rejected)
        count = f"{selected:,} selected of {len(self._everything):,}" if self._everything else ""
        if len(self._rows) != len(self._everything) and self._everything:
            count = f"{len(self._rows):,} shown · {count}"
        if self._picked:
            count = f"{len(self._picked):,} picked · {count}"
        self.border_subtitle = Content(count)
        label = " · ".join(part for part in (self.arrangement.label, self.filter_label()) if part)
        self.border_title = Content("Papers" + (f" · {label}" if label else ""))

    def list_as(self, arrangement: Arrangement) -> None:
        """Show the papers in another way."""
        self.arrangement = arrangement
        self.show(self._everything, self._marks, self._is_known)

    def action_filter(self) -> None:
        """Let the keys go into the filter, and meanwhile read what it will be looked for in."""
        super().action_filter()
        self.call_after_refresh(self._lister.read, self._everything)

    def filtered(self) -> None:
        """Show what fits the filter."""
        self.list_as(replace(self.arrangement, words=self.filter_text))

    def _put_cursor(self, row: int, *, scroll: bool = True) -> None:
        self._row = max(0, min(row, len(self._rows) - 1))
        paper_id = self._rows[self._row].paper.id if self._rows else None
        if paper_id != self._cursor:
            self._cursor = paper_id
            self.post_message(self.Highlighted(paper_id))
        if scroll:
            self.scroll_to_region(Region(0, self._row, 1, 1), animate=False, force=True)
        self.refresh()

    def set_old(self, old: AbstractSet[PaperId]) -> None:
        """These papers are no news: the view "new" leaves them out."""
        self._old = old

    def go_to(self, paper_id: PaperId) -> bool:
        """Put the cursor on a paper; False where it is not listed."""
        for row, found in enumerate(self._rows):
            if found.id == paper_id:
                self._move(row)
                return True
        return False

    def render_line(self, y: int) -> Strip:
        """The line `y` cells from the top of what is in view."""
        row, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        if not self._rows:
            return self._told(y, width)
        if row >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        found = self._rows[row]
        on_cursor = row == self._row
        base = self._style("results--cursor") if on_cursor else self.rich_style
        return Strip(self._segments(found, width, base, on_cursor=on_cursor)).adjust_cell_length(width, base)

    def _told(self, y: int, width: int) -> Strip:
        """A line of why there is nothing."""
        text = "No paper here fits the filter or the view: escape drops the filter, a shows all papers."
        said = textwrap.wrap(text if self._everything else self._why_empty, max(1, width - 2))
        style = self.rich_style + self._style("results--fact")
        return Strip([Segment(f" {said[y]}" if y < len(said) else "", style)]).adjust_cell_length(width, style)

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
        paper_id, marks = found.id, self._marks
        picked = "▌" if paper_id in self._picked else " "
        star = "✗" if paper_id in marks.rejected else "★" if paper_id in marks.starred else " "
        known = "≡" if self._is_known(found.paper) else "#" if paper_id in marks.tags else " "
        segments = [
            part(picked, "results--picked"),
            part(f"{score} ", f"results--{kind}"),
            part(score_bar(found.score, _BAR), "results--bar" if found.selected else "results--bar-rest"),
            part(f" {star}{known} ", "results--star"),
            part(f"{year} {way} ", "results--fact"),
        ]
        used = sum(cell_len(segment.text) for segment in segments)
        name = fit(authors, 12) if authors else ""
        title = fit(readable(found.paper.title), width - used - cell_len(name) - 1)
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

    def action_pick(self) -> None:
        """Pick the paper, or drop it, and go to the next one."""
        if self._cursor is not None:
            self._picked ^= {self._cursor}
            self._picked_from = self._row
            self._label()
            self._move(self._row + 1)

    def action_pick_to(self, step: int) -> None:
        """Pick from where picking began to the next (1) or previous (-1) paper."""
        if self._picked_from is None or not self._picked:
            self._picked_from = self._row
        row = max(0, min(self._row + step, len(self._rows) - 1))
        self._pick_range(row)

    def _pick_range(self, row: int) -> None:
        first, last = sorted((self._picked_from or 0, row))
        self._picked |= {found.id for found in self._rows[first : last + 1]}
        self._label()
        self._move(row)

    def action_pick_all(self) -> None:
        """Pick every paper that is listed, or drop all where that is so already."""
        shown = {found.id for found in self._rows}
        self._picked = set() if shown <= self._picked else self._picked | shown
        self._label()
        self.refresh()

    def action_drop_picks(self) -> None:
        """Drop what was picked; where nothing is, take the filter away."""
        if not self._picked:
            self.clear_filter()
        self._picked, self._picked_from = set(), None
        self._label()
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape means this list only where there is something to drop."""
        return bool(self._picked or self.filter_text) if action == "drop_picks" else True

    def action_mark(self, what: Literal["star", "reject", "tag", "note", "copy", "open"]) -> None:
        """Ask for the papers picked, or this one, to be marked."""
        if chosen := self.chosen:
            self._moved = True
            self.post_message(self.MarkRequested(what, chosen))

    def drop_picks(self) -> None:
        """What was picked has been dealt with."""
        self._picked, self._picked_from = set(), None
        self._label()

    def action_toggle_all(self) -> None:
        """Show all papers, or only the selected."""
        self.list_as(replace(self.arrangement, view="all" if self.arrangement.view != "all" else "selected"))

    def action_view(self) -> None:
        """Ask which papers to list."""
        self.post_message(self.ViewRequested())

    def action_sort(self) -> None:
        """Sort by the next of the orders."""
        after = ORDERS[(ORDERS.index(self.arrangement.order) + 1) % len(ORDERS)]
        self.list_as(replace(self.arrangement, order=after, reverse=False))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.list_as(replace(self.arrangement, reverse=not self.arrangement.reverse))

    def action_read(self) -> None:
        """Ask to read the paper."""
        if self._cursor is not None:
            self.post_message(self.ReadRequested())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line clicked; with ctrl pick it, with shift all up to it; a double click reads."""
        offset = event.get_content_offset(self)
        if offset is None or (row := self.scroll_offset.y + offset.y) >= len(self._rows):
            return
        if event.shift:
            if self._picked_from is None:
                self._picked_from = self._row
            self._pick_range(row)
            return
        if event.ctrl:
            self._picked ^= {self._rows[row].paper.id}
            self._picked_from = row
            self._label()
        self._move(row)
        if event.chain == 2:
            self.action_read()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self._put_cursor(self._row)
