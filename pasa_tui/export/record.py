"""A paper as it is exported: what it is, what the search said of it, and what the user made of it."""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pasa_tui.export.identity import arxiv_id
from pasa_tui.export.names import first_author
from pasa_tui.papers import Paper, arxiv_of_doi, title_key

# Letters of a title below which it names several papers ("Introduction", "Editorial").
_TELLING_TITLE = 15
_K = TypeVar("_K", bound=Hashable)


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

    Records are of one paper where their ids are the same; and a preprint is that of a published paper where its
    record names the same DOI, or else where both have the same title of 15 letters or more and the same family
    name of the first author, and no third record does. Such a record has the ids of both, and the venue and date
    of the publication.

    Scores are the best of the records', tags and different notes all of them, reasons those of the best-scored.
    """
    groups = _grouped(list(records), lambda record: record.paper.id)
    result = [group[0] if len(group) == 1 else _merge(group) for group in groups.values()]
    result = _with_published(result, _own_doi)
    return _with_published(result, _work)


def merged_papers(papers: Iterable[Paper]) -> list[Paper]:
    """One paper per id. The fullest description wins, the others fill its gaps, whatever order they came in."""
    return [record.paper for record in merged(Record(paper) for paper in papers)]


def _grouped(records: Sequence[Record], key: Callable[[Record], _K]) -> dict[_K, list[Record]]:
    groups: dict[_K, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


def _own_doi(record: Record) -> str | None:
    """The publisher's DOI, not one that arXiv gave out."""
    doi = record.paper.doi
    return None if not doi or arxiv_of_doi(doi) else doi.lower()


def _work(record: Record) -> tuple[str, str] | None:
    """What a preprint and its publication share, if it tells anything: title key and first author's family name."""
    key = title_key(record.paper.title)
    author = first_author(record.paper.authors) if len(key) >= _TELLING_TITLE else None
    return (key, title_key(author.family)) if author else None


def _with_published(records: list[Record], key: Callable[[Record], Hashable | None]) -> list[Record]:
    """Make one of each preprint and publication that share a key, where there is no doubt which belongs to which."""
    paired: dict[int, Record | None] = {}
    for shared, group in _grouped(records, key).items():
        preprints = [record for record in group if arxiv_id(record.paper)]
        published = [record for record in group if _own_doi(record) and not record.paper.arxiv_id]
        if shared is None or len(preprints) != 1 or len(published) != 1:
            continue
        preprint, publication = preprints[0], published[0]
        if _own_doi(preprint) in (None, _own_doi(publication)):
            first, second = [record for record in group if record is preprint or record is publication]
            paired[id(first)], paired[id(second)] = _publish(preprint, publication), None
    return [kept for record in records if (kept := paired.get(id(record), record)) is not None]


def _publish(preprint: Record, publication: Record) -> Record:
    both = _merge([preprint, publication])
    published = publication.paper
    paper = dataclasses.replace(
        both.paper,
        arxiv_id=arxiv_id(preprint.paper),
        doi=published.doi,
        venue=published.venue or preprint.paper.venue,
        date=published.date or preprint.paper.date,
    )
    return dataclasses.replace(both, paper=paper)


def _merge(group: list[Record]) -> Record:
    by_score = sorted(group, key=_precedence)
    return dataclasses.replace(
        by_score[0],
        paper=_merge_papers([record.paper for record in group]),
        selected=any(record.selected for record in group),
        reason=next((record.reason for record in by_score if record.reason), ""),
        found_by=next((record.found_by for record in by_score if record.found_by), ""),
        starred=any(record.starred for record in group),
        tags=tuple(sorted({tag for record in group for tag in record.tags})),
        note="\n".join(dict.fromkeys(record.note for record in by_score if record.note)),
    )


def _precedence(record: Record) -> tuple[float, str, str, str]:
    """Best score first; of equal ones the texts decide, so that the order they came in does not matter."""
    return (1.0 if record.score is None else -record.score, record.reason, record.found_by, record.note)


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
