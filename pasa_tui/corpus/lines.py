"""Large files read line by line, whatever they are compressed with, in bounded memory."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from pasa_tui.errors import CorpusError

MAX_LINE = 16 * 1024 * 1024
"""Longest line in bytes that is read as a record; longer ones are passed over."""

_OPENERS: dict[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: `records` taken of `file`, `read` of its `total` bytes (as they lie on the disk)."""

    file: str
    records: int
    read: int
    total: int


def check_file(path: Path) -> None:
    """Raise CorpusError unless `path` is something that can be opened and read."""
    if path.is_dir():
        raise CorpusError(f"{path} is a folder.", "Give the file in it.")
    if not path.exists():
        raise CorpusError(f"There is no file {path}.", "Check the path.")


def read_lines(path: Path, position: Callable[[int, int], None]) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line of `path` that is not blank, with its number from 1; None in place of one over MAX_LINE.

    gzip, xz, bzip2 and zip (of one file) are told by content, not by name. `position` is called with the bytes
    read so far and in all before each line. Raises CorpusError for a file that is missing, unreadable,
    empty, or ends or breaks in the middle of its compression.
    """
    check_file(path)
    number = 0
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            total = path.stat().st_size
            stream = stack.enter_context(_decompress(raw, path, stack))
            while line := stream.readline(MAX_LINE):
                number += 1
                position(raw.tell() if raw.seekable() else 0, total)
                if len(line) == MAX_LINE and not line.endswith(b"\n"):
                    while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                        pass
                    yield number, None
                elif line := (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise CorpusError(
            f"{path} is cut off or damaged after line {number:,}: {error}.", "Fetch or compress it again."
        ) from error
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror or error}.", "Check the file.") from error
    if number == 0:
        raise CorpusError(f"{path} is empty.", "Give a file of JSON lines, one record a line.")


def _decompress(raw: io.BufferedReader, path: Path, stack: ExitStack) -> BinaryIO:
    head = raw.peek(8)[:8]
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return cast(BinaryIO, opener(raw))
    if not head.startswith(_ZIP):
        return raw
    archive = stack.enter_context(zipfile.ZipFile(raw))
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(files) != 1 or files[0].flag_bits & 0x1:
        what = "is encrypted" if len(files) == 1 else f"holds {len(files):,} files"
        raise CorpusError(f"{path} {what}.", "Give a zip with one file of JSON lines, or that file itself.")
    # A buffer, because readline on a zip entry itself takes a small step at a time.
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, archive.open(files[0])), 1 << 16))
