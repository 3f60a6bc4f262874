"""One library file, open: its connection, its lock, and what both raise."""

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pasa_tui.errors import LibraryError
from pasa_tui.library.database import explained, open_database
from pasa_tui.library.transactions import transaction


class LibraryFile:
    """What the parts of `Library` stand on: reading and writing, each with its errors explained."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_database(path)
        # One connection for all threads: writes are short, and SQLite allows one writer at a time anyway.
        self._lock = threading.RLock()
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Self:
        """The library at `path`, made (0600 in folders of 0700) and migrated where needed."""
        return cls(path)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def __enter__(self) -> Self:
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


def now() -> str:
    """This moment in UTC, as ISO 8601 with milliseconds."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
