"""Opening the library's file, and turning what SQLite says into what a person can act on."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pasa_tui.config import private_file
from pasa_tui.errors import ConfigError, LibraryError
from pasa_tui.library.migrations import MIGRATIONS, apply_missing, names_applied

# Seconds to wait for another process's write before giving up on ours.
_BUSY_SECONDS = 10.0
_ELSEWHERE = "set PASA_TUI_HOME to another folder"
# By SQLite's primary result code (https://www.sqlite.org/rescode.html): what is wrong, what to do.
_BUSY = ("Another program holds the library {path} locked.", "Close that program, or try again in a moment.")
_UNWRITABLE = ("The library {path} can't be written.", f"Make it and its folder writable, or {_ELSEWHERE}.")
_DAMAGED = (
    "{path} is damaged or not a library ({error}).",
    "Move it away to start a new one, or put a backup in its place.",
)
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: (
        "The disk is full, so the library can't be written.",
        "Make room where {path} is; nothing kept is lost.",
    ),
}
_OTHER = ("The library {path} failed: {error}.", "Check the disk it is on.")


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the library at `path`, created private to the user and migrated to this version's schema.

    Any thread may use it, one at a time. Raises LibraryError; a file that a newer version or another program
    made, or that is no database, is left as it is.
    """
    try:
        if path.is_dir():
            raise LibraryError(f"The library {path} is a folder.", f"Move it away, or {_ELSEWHERE}.")
        private_file(path)
    except ConfigError as error:
        raise LibraryError(error.message, error.hint) from error
    except OSError as error:
        problem = f"The library {path} can't be used: {error.strerror}."
        raise LibraryError(problem, f"Mend that, or {_ELSEWHERE}.") from error
    # SQLite gives the files that it puts beside this one (-wal, -shm) the same mode.
    with contextlib.suppress(PermissionError):
        path.chmod(0o600)
    with explained(path):
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            up_to_date = _check(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            if not up_to_date:
                apply_missing(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong in SQLite or below it into a LibraryError that says what to do.

    Wrong use of the database by this program stays what it is: a defect.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise
        # Extended codes keep the primary one in their lowest byte.
        message, hint = _PROBLEMS.get(code & 0xFF, _OTHER)
        raise LibraryError(message.format(path=path, error=error), hint.format(path=path)) from error


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the database has been through all migrations. Raises LibraryError where it is none of ours."""
    applied = names_applied(connection)
    if applied is None:
        raise LibraryError(f"{path} is a database of another program.", f"Move it away, or {_ELSEWHERE}.")
    known = {migration.__name__ for migration in MIGRATIONS}
    if applied - known:
        raise LibraryError(
            f"The library {path} was made by a newer pasa-tui.", f"Update pasa-tui, or {_ELSEWHERE} to use this one."
        )
    return applied == known
