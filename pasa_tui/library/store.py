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
from pasa_tui.library.database import explained, open_database
from pasa_tui.library.ownership import is_alive, this_process
from pasa_tui.library.recording import read_events, record_events
from pasa_tui.library.rows import PaperRow, SearchRow, Status, match_expression, paper_of, search_of
from pasa_tui.library.transactions import transaction
from pasa_tui.papers import Paper, PaperId, Query, clean_text

# SQLite's integers have 64 bits.
_LARGEST_ID = 2**63 - 1


class Library:
    """One library file. Several threads may share an instance and several processes a file.

    Every method raises LibraryError where the file cannot be read or written, or the library is closed; a
    write either happens whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_database(path)
        # One connection for all threads: writes are short, and SQLite allows one writer at a time anyway.
        self._lock = threading.RLock()
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> "Library":
        """The library at `path`, made (0600 in folders of 0700) and migrated where needed."""
        return cls(path)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            if self._closed:
                raise LibraryError("The library is closed.", "Open it again.")
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, transaction(connection):
            yield connection

    # -- searches -----------------------------------------------------------------------------------------

    def create_search(self, query: Query, settings: Mapping[str, Any]) -> int:
        """Begin to keep a search, run by this process; its number. `settings` must be JSON values."""
        text = clean_text(query.text, keep_newlines=True)
        before = query.before.isoformat() if query.before else None
        now = _now()
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO searches (query, before, settings, status, owner, started_at, updated_at)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?)",
                (text, before, json.dumps(dict(settings)), this_process(), now, now),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def claim(self, search_id: int) -> None:
        """Make this process the one that runs the search, whatever its status.

        The status follows from the events: one that had ended is running again once it records SearchStarted.
        Raises LibraryError while another process runs it.
        """
        with self._writing() as connection:
            row = self._search_row(connection, search_id)
            if row["owner"] != this_process() and self._status(row) == "running":
                raise LibraryError(
                    f"Search {search_id} is running in another pasa-tui.", "Wait for it, or cancel it there."
                )
            connection.execute(
                "UPDATE searches SET owner = ?, updated_at = ? WHERE id = ?", (this_process(), _now(), search_id)
            )

    def record(self, search_id: int, events: Sequence[Event]) -> None:
        """Append events and bring the search, its papers and its counts up to date, in one transaction.

        Without events it is a sign of life for other machines that share the file. Raises LibraryError where
        another process has claimed the search: a log has one writer.
        """
        with self._writing() as connection:
            if self._search_row(connection, search_id)["owner"] != this_process():
                raise LibraryError(
                    f"Search {search_id} has been taken over by another pasa-tui.", "Its results are kept there."
                )
            record_events(connection, search_id, events, _now())

    def events(self, search_id: int) -> list[Event]:
        """All events of a search in order; of a type that this version doesn't know, none."""
        with self._reading() as connection:
            self._search_row(connection, search_id)
            try:
                return read_events(connection, search_id)
            except ValueError as error:
                raise LibraryError(
                    f"The log of search {search_id} can't be read: {error}.",
                    "Update pasa-tui if a newer version wrote it; else delete this search.",
                ) from error

    def state(self, search_id: int) -> SearchState:
        """What the search amounts to."""
        state = SearchState()
        for event in self.events(search_id):
            state.apply(event)
        return state

    def searches(self, text: str = "", limit: int = 200) -> list[SearchRow]:
        """Past searches, newest first; with `text`, those whose question has its words.

        A word counts by its beginning, so that the list narrows while it is being typed.
        """
        expression = match_expression(text)
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
            connection.execute("DELETE FROM searches WHERE id = ?", [search_id])
            connection.execute(
                "DELETE FROM papers WHERE id NOT IN (SELECT paper_id FROM found UNION SELECT paper_id FROM stars"
                " UNION SELECT paper_id FROM tags UNION SELECT paper_id FROM notes)"
            )

    def _search_row(self, connection: sqlite3.Connection, search_id: int) -> sqlite3.Row:
        row: sqlite3.Row | None = None
        if 0 < search_id <= _LARGEST_ID:
            row = connection.execute("SELECT * FROM searches WHERE id = ?", [search_id]).fetchone()
        if row is None:
            raise LibraryError(f"There is no search {search_id}.", "`pasa-tui history` lists all that are kept.")
        return row

    def _status(self, row: sqlite3.Row) -> Status:
        status: Status = row["status"]
        if status == "running" and not is_alive(row["owner"], dt.datetime.fromisoformat(row["updated_at"])):
            return "interrupted"
        return status

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

    def papers(self, paper_ids: Sequence[PaperId]) -> dict[PaperId, Paper]:
        """The papers of these identities that were ever met."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT papers.* FROM json_each(?) JOIN papers ON papers.id = value", (json.dumps(list(paper_ids)),)
            ).fetchall()
            return {PaperId(row["id"]): paper_of(row) for row in rows}

    def set_star(self, paper_id: PaperId, on: bool) -> None:
        """Star a paper of the library, or take its star away."""
        with self._writing() as connection:
            self._check_paper(connection, paper_id)
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

    def _check_paper(self, connection: sqlite3.Connection, paper_id: PaperId) -> None:
        if connection.execute("SELECT 1 FROM papers WHERE id = ?", [paper_id]).fetchone() is None:
            raise LibraryError(f"The library has no paper {paper_id}.", "Search for it first.")


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
