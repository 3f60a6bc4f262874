"""Which papers the list shows and in which order: plain functions over what a search found."""

import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pasa_tui.events import FoundPaper
    from pasa_tui.library import Marks
    from pasa_tui.papers import PaperId

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
    """Lists papers by an arrangement. It keeps the folded words of each, so that typing a filter is quick."""

    _words: "dict[PaperId, tuple[object, str]]" = field(default_factory=dict)

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
        if words := folded(how.words).split():
            shown = [found for found in shown if self._has(found, words, marks)]
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

    def _has(self, found: "FoundPaper", words: Sequence[str], marks: "Marks") -> bool:
        text = self._text(found)
        paper_id = found.id
        for word in words:
            if word.startswith("#") and len(word) > 1:
                if not any(folded(tag).startswith(word[1:]) for tag in marks.tags.get(paper_id, ())):
                    return False
            elif word not in text and word not in folded(marks.notes.get(paper_id, "")):
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


def _key(found: "FoundPaper", order: str) -> tuple[object, ...]:
    """Within equals the order stays by score, since the papers come sorted by it."""
    match order:
        case "date":
            return (-found.paper.date.toordinal() if found.paper.date else 1,)
        case "title":
            return (folded(found.paper.title).lstrip("\"'“‘([{"),)
        case "depth":
            return (found.depth,)
    return (_WAYS.index(found.provenance.kind), found.provenance.text)
