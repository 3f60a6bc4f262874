"""What services send, made into papers: cleaned, bounded, and dated by what is surest."""

import datetime as dt
import re
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from pasa_tui.papers import Paper, arxiv_of_doi, clean_text, parse_arxiv_id, parse_doi
from pasa_tui.sources.asking import Answer

_LONGEST_TITLE, _LONGEST_ABSTRACT, _LONGEST_NAME = 1_000, 20_000, 500
_MOST_AUTHORS, _MOST_CATEGORIES = 10_000, 50
_WITHDRAWN = re.compile(
    r"^\W*(?:(?:this|the) (?:paper|article|submission|manuscript|work|preprint|version)\b.{0,30}"
    r"\b(?:has been|have been|had been|was|is|being) |paper |article )withdrawn\b|^\W*withdrawn\W*(?:by\b|$)",
    re.IGNORECASE,
)

Record = TypeVar("Record")


def decode(answer: Answer, kind: type[Record]) -> Record:
    """The JSON of an answer as `kind`. Raises ValueError where it is something else."""
    try:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (UnicodeDecodeError, msgspec.DecodeError):
            # Text in another charset than it says: all but its odd letters can be read. Numbers that came as text are
            # taken for numbers.
            text = answer.body.decode("utf-8-sig", errors="replace")
            return msgspec.json.decode(text, type=kind, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def make_paper(
    *,
    title: str | None,
    abstract: str | None = None,
    authors: Iterable[str] = (),
    date: str | None = None,
    year: int | None = None,
    arxiv_id: str | None = None,
    doi: str | None = None,
    venue: str | None = None,
    categories: Iterable[str] = (),
    source_id: str | None = None,
) -> Paper | None:
    """A paper of a service's record, or None for one without a title or withdrawn.

    `date` begins with YYYY-MM-DD; where only the year is known, the paper is dated to its July 1st, as in the
    published collections. `source_id` is kept only where neither an arXiv id nor a DOI names the paper.
    """
    # Cut before they are cleaned, with room for what cleaning takes away: a stranger's text may be megabytes.
    clean_title = clean_text((title or "")[: 4 * _LONGEST_TITLE])[:_LONGEST_TITLE]
    clean_abstract = clean_text((abstract or "")[: 2 * _LONGEST_ABSTRACT])[:_LONGEST_ABSTRACT]
    if not clean_title or _WITHDRAWN.match(clean_abstract):
        return None
    parsed_doi = parse_doi(doi or "")
    arxiv = parse_arxiv_id(arxiv_id or "") or arxiv_of_doi(parsed_doi)
    names = (clean_text(author[:_LONGEST_NAME]) for author in islice(authors, _MOST_AUTHORS))
    return Paper(
        title=clean_title,
        abstract=clean_abstract,
        authors=tuple(name for name in names if name),
        date=_date(date, year, arxiv),
        arxiv_id=arxiv,
        doi=None if arxiv_of_doi(parsed_doi) else parsed_doi,
        venue=_venue(venue),
        categories=tuple(clean_text(category[:_LONGEST_NAME]) for category in islice(categories, _MOST_CATEGORIES)),
        source_id=None if arxiv or parsed_doi or not source_id else clean_text(source_id[:_LONGEST_NAME]),
    )


def _venue(text: str | None) -> str | None:
    venue = clean_text((text or "")[:_LONGEST_TITLE])
    # Where every preprint is says nothing, and the id says it already.
    return None if not venue or venue.lower().startswith(("arxiv", "corr (")) else venue


def _date(date: str | None, year: int | None, arxiv_id: str | None) -> dt.date | None:
    day: dt.date | None = None
    try:
        day = dt.date.fromisoformat((date or "")[:10])
    except ValueError:
        if year is not None and 1 <= year <= 9999:
            day = dt.date(year, 7, 1)
    month = _month(arxiv_id)
    if month and (day is None or (day.year, day.month) > (month.year, month.month)):
        # Services give the day of the journal's issue; the paper was out when arXiv numbered it.
        return month
    return day


def _month(arxiv_id: str | None) -> dt.date | None:
    """The first day of the month in which arXiv gave out an id."""
    if not arxiv_id:
        return None
    number = arxiv_id.rpartition("/")[2]
    year, month = int(number[:2]), int(number[2:4])
    return dt.date(1900 + year if year >= 91 and "/" in arxiv_id else 2000 + year, month, 1)
