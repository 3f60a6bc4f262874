"""The papers of a search as records to export: what the search said of them, and what the user made of them."""

from typing import Literal

from pasa_tui.events import SearchState, describe_provenance
from pasa_tui.export.record import Record
from pasa_tui.library import Library, Marks

Only = Literal["selected", "starred", "tagged", "all"]


def records_of(library: Library, search_id: int, only: Only = "selected", tag: str | None = None) -> list[Record]:
    """The papers of a recorded search, best first; see `records_from`. Raises LibraryError where it is unknown."""
    library.search(search_id)
    return records_from(library.state(search_id), library.marks(), only, tag)


def records_from(state: SearchState, marks: Marks, only: Only = "selected", tag: str | None = None) -> list[Record]:
    """The papers of a search, best first: all, or the selected, starred or tagged; with `tag`, those with that tag.

    What the user rejected is not selected, whatever its score.
    """
    records = []
    for found in state.ranked():
        paper_id = found.id
        record = Record(
            found.paper,
            score=found.score,
            selected=found.selected and paper_id not in marks.rejected,
            reason=found.reason,
            found_by=describe_provenance(state, found),
            starred=paper_id in marks.starred,
            tags=marks.tags.get(paper_id, ()),
            note=marks.notes.get(paper_id, ""),
        )
        if _is_asked_for(record, only) and (tag is None or tag in record.tags):
            records.append(record)
    return records


def _is_asked_for(record: Record, only: Only) -> bool:
    match only:
        case "selected":
            return record.selected
        case "starred":
            return record.starred
        case "tagged":
            return bool(record.tags)
        case "all":
            return True
