"""Papers, what names them, and what they cite. Frozen values that every other room passes around."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NewType

from pasa_tui.errors import QueryError

PaperId = NewType("PaperId", str)
"""Identity of a paper: `arxiv:2210.03629`, `doi:10.1145/3397271`, `title:attentionisallyouneed`,
or, for a title without a single letter, the record's own id."""

MAX_QUERY_LENGTH = 4_000
"""Longest research question in characters: far more than a detailed description takes, and about what
fits beside a paper in the 1,024 tokens that the published Selector reads."""

_ARXIV_NEW = r"(?P<new>[0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5})"
_ARXIV_OLD = r"(?P<old>[a-z][a-z-]*(?:\.[A-Za-z]{2})?/[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3})"
_ARXIV_ID = re.compile(
    rf"(?:(?:https?://)?(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|e-print)/|arxiv:\s*)?"
    rf"(?:{_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ARXIV_DOI = "10.48550/arxiv."
_LONGEST_DOI = 2_048
# Terminal escape sequences as a whole (CSI, OSC and the two-character ones), so that no letters of theirs
# stay behind when the escape character goes.
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x1b]\[[0-?]*[ -/]*[@-~]?|\x9b[0-?]*[ -/]*[@-~]?|\x1b[@-Z\\-_]?"
)
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


# Marks on one letter beyond what any script writes: to order them takes the square of their number.
_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{16})"
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean_text(text: str, *, keep_newlines: bool = False) -> str:
    """Make a stranger's text safe to show and store: one line, no control or direction-override characters.

    Terminal escape sequences, C0 and C1 controls, bidirectional overrides and lone surrogates go; runs of
    white space become one space (line breaks stay with `keep_newlines`). Letters, marks and emoji of every
    script stay, in Unicode's composed form (NFC).
    """
    text = _MARKS.sub(r"\1", _UNSAFE.sub("", _ESCAPES.sub("", text)))
    text = unicodedata.normalize("NFC", text)
    if keep_newlines:
        return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
    return " ".join(text.split())


@lru_cache(maxsize=20_000)
def title_key(title: str) -> str:
    """The letters of a title, lower case: how the published data names papers and matches answers."""
    return "".join(filter(str.isalpha, title)).lower()


def parse_arxiv_id(text: str) -> str | None:
    """The arXiv id in `text` without its version, or None. Takes bare ids, `arXiv:` ids and links.

    >>> parse_arxiv_id("https://arxiv.org/pdf/2501.10120v2")
    '2501.10120'
    >>> parse_arxiv_id("hep-th/9901001")
    'hep-th/9901001'
    """
    match = _ARXIV_ID.fullmatch(text.strip())
    if match is None:
        return None
    if match["new"]:
        return match["new"]
    archive, number = match["old"].split("/")
    head, dot, subject = archive.partition(".")
    return f"{head.lower()}{dot}{subject.upper()}/{number}"


def parse_doi(text: str) -> str | None:
    """The DOI in `text`, lower case and without its resolver, or None."""
    match = _DOI.fullmatch(clean_text(text[:_LONGEST_DOI]))
    return match[1].lower() if match else None


def arxiv_of_doi(doi: str | None) -> str | None:
    """The arXiv id that a DOI of arXiv's names, or None."""
    return parse_arxiv_id(doi[len(_ARXIV_DOI) :]) if doi and doi.lower().startswith(_ARXIV_DOI) else None


def doi_of_arxiv(arxiv_id: str) -> str:
    """The DOI that arXiv gives a paper, lower case."""
    return f"{_ARXIV_DOI}{arxiv_id.lower()}"


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as a source described it. Every text has been through `clean_text`.

    `date` is the day of first publication. `source_id` is the record's own id where it came from
    (`arxiv:…`, `acl:…`, `venue:…`). `abstract_kind` is "summary" where the text is not the authors' abstract.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    date: dt.date | None = None
    arxiv_id: str | None = None
    doi: str | None = None
    venue: str | None = None
    categories: tuple[str, ...] = ()
    source_id: str | None = None
    abstract_kind: Literal["abstract", "summary"] = "abstract"

    @property
    def id(self) -> PaperId:
        """Identity: arXiv id without version; else DOI; else title key."""
        return paper_id(self.title, arxiv_id=self.arxiv_id, doi=self.doi, source_id=self.source_id)

    @property
    def url(self) -> str | None:
        """Where to read it, or None where neither an arXiv id nor a DOI is known."""
        if self.arxiv_id:
            return f"https://arxiv.org/abs/{self.arxiv_id}"
        return f"https://doi.org/{self.doi}" if self.doi else None


