"""Papers as BibLaTeX, for biber and Pandoc: BibTeX's elder sibling with dates, preprint servers and online types."""

from collections.abc import Iterator, Sequence

from pasa_tui.export.bibtex import NO_DATE, Entry, author_and_title, braced, plain_doi, plain_url, texts, write_entries
from pasa_tui.export.latex import to_latex
from pasa_tui.export.publication import Publication, publication_of
from pasa_tui.export.record import Record

_PLACES = {"article": "journaltitle", "inproceedings": "booktitle", "misc": "howpublished", "online": "organization"}


def write_biblatex(records: Sequence[Record], *, latex: bool = False) -> str:
    """BibLaTeX entries for `records`, whose papers differ, in their order; "" for none.

    As `pasa_tui.export.bibtex.write_bibtex`, but a preprint is @online with its whole date, and what has neither
    link nor venue is @misc. The arXiv id is `eprint`, with `eprinttype` and `eprintclass`.
    """
    return write_entries(records, lambda record: _entry(record, latex=latex))


def _entry(record: Record, *, latex: bool) -> Entry:
    paper, publication = record.paper, publication_of(record.paper)
    doi = plain_doi(publication)
    kind = "online" if publication.kind == "misc" and (publication.arxiv or doi) else publication.kind
    fields = [
        *author_and_title(paper, latex=latex),
        (_PLACES[kind], to_latex(publication.venue or "", latex=latex)),
        ("date", publication.date or NO_DATE),
        *_identifiers(publication, doi),
        *texts(record, latex=latex),
    ]
    names = {"key": "sortkey", "annote": "annotation"}
    return kind, braced((names.get(name, name), value) for name, value in fields)


def _identifiers(publication: Publication, doi: str | None) -> Iterator[tuple[str, str]]:
    if publication.arxiv:
        yield "eprint", publication.arxiv
        yield "eprinttype", "arxiv"
        yield "eprintclass", publication.category or ""
    yield "doi", doi or ""
    yield "url", plain_url(publication, doi)
