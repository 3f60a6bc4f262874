"""Answers kept on the disk: each with a lifetime, all of them under a bound on their size.

Nothing that names a key is written: an entry is found by a digest of what was asked, and holds the answer alone.
(The libraries for HTTP caching keep the whole request, its headers and so the keys in them, and have no such bound.)
"""

import contextlib
import hashlib
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pasa_tui.config import private_file
from pasa_tui.errors import ConfigError

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, status INTEGER NOT NULL, body BLOB NOT NULL, etag TEXT NOT NULL, modified TEXT NOT NULL,
    stored REAL NOT NULL, used REAL NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_used ON answers (used);
"""
# Seconds that another process's write is waited for: the event loop waits as well, and the cache is only a help.
_PATIENCE = 0.2
# When the bound is passed, this share of it is kept, so that not every further answer makes room.
_KEPT = 0.9
_LARGEST = 8_000_000
"""Bytes of an answer beyond which it is not kept: to pack and write it would hold up everything else."""
_ROW = 300
"""Bytes that an answer takes besides its body."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer as it was stored. `stored` is seconds since the epoch."""

    status: int
    body: bytes
    etag: str
    modified: str
    stored: float


def cache_key(method: str, url: str, params: Mapping[str, str], body: object) -> str:
    """A digest of what is asked; `params` and `body` must hold no key."""
    text = msgspec.json.encode([method, url, sorted(params.items()), body])
    return hashlib.sha256(text).hexdigest()


class AnswerCache:
    """A file that several processes share. Where it can't be used, nothing is found and nothing kept."""

    def __init__(self, path: Path, *, max_bytes: int, now: Callable[[], float] = time.time) -> None:
        """Open or create the file at `path`; 0 bytes is no cache at all."""
        self._max_bytes = max_bytes
        self._now = now
        self._connection: sqlite3.Connection | None = None
        # The size of all answers as this process knows it; what others add is seen when room is made, and here.
        self._total = 0
        if max_bytes <= 0:
            return
        try:
            self._connection = _open(private_file(path))
        except sqlite3.DatabaseError:
            # Not a database, or a damaged one: it holds nothing that can't be asked for again.
            with contextlib.suppress(OSError, sqlite3.Error, ConfigError):
                path.unlink()
                self._connection = _open(private_file(path))
        except (OSError, ConfigError):
            pass
        with contextlib.suppress(sqlite3.Error):
            if self._connection is not None:
                self._make_room()

    def get(self, key: str) -> CachedAnswer | None:
        """The answer stored under `key`, however old, or None."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(
                "SELECT status, body, etag, modified, stored FROM answers WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                return None
            self._connection.execute("UPDATE answers SET used = ? WHERE key = ?", (self._now(), key))
            return CachedAnswer(row[0], zlib.decompress(row[1]), *row[2:])
        except (sqlite3.Error, zlib.error):
            return None

    def put(self, key: str, status: int, body: bytes, *, etag: str = "", modified: str = "") -> None:
        """Keep an answer, and make room for it where the bound is passed."""
        if self._connection is None or len(body) > _LARGEST:
            return
        packed = zlib.compress(body, 1)
        size = len(packed) + len(etag) + len(modified) + _ROW
        if size > self._max_bytes * _KEPT:
            return
        now = self._now()
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (key, status, packed, etag, modified, now, now, size),
            )
            self._total += size
            if self._total > self._max_bytes:
                self._make_room()

    def renew(self, key: str) -> None:
        """The source said that the stored answer still holds."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("UPDATE answers SET stored = ? WHERE key = ?", (self._now(), key))

    def age(self, answer: CachedAnswer) -> float:
        """Seconds since an answer was stored; endless for one from the future, as after a change of the clock."""
        age = self._now() - answer.stored
        return age if age >= 0 else float("inf")

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _make_room(self) -> None:
        assert self._connection is not None
        (self._total,) = self._connection.execute("SELECT coalesce(sum(size), 0) FROM answers").fetchone()
        if self._total <= self._max_bytes:
            return
        self._connection.execute(
            "DELETE FROM answers WHERE key IN (SELECT key FROM ("
            "SELECT key, sum(size) OVER (ORDER BY used DESC, key) AS reached FROM answers) WHERE reached > ?)",
            (int(self._max_bytes * _KEPT),),
        )
        (self._total,) = self._connection.execute("SELECT coalesce(sum(size), 0) FROM answers").fetchone()
        # As a script: executed as a statement it frees a single page.
        self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        # Losing the last answers to a power cut costs a request each; waiting for the disk would cost every search.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_size_limit=1000000")
        connection.executescript(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
