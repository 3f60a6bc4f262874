"""Papers as BibTeX that bibtex, biber and Pandoc read without a complaint."""

import re
from collections.abc import Iterable, Iterator

from pasa_tui.export.identity import arxiv_id, first_year
from pasa_tui.export.keys import citation_keys
from pasa_tui.export.latex import to_grouped_latex, to_latex
from pasa_tui.export.names import to_bibtex_names
from pasa_tui.export.record import merged_papers
from pasa_tui.export.venues import entry_type, publication_venue, venue_year
from pasa_tui.papers import Paper

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CATEGORY = re.compile(r"[A-Za-z-]+(?:\.[A-Za-z-]+)?")
# Identifiers are written as they are, since readers take them for verbatim text; so what TeX acts on (other
# than the underscore, which is common in them) keeps an identifier out.
_DOI = re.compile(r"10\.\d{4,9}/[A-Za-z0-9._;()/:<>\[\]+=*!-]+")
_UNTITLED = "[untitled]"
# ISO 8601-2 for "some year": biber demands a date; it, Pandoc and bibtex all show none for this one.
_NO_DATE = "XXXX"
_SUMMARY = "Summary by pasa-tui, not the authors' abstract: "


def to_bibtex(papers: Iterable[Paper], *, latex: bool = False) -> str:
    r"""BibTeX entries for `papers` in their order, as text that ends with a line break; "" for no papers.

    The text is UTF-8's, for biber, Pandoc, reference managers, and bibtex with Latin letters; with `latex` it is
    ASCII for bibtex and pdflatex without any package (`pasa_tui.export.latex` tells what becomes of characters
    that LaTeX lacks). Only math with \mathbb needs amsfonts. Keys are those of `citation_keys`.

    A paper in a journal is an @article, in proceedings an @inproceedings, else @misc; so is one without authors
    or year, which the other two types demand. Published papers keep their arXiv id. `year` is the venue's where
    its name holds one, else that of the paper's date or arXiv id; `month` is given for preprints alone, whose day
    arXiv knows. A text that is no authors' abstract goes to `annote`, which standard styles don't print.

    Papers with the same id become one entry, at the first one's place.
    """
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Entry, Field
    from bibtexparser.writer import BibtexFormat

    merged = merged_papers(papers)
    if not merged:
        return ""
    keys = citation_keys(merged)
    library = Library()
    for paper in merged:
        kind, fields = _entry(paper, latex=latex)
        library.add(Entry(kind, keys[paper.id], [Field(name, value) for name, value in fields]))
    layout = BibtexFormat()  # type: ignore[no-untyped-call]
    layout.indent = "  "
    layout.block_separator = "\n"
    layout.trailing_comma = True
    text: str = write_string(library, unparse_stack=[], bibtex_format=layout)
    return text


def _entry(paper: Paper, *, latex: bool) -> tuple[str, list[tuple[str, str]]]:
    """The entry's type and its fields; values as they stand in the file, with their braces."""
    authors = to_bibtex_names(paper.authors, latex=latex)
    title = to_latex(paper.title, latex=latex, protect=True, math=True) or _UNTITLED
    venue = publication_venue(paper.venue)
    year = venue_year(venue) or first_year(paper)
    doi = paper.doi if paper.doi and _DOI.fullmatch(paper.doi) else None
    kind = entry_type(venue, doi) if authors and year else "misc"
    place = {"article": "journal", "inproceedings": "booktitle", "misc": "howpublished"}[kind]
    # Without an author, styles sort and label by `key`.
    fields = [
        ("author", authors),
        ("key", "" if authors else to_grouped_latex(paper.title, latex=latex) or _UNTITLED.strip("[]")),
        ("title", title),
        (place, to_latex(venue or "", latex=latex)),
        ("year", f"{year:04d}") if year else ("date", _NO_DATE),
        *_identifiers(paper, doi),
        *_abstract(paper, latex=latex),
    ]
    written = [(name, f"{{{value}}}") for name, value in fields if value]
    if paper.date and not venue and arxiv_id(paper):
        after_year = [name for name, _ in written].index("year") + 1
        written.insert(after_year, ("month", _MONTHS[paper.date.month - 1]))
    return kind, written


def _identifiers(paper: Paper, doi: str | None) -> Iterator[tuple[str, str]]:
    arxiv = arxiv_id(paper)
    if arxiv:
        yield "eprint", arxiv
        yield "archivePrefix", "arXiv"
        if paper.categories and _CATEGORY.fullmatch(paper.categories[0]):
            yield "primaryClass", paper.categories[0]
    if doi:
        yield "doi", doi
    if arxiv:
        yield "url", f"https://arxiv.org/abs/{arxiv}"
    elif doi and not set(doi) & set("<>[]"):
        yield "url", f"https://doi.org/{doi}"


def _abstract(paper: Paper, *, latex: bool) -> Iterator[tuple[str, str]]:
    text = to_latex(paper.abstract, latex=latex, math=True)
    if text and paper.abstract_kind == "abstract":
        yield "abstract", text
    elif text:
        yield "annote", _SUMMARY + text
