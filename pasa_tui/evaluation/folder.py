"""A result folder: one tree per question, our own run file beside them, and claims by which workers share the work.

Workers, on one machine or many over a common disk, take questions by creating a claim file, which only one of them
can. A claim is renewed as long as its worker lives. One whose process is gone, or that was not renewed for
`LEASE_SECONDS`, is taken over, so that a killed worker's question is answered by another.
"""

import os
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.tree import Node, encode_tree

OURS = ".pasa-tui"
"""The folder below a result folder that the published tools don't look into."""
LEASE_SECONDS = 120.0
"""How long a claim of another machine holds without being renewed."""
RENEWAL_SECONDS = 15.0


class RunFile(msgspec.Struct, frozen=True):
    """What a run is: the same for all its workers. `settings` are those that can change its results.

    `queries` is the query set as it was named, `queries_sha256` its content's hash, `total` the number of its questions
    that the run answers.
    """

    system: str
    queries: str
    queries_sha256: str
    total: int
    corpus: str = ""
    corpus_key: str = ""
    sources: tuple[str, ...] = ()
    seed: int = 0
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    started: str = ""

    def differs_from(self, other: "RunFile") -> list[str]:
        """The names of what is not the same, apart from versions and the day it began."""
        names = [name for name in self.__struct_fields__ if name not in ("versions", "started")]
        return [name for name in names if getattr(self, name) != getattr(other, name)]


class _Claim(msgspec.Struct, frozen=True):
    token: str
    host: str
    pid: int
    started: float


class ResultFolder:
    """The folder of one run. Methods raise EvaluationError where the disk fails."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._claims = path / OURS / "claims"
        self._failures = path / OURS / "failed"
        self._mine: dict[int, str] = {}

    def begin(self, run: RunFile, *, resume: bool) -> None:
        """Make the folder for a run, or with `resume` go on with the same run that is in it.

        Raises EvaluationError where the folder holds results and `resume` isn't set, or those of another run.
        """
        try:
            known = self.run()
            if known is None and self.done():
                raise EvaluationError(
                    f"{self.path} holds results of another program.", "Give a folder that does not exist yet."
                )
            if known is not None and not resume:
                raise EvaluationError(
                    f"{self.path} holds a run already.", "Go on with it by --resume, or take another."
                )
            if known is not None and (differing := run.differs_from(known)):
                raise EvaluationError(
                    f"The run in {self.path} is another one: {', '.join(differing)} differ.",
                    "Give the options of that run, or another folder.",
                )
            self._claims.mkdir(parents=True, exist_ok=True)
            for marker in self._failures.glob("*"):
                self.result_path(int(marker.name)).unlink(missing_ok=True)
                marker.unlink()
            if known is None:
                _write(self.path / OURS / "run.json", msgspec.json.format(msgspec.json.encode(run), indent=2))
        except OSError as error:
            raise self._failed(error) from error

    def run(self) -> RunFile | None:
        """What the run file says; None without one. Raises EvaluationError where it is damaged."""
        path = self.path / OURS / "run.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=RunFile)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        except msgspec.DecodeError as error:
            raise EvaluationError(f"{path} is damaged: {error}.", "Take another folder.") from error

    def result_path(self, index: int) -> Path:
        """Where the tree of a question lies."""
        return self.path / f"{index}.json"

    def done(self) -> set[int]:
        """The questions that have a tree."""
        try:
            return {int(path.stem) for path in self.path.glob("*.json") if path.stem.isdecimal()}
        except OSError as error:
            raise self._failed(error) from error

    def claim(self, index: int) -> bool:
        """Take a question, unless it is answered or another worker is at it."""
        if self.result_path(index).exists():
            return False
        path = self._claims / str(index)
        token = uuid.uuid4().hex
        claim = _Claim(token, socket.gethostname(), os.getpid(), _process_start(os.getpid()))
        try:
            if not _create(path, msgspec.json.encode(claim)):
                if not self._is_stale(path) or not self._take_away(path):
                    return False
                if not _create(path, msgspec.json.encode(claim)):
                    return False
            self._mine[index] = token
            if self.result_path(index).exists():
                # Answered between the first look and the claim.
                self.release(index)
                return False
        except OSError as error:
            raise self._failed(error) from error
        return True

    def renew(self) -> None:
        """Say of all claims held that their worker lives."""
        for index in self._mine:
            with suppress(OSError):
                os.utime(self._claims / str(index))

    def release(self, index: int) -> None:
        """Give a claim back."""
        token = self._mine.pop(index, None)
        path = self._claims / str(index)
        with suppress(OSError):
            if token is not None and (claim := _read_claim(path)) is not None and claim.token == token:
                path.unlink()

    def release_all(self) -> None:
        """Give all claims back."""
        for index in list(self._mine):
            self.release(index)

    def write(self, index: int, root: Node, *, failed: bool = False) -> None:
        """Keep a question's tree in one step: a reader finds all of it or none. One that `failed` is done again by
        `begin`."""
        try:
            if failed:
                self._failures.mkdir(parents=True, exist_ok=True)
                (self._failures / str(index)).touch()
            _write(self.result_path(index), encode_tree(root))
        except OSError as error:
            raise self._failed(error) from error
        self.release(index)

    def _is_stale(self, path: Path) -> bool:
        claim = _read_claim(path)
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return False
        if claim is None:
            return age > LEASE_SECONDS
        if claim.host == socket.gethostname():
            return _process_start(claim.pid) != claim.started
        return age > LEASE_SECONDS

    def _take_away(self, path: Path) -> bool:
        """Remove a stale claim; False where another worker was faster.

        What was moved is looked at again: between the look and the move another may have put a claim of its own there.
        """
        before = _read_claim(path)
        aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        moved = _read_claim(aside)
        if moved is not None and before is not None and moved.token != before.token:
            with suppress(FileExistsError):
                os.link(aside, path)
            aside.unlink()
            return False
        aside.unlink()
        return True

    def _failed(self, error: OSError) -> EvaluationError:
        return EvaluationError(
            f"The result folder {self.path} can't be used: {error.strerror}.", "Give one that can be written."
        )


def _create(path: Path, content: bytes) -> bool:
    # Linked into place: a claim that is there is whole, also over a network's disk.
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    aside.write_bytes(content)
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _read_claim(path: Path) -> _Claim | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Claim)
    except (OSError, msgspec.DecodeError):
        return None


def _process_start(pid: int) -> float:
    """When a process of this machine began, in its kernel's ticks; -1 where there is none.

    Where the system does not tell (no /proc), 0 for a process that is there.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return -1.0 if fields[0] in "ZX" else float(fields[19])
    except (OSError, ValueError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return -1.0
    except OSError:
        return 0.0
    return 0.0
