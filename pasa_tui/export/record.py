"""A paper as it is exported: what it is, what the search said of it, and what the user made of it."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from pasa_tui.papers import Paper


@dataclass(frozen=True, slots=True)
class Record:
    """One paper to export.

    `score` is the Selector's probability, 0 to 1, or None where it was not judged; `reason` its words or evidence.
    `found_by` says in words what led to the paper. Texts have been through `clean_text`; `note` may have line breaks.
    """

    paper: Paper
    score: float | None = None
    selected: bool = False
    reason: str = ""
    found_by: str = ""
    starred: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""


def merged(records: Iterable[Record]) -> list[Record]:
    """One record per paper, at the first one's place: the fullest description, filled from the others.

    Scores are the best of them, tags all of them, notes and reasons those of the best-scored that has one.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.paper.id, []).append(record)
    return [group[0] if len(group) == 1 else _merge(group) for group in groups.values()]


def merged_papers(papers: Iterable[Paper]) -> list[Paper]:
    """One paper per id. The fullest description wins, the others fill its gaps, whatever order they came in."""
    return [record.paper for record in merged(Record(paper) for paper in papers)]


def _merge(group: list[Record]) -> Record:
    by_score = sorted(group, key=lambda record: -1.0 if record.score is None else record.score, reverse=True)
    best = by_score[0]
    return dataclasses.replace(
        best,
        paper=_merge_papers([record.paper for record in group]),
        selected=any(record.selected for record in group),
        reason=next((record.reason for record in by_score if record.reason), ""),
        found_by=next((record.found_by for record in by_score if record.found_by), ""),
        starred=any(record.starred for record in group),
        tags=tuple(sorted({tag for record in group for tag in record.tags})),
        note=next((record.note for record in by_score if record.note), ""),
    )


def _merge_papers(group: list[Paper]) -> Paper:
    names = [field.name for field in dataclasses.fields(Paper)]

    def fullness(paper: Paper) -> tuple[int, int, str]:
        values = [getattr(paper, name) for name in names]
        return sum(map(bool, values)), len(paper.abstract), repr(values)

    best, *others = sorted(group, key=fullness, reverse=True)
    for other in others:
        gaps = {name: getattr(other, name) for name in names if not getattr(best, name) and getattr(other, name)}
        if "abstract" in gaps:
            gaps["abstract_kind"] = other.abstract_kind
        best = dataclasses.replace(best, **gaps)
    return best
