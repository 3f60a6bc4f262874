"""Folders of corpora: their names, who may build in them, and how a new build takes the place of the old.

    corpora/NAME/corpus.json      what the corpus is, and which folder holds it
    corpora/NAME/build-1a2b3c4d/  papers.db and index/
    corpora/.locks/NAME           held while NAME is built or removed

Replacing corpus.json is the one step that makes a build the corpus, so a reader finds the old or the new.
"""

import difflib
import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pasa_tui.config import private_dir, private_file
from pasa_tui.corpus.info import CorpusInfo, read_info, write_info
from pasa_tui.errors import CorpusError
from pasa_tui.papers import clean_text

SAMPLE = "sample"
"""The name of the corpus that ships with pasa-tui."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_INFO = "corpus.json"
_BUILD = "build-"


def check_name(name: str) -> str:
    """Return `name` if a corpus may be called so. Raises CorpusError.

    A name starts with a letter or digit, and is at most 64 letters, digits, `-`, `_` and `.`.
    """
    if not _NAME.fullmatch(name):
        raise CorpusError(
            f"{clean_text(name)[:80]!r} can't name a corpus.",
            "Use up to 64 letters, digits, - _ and . and start with a letter or digit.",
        )
    return name


class Shelf:
    """The corpora of one folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """The names of all corpora here, usable or not, sorted."""
        try:
            return sorted(
                path.parent.name for path in self.root.glob(f"*/{_INFO}") if _NAME.fullmatch(path.parent.name)
            )
        except OSError:
            return []

    def info(self, name: str) -> CorpusInfo:
        """What the corpus `name` is. Raises CorpusError for an unknown, damaged or differently formatted one."""
        try:
            return read_info(self.root / check_name(name) / _INFO)
        except FileNotFoundError:
            raise unknown_corpus(name, self.names()) from None

    def folder(self, info: CorpusInfo) -> Path:
        """Where the tables and the index of `info` are."""
        return self.root / info.name / info.folder

    @contextmanager
    def lock(self, name: str, *, seconds: float = 0.0) -> Iterator[None]:
        """Be the only process that builds or removes `name`; the lock goes with the process, however it ends.

        Waits `seconds` for another process. Raises CorpusError where that is not enough.
        """
        # SQLite's own file lock, because it works alike on every platform and filesystem that SQLite works on.
        file = private_dir(self.root / ".locks") / check_name(name)
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(private_file(file), timeout=seconds, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise CorpusError(
                    f"Another process is building or removing {name!r}.", "Wait until it is done, or stop it."
                ) from error
            raise CorpusError(f"{file} can't be locked: {error}.", "Make its folder writable.") from error
        try:
            yield
        finally:
            connection.close()

    @contextmanager
    def building(self, name: str) -> Iterator[Path]:
        """Yield a new folder to build `name` in, and remove it again unless `publish` has made it the corpus.

        To be used while the lock of `name` is held. Raises OSError.
        """
        folder = private_dir(self.root / check_name(name)) / f"{_BUILD}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            if self._current(name) != folder.name:
                shutil.rmtree(folder, ignore_errors=True)
            self._sweep(name)

    def publish(self, info: CorpusInfo, folder: Path) -> CorpusInfo:
        """Make `folder` the corpus `info.name`. Processes that have the old one open keep it. Raises OSError."""
        published = replace(info, folder=folder.name)
        # The index's own library makes its files as the umask has it.
        for path in folder.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        write_info(published, folder.parent / _INFO)
        (folder.parent / _INFO).chmod(0o600)
        return published

    def sweep(self) -> None:
        """Remove what builds left here whose process was killed; builds that run now are left alone."""
        for path in self.root.glob(f"*/{_BUILD}*"):
            try:
                with self.lock(path.parent.name):
                    self._sweep(path.parent.name)
            except CorpusError:
                continue

    def remove(self, name: str) -> None:
        """Remove the corpus `name`, also a damaged one. Raises CorpusError where that fails."""
        folder = self.root / check_name(name)
        with self.lock(name):
            try:
                (folder / _INFO).unlink()
                shutil.rmtree(folder)
            except OSError as error:
                raise CorpusError(
                    f"The corpus {name!r} can't be removed: {error.strerror}.", f"Remove {folder} yourself."
                ) from error

    def _sweep(self, name: str) -> None:
        folder = self.root / name
        current = self._current(name)
        if current is None:
            # What another version wrote is not this one's to tidy.
            return
        for path in folder.glob(f"{_BUILD}*"):
            if path.name != current:
                shutil.rmtree(path, ignore_errors=True)
        if not current:
            with suppress(OSError):
                folder.rmdir()

    def _current(self, name: str) -> str | None:
        try:
            return read_info(self.root / name / _INFO).folder
        except FileNotFoundError:
            return ""
        except CorpusError:
            return None


def unknown_corpus(name: str, known: list[str]) -> CorpusError:
    """The error for a name that is none, with the nearest known names and all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    guess = f"Did you mean {close[0]!r}? " if close else ""
    return CorpusError(
        f"There is no corpus {clean_text(name)[:80]!r}.",
        f"{guess}Known: {', '.join(known) or 'none'}. Build one with: pasa-tui corpus build NAME --papers FILE",
    )
