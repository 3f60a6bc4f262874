"""A corpus that is open: search tool, reader and resolver of a search."""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.corpus.info import CorpusInfo
from pasa_tui.corpus.matching import name_matches, names_of
from pasa_tui.corpus.store import COLUMNS, row_to_paper, title_hash
from pasa_tui.errors import CorpusError, SourceError
from pasa_tui.matching import title_matches
from pasa_tui.papers import Citation, Citing, Guide, Paper, PaperId, Section, parse_arxiv_id, parse_doi
from pasa_tui.papers import paper_id as identity

_GUIDE_DEPTH, _DEEPEST = 256, 4096
"""Search results looked through for papers whose references are known: at first, and at most."""
_SEED_OFFSET = 20.0
_SECTIONS_LOOKED_AT = 8
"""Sections compared for each guide that is asked for."""

_MAPPED = 2**31 - 2**16
"""Bytes of the tables that are mapped: the most that SQLite maps."""

_SECTIONS = """
SELECT section, sections.name, citations.name, citations.title, papers.title, arxiv_id, doi
FROM citations JOIN sections USING (citing, section) LEFT JOIN papers ON papers.row = citations.cited
WHERE citing = ? ORDER BY section, position
"""

_CITING = "SELECT DISTINCT citing FROM citations WHERE cited = ? ORDER BY citing LIMIT ?"
_TIMES_CITED = """
SELECT cited, count(DISTINCT citing) FROM citations WHERE cited IN (SELECT value FROM json_each(?)) GROUP BY cited
"""
_CITED = """
SELECT DISTINCT citing, title, arxiv_id, doi, source_id FROM (
    SELECT citing, cited FROM citations WHERE citing IN (SELECT value FROM json_each(?)) AND cited IS NOT NULL
) JOIN papers ON papers.row = cited ORDER BY citing, papers.row
"""

_CITING_SECTIONS = """
SELECT citing, section, sum(json_extract(value, '$[1]')) AS weight, min(json_extract(value, '$[2]'))
FROM json_each(?) JOIN citations ON cited = json_extract(value, '$[0]')
GROUP BY citing, section ORDER BY weight DESC, citing, section LIMIT ?
"""
_SECTION_SIZES = """
SELECT citing, section, count(*) FROM citations WHERE citing IN (SELECT value FROM json_each(?))
GROUP BY citing, section
"""
_WITH_REFERENCES = "SELECT DISTINCT citing FROM sections WHERE citing IN (SELECT value FROM json_each(?))"


