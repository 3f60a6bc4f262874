"""Past searches and all papers of the library: find, open, resume, rename, copy, compare, merge, delete, undo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from pasa_tui.errors import PasaError
from pasa_tui.library import Library, PaperRow, SearchRow
from pasa_tui.papers import PaperId
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.places import LIVE
from pasa_tui.tui.screens.dialogs import Dialog
from pasa_tui.tui.screens.labelling import LineDialog
from pasa_tui.tui.text import MUTED, plural, readable

Answer = TypeVar("Answer")

_MOST = 200
"""Lines that the list holds at most: nobody reads on, and each costs a moment of drawing."""


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """What to do with which search; "open" goes to `paper_id` where one is given."""

    what: Literal["open", "resume", "rerun"]
    search_id: int
    paper_id: PaperId | None = None


class HistoryScreen(Dialog[HistoryChoice | None]):
    """A list that narrows as one types. The answer is None if nothing was chosen."""

    BINDINGS = bindings("history")

    def __init__(self, library: Library, keys: Mapping[str, str] | None = None) -> None:
        """`keys` are the user's own, by the names of actions."""
        super().__init__(id="history")
        self._library = library
        self._keys = keys
        self._papers = False
        self._picked: list[int] = []
        self._deleted: list[int] = []

    def compose(self) -> ComposeResult:
        """A line to type in, the list, and the keys."""
        with Vertical(classes="dialog history"):
            yield Input()
            yield OptionList(markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show all."""
        self._refill()

    def on_input_changed(self) -> None:
        """Show those with these words."""
        self._refill()

    def on_input_submitted(self) -> None:
        """Enter in the line opens the highlighted search."""
        self.action_open()

    def on_key(self, event: object) -> None:
        """Arrow keys move in the list while the line has the focus."""
        key = getattr(event, "key", "")
        options = self.query_one(OptionList)
        moves: dict[str, Callable[[], None]] = {
            "down": options.action_cursor_down,
            "up": options.action_cursor_up,
            "pagedown": options.action_page_down,
            "pageup": options.action_page_up,
        }
        if self.query_one(Input).has_focus and key in moves:
            moves[key]()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click or Enter opens."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Answer: open the highlighted search, or the latest one that found the highlighted paper."""
        option_id = self._highlighted()
        if option_id is None:
            return
        if not self._papers:
            self.dismiss(HistoryChoice("open", int(option_id)))
            return
        paper_id = PaperId(option_id)
        if searches := self._try(lambda: self._library.searches_of(paper_id)):
            self.dismiss(HistoryChoice("open", searches[0][0], paper_id))
        else:
            self.notify("Its searches have been deleted.", severity="warning", markup=False)

    def action_resume(self) -> None:
        """Answer: resume the highlighted search."""
        if (search_id := self._search()) is not None:
            self.dismiss(HistoryChoice("resume", search_id))

    def action_rerun(self) -> None:
        """Answer: search for the same once more; what is new since can be shown alone."""
        if (search_id := self._search()) is not None:
            self.dismiss(HistoryChoice("rerun", search_id))

    def action_help(self) -> None:
        """Show all keys."""
        from pasa_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen("history", self._keys))

    def action_close(self) -> None:
        """Answer nothing."""
        self.dismiss(None)

    def action_papers(self) -> None:
        """Look for papers of the library instead of searches, or back."""
        self._papers = not self._papers
        self._refill()

    def action_pick(self) -> None:
        """Pick the search for comparing or merging, or drop it."""
        if (search_id := self._search()) is not None:
            if search_id in self._picked:
                self._picked.remove(search_id)
            else:
                self._picked.append(search_id)
            self._refill()
            self.query_one(OptionList).action_cursor_down()

    def action_compare(self) -> None:
        """Show what only one of two searches has: of the two picked, or the one picked and the highlighted."""
        from pasa_tui.tui.screens.comparing import CompareScreen

        pair = list(self._picked)
        if len(pair) == 1 and (search_id := self._search()) is not None and search_id not in pair:
            pair.append(search_id)
        if len(pair) != 2:
            self.notify("Pick two searches to compare (f5).", severity="warning", markup=False)
            return
        rows = self._try(lambda: [self._library.search(search_id) for search_id in pair])
        if rows:
            self.app.push_screen(CompareScreen(self._library, *rows))

    def action_merge(self) -> None:
        """Make one more search of all that are picked."""
        if len(self._picked) < 2:
            self.notify("Pick two or more searches to merge (f5).", severity="warning", markup=False)
            return
        picked = list(self._picked)
        if merged := self._try(lambda: self._library.merge_searches(picked)):
            self._picked = []
            self._refill()
            self.notify(f"{plural(len(picked), 'search')} merged as search {merged}.", markup=False)

    def action_duplicate(self) -> None:
        """Keep a copy of the highlighted search."""
        search_id = self._search()
        if search_id is not None and (copy := self._try(lambda: self._library.duplicate_search(search_id))):
            self._refill()
            self.notify(f"Search {search_id} copied as {copy}.", markup=False)

    def action_rename(self) -> None:
        """Ask for a title."""
        search_id = self._search()
        if search_id is None:
            return

        def answered(title: str | None) -> None:
            if title is not None:
                self._try(lambda: self._library.rename_search(search_id, title))
                self._refill()

        title = self._try(lambda: self._library.search(search_id).title) or ""
        self.app.push_screen(LineDialog("Rename", "Title; empty for the question itself:", title), answered)

    def action_delete(self) -> None:
        """Put the highlighted search away."""
        if (search_id := self._search()) is None:
            return
        try:
            self._library.delete_search(search_id)
        except PasaError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._deleted.append(search_id)
        self._picked = [picked for picked in self._picked if picked != search_id]
        self._refill()
        self.notify(f"Search {search_id} deleted; ctrl+z brings it back.", markup=False)

    def action_restore(self) -> None:
        """Bring back the search deleted last."""
        if not self._deleted:
            self._deleted = [row.id for row in self._try(lambda: self._library.searches(deleted=True)) or ()][:1]
        if self._deleted:
            search_id = self._deleted.pop()
            try:
                self._library.restore_search(search_id)
            except PasaError as error:
                self.notify(str(error), severity="error", markup=False)
                return
            self._refill()
            self.notify(f"Search {search_id} is back.", markup=False)
        else:
            self.notify("No search was deleted.", markup=False)

    def _try(self, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except PasaError as error:
            self.notify(str(error), severity="error", markup=False)
            return None

    def _search(self) -> int | None:
        option_id = self._highlighted()
        return None if option_id is None or self._papers else int(option_id)

    def _highlighted(self) -> str | None:
        options = self.query_one(OptionList)
        if options.highlighted is None or not options.option_count:
            return None
        return options.get_option_at_index(options.highlighted).id

    def _refill(self) -> None:
        line, options = self.query_one(Input), self.query_one(OptionList)
        kept, more = options.highlighted, ""
        found: list[Option]
        if self._papers:
            title, line.placeholder = "Papers of all searches", "Words of title, abstract or authors"
            papers = self._try(lambda: self._found(line.value)) or []
            found = [Option(_paper_line(row), id=row.paper.id) for row in papers[:_MOST]]
            more = "There are more: more words find them." if len(papers) > _MOST else ""
            nothing = "No paper of the library has these words." if line.value.strip() else "Type to find papers."
        else:
            title, line.placeholder = "Past searches", "Type to find a past search"
            rows = self._try(lambda: self._library.searches(line.value, _MOST + 1)) or []
            found = [Option(_search_line(row, picked=row.id in self._picked), id=str(row.id)) for row in rows[:_MOST]]
            more = "Older ones are not listed: more words find them." if len(rows) > _MOST else ""
            nothing = "No past search has these words." if line.value.strip() else "No search is kept yet."
        self.query_one(".dialog").border_title = title
        options.clear_options()
        said = more if found else nothing
        options.add_options([*found, *([Option(Content.styled(said, MUTED), disabled=True)] if said else [])])
        if found:
            options.highlighted = min(kept or 0, len(found) - 1)

    def _found(self, text: str) -> list[PaperRow]:
        starred = not text.strip()
        return self._library.find_papers(text, _MOST + 1, starred=starred)


def _search_line(row: SearchRow, *, picked: bool) -> Content:
    started = row.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
    colour = {"done": "$text-success", "failed": "$text-error"}.get(row.status, "$text-warning")
    where = LIVE if row.settings.get("sources", ["corpus"]) != ["corpus"] else str(row.settings.get("corpus", ""))
    return Content.assemble(
        ("● " if picked else "", "$text-accent"),
        (row.name, "bold"),
        ("\n", ""),
        (f"{row.id}  {started}  ", MUTED),
        (row.status, colour),
        (f"  {row.selected:,} selected of {plural(row.met, 'paper')}  {where}", MUTED),
        (f"  from search {row.parent}" if row.parent else "", MUTED),
    )


def _paper_line(row: PaperRow) -> Content:
    paper = row.paper
    facts = (
        str(paper.date.year) if paper.date else "",
        plural(row.searches, "search"),
        *(f"#{tag}" for tag in row.tags),
    )
    return Content.assemble(
        ("★ " if row.starred else "", "$text-warning"),
        (readable(paper.title), "bold"),
        ("\n", ""),
        ("  ".join(fact for fact in facts if fact), MUTED),
        (f"  {row.note.splitlines()[0]}" if row.note else "", MUTED),
    )
