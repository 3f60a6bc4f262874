"""Care of the library's file: what is in it, backups, merging another one in, tidying, checking."""

import contextlib
import os
import secrets
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pasa_tui.errors import LibraryError
from pasa_tui.library.database import explained, open_database
from pasa_tui.library.recording import merge_clause, read_events
from pasa_tui.library.rows import PAPER_COLUMNS
from pasa_tui.library.searches import Searches
from pasa_tui.library.transactions import transaction


@dataclass(frozen=True, slots=True)
class Stats:
    """What a library holds. `bytes` is its size on the disk, the write-ahead log included."""

    searches: int
    deleted: int
    papers: int
    selected: int
    starred: int
    rejected: int
    tagged: int
    noted: int
    events: int
    bytes: int
    known: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """How much another library brought that was not there."""

    searches: int
    papers: int


class Care(Searches):
    """The part of the library that looks after its file."""

    def stats(self) -> Stats:
        """What is in the library, in numbers."""
        counts = {
            "searches": "SELECT count(*) FROM searches WHERE deleted_at IS NULL",
            "deleted": "SELECT count(*) FROM searches WHERE deleted_at IS NOT NULL",
            "papers": "SELECT count(*) FROM papers",
            "selected": "SELECT count(DISTINCT paper_id) FROM found WHERE selected",
            "starred": "SELECT count(*) FROM stars",
            "rejected": "SELECT count(*) FROM rejections",
            "tagged": "SELECT count(DISTINCT paper_id) FROM tags",
            "noted": "SELECT count(*) FROM notes",
            "events": "SELECT count(*) FROM events",
        }
        with self._reading() as connection:
            numbers = {name: connection.execute(query).fetchone()[0] for name, query in counts.items()}
            known = connection.execute("SELECT origin, count(DISTINCT number) FROM known GROUP BY origin")
            return Stats(**numbers, bytes=_size(self.path), known=dict(map(tuple, known)))

    def backup(self, path: Path, *, overwrite: bool = False) -> int:
        """Write the library as one consistent file, while it is in use; its size in bytes.

        The file takes its name when it is whole. Raises LibraryError where one is there (without `overwrite`), or it
        can't be written.
        """
        if path.is_dir():
            raise LibraryError(f"{path} is a folder.", "Name a file in it.")
        if path.exists() and (path.samefile(self.path) or not overwrite):
            raise LibraryError(f"{path} exists already.", "Choose another name, or allow it to be overwritten.")
        if not path.parent.is_dir():
            raise LibraryError(f"The folder {path.parent} does not exist.", "Create it first, or choose another one.")
        aside = path.with_name(f".pasa-tui-{secrets.token_hex(6)}.part")
        try:
            # Made by us, so that it is private from its first byte.
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with self._reading() as connection, explained(aside), contextlib.closing(sqlite3.connect(aside)) as copy:
                connection.backup(copy)
                # As one file: without the log beside it that the library itself has.
                copy.execute("PRAGMA journal_mode = DELETE")
            os.replace(aside, path)
            return path.stat().st_size
        except OSError as error:
            raise LibraryError(
                f"{path} can't be written: {error.strerror}.", "Choose a folder you may write to."
            ) from error
        finally:
            aside.unlink(missing_ok=True)

    def import_library(self, path: Path) -> Imported:
        """Take in what another library has that this one lacks: searches, papers, stars, tags, notes, rejections.

        A search is the same where its question, settings and moment of beginning are. Of two notes on a paper both
        stay. The other file is only read; one of an older version is brought up to date in a copy. Raises
        LibraryError where it is no library.
        """
        if not path.is_file():
            raise LibraryError(f"There is no file {path}.", "Name a library, such as one of `pasa-tui library backup`.")
        if path.samefile(self.path):
            raise LibraryError(f"{path} is this library.", "Name another one.")
        with tempfile.TemporaryDirectory(prefix="pasa-tui-") as folder:
            copy = Path(folder) / "library.db"
            with (
                explained(path),
                contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as other,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                other.backup(target)
            open_database(copy).close()
            with self._reading() as connection:
                connection.execute("ATTACH DATABASE ? AS other", [str(copy)])
                try:
                    with transaction(connection):
                        return _merge(connection)
                finally:
                    connection.execute("DETACH DATABASE other")

    def vacuum(self) -> tuple[int, int]:
        """Forget the searches that were put away and give the space free; the sizes in bytes before and after."""
        before = _size(self.path)
        self.purge()
        with self._reading() as connection:
            for table in ("searches_fts", "papers_fts"):
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, _size(self.path)

    def check(self) -> list[str]:
        """What is wrong with the file, a sentence each; nothing for a sound one."""
        problems = []
        with self._reading() as connection:
            for (answer,) in connection.execute("PRAGMA integrity_check(20)"):
                if answer != "ok":
                    problems.append(f"The file is damaged: {answer}.")
            for row in connection.execute("PRAGMA foreign_key_check"):
                problems.append(f"A row of {row[0]} refers to one of {row[2]} that is not there.")
            for table in ("searches_fts", "papers_fts"):
                try:
                    connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
                except sqlite3.DatabaseError:
                    problems.append(f"The full-text index {table} does not fit its table.")
            searches = [row[0] for row in connection.execute("SELECT id FROM searches ORDER BY id")]
            for search_id in searches:
                try:
                    read_events(connection, search_id)
                except ValueError as error:
                    problems.append(f"The log of search {search_id} can't be read: {error}.")
        return problems


def _size(path: Path) -> int:
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _merge(connection: sqlite3.Connection) -> Imported:
    papers = connection.execute("SELECT count(*) FROM main.papers").fetchone()[0]
    columns = ", ".join(PAPER_COLUMNS)
    connection.execute(
        f"INSERT INTO main.papers ({columns}) SELECT {columns} FROM other.papers WHERE TRUE {merge_clause()}"
    )
    fresh = connection.execute(
        "SELECT id FROM other.searches AS theirs WHERE deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM main.searches"
        " AS ours WHERE ours.query = theirs.query AND ours.started_at = theirs.started_at"
        " AND ours.settings = theirs.settings) ORDER BY id"
    ).fetchall()
    numbers: dict[int, int] = {}
    kept = "query, before, settings, owner, started_at, updated_at, ended_at, met, selected, title"
    for (search_id,) in fresh:
        cursor = connection.execute(
            f"INSERT INTO main.searches ({kept}, status, parent) SELECT {kept},"
            " iif(status = 'running', 'cancelled', status), ? FROM other.searches WHERE id = ?",
            (numbers.get(_parent(connection, search_id)), search_id),
        )
        assert cursor.lastrowid is not None
        numbers[search_id] = cursor.lastrowid
        for table, names in (
            ("events", "seq, at, type, payload"),
            ("found", "paper_id, rank, depth, kind, text, parent, score, selected, reason"),
        ):
            connection.execute(
                f"INSERT INTO main.{table} (search_id, {names}) SELECT ?, {names} FROM other.{table}"
                " WHERE search_id = ?",
                (numbers[search_id], search_id),
            )
    for table in ("stars", "tags", "rejections", "known"):
        connection.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM other.{table}")
    connection.execute(
        "INSERT INTO main.notes SELECT paper_id, text FROM other.notes WHERE TRUE ON CONFLICT (paper_id) DO UPDATE SET"
        " text = iif(instr(main.notes.text, excluded.text), main.notes.text, main.notes.text || char(10, 10)"
        " || excluded.text)"
    )
    after = connection.execute("SELECT count(*) FROM main.papers").fetchone()[0]
    return Imported(len(fresh), after - papers)


def _parent(connection: sqlite3.Connection, search_id: int) -> int:
    row = connection.execute("SELECT parent FROM other.searches WHERE id = ?", [search_id]).fetchone()
    return row[0] or 0
