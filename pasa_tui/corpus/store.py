"""The papers of a corpus and who cites whom, in SQLite: the tables, and how they are filled."""

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pasa_tui.corpus.records import Bibliography, name_of
from pasa_tui.matching import title_matches
from pasa_tui.papers import Citation, Paper, title_key

# `names` leads from every name of a paper (identity, record id, arXiv id, DOI) to its row, also the names of records
# that turned out to be a paper met before. `citations.cited` is the row of the cited paper, null where the corpus
# lacks it; `citations.name` is what the file called it, null where it gave a title.
_TABLES = """
CREATE TABLE papers (
    row INTEGER PRIMARY KEY, source_id TEXT, title TEXT NOT NULL, abstract TEXT NOT NULL, authors TEXT NOT NULL,
    date TEXT, arxiv_id TEXT, doi TEXT, venue TEXT, categories TEXT NOT NULL, is_summary INTEGER NOT NULL,
    title_hash INTEGER
);
CREATE TABLE names (name TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sections (
    citing INTEGER NOT NULL, section INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (citing, section)
) WITHOUT ROWID;
CREATE TABLE citations (
    citing INTEGER NOT NULL, section INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT, title TEXT, cited INTEGER,
    PRIMARY KEY (citing, section, position)
) WITHOUT ROWID;
"""
_COMPLETE = """
CREATE INDEX papers_title ON papers (title_hash);
UPDATE citations SET cited = (SELECT row FROM names WHERE names.name = citations.name) WHERE name IS NOT NULL;
UPDATE citations SET cited = (
    SELECT CASE WHEN count(*) = 1 THEN min(row) END FROM papers
    WHERE title_hash = title_hash_of(citations.title) AND surely_cited(papers.title, citations.title)
) WHERE title IS NOT NULL;
CREATE INDEX citations_cited ON citations (cited, citing) WHERE cited IS NOT NULL;
"""
COLUMNS = "papers.row, source_id, papers.title, abstract, authors, date, arxiv_id, doi, venue, categories, is_summary"
"""What `row_to_paper` takes, in order."""


def title_hash(title: str) -> int | None:
    """64 bits of the title key, signed as SQLite's integers are; None for a title without a letter."""
    key = title_key(title)
    if not key:
        return None
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def row_to_paper(row: Sequence[Any]) -> Paper:
    """The paper in a row of `COLUMNS`."""
    _, source_id, title, abstract, authors, day, arxiv_id, doi, venue, categories, is_summary = row
    return Paper(
        title=title,
        abstract=abstract,
        authors=tuple(msgspec.json.decode(authors)),
        date=_day(day),
        arxiv_id=arxiv_id,
        doi=doi,
        venue=venue,
        categories=tuple(msgspec.json.decode(categories)),
        source_id=source_id,
        abstract_kind="summary" if is_summary else "abstract",
    )


class Contents(NamedTuple):
    """Numbers of papers, of papers whose citations are known, and of citations; the papers' first and last date."""

    papers: int
    citing_papers: int
    citations: int
    dated_from: date | None
    dated_to: date | None


class StoreWriter:
    """Fills a new database at `path`. Every method raises sqlite3.Error where it can't be written."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        # The file is of no use until it is complete, so nothing guards it against a crash on the way.
        self._script("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;" + _TABLES + "BEGIN")
        self._connection.create_function("title_hash_of", 1, title_hash, deterministic=True)
        self._connection.create_function("surely_cited", 2, _surely_cited, deterministic=True)
        self._row = 0

    def add_paper(self, paper: Paper) -> int | None:
        """Keep the paper and return its row; None where one of the same identity is kept already."""
        names = _names(paper)
        known = self._row_of(names[0])
        row = self._row + 1 if known is None else known
        if known is None:
            self._insert(row, paper)
            self._row = row
        self._connection.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", [(name, row) for name in names])
        return row if known is None else None

    def add_bibliography(self, bibliography: Bibliography) -> str | None:
        """Keep what a paper cites. Returns what is wrong where that can't be: an unknown paper, or one given twice."""
        by_title = bibliography.by_title
        citing = self._row_of(bibliography.citing)
        if citing is None:
            return "citing paper is not in the papers"
        if self._connection.execute("SELECT 1 FROM sections WHERE citing = ?", (citing,)).fetchone():
            return "citing paper was given before"
        for section, (name, entries) in enumerate(bibliography.sections):
            self._connection.execute("INSERT INTO sections VALUES (?, ?, ?)", (citing, section, name))
            self._connection.executemany(
                "INSERT INTO citations (citing, section, position, name, title) VALUES (?, ?, ?, ?, ?)",
                [
                    (citing, section, position, None if by_title else entry, entry if by_title else None)
                    for position, entry in enumerate(entries)
                ],
            )
        return None

    def finish(self) -> Contents:
        """Resolve the citations, write everything, close, and say what there is."""
        self._script(_COMPLETE)
        papers, first, last = self._connection.execute("SELECT count(*), min(date), max(date) FROM papers").fetchone()
        (citing,) = self._connection.execute("SELECT count(DISTINCT citing) FROM sections").fetchone()
        (citations,) = self._connection.execute("SELECT count(*) FROM citations").fetchone()
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA optimize")
        self.close()
        return Contents(papers, citing, citations, _day(first), _day(last))

    def close(self) -> None:
        """Close the file, complete or not."""
        self._connection.close()

    def _row_of(self, name: str) -> int | None:
        found = self._connection.execute("SELECT row FROM names WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else None

    def _insert(self, row: int, paper: Paper) -> None:
        self._connection.execute(
            "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                paper.source_id,
                paper.title,
                paper.abstract,
                msgspec.json.encode(paper.authors).decode(),
                paper.date.isoformat() if paper.date else None,
                paper.arxiv_id,
                paper.doi,
                paper.venue,
                msgspec.json.encode(paper.categories).decode(),
                paper.abstract_kind == "summary",
                title_hash(paper.title),
            ),
        )

    def _script(self, statements: str) -> None:
        for statement in statements.split(";"):
            self._connection.execute(statement)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _surely_cited(title: str, cited: str) -> bool:
    return title_matches(Citation(cited), Paper(title))


def _names(paper: Paper) -> list[str]:
    names = [str(paper.id)]
    if paper.source_id:
        names.append(name_of(paper.source_id))
    if paper.arxiv_id:
        names.append(f"arxiv:{paper.arxiv_id}")
    if paper.doi:
        names.append(f"doi:{paper.doi}")
    return list(dict.fromkeys(names))