def paper_id(
    title: str, *, arxiv_id: str | None = None, doi: str | None = None, source_id: str | None = None
) -> PaperId:
    """Identity of a paper or citation, by the strongest name it has.

    A DOI that arXiv gave out names the arXiv paper. A title without letters falls back to `source_id`,
    then to the title itself, so that such papers stay apart.
    """
    if arxiv_id:
        return PaperId(f"arxiv:{arxiv_id}")
    if doi:
        if given := arxiv_of_doi(doi):
            return PaperId(f"arxiv:{given}")
        return PaperId(f"doi:{doi.lower()}")
    if key := title_key(title):
        return PaperId(f"title:{key}")
    return PaperId(source_id or f"title:{title}")


# A shorter title names several papers ("Introduction", "Editorial").
_TELLING_TITLE = 15


def names_of(paper: Paper) -> tuple[str, ...]:
    """All names by which a paper may be known elsewhere: arXiv id, DOI, and a title of some length.

    >>> names_of(Paper("Attention Is All You Need", arxiv_id="1706.03762"))
    ('arxiv:1706.03762', 'title:attentionisallyouneed')
    """
    arxiv = paper.arxiv_id or arxiv_of_doi(paper.doi)
    # Digits count: "Part 1" and "Part 2" are two papers, and no published data is matched here.
    key = "".join(filter(str.isalnum, paper.title)).lower()
    names = (
        f"arxiv:{arxiv}" if arxiv else "",
        f"doi:{paper.doi.lower()}" if paper.doi and not arxiv_of_doi(paper.doi) else "",
        f"title:{key}" if len(key) >= _TELLING_TITLE else "",
    )
    return tuple(name for name in names if name)


@dataclass(frozen=True, slots=True)
class Citation:
    """One entry of a bibliography, as far as it is known. `source_id` names it in the citing corpus."""

    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    arxiv_id: str | None = None
    doi: str | None = None
    source_id: str | None = None

    @classmethod
    def of(cls, paper: Paper) -> "Citation":
        """How a paper would be cited by one who knows all about it."""
        year = paper.date.year if paper.date else None
        return cls(paper.title, paper.authors, year, paper.arxiv_id, paper.doi, paper.source_id)

    @property
    def id(self) -> PaperId:
        """What two citations of the same paper share; like `Paper.id`, but a bare `source_id` counts first."""
        if self.source_id and not (self.arxiv_id or self.doi or self.title):
            return PaperId(self.source_id)
        return paper_id(self.title, arxiv_id=self.arxiv_id, doi=self.doi, source_id=self.source_id)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a paper that cites something. `name` may be empty where the citing section is not known."""

    name: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Citing:
    """A paper that cites another: how often it is cited itself, if known, and all that it cites, if known."""

    paper: Paper
    times_cited: int | None = None
    references: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Guide:
    """A paper whose references are known; `cites` is the best of some papers asked about that it cites, if any."""

    paper: Paper
    cites: PaperId | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What led to a paper: the text of a search, a section of another paper, or that it cites another paper ("citing")
    or is cited together with it by others ("co-cited"), or is recommended to who likes it and other papers ("similar").

    `parent` is the paper that led here, the citing one for "section", and None for "search". `rank` counts from 1
    among the results of a source, the citations of the section, or the candidates of its kind.
    """

    kind: Literal["search", "section", "citing", "co-cited", "similar"]
    text: str
    parent: PaperId | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A research question and the last day a paper may date from (inclusive), if any."""

    text: str
    before: dt.date | None = None

    @classmethod
    def parse(cls, text: str, before: dt.date | str | None = None) -> "Query":
        """Check and clean what a person typed.

        Raises QueryError for an empty question, one over MAX_QUERY_LENGTH, or a date that is none.
        """
        cleaned = clean_text(text, keep_newlines=True)
        if not any(char.isalnum() for char in cleaned):
            raise QueryError(
                "The question is empty.", 'Say in a sentence what you look for, such as "papers on dense retrieval".'
            )
        if len(cleaned) > MAX_QUERY_LENGTH:
            raise QueryError(
                f"The question has {len(cleaned):,} characters; at most {MAX_QUERY_LENGTH:,} can be searched.",
                "Shorten it to what the papers must be about.",
            )
        return cls(cleaned, _parse_before(before) if isinstance(before, str) else before)


def _parse_before(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise QueryError(f"{clean_text(text)!r} is not a date.", "Write the cut-off as YYYY-MM-DD.") from None
