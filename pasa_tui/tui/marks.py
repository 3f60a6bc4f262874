"""What the user made of papers, for the screen: at hand, kept in the library, each change undoable."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from pasa_tui.errors import PasaError

if TYPE_CHECKING:
    from pasa_tui.library import Library
    from pasa_tui.library import Marks as LibraryMarks
    from pasa_tui.papers import Paper, PaperId

# Changes that can be taken back.
_HISTORY = 200


class Marks:
    """The marks of a library. Every change is written first, then shown. Before a library is open there are none.

    Changes raise LibraryError, and then nothing has changed.
    """

    def __init__(self) -> None:
        self._library: Library | None = None
        self._all: LibraryMarks | None = None
        self._known: AbstractSet[str] = frozenset()
        self._undo: list[tuple[str, Callable[[], None]]] = []

    def open(self, library: "Library") -> None:
        """Take the marks of this library. Raises LibraryError."""
        self._library = library
        self._all, self._known = library.marks(), library.known_names()

    @property
    def all(self) -> "LibraryMarks":
        """All there are, as one value."""
        if self._all is None:
            from pasa_tui.library import Marks as LibraryMarks

            self._all = LibraryMarks()
        return self._all

    @property
    def starred(self) -> "AbstractSet[PaperId]":
        """The papers with a star."""
        return self.all.starred

    def is_known(self, paper: "Paper") -> bool:
        """Whether the user has the paper elsewhere: in Zotero, or in a file that was read in."""
        from pasa_tui.papers import names_of

        return bool(self._known) and any(name in self._known for name in names_of(paper))

    def set_stars(self, paper_ids: "Sequence[PaperId]", on: bool) -> None:
        """Star papers, or take their stars away."""
        library = self._library
        if library is None:
            return
        changed = [paper_id for paper_id in paper_ids if (paper_id in self.all.starred) != on]

        def put(on: bool) -> None:
            for paper_id in changed:
                library.set_star(paper_id, on)
            self._all = replace(self.all, starred=_with(self.all.starred, changed, on))

        put(on)
        self._remember("star" if on else "no star", changed, lambda: put(not on))

    def set_rejected(self, paper_ids: "Sequence[PaperId]", on: bool) -> None:
        """Reject papers, or take that back."""
        library = self._library
        if library is None:
            return
        changed = [paper_id for paper_id in paper_ids if (paper_id in self.all.rejected) != on]

        def put(on: bool) -> None:
            for paper_id in changed:
                library.set_rejected(paper_id, on)
            self._all = replace(self.all, rejected=_with(self.all.rejected, changed, on))

        put(on)
        self._remember("rejection" if on else "acceptance", changed, lambda: put(not on))

    def change_tags(self, paper_ids: "Sequence[PaperId]", add: Iterable[str], remove: Iterable[str]) -> None:
        """Give papers these tags and take those away; other tags of theirs stay."""
        library, added, removed = self._library, set(add), set(remove)
        if library is None:
            return
        before = {paper_id: self.all.tags.get(paper_id, ()) for paper_id in paper_ids}
        after = {paper_id: tuple(sorted({*tags} - removed | added)) for paper_id, tags in before.items()}
        changed = [paper_id for paper_id in paper_ids if before[paper_id] != after[paper_id]]

        def put(tags: "dict[PaperId, tuple[str, ...]]") -> None:
            now = dict(self.all.tags)
            for paper_id in changed:
                library.set_tags(paper_id, tags[paper_id])
                if kept := library.tags(paper_id):
                    now[paper_id] = kept
                else:
                    now.pop(paper_id, None)
            self._all = replace(self.all, tags=now)

        put(after)
        self._remember("tags", changed, lambda: put(before))

    def set_note(self, paper_id: "PaperId", text: str) -> None:
        """Keep a note on a paper; an empty one is taken away."""
        library = self._library
        if library is None:
            return
        before = self.all.notes.get(paper_id, "")

        def put(text: str) -> None:
            library.set_note(paper_id, text)
            notes = dict(self.all.notes)
            if kept := library.note(paper_id):
                notes[paper_id] = kept
            else:
                notes.pop(paper_id, None)
            self._all = replace(self.all, notes=notes)

        put(text)
        self._remember("note", [paper_id] if before != self.all.notes.get(paper_id, "") else [], lambda: put(before))

    def undo(self) -> str | None:
        """Take the last change back; what that was, or None where there is none."""
        if not self._undo:
            return None
        what, back = self._undo[-1]
        back()
        self._undo.pop()
        return what

    def citers(self, paper_id: "PaperId") -> "list[Paper]":
        """The papers of the library that cite this one; none where it can't be read."""
        try:
            return self._library.citers(paper_id) if self._library else []
        except PasaError:
            return []

    def all_tags(self) -> dict[str, int]:
        """Every tag in use and how many papers have it; none where the library can't be read."""
        try:
            return self._library.all_tags() if self._library else {}
        except PasaError:
            return {}

    def _remember(self, what: str, papers: "Sequence[PaperId]", back: Callable[[], None]) -> None:
        if papers:
            counted = f" of {len(papers):,} papers" if len(papers) > 1 else ""
            self._undo = [*self._undo[1 - _HISTORY :], (what + counted, back)]


def _with(ids: "frozenset[PaperId]", changed: "Sequence[PaperId]", on: bool) -> "frozenset[PaperId]":
    return ids | set(changed) if on else ids - set(changed)
