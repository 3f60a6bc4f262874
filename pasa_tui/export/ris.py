"""Papers as RIS, the tagged format that reference managers and library catalogues exchange.

Tags as Clarivate's description of the format gives them. Every value is one line, so that none can begin a tag.
"""

from collections.abc import Iterator, Sequence

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.judgement import judgement
from pasa_tui.export.keys import citation_keys
from pasa_tui.export.names import Name, known_authors
from pasa_tui.export.publication import UNTITLED, publication_of
from pasa_tui.export.record import Record
from pasa_tui.papers import arxiv_of_doi

_TYPES = {"article": "JOUR", "inproceedings": "CONF", "misc": "GEN"}
_SUMMARY = "Summary by pasa-tui, not the authors' abstract: "


def to_ris(records: Sequence[Record]) -> str:
    """RIS entries of records whose papers differ, in their order; lines end in CR LF, as the format has it.

    A preprint is UNPB (unpublished work) with its arXiv id as AN (accession number); that of a published paper too.
    """
    keys = citation_keys([record.paper for record in records])
    return "".join(
        "".join(f"{tag}  - {value}\r\n" for tag, value in _fields(record, keys[record.paper.id]) if value)
        + "ER  - \r\n\r\n"
        for record in records
    )


def _fields(record: Record, key: str) -> Iterator[tuple[str, str]]:
    paper, publication = record.paper, publication_of(record.paper)
    published = publication.venue or (publication.doi and not arxiv_of_doi(publication.doi))
    yield "TY", _TYPES[publication.kind] if published or not publication.arxiv else "UNPB"
    yield "ID", key
    for name in known_authors(paper.authors):
        yield "AU", _name(name)
    yield "TI", cleaned(paper.title) or UNTITLED
    venue = cleaned(publication.venue or "")
    yield ("JO" if publication.kind == "article" else "T2"), venue
    if publication.issued:
        yield "PY", f"{publication.issued[0]:04d}"
    if len(publication.issued) == 3:
        yield "DA", publication.date.replace("-", "/")
    yield "DO", cleaned(publication.doi or "")
    if publication.arxiv:
        yield "AN", f"arXiv:{publication.arxiv}"
    yield "UR", publication.url or ""
    for tag in record.tags:
        yield "KW", cleaned(tag)
    if abstract := cleaned(paper.abstract):
        yield ("AB", abstract) if paper.abstract_kind == "abstract" else ("N1", _SUMMARY + abstract)
    yield "N1", cleaned(record.note)
    yield "N1", judgement(record)


def _name(name: Name) -> str:
    """Family name with its particle, given names, suffix; what has a family name alone ends in no comma."""
    family = f"{name.particle} {name.family}".strip()
    if name.collective:
        # A comma would make its second half the given name.
        return family.replace(",", "")
    return ",".join(part for part in (family, f" {name.given}" if name.given else "", name.suffix) if part)
