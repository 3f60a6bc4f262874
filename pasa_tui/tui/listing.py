"""Which papers the list shows and in which order: plain functions over what a search found."""

import unicodedata
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pasa_tui.tui.text import readable

if TYPE_CHECKING:
    from pasa_tui.events import FoundPaper
    from pasa_tui.library import Marks
    from pasa_tui.papers import Paper, PaperId

ORDERS = ("score", "date", "title", "depth", "source")
"""What papers can be sorted by. Those by date are newest first; by source in the order of the signs of their ways."""

VIEWS = {
    "all": "every judged paper that was not rejected",
    "selected": "those that the Selector takes",
    "starred": "those with a star",
    "tagged": "those with a tag",
    "new": "those that no earlier search of the library has",
    "rejected": "those that you rejected",
}
"""The parts of a search's papers that can be shown alone."""

_WAYS = ("search", "section", "citing", "co-cited", "similar")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is shown: a view of `VIEWS`, the papers with all `words`, by an order of `ORDERS`."""

    view: str = "all"
    order: str = "score"
    reverse: bool = False
    words: str = ""

    @property
    def label(self) -> str:
        """What differs from the plain list, for people; empty for the plain one."""
        parts = (
            f"{self.view} only" if self.view != "all" else "",
            f"by {self.order}" if self.order != "score" else "",
            "reversed" if self.reverse else "",
        )
        return ", ".join(part for part in parts if part)


def folded(text: str) -> str:
    """`text` for comparing: no case, no accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()


@dataclass(slots=True)
class Lister:
    """Lists papers by an arrangement.

    It keeps the folded words of each paper, and which of them fit the filter: the next letter only makes them fewer,
    and papers that arrive change nothing for the others.
    """

    _words: "dict[PaperId, tuple[Paper, str]]" = field(default_factory=dict)
    _filter: tuple[str, ...] = ()
    _notes: "Mapping[PaperId, str]" = field(default_factory=dict)
    _fits: "dict[PaperId, bool]" = field(default_factory=dict)

    def listed(
        self,
        ranked: "Sequence[FoundPaper]",
        how: Arrangement,
        marks: "Marks",
        old: "AbstractSet[PaperId]" = frozenset(),
    ) -> "list[FoundPaper]":
        """The papers of `ranked` (best first) that `how` shows, in its order. `old` are those known before.

        A word of the filter counts wherever it stands in title, authors, venue, date, abstract or note; one that
        begins with `#` is the beginning of a tag.
        """
        if how.view == "all" and not marks.rejected:
            shown = list(ranked)
        else:
            shown = [found for found in ranked if self._in_view(found, how.view, marks, old)]
        if words := tuple(folded(how.words).split()):
            shown = self._filtered(shown, words, marks)
        if how.order != "score":
            shown.sort(key=lambda found: _key(found, how.order))
        return shown[::-1] if how.reverse else shown

    def _in_view(self, found: "FoundPaper", view: str, marks: "Marks", old: "AbstractSet[PaperId]") -> bool:
        paper_id = found.id
        if view == "rejected":
            return paper_id in marks.rejected
        if paper_id in marks.rejected:
            return False
        match view:
            case "selected":
                return found.selected
            case "starred":
                return paper_id in marks.starred
            case "tagged":
                return paper_id in marks.tags
            case "new":
                return paper_id not in old
        return True

    def _filtered(self, papers: "Sequence[FoundPaper]", words: tuple[str, ...], marks: "Marks") -> "list[FoundPaper]":
        tags = [word[1:] for word in words if _is_tag(word)]
        if tags:
            papers = [found for found in papers if _has_tags(marks.tags.get(found.id, ()), tags)]
        plain = tuple(word for word in words if not _is_tag(word))
        if marks.notes != self._notes:
            self._fits, self._notes = {}, dict(marks.notes)
        elif plain != self._filter:
            # What lacked the shorter words lacks the longer ones.
            narrower = all(any(word in longer for longer in plain) for word in self._filter)
            self._fits = {key: fits for key, fits in self._fits.items() if not fits} if narrower else {}
        self._filter = plain
        fits, read = self._fits, self._words
        shown = []
        for found in papers:
            paper_id = found.id
            known = read.get(paper_id)
            fit = fits.get(paper_id) if known is not None and known[0] is found.paper else None
            if fit is None:
                fit = fits[paper_id] = self._has(found, plain)
            if fit:
                shown.append(found)
        return shown

    def read(self, papers: "Sequence[FoundPaper]") -> None:
        """Fold the words of these papers now, so that the first letter of a filter finds them."""
        for found in papers:
            self._text(found)

    def _has(self, found: "FoundPaper", words: Sequence[str]) -> bool:
        text, note = self._text(found), ""
        if self._notes:
            note = folded(self._notes.get(found.id, ""))
        for word in words:  # noqa: SIM110 - a generator for each of thousands of papers takes twice as long
            if word not in text and word not in note:
                return False
        return True

    def _text(self, found: "FoundPaper") -> str:
        paper = found.paper
        kept = self._words.get(found.id)
        if kept is None or kept[0] is not paper:
            date = paper.date.isoformat() if paper.date else ""
            parts = (paper.title, " ".join(paper.authors), paper.venue or "", date, paper.abstract)
            kept = self._words[found.id] = (paper, folded("\n".join(parts)))
        return kept[1]


def _is_tag(word: str) -> bool:
    return word.startswith("#") and len(word) > 1


def _has_tags(tags: "AbstractSet[str] | Sequence[str]", beginnings: Sequence[str]) -> bool:
    return all(any(folded(tag).startswith(beginning) for tag in tags) for beginning in beginnings)


def _key(found: "FoundPaper", order: str) -> tuple[object, ...]:
    """Within equals the order stays by score, since the papers come sorted by it."""
    match order:
        case "date":
            return (-found.paper.date.toordinal() if found.paper.date else 1,)
        case "title":
            return (folded(readable(found.paper.title)).lstrip("\"'“‘([{"),)
        case "depth":
            return (found.depth,)
    return (_WAYS.index(found.provenance.kind), found.provenance.text)
