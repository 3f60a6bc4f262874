"""Papers as BibTeX that bibtex, biber and Pandoc read without a complaint."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from pasa_tui.export.keys import citation_keys
from pasa_tui.export.latex import to_grouped_latex, to_latex
from pasa_tui.export.names import to_bibtex_names
from pasa_tui.export.publication import UNTITLED, Publication, publication_of
from pasa_tui.export.record import Record, merged
from pasa_tui.papers import Paper

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PLACES = {"article": "journal", "inproceedings": "booktitle", "misc": "howpublished"}
# Identifiers are written as they are, since readers take them for verbatim text; so what TeX acts on (other
# than the underscore, which is common in them) keeps an identifier out.
_DOI = re.compile(r"10\.\d{4,9}/[A-Za-z0-9._;()/:<>\[\]+=*!-]+")
NO_DATE = "XXXX"
"""ISO 8601-2 for "some year": biber demands a date; it, Pandoc and bibtex all show none for this one."""
_SUMMARY = "Summary by pasa-tui, not the authors' abstract: "

Entry = tuple[str, list[tuple[str, str]]]
"""An entry's type and its fields; values as they stand in the file, with their braces."""


def write_bibtex(records: Sequence[Record], *, latex: bool = False) -> str:
    r"""BibTeX entries for `records`, whose papers differ, in their order; "" for none.

    The text is UTF-8's, for biber, Pandoc, reference managers, and bibtex with Latin letters; with `latex` it is
    ASCII for bibtex and pdflatex without any package (`pasa_tui.export.latex` tells what becomes of characters
    that LaTeX lacks). Only math with \mathbb needs amsfonts. Keys are those of `citation_keys`.

    A paper in a journal is an @article, in proceedings an @inproceedings, else @misc; so is one without authors
    or year, which the other two types demand. Published papers keep their arXiv id. `year` is the venue's where
    its name holds one, else that of the paper's date or arXiv id; `month` is given for preprints alone, whose day
    arXiv knows. Tags are `keywords`. The user's note, and a text that is no authors' abstract, go to `annote`, which
    standard styles don't print.
    """
    return write_entries(records, lambda record: _entry(record, latex=latex))


def to_bibtex(papers: Iterable[Paper], *, latex: bool = False) -> str:
    """`write_bibtex` for papers of which nothing else is known; those that are the same become one entry."""
    return write_bibtex(merged(Record(paper) for paper in papers), latex=latex)


def write_entries(records: Sequence[Record], entry: Callable[[Record], Entry]) -> str:
    """A file with one entry per record, under the keys of `citation_keys`."""
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Entry as BibtexEntry
    from bibtexparser.model import Field
    from bibtexparser.writer import BibtexFormat

    if not records:
        return ""
    keys = citation_keys([record.paper for record in records])
    library = Library()
    for record in records:
        kind, fields = entry(record)
        library.add(BibtexEntry(kind, keys[record.paper.id], [Field(name, value) for name, value in fields]))
    layout = BibtexFormat()  # type: ignore[no-untyped-call]
    layout.indent = "  "
    layout.block_separator = "\n"
    layout.trailing_comma = True
    text: str = write_string(library, unparse_stack=[], bibtex_format=layout)
    return text


def _entry(record: Record, *, latex: bool) -> Entry:
    paper, publication = record.paper, publication_of(record.paper)
    year = f"{publication.issued[0]:04d}" if publication.issued else ""
    doi = plain_doi(publication)
    fields = [
        *author_and_title(paper, latex=latex),
        (_PLACES[publication.kind], to_latex(publication.venue or "", latex=latex)),
        ("year", year) if year else ("date", NO_DATE),
        *_identifiers(publication, doi),
        *texts(record, latex=latex),
    ]
    written = braced(fields)
    if len(publication.issued) == 3:
        after_year = [name for name, _ in written].index("year") + 1
        written.insert(after_year, ("month", _MONTHS[publication.issued[1] - 1]))
    return publication.kind, written


def braced(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that have a value, in braces."""
    return [(name, f"{{{value}}}") for name, value in fields if value]


def plain_doi(publication: Publication) -> str | None:
    """The DOI where it holds nothing that TeX acts on."""
    return publication.doi if publication.doi and _DOI.fullmatch(publication.doi) else None


def author_and_title(paper: Paper, *, latex: bool) -> Iterator[tuple[str, str]]:
    """`author`, or where there is none the `key` that styles sort and label by, and `title`."""
    authors = to_bibtex_names(paper.authors, latex=latex)
    yield "author", authors
    yield "key", "" if authors else to_grouped_latex(paper.title, latex=latex) or UNTITLED.strip("[]")
    yield "title", to_latex(paper.title, latex=latex, protect=True, math=True) or UNTITLED


def _identifiers(publication: Publication, doi: str | None) -> Iterator[tuple[str, str]]:
    if publication.arxiv:
        yield "eprint", publication.arxiv
        yield "archivePrefix", "arXiv"
        yield "primaryClass", publication.category or ""
    yield "doi", doi or ""
    yield "url", plain_url(publication, doi)


def plain_url(publication: Publication, doi: str | None) -> str:
    """Where to read the paper: at arXiv, else by its DOI; "" where its DOI has brackets, which links may not."""
    if publication.arxiv:
        return f"https://arxiv.org/abs/{publication.arxiv}"
    return f"https://doi.org/{doi}" if doi and not set(doi) & set("<>[]") else ""


def texts(record: Record, *, latex: bool) -> Iterator[tuple[str, str]]:
    """`abstract`, `keywords` and `annote`. A comma would end a keyword, so that a tag's own becomes a semicolon."""
    paper = record.paper
    text = to_latex(paper.abstract, latex=latex, math=True)
    summary = "" if paper.abstract_kind == "abstract" or not text else _SUMMARY + text
    if not summary:
        yield "abstract", text
    yield "keywords", ", ".join(to_latex(tag.replace(",", ";"), latex=latex) for tag in record.tags)
    yield "annote", " ".join(filter(None, (to_latex(record.note, latex=latex), summary)))
