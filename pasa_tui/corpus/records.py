"""Records of the files a corpus is built from, and the papers and bibliographies they describe."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec

from pasa_tui.papers import Paper, clean_text, parse_arxiv_id, parse_doi

T = TypeVar("T")

_ARXIV_DOI = "10.48550/arxiv."
_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{8})(?:[T ].*)?", re.DOTALL)


class RecordError(Exception):
    """A record that is none; the text is the kind of problem."""


@dataclass(frozen=True, slots=True)
class PaperRead:
    """A paper as its record has it. `flaw` says what of the record could not be kept, or is empty."""

    paper: Paper
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Bibliography:
    """What a paper cites, by section. Entries are names (`name_of`) or, with `by_title`, titles."""

    citing: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    by_title: bool = False


class _PaperRecord(msgspec.Struct):
    title: str
    id: str | int | None = None
    abstract: str | None = None
    summary: str | None = None
    date: str | int | None = None
    authors: list[str] | None = None
    categories: list[str] | str | None = None
    venue: str | None = None
    doi: str | None = None


class _CitationRecord(msgspec.Struct):
    id: str | int
    sections: dict[str, list[str | int]]


class _ArxivVersion(msgspec.Struct):
    created: str | None = None


class _ArxivRecord(msgspec.Struct):
    id: str
    title: str
    abstract: str | None = None
    authors: str | None = None
    authors_parsed: list[list[str]] | None = None
    categories: str | None = None
    doi: str | None = None
    journal_ref: str | None = msgspec.field(default=None, name="journal-ref")
    versions: list[_ArxivVersion] | None = None


class _PasaRecord(msgspec.Struct):
    title: str | None = None
    abstract: str | None = None
    sections: dict[str, list[Any] | None] | None = None


def name_of(record_id: str) -> str:
    """One spelling for a record's id: arXiv ids as `arxiv:…` without version, DOIs as `doi:…`, others as they are."""
    if arxiv_id := parse_arxiv_id(record_id):
        return f"arxiv:{arxiv_id}"
    if doi := parse_doi(record_id):
        return f"doi:{doi}"
    return clean_text(record_id)


def arxiv_month(arxiv_id: str) -> date:
    """The middle of the month in which arXiv gave out the id: `2210.03629` is of 2022-10-15.

    Its digits are year and month since 2007-04, and also in the older `archive/9901001`.
    """
    year, month = (int(part) for part in re.findall(r"\d{2}", arxiv_id.rpartition("/")[2])[:2])
    return date(1900 + year if year > 90 else 2000 + year, month, 15)


def parse_date(value: str | int) -> date:
    """A day (`2024-01-31`, also with a time, or `20240131`); raises ValueError.

    A month or a year stands for the day in its middle, a year for 1 July.
    """
    text = str(value).strip()
    if match := _DAY.fullmatch(text):
        return date.fromisoformat(match[1])
    if match := _PARTIAL_DATE.fullmatch(text):
        return date(int(match[1]), int(match[2]), 15) if match[2] else date(int(match[1]), 7, 1)
    raise ValueError(text)


def paper_reader() -> Callable[[bytes], PaperRead]:
    """A function from one line of a papers file to its paper; it raises RecordError."""
    decoder = msgspec.json.Decoder(_PaperRecord)

    def read(line: bytes) -> PaperRead:
        record = _decode(decoder, line)
        source_id = clean_text(str(record.id)) if record.id is not None else ""
        categories = record.categories or []
        return _paper(
            title=record.title,
            abstract=record.abstract or record.summary or "",
            summary=bool(record.summary and not record.abstract),
            source_id=source_id,
            date=record.date,
            authors=record.authors or [],
            categories=categories.split() if isinstance(categories, str) else categories,
            venue=record.venue,
            doi=record.doi,
        )

    return read


def citation_reader() -> Callable[[bytes], Bibliography]:
    """A function from one line of a citations file to the bibliography in it; it raises RecordError."""
    decoder = msgspec.json.Decoder(_CitationRecord)

    def read(line: bytes) -> Bibliography:
        record = _decode(decoder, line)
        sections = ((name, [name_of(str(cited)) for cited in cited_ids]) for name, cited_ids in record.sections.items())
        return Bibliography(name_of(str(record.id)), _sections(sections))

    return read