class Corpus:
    """A local paper collection. Open one with `open_corpus`.

    Its methods take milliseconds and may be called from any one thread at a time. They raise SourceError where the
    disk fails.
    """

    def __init__(self, info: CorpusInfo, folder: Path) -> None:
        """Open the corpus `info` in `folder`. Raises CorpusError."""
        # Here, because tantivy takes long to load.
        from pasa_tui.corpus.index import Index

        self.name = info.name
        self.info = info
        self._index = Index(folder / "index")
        try:
            self._connection = _connect(folder / "papers.db")
        except sqlite3.Error as error:
            raise CorpusError(
                f"The papers of {info.name!r} can't be opened: {error}.", "Build the corpus again with --replace."
            ) from error

    def __enter__(self) -> "Corpus":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def num_papers(self) -> int:
        """How many papers the corpus holds."""
        return self._index.num_papers

    async def search(self, text: str, *, limit: int, before: date | None) -> list[Paper]:
        """At most `limit` papers by BM25 over title and abstract, best first, none dated after `before`.

        Papers without a date stay in. `text` is plain language: punctuation, quotes and words such as AND mean
        nothing special, and a text of stop words alone finds nothing.
        """
        return [paper for paper, _ in self.scored(text, limit=limit, before=before)]

    def scored(self, text: str, *, limit: int, before: date | None) -> list[tuple[Paper, float]]:
        """The same, each paper with its BM25 score (0 and more, without a greatest value)."""
        ranked = self._index.score(text, limit=limit, before=before)
        papers = {row[0]: row_to_paper(row) for row in self._papers("papers.row", [row for _, row in ranked])}
        return [(papers[row], score) for score, row in ranked]

    def all_papers(self) -> Iterator[Paper]:
        """Every paper, in the corpus's order."""
        with self._read_errors():
            for row in self._connection.execute(f"SELECT {COLUMNS} FROM papers ORDER BY papers.row"):
                yield row_to_paper(row)

    def at(self, places: Sequence[int]) -> list[Paper]:
        """The papers at these places of `all_papers`, from 0."""
        found = {row[0]: row_to_paper(row) for row in self._papers("papers.row", [place + 1 for place in places])}
        return [found[place + 1] for place in places]

    async def read(self, paper: Paper) -> list[Section]:
        """The sections of `paper` that cite something, in order; empty where its bibliography is not known."""
        row = self._find(paper)
        if row is None:
            return []
        sections: dict[int, tuple[str, list[Citation]]] = {}
        for number, section, name, cited_title, title, arxiv_id, doi in self._rows(_SECTIONS, (row,)):
            citation = Citation(
                title=title or cited_title or "",
                arxiv_id=arxiv_id or parse_arxiv_id(name or ""),
                doi=doi or parse_doi(name or ""),
                source_id=name,
            )
            sections.setdefault(number, (section, []))[1].append(citation)
        return [Section(name, tuple(citations)) for name, citations in sections.values()]

    async def resolve(self, citations: Sequence[Citation]) -> list[Paper | None]:
        """The cited papers in order; None where no paper of the corpus is surely the one (see `matching`)."""
        return [found[1] if found else None for found in self._resolve(citations)]

    def get(self, paper_id: PaperId) -> Paper | None:
        """The paper of that identity, or None. Another name of it (record id, DOI) will do."""
        found = self._by_name([str(paper_id)])
        return found[paper_id][1] if found else None

    def cited_by(self, paper_id: PaperId) -> list[PaperId]:
        """Identities of the papers in the corpus that cite this one, in the corpus's order."""
        rows = self._rows(
            "SELECT title, arxiv_id, doi, source_id FROM papers WHERE row IN (SELECT citing FROM citations"
            " WHERE cited = (SELECT row FROM names WHERE name = ?)) ORDER BY row",
            (str(paper_id),),
        )
        return [
            identity(title, arxiv_id=arxiv_id, doi=doi, source_id=source_id) for title, arxiv_id, doi, source_id in rows
        ]

    async def citing(self, paper: Paper, *, limit: int) -> list[Citing]:
        """At most `limit` papers of the corpus that cite this one, with all they cite, in the corpus's order."""
        row = self._find(paper)
        if row is None:
            return []
        rows = [at for (at,) in self._rows(_CITING, (row, limit))]
        times = dict(self._rows(_TIMES_CITED, (_json(rows),)))
        cited: dict[int, list[Citation]] = {}
        for at, title, arxiv_id, doi, source_id in self._rows(_CITED, (_json(rows),)):
            citation = Citation(title=title, arxiv_id=arxiv_id, doi=doi, source_id=source_id)
            cited.setdefault(at, []).append(citation)
        papers = {found[0]: row_to_paper(found) for found in self._papers("papers.row", rows)}
        return [Citing(papers[at], times.get(at, 0), tuple(cited.get(at, ()))) for at in rows]

    async def guides(self, text: str, papers: Sequence[Paper], *, limit: int) -> list[Guide]:
        """At most `limit` papers of any date whose references are known, the most helpful first.

        By turns those that are most about `text`, and those with a section that cites most of `papers`: there each
        weighs the more the better it is ranked, over the square root of how many papers the section cites.
        """
        cited = self._by_name([str(paper.id) for paper in papers])
        rows = {paper.id: cited[paper.id][0] for paper in papers if paper.id in cited}
        citing = self._co_citing(list(rows.values()), limit)
        about = self._about(text, limit)
        chosen: dict[int, int | None] = {}
        for pair in zip_longest(about, citing):
            for row in pair:
                if row is not None and len(chosen) < limit:
                    chosen.setdefault(row, citing.get(row))
        by_row = {row: paper_id for paper_id, row in rows.items()}
        found = {row[0]: row_to_paper(row) for row in self._papers("papers.row", chosen)}
        return [Guide(found[row], by_row.get(best) if best is not None else None) for row, best in chosen.items()]

    def _about(self, text: str, limit: int) -> list[int]:
        """Rows of papers with references that are about `text`, best first."""
        looked = _GUIDE_DEPTH
        while True:
            rows = self._index.search(text, limit=looked, before=None)
            known = {row for (row,) in self._rows(_WITH_REFERENCES, (_json(rows),))}
            if len(known) >= limit or len(rows) < looked or looked >= _DEEPEST:
                return [row for row in rows if row in known][:limit]
            looked *= 4

    def _co_citing(self, rows: Sequence[int], limit: int) -> dict[int, int]:
        """Rows of papers that cite many of `rows` in one section, best first, each with the best row it cites."""
        weighted = [(row, 1 / (_SEED_OFFSET + rank), rank) for rank, row in enumerate(rows)]
        sections = self._rows(_CITING_SECTIONS, (_json(weighted), limit * _SECTIONS_LOOKED_AT))
        sizes = {
            (citing, section): size
            for citing, section, size in self._rows(_SECTION_SIZES, (_json({row[0] for row in sections}),))
        }
        scored = sorted(
            ((-weight / math.sqrt(sizes[citing, section]), citing, best) for citing, section, weight, best in sections)
        )
        found: dict[int, int] = {}
        for _, citing, best in scored:
            found.setdefault(citing, rows[best])
        return dict(list(found.items())[:limit])

    def document_frequency(self, term: str) -> int:
        """In how many papers the raw word stands, after the corpus's own analysis; all, for a stop word."""
        return self._index.document_frequency(term)

    def analyze(self, text: str) -> list[str]:
        """The terms of `text` as the corpus indexes them: lower case, stop words out, stemmed."""
        return self._index.analyze(text)

    def close(self) -> None:
        """Let go of the files. May be called twice."""
        self._connection.close()

    def _find(self, paper: Paper) -> int | None:
        rows = self._rows("SELECT row FROM names WHERE name = ?", (str(paper.id),))
        if rows:
            return int(rows[0][0])
        # A paper from elsewhere, which may go by another name here.
        year = paper.date.year if paper.date else None
        found = self._resolve([Citation(paper.title, paper.authors, year, paper.arxiv_id, paper.doi)])[0]
        return found[0] if found else None

    def _resolve(self, citations: Sequence[Citation]) -> list[tuple[int, Paper] | None]:
        names = [names_of(citation) for citation in citations]
        hashes = [title_hash(citation.title) for citation in citations]
        named = self._by_name({name for each in names for name in each})
        titled: dict[int | None, list[tuple[int, Paper]]] = {}
        for row in self._papers("title_hash", {value for value in hashes if value is not None}, extra="title_hash"):
            titled.setdefault(row[-1], []).append((row[0], row_to_paper(row[:-1])))
        resolved: list[tuple[int, Paper] | None] = []
        for citation, its_names, its_hash in zip(citations, names, hashes, strict=True):
            by_name = (
                named[name] for name in its_names if name in named and name_matches(citation, name, named[name][1])
            )
            paper = next(by_name, None)
            if paper is None:
                by_title = [found for found in titled.get(its_hash, []) if title_matches(citation, found[1])]
                paper = by_title[0] if len(by_title) == 1 else None
            resolved.append(paper)
        return resolved

    def _by_name(self, names: Iterable[str]) -> dict[str, tuple[int, Paper]]:
        rows = self._rows(
            f"SELECT {COLUMNS}, name FROM json_each(?) JOIN names ON name = value"
            " JOIN papers ON papers.row = names.row",
            (_json(names),),
        )
        return {row[-1]: (row[0], row_to_paper(row[:-1])) for row in rows}

    def _papers(self, column: str, values: Iterable[int], extra: str = "") -> list[tuple[Any, ...]]:
        columns = f"{COLUMNS}, {extra}" if extra else COLUMNS
        return self._rows(
            f"SELECT {columns} FROM papers WHERE {column} IN (SELECT value FROM json_each(?))", (_json(values),)
        )

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._read_errors():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _read_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SourceError(f"The corpus {self.name!r} can't be read: {error}.", "Build it again.") from error


def _connect(path: Path) -> sqlite3.Connection:
    # Immutable: a build never changes these files, so no lock is needed beside them.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    try:
        # Mapped pages are read without a call into the system each: papers lie all over the file.
        connection.execute(f"PRAGMA mmap_size={_MAPPED}")
        # The first look maps the file: taken now, what is open stays this build's when another takes its place.
        connection.execute("SELECT 1 FROM papers LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _json(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()
