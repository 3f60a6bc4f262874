"""Papers of the library, and what the user made of them: stars, tags, notes, rejections, and what they know already."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pasa_tui.errors import LibraryError
from pasa_tui.library.connection import LibraryFile, now
from pasa_tui.library.rows import Marks, PaperRow, match_expression, paper_of
from pasa_tui.papers import Paper, PaperId, clean_text, names_of

# Held by a search that was not put away, or by what the user made of it.
_HELD = "(EXISTS (SELECT 1 FROM found JOIN searches ON searches.id = search_id WHERE paper_id = papers.id" + (
    " AND deleted_at IS NULL) OR papers.id IN (SELECT paper_id FROM stars UNION SELECT paper_id FROM tags"
    " UNION SELECT paper_id FROM notes UNION SELECT paper_id FROM rejections))"
)
_SEARCHES_OF = (
    "(SELECT count(*) FROM found JOIN searches ON searches.id = search_id"
    " WHERE paper_id = papers.id AND deleted_at IS NULL)"
)

# Letters from which on a word of the papers is found by its beginning: among 100,000 papers a shorter one is in most.
_SHORTEST = 3


class MarkedPapers(LibraryFile):
    """The part of the library that keeps papers."""

    def find_papers(
        self, text: str = "", limit: int = 50, *, tag: str | None = None, starred: bool = False
    ) -> list[PaperRow]:
        """Papers ever met whose title, abstract or authors have these words, best match first.

        A word counts by its beginning from three letters on. `tag` and `starred` leave those that have it; with one
        of them, no words mean all of these papers, by title.
        """
        expression = match_expression(text, shortest=_SHORTEST)
        conditions: list[str] = []
        values: list[str] = []
        if not expression and (text.strip() or not (tag or starred)):
            return []
        if tag:
            conditions.append("papers.id IN (SELECT paper_id FROM tags WHERE tag = ?)")
            values.append(tag)
        if starred:
            conditions.append("papers.id IN (SELECT paper_id FROM stars)")
        with self._reading() as connection:
            if connection.execute("SELECT 1 FROM searches WHERE deleted_at IS NOT NULL LIMIT 1").fetchone():
                conditions.append(_HELD)
            if expression:
                # The best are found by their numbers first: sorting thousands of whole rows takes twice as long.
                best = (
                    "SELECT papers_fts.rowid AS place, bm25(papers_fts, 4, 1, 2) AS score FROM papers_fts"
                    f"{' JOIN papers ON papers.number = papers_fts.rowid' if conditions else ''}"
                    f" WHERE {' AND '.join(['papers_fts MATCH ?', *conditions])} ORDER BY score, place LIMIT ?"
                )
                found = f"({best}) JOIN papers ON papers.number = place ORDER BY score, place"
                values.insert(0, expression)
            else:
                found = f"papers WHERE {' AND '.join(conditions)} ORDER BY papers.title LIMIT ?"
            rows = connection.execute(
                f"SELECT papers.*, {_SEARCHES_OF} AS searches FROM {found}", (*values, limit)
            ).fetchall()
            return [self._paper_row(connection, row) for row in rows]

    def _paper_row(self, connection: sqlite3.Connection, row: sqlite3.Row) -> PaperRow:
        starred, rejected, note = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM stars WHERE paper_id = ?1), EXISTS (SELECT 1 FROM rejections"
            " WHERE paper_id = ?1), (SELECT text FROM notes WHERE paper_id = ?1)",
            [row["id"]],
        ).fetchone()
        tags = self.tags(PaperId(row["id"]))
        return PaperRow(paper_of(row), row["searches"], bool(starred), tags, note or "", bool(rejected))

    def paper_row(self, paper_id: PaperId) -> PaperRow:
        """A paper with what the user made of it. Raises LibraryError where it was never met."""
        with self._reading() as connection:
            self._check_paper(connection, paper_id)
            row = connection.execute(
                f"SELECT papers.*, {_SEARCHES_OF} AS searches FROM papers WHERE id = ?", [paper_id]
            ).fetchone()
            return self._paper_row(connection, row)

    def searches_of(self, paper_id: PaperId) -> list[tuple[int, float | None, bool]]:
        """Which searches found a paper, newest first: number, score, whether it was selected."""
        with self._reading() as connection:
            return [
                (row["search_id"], row["score"], bool(row["selected"]))
                for row in connection.execute(
                    "SELECT search_id, score, found.selected FROM found JOIN searches ON searches.id = search_id"
                    " WHERE paper_id = ? AND deleted_at IS NULL ORDER BY search_id DESC",
                    [paper_id],
                )
            ]

    def met_before(self, search_id: int) -> frozenset[PaperId]:
        """The papers of a search that an earlier one had met."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT paper_id FROM found AS mine WHERE search_id = ? AND EXISTS (SELECT 1 FROM found AS theirs"
                " WHERE theirs.paper_id = mine.paper_id AND theirs.search_id < mine.search_id)",
                [search_id],
            )
            return frozenset(PaperId(row[0]) for row in rows)

    def citers(self, paper_id: PaperId) -> list[Paper]:
        """The papers of the library that cite this one, as far as searches followed their citations to it."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT papers.* FROM found JOIN papers ON papers.id = found.parent"
                " WHERE found.paper_id = ? AND found.kind = 'section' ORDER BY papers.title",
                [paper_id],
            )
            return [paper_of(row) for row in rows]

    def papers(self, paper_ids: Sequence[PaperId]) -> dict[PaperId, Paper]:
        """The papers of these identities that were ever met."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT papers.* FROM json_each(?) JOIN papers ON papers.id = value", (json.dumps(list(paper_ids)),)
            ).fetchall()
            return {PaperId(row["id"]): paper_of(row) for row in rows}

    def marks(self) -> Marks:
        """All stars, rejections, tags and notes."""
        tags: defaultdict[PaperId, list[str]] = defaultdict(list)
        with self._reading() as connection:
            for paper_id, tag in connection.execute("SELECT paper_id, tag FROM tags ORDER BY tag"):
                tags[paper_id].append(tag)
            return Marks(
                frozenset(row[0] for row in connection.execute("SELECT paper_id FROM stars")),
                frozenset(row[0] for row in connection.execute("SELECT paper_id FROM rejections")),
                {paper_id: tuple(names) for paper_id, names in tags.items()},
                {PaperId(row[0]): row[1] for row in connection.execute("SELECT paper_id, text FROM notes")},
            )

    def set_star(self, paper_id: PaperId, on: bool) -> None:
        """Star a paper of the library, or take its star away."""
        self._set_mark("stars", paper_id, on)

    def set_rejected(self, paper_id: PaperId, on: bool) -> None:
        """Reject a paper, whatever searches say of it, or take that back."""
        self._set_mark("rejections", paper_id, on)

    def _set_mark(self, table: str, paper_id: PaperId, on: bool) -> None:
        with self._writing() as connection:
            self._check_paper(connection, paper_id)
            if on:
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (paper_id, now()))
            else:
                connection.execute(f"DELETE FROM {table} WHERE paper_id = ?", [paper_id])

    def starred(self) -> set[PaperId]:
        """All papers with a star."""
        with self._reading() as connection:
            return {PaperId(row[0]) for row in connection.execute("SELECT paper_id FROM stars")}

    def set_tags(self, paper_id: PaperId, tags: Iterable[str]) -> None:
        """Give a paper exactly these tags; empty ones are passed over."""
        cleaned = {tag for tag in map(clean_text, tags) if tag}
        with self._writing() as connection:
            self._check_paper(connection, paper_id)
            connection.execute("DELETE FROM tags WHERE paper_id = ?", [paper_id])
            connection.executemany("INSERT INTO tags VALUES (?, ?)", [(paper_id, tag) for tag in cleaned])

    def tags(self, paper_id: PaperId) -> tuple[str, ...]:
        """A paper's tags in alphabetical order."""
        with self._reading() as connection:
            rows = connection.execute("SELECT tag FROM tags WHERE paper_id = ? ORDER BY tag", [paper_id])
            return tuple(row[0] for row in rows)

    def all_tags(self) -> dict[str, int]:
        """Every tag in use, in alphabetical order, and how many papers have it."""
        with self._reading() as connection:
            return dict(map(tuple, connection.execute("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY tag")))

    def set_note(self, paper_id: PaperId, text: str) -> None:
        """Keep a note on a paper; an empty one is taken away."""
        cleaned = clean_text(text, keep_newlines=True)
        with self._writing() as connection:
            self._check_paper(connection, paper_id)
            connection.execute("DELETE FROM notes WHERE paper_id = ?", [paper_id])
            if cleaned:
                connection.execute("INSERT INTO notes VALUES (?, ?)", (paper_id, cleaned))

    def note(self, paper_id: PaperId) -> str:
        """The note on a paper, or an empty string."""
        with self._reading() as connection:
            row = connection.execute("SELECT text FROM notes WHERE paper_id = ?", [paper_id]).fetchone()
        return row[0] if row else ""

    def set_known(self, origin: str, papers: Iterable[Paper]) -> int:
        """Keep these papers as known from `origin` (a file's name, "zotero") in place of what was; how many there are.

        They need not have been met by any search. `known_names` then has all their names.
        """
        rows = [(origin, name, number) for number, paper in enumerate(papers, start=1) for name in names_of(paper)]
        with self._writing() as connection:
            connection.execute("DELETE FROM known WHERE origin = ?", [origin])
            connection.executemany("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", rows)
        return self.known_origins().get(origin, 0)

    def known_names(self) -> frozenset[str]:
        """The names (`pasa_tui.papers.names_of`) of all papers known from anywhere."""
        with self._reading() as connection:
            return frozenset(row[0] for row in connection.execute("SELECT name FROM known"))

    def known_origins(self) -> dict[str, int]:
        """Where papers are known from, and how many."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT origin, count(DISTINCT number) FROM known GROUP BY origin ORDER BY origin"
            )
            return dict(map(tuple, rows))

    def forget_known(self, origin: str) -> None:
        """Know nothing from there any more. Raises LibraryError where nothing was."""
        with self._writing() as connection:
            if not connection.execute("DELETE FROM known WHERE origin = ?", [origin]).rowcount:
                known = ", ".join(row[0] for row in connection.execute("SELECT DISTINCT origin FROM known"))
                raise LibraryError(
                    f"No papers are known from {clean_text(origin)}.", f"There is: {known or 'nothing'}."
                )

    def _check_paper(self, connection: sqlite3.Connection, paper_id: PaperId) -> None:
        if connection.execute("SELECT 1 FROM papers WHERE id = ?", [paper_id]).fetchone() is None:
            raise LibraryError(f"The library has no paper {clean_text(paper_id)}.", "Search for it first.")
