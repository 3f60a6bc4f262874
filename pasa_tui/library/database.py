"""Opening the library's file, and turning what SQLite says into what a person can act on."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pasa_tui.config import private_file
from pasa_tui.errors import ConfigError, LibraryError

if TYPE_CHECKING:
    from sqlite_utils import Database

# Seconds to wait for another process's write before giving up on ours.
_BUSY_SECONDS = 10.0


def open_database(path: Path) -> "Database":
    """The database at `path`, created private to the user and migrated to this version's schema.

    One connection that any thread may use, one at a time. Raises LibraryError; a file that a newer version
    made, or that is no library, is left as it is.
    """
    import sqlite_utils

    from pasa_tui.library.migrations import migrations

    if path.is_dir():
        raise LibraryError(f"The library {path} is a folder.", "Move it away, or set PASA_TUI_HOME.")
    try:
        private_file(path)
    except ConfigError as error:
        raise LibraryError(error.message, error.hint) from error
    with explained(path):
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            db = sqlite_utils.Database(connection)
            _refuse_newer(db, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            if _names_applied(db) != {migration.name for migration in migrations._migrations}:
                # Taken at once, so that two processes that open a new library together don't both migrate it.
                with transaction(connection):
                    migrations.apply(db)
        except BaseException:
            connection.close()
            raise
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(OSError):
            os.chmod(f"{path}{suffix}", 0o600)
    return db


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Begin a write at once, commit it at the end, or roll it back on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a LibraryError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text:
            raise LibraryError(
                "The disk is full, so the library can't be written.",
                f"Make room where {path} is; nothing kept is lost.",
            ) from error
        if "locked" in text or "busy" in text:
            raise LibraryError(
                f"Another program holds the library {path} locked.", "Close it, or try again in a moment."
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise LibraryError(
                f"The library {path} can't be written.", "Make it and its folder writable, or set PASA_TUI_HOME."
            ) from error
        if "not a database" in text or "malformed" in text:
            raise LibraryError(
                f"{path} is damaged or not a library ({text}).",
                "Move it away to start a new one, or put a backup in its place.",
            ) from error
        raise LibraryError(f"The library {path} failed: {text}.", "Check the disk it is on.") from error


def _names_applied(db: "Database") -> set[str]:
    from pasa_tui.library.migrations import migrations

    return {migration.name for migration in migrations.applied(db)}


def _refuse_newer(db: "Database", path: Path) -> None:
    from pasa_tui.library.migrations import migrations

    unknown = _names_applied(db) - {migration.name for migration in migrations._migrations}
    if unknown:
        raise LibraryError(
            f"The library {path} was made by a newer pasa-tui.",
            "Update pasa-tui, or set PASA_TUI_HOME to another folder to use this version.",
        )
