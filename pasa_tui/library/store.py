"""The library: past searches with all their events, every paper met, and what the user made of them."""

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from pasa_tui.errors import LibraryError
from pasa_tui.events import Event, SearchState
from pasa_tui.library.database import explained, open_database, transaction
from pasa_tui.library.ownership import is_alive, this_process
from pasa_tui.library.recording import read_events, record_events
from pasa_tui.library.rows import PaperRow, SearchRow, match_expression, paper_of, search_of
from pasa_tui.papers import PaperId, Query, clean_text


class Library:
    """One library file. Several threads may share an instance and several processes a file.

    Every method raises LibraryError where the file cannot be read or written; a write either happens whole
    or not at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = open_database(path)
        # One connection for all threads: writes are short, and SQLite allows one writer at a time anyway.
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> "Library":
        """The library at `path`, made (0600 in folders of 0700) and migrated where needed."""
        return cls(path)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._db.conn.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            yield self._db.conn

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path), transaction(self._db.conn):
            yield self._db.conn

    # -- searches -----------------------------------------------------------------------------------------

    def create_search(self, query: Query, settings: Mapping[str, Any]) -> int:
        """Begin to keep a search, run by this process; its number."""
        before = query.before.isoformat() if query.before else None
        now = _now()
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO searches (query, before, settings, status, owner, started_at, updated_at)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?)",
                (query.text, before, json.dumps(settings, ensure_ascii=False), this_process(), now, now),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def claim(self, search_id: int) -> None:
        """Make this process the one that runs the search. Raises LibraryError while another one does."""
        with self._writing() as connection:
            row = self._search_row(connection, search_id)
            if row["owner"] != this_process() and self._status(row) == "running":
                raise LibraryError(
                    f"Search {search_id} is running in another pasa-tui.", "Wait for it, or cancel it there."
                )
            connection.execute(
                "UPDATE searches SET owner = ?, status = 'running', ended_at = NULL, updated_at = ? WHERE id = ?",
                (this_process(), _now(), search_id),
            )

    def record(self, search_id: int, events: Sequence[Event]) -> None:
        """Append events and bring the search, its papers and its counts up to date, in one transaction."""
        with self._writing() as connection:
            self._search_row(connection, search_id)
            record_events(connection, search_id, events, _now())

    def events(self, search_id: int) -> list[Event]:
        """All events of a search in order; of a type that this version doesn't know, none."""
        with self._reading() as connection:
            self._search_row(connection, search_id)
            return read_events(connection, search_id)

    def state(self, search_id: int) -> SearchState:
        """What the search amounts to."""
        state = SearchState()
        for event in self.events(search_id):
            state.apply(event)
        return state

    def searches(self, text: str = "", limit: int = 200) -> list[SearchRow]:
        """Past searches, newest first; with `text`, those whose question has its words, the last as a prefix."""
        expression = match_expression(text)
        if text.strip() and not expression:
            return []
        where = "WHERE id IN (SELECT rowid FROM searches_fts WHERE searches_fts MATCH ?)" if expression else ""
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM searches {where} ORDER BY id DESC LIMIT ?",
                (*([expression] if expression else []), limit),
            ).fetchall()
        return [search_of(row, self._status(row)) for row in rows]

    def search(self, search_id: int) -> SearchRow:
        """One past search. Raises LibraryError where there is none of that number."""
        with self._reading() as connection:
            row = self._search_row(connection, search_id)
        return search_of(row, self._status(row))

    def delete_search(self, search_id: int) -> None:
        """Forget a search, and those of its papers that nothing else holds: no search, star, tag or note."""
        with self._writing() as connection:
            row = self._search_row(connection, search_id)
            if row["owner"] != this_process() and self._status(row) == "running":
                raise LibraryError(f"Search {search_id} is running in another pasa-tui.", "Cancel it there first.")
            ids = [
                found[0] for found in connection.execute("SELECT paper_id FROM found WHERE search_id = ?", [search_id])
            ]
            connection.execute("DELETE FROM searches WHERE id = ?", [search_id])
            connection.executemany(
                "DELETE FROM papers WHERE id = ?"
                + "".join(
                    f" AND NOT EXISTS (SELECT 1 FROM {table} WHERE paper_id = papers.id)"
                    for table in ("found", "stars", "tags", "notes")
                ),
                [(paper_id,) for paper_id in ids],
            )

    def _search_row(self, connection: sqlite3.Connection, search_id: int) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute("SELECT * FROM searches WHERE id = ?", [search_id]).fetchone()
        if row is None:
            raise LibraryError(f"There is no search {search_id}.", "`pasa-tui history` lists all that are kept.")
        return row

    def _status(self, row: sqlite3.Row) -> Any:
        running = row["status"] == "running"
        if running and not is_alive(row["owner"], dt.datetime.fromisoformat(row["updated_at"])):
            return "interrupted"
        return row["status"]

    # -- papers -------------------------------------------------------------------------------------------

    def find_papers(self, text: str, limit: int = 50) -> list[PaperRow]:
        """Papers ever met whose title, abstract or authors have these words, best match first."""
        expression = match_expression(text)
        if not expression:
            return []
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT papers.*,"
                " (SELECT count(*) FROM found WHERE paper_id = papers.id) AS searches,"
                " EXISTS (SELECT 1 FROM stars WHERE paper_id = papers.id) AS starred,"
                " (SELECT text FROM notes WHERE paper_id = papers.id) AS note"
                " FROM papers_fts JOIN papers ON papers.number = papers_fts.rowid"
                " WHERE papers_fts MATCH ? ORDER BY bm25(papers_fts, 4, 1, 2), papers.number LIMIT ?",
                (expression, limit),
            ).fetchall()
            return [
                PaperRow(
                    paper_of(row),
                    row["searches"],
                    bool(row["starred"]),
                    self.tags(PaperId(row["id"])),
                    row["note"] or "",
                )
                for row in rows
            ]

    def set_star(self, paper_id: PaperId, on: bool) -> None:
        """Star a paper of the library, or take its star away."""
        with self._writing() as connection:
            self._paper_number(connection, paper_id)
            if on:
                connection.execute("INSERT OR IGNORE INTO stars VALUES (?, ?)", (paper_id, _now()))
            else:
                connection.execute("DELETE FROM stars WHERE paper_id = ?", [paper_id])

    def starred(self) -> set[PaperId]:
        """All papers with a star."""
        with self._reading() as connection:
            return {PaperId(row[0]) for row in connection.execute("SELECT paper_id FROM stars")}

    def set_tags(self, paper_id: PaperId, tags: Iterable[str]) -> None:
        """Give a paper exactly these tags; empty ones are passed over."""
        cleaned = {tag for tag in map(clean_text, tags) if tag}
        with self._writing() as connection:
            self._paper_number(connection, paper_id)
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
            self._paper_number(connection, paper_id)
            connection.execute("DELETE FROM notes WHERE paper_id = ?", [paper_id])
            if cleaned:
                connection.execute("INSERT INTO notes VALUES (?, ?)", (paper_id, cleaned))

    def note(self, paper_id: PaperId) -> str:
        """The note on a paper, or an empty string."""
        with self._reading() as connection:
            row = connection.execute("SELECT text FROM notes WHERE paper_id = ?", [paper_id]).fetchone()
        return row[0] if row else ""

    def _paper_number(self, connection: sqlite3.Connection, paper_id: PaperId) -> int:
        row = connection.execute("SELECT number FROM papers WHERE id = ?", [paper_id]).fetchone()
        if row is None:
            raise LibraryError(f"The library has no paper {paper_id}.", "Search for it first.")
        return int(row[0])


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
