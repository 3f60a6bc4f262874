"""Papers as a table that spreadsheets open: CSV by RFC 4180, in UTF-8 with the mark by which Excel knows it."""

import csv
import io
from collections.abc import Sequence

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.publication import publication_of
from pasa_tui.export.record import Record
from pasa_tui.papers import clean_text

COLUMNS = (
    "score", "selected", "starred", "title", "authors", "year", "date", "venue", "arxiv_id", "doi", "url", "tags",
    "note", "reason", "found_by", "categories", "abstract",
)  # fmt: skip
"""The header line."""

# What spreadsheets take for the beginning of a formula; the wide forms count where East Asian input is set up.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"


def to_csv(records: Sequence[Record]) -> str:
    """A header and a line per record. Lists are joined by semicolons; scores have four decimals.

    A cell that a spreadsheet would take for a formula begins with an apostrophe, as OWASP advises on CSV injection.
    """
    table = io.StringIO()
    table.write(_BYTE_ORDER_MARK)
    writer = csv.writer(table, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([_defused(cell) for cell in _cells(record)])
    return table.getvalue()


def _cells(record: Record) -> tuple[str, ...]:
    paper, publication = record.paper, publication_of(record.paper)
    return (
        "" if record.score is None else f"{record.score:.4f}",
        "yes" if record.selected else "no",
        "yes" if record.starred else "no",
        cleaned(paper.title),
        "; ".join(map(cleaned, paper.authors)),
        str(publication.issued[0]) if publication.issued else "",
        paper.date.isoformat() if paper.date else "",
        cleaned(paper.venue or ""),
        publication.arxiv or "",
        publication.doi or "",
        publication.url or "",
        "; ".join(record.tags),
        clean_text(record.note, keep_newlines=True),
        cleaned(record.reason),
        cleaned(record.found_by),
        "; ".join(paper.categories),
        clean_text(paper.abstract, keep_newlines=True),
    )


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