def arxiv_reader() -> Callable[[bytes], PaperRead]:
    """A function from one line of the public arXiv metadata snapshot to its paper; it raises RecordError.

    The paper's date is the day its first version was made.
    """
    decoder = msgspec.json.Decoder(_ArxivRecord)

    def read(line: bytes) -> PaperRead:
        record = _decode(decoder, line)
        arxiv_id = parse_arxiv_id(record.id)
        if arxiv_id is None:
            raise RecordError("no arXiv id")
        parsed = [" ".join((*name[1:2], *name[:1], *name[2:3])) for name in record.authors_parsed or []]
        created = record.versions[0].created if record.versions else None
        try:
            day = parsedate_to_datetime(created).date().isoformat() if created else None
        except ValueError:
            day = created
        return _paper(
            title=record.title,
            abstract=record.abstract or "",
            source_id=f"arxiv:{arxiv_id}",
            date=day,
            authors=parsed or (record.authors or "").replace(" and ", ", ").split(", "),
            categories=(record.categories or "").split(),
            venue=record.journal_ref,
            # Several DOIs stand beside each other where a paper came out more than once.
            doi=(record.doi or "").split(" ")[0],
        )

    return read


def pasa_reader(arxiv_id_of: Callable[[str], str | None]) -> Callable[[bytes, str], tuple[PaperRead, Bibliography]]:
    """A function from an entry of PaSa's paper database and the entry's name to paper and bibliography.

    It raises RecordError. `arxiv_id_of` finds the id of a title. Entries have no date: the month of the arXiv id
    stands for it. One without a title goes by its name, which is the title's letters.
    """
    decoder = msgspec.json.Decoder(_PasaRecord)

    def read(content: bytes, name: str) -> tuple[PaperRead, Bibliography]:
        record = _decode(decoder, content)
        title = record.title or name
        arxiv_id = arxiv_id_of(title)
        found = _paper(title=title, abstract=record.abstract or "", source_id=f"arxiv:{arxiv_id}" if arxiv_id else "")
        sections = (
            (name, [clean_text(title) for title in titles or [] if isinstance(title, str)])
            for name, titles in (record.sections or {}).items()
        )
        return found, Bibliography(found.paper.id, _sections(sections), by_title=True)

    return read


def _decode(decoder: "msgspec.json.Decoder[T]", line: bytes) -> T:
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        raise RecordError(str(error).replace("`", "")) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RecordError("not JSON") from error


def _paper(
    *,
    title: str,
    abstract: str,
    source_id: str,
    summary: bool = False,
    date: str | int | None = None,
    authors: list[str] | tuple[str, ...] = (),
    categories: list[str] | tuple[str, ...] = (),
    venue: str | None = None,
    doi: str | None = None,
) -> PaperRead:
    cleaned = clean_text(title)
    if not cleaned:
        raise RecordError("no title")
    arxiv_id = parse_arxiv_id(source_id)
    doi = parse_doi(doi or "") or parse_doi(source_id)
    if doi and not arxiv_id and doi.startswith(_ARXIV_DOI):
        arxiv_id = parse_arxiv_id(doi.removeprefix(_ARXIV_DOI))
    flaw = ""
    day = arxiv_month(arxiv_id) if arxiv_id else None
    if date is not None and date != "":
        try:
            day = parse_date(date)
        except ValueError:
            flaw = "bad date (paper kept, taken as undated or from its arXiv id)"
    paper = Paper(
        title=cleaned,
        abstract=clean_text(abstract),
        authors=_cleaned(authors),
        date=day,
        arxiv_id=arxiv_id,
        doi=doi,
        venue=clean_text(venue or "") or None,
        categories=_cleaned(categories),
        source_id=source_id or None,
        abstract_kind="summary" if summary else "abstract",
    )
    return PaperRead(paper, flaw)


def _cleaned(texts: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in map(clean_text, texts) if text)


def _sections(pairs: Iterable[tuple[str, list[str]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    # Names that differ by white space alone are one section, and a section cites a paper once.
    merged: dict[str, dict[str, None]] = {}
    for name, cited in pairs:
        if entries := [entry for entry in cited if entry]:
            merged.setdefault(clean_text(name), {}).update(dict.fromkeys(entries))
    return tuple((name, tuple(entries)) for name, entries in merged.items())
