"""Files on their way from a hub: begun, taken up again, and checked against their checksums."""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal

CHUNK = 1 << 18
"""Bytes that are written and hashed at a time."""


class FetchCancelled(Exception):
    """Another part of the fetch failed, or a person stopped it; what there is stays for the next time."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: a plain name, bytes, and its checksum in hex digits: SHA-256, or that of a git blob."""

    name: str
    size: int
    digest: str
    algorithm: Literal["sha256", "git-sha1"]

    def hasher(self) -> Any:
        """A hash object to be fed with the content."""
        if self.algorithm == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)


class Part:
    """The beginning of a file, hashed as it grows. Only its owner may read it."""

    def __init__(self, path: Path, file: RemoteFile, advance: Callable[[int], None], stopped: threading.Event) -> None:
        self.file = file
        self.size = 0
        self._path = path
        self._advance = advance
        self._stopped = stopped
        self._hash = file.hasher()
        self._is_longer = False

    def __enter__(self) -> "Part":
        self._out: BinaryIO = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            if os.fstat(self._out.fileno()).st_size > self.file.size:
                self._out.truncate(0)
            while chunk := self._out.read(CHUNK):
                self._count(chunk)
        except BaseException:
            self._out.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._out.close()

    def append(self, chunk: bytes) -> bool:
        """Write more of it; False where that is more than the file has, which makes it a wrong one."""
        fits = self.size + len(chunk) <= self.file.size
        if not fits:
            self._is_longer = True
            chunk = chunk[: self.file.size - self.size]
        self._out.write(chunk)
        self._count(chunk)
        return fits

    def _count(self, chunk: bytes) -> None:
        if self._stopped.is_set():
            raise FetchCancelled
        self._hash.update(chunk)
        self.size += len(chunk)
        self._advance(len(chunk))

    def restart(self) -> None:
        """Throw away what is there."""
        self._out.seek(0)
        self._out.truncate(0)
        self._advance(-self.size)
        self.size = 0
        self._hash = self.file.hasher()
        self._is_longer = False

    def is_right(self) -> bool:
        """Whether the checksum of the whole is what it should be; then it is on the disk."""
        self._out.flush()
        os.fsync(self._out.fileno())
        return not self._is_longer and self._hash.hexdigest() == self.file.digest


def is_intact(path: Path, file: RemoteFile, *, advance: Callable[[int], None], stopped: threading.Event) -> bool:
    """Whether a file on the disk has the right content; `advance` is told bytes as they are hashed.

    Raises OSError, and FetchCancelled once `stopped`.
    """
    digest, size = file.hasher(), 0
    with path.open("rb", buffering=0) as content:
        while chunk := content.read(CHUNK):
            if stopped.is_set():
                raise FetchCancelled
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
    if digest.hexdigest() == file.digest:
        return True
    advance(-size)
    return False


def write_privately(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, down to the disk. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
