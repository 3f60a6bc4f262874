"""Past searches: kept as they happen, listed, renamed, put away and brought back."""

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from pasa_tui.errors import LibraryError
from pasa_tui.events import Event, FoundPaper, SearchState
from pasa_tui.library.connection import LibraryFile, now
from pasa_tui.library.ownership import is_alive, this_process
from pasa_tui.library.recording import read_events, record_events
from pasa_tui.library.rows import PAPER_COLUMNS, SearchRow, Status, match_expression, paper_of, search_of
from pasa_tui.papers import Provenance, Query, clean_text

# SQLite's integers have 64 bits.
_LARGEST_ID = 2**63 - 1
# Characters of a title, at most.
_TITLE = 200


class Searches(LibraryFile):
    """The part of the library that keeps searches."""

    def create_search(self, query: Query, settings: Mapping[str, Any], *, parent: int | None = None) -> int:
        """Begin to keep a search, run by this process; its number. `settings` must be JSON values.

        `parent` is the search that it goes on from, if any.
        """
        text = clean_text(query.text, keep_newlines=True)
        before = query.before.isoformat() if query.before else None
        moment = now()
        with self._writing() as connection:
            cursor = connection.execute(
                "INSERT INTO searches (query, before, settings, status, owner, started_at, updated_at, parent)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?, ?)",
                (text, before, json.dumps(dict(settings)), this_process(), moment, moment, parent),
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
                "UPDATE searches SET owner = ?, updated_at = ? WHERE id = ?", (this_process(), now(), search_id)
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
            record_events(connection, search_id, events, now())

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

    def best_papers(self, search_id: int, limit: int) -> list[FoundPaper]:
        """The papers of a search with the highest scores, best first, without reading its log.

        What the log alone tells is missing: how often they were met, who cites them, verdicts.
        """
        columns = ", ".join(f"papers.{name}" for name in PAPER_COLUMNS)
        with self._reading() as connection:
            rows = connection.execute(
                "WITH best AS (SELECT * FROM found WHERE search_id = ? ORDER BY score DESC LIMIT ?)"
                f" SELECT best.*, {columns} FROM best JOIN papers ON papers.id = best.paper_id ORDER BY score DESC",
                [search_id, limit],
            ).fetchall()
        return [
            FoundPaper(
                paper_of(row),
                Provenance(row["kind"], row["text"], row["parent"], row["rank"]),
                row["depth"],
                order,
                row["score"],
                bool(row["selected"]),
                row["reason"],
            )
            for order, row in enumerate(rows)
        ]

    def state(self, search_id: int) -> SearchState:
        """What the search amounts to."""
        state = SearchState()
        for event in self.events(search_id):
            state.apply(event)
        return state

    def searches(self, text: str = "", limit: int = 200, *, deleted: bool = False) -> list[SearchRow]:
        """Past searches, newest first; with `text`, those whose question or title has its words.

        A word counts by its beginning, so that the list narrows while it is being typed. `deleted` lists those that
        were put away instead, the one put away last first.
        """
        expression = match_expression(text)
        where = f"WHERE deleted_at IS {'NOT ' if deleted else ''}NULL"
        if expression:
            where += " AND id IN (SELECT rowid FROM searches_fts WHERE searches_fts MATCH ?)"
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM searches {where} ORDER BY {'deleted_at DESC, ' if deleted else ''}id DESC LIMIT ?",
                (*([expression] if expression else []), limit),
            ).fetchall()
        return [search_of(row, self._status(row)) for row in rows]

    def search(self, search_id: int) -> SearchRow:
        """One past search. Raises LibraryError where there is none of that number."""
        with self._reading() as connection:
            row = self._search_row(connection, search_id)
        return search_of(row, self._status(row))

    def rename_search(self, search_id: int, title: str) -> None:
        """Call a search by this title from now on; an empty one takes it away."""
        with self._writing() as connection:
            self._search_row(connection, search_id)
            connection.execute("UPDATE searches SET title = ? WHERE id = ?", (clean_text(title)[:_TITLE], search_id))

    def delete_search(self, search_id: int) -> None:
        """Put a search away. `restore_search` brings it back until `purge` forgets it.

        Raises LibraryError while another process runs it.
        """
        with self._writing() as connection:
            row = self._search_row(connection, search_id)
            if row["owner"] != this_process() and self._status(row) == "running":
                raise LibraryError(f"Search {search_id} is running in another pasa-tui.", "Cancel it there first.")
            connection.execute("UPDATE searches SET deleted_at = ? WHERE id = ?", (now(), search_id))

    def restore_search(self, search_id: int) -> None:
        """Bring a search back that was put away. Raises LibraryError where it has been forgotten since."""
        with self._writing() as connection:
            self._search_row(connection, search_id)
            connection.execute("UPDATE searches SET deleted_at = NULL WHERE id = ?", [search_id])

    def purge(self, *, older_than: dt.timedelta = dt.timedelta(0)) -> int:
        """Forget the searches put away longer ago than that, and their papers that nothing else holds; how many.

        A paper is held by a search, a star, a tag, a note or a rejection.
        """
        limit = (dt.datetime.now(dt.UTC) - older_than).isoformat(timespec="milliseconds")
        with self._reading() as connection:
            if not connection.execute("SELECT 1 FROM searches WHERE deleted_at <= ? LIMIT 1", [limit]).fetchone():
                return 0
        with self._writing() as connection:
            gone = connection.execute("DELETE FROM searches WHERE deleted_at <= ?", [limit]).rowcount
            held = " UNION ".join(
                f"SELECT paper_id FROM {table}" for table in ("found", "stars", "tags", "notes", "rejections")
            )
            connection.execute(f"DELETE FROM papers WHERE id NOT IN ({held})")
            return gone

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
