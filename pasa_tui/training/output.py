"""The folder that a training writes: its model, its checkpoints, its figures."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.errors import TrainingError

METRICS = "metrics.jsonl"
"""One JSON object per line: `step`, `seconds` since the training began, and figures by name."""
SETTINGS = "training.json"
"""What was trained: stage, settings, data, versions, figures."""
CHECKPOINTS = "checkpoints"
"""Folder of `checkpoint-<step>` folders, each enough to go on exactly."""


def sha256_of(file: Path) -> str:
    """What a file holds, as 64 hexadecimal digits. Raises TrainingError where it can't be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"{file} can't be read: {error.strerror}.", "Give another file.") from error


def what_was(name: str, value: object) -> str:
    """How a training that is to be gone on with was another."""
    return "its data were others" if name == "sha256" else f"{name} was {value}"


def prepare_output(folder: Path, *, resume: bool) -> None:
    """Make the folder. Raises TrainingError where it holds something and is not to be gone on with, or the reverse."""
    if folder.is_file():
        raise TrainingError(f"{folder} is a file.", "Name a folder, which need not exist yet.")
    if resume:
        if not (folder / SETTINGS).is_file():
            raise TrainingError(f"{folder} holds no training to go on with.", "Leave out --resume to begin one.")
        return
    if folder.is_dir() and any(folder.iterdir()):
        hint = "Take another folder, or go on with what is there: --resume."
        raise TrainingError(f"{folder} is not empty.", hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder} can't be made: {error.strerror}.", "Take a folder you may write to.") from error


def write_settings(folder: Path, values: Mapping[str, Any]) -> None:
    """Write `training.json`, whole or not at all."""
    passing = folder / f"{SETTINGS}.part"
    passing.write_bytes(msgspec.json.format(msgspec.json.encode(values), indent=2) + b"\n")
    os.replace(passing, folder / SETTINGS)


def read_settings(folder: Path) -> dict[str, Any]:
    """What `write_settings` wrote. Raises TrainingError where it can't be read."""
    try:
        return msgspec.json.decode((folder / SETTINGS).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise TrainingError(f"{folder / SETTINGS} can't be read: {error}.", "Begin in another folder.") from error


class MetricsLog:
    """Writes figures to `metrics.jsonl` in a folder, and for TensorBoard beside it where that is installed.

    `step` and `seconds` say where a training that is gone on with stands: later lines, of steps that will be done
    again, are dropped.
    """

    def __init__(self, folder: Path, *, step: int = 0, seconds: float = 0.0) -> None:
        self._file = folder / METRICS
        kept = [line for line in read_metrics(folder) if line["step"] <= step]
        self._file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in kept))
        self._began = time.monotonic() - seconds
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    @property
    def seconds(self) -> float:
        """Since the training began, breaks left out."""
        return time.monotonic() - self._began

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a line, at once."""
        line = {"step": step, "seconds": round(self.seconds, 3), **values}
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()

    def close(self) -> None:
        """End what TensorBoard reads."""
        if self._board is not None:
            self._board.close()


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The lines of `metrics.jsonl`; none where there is no such file. A line cut short by a crash is passed over."""
    try:
        return _lines((folder / METRICS).read_bytes())
    except OSError:
        return []


def _lines(data: bytes) -> list[dict[str, float]]:
    lines: list[dict[str, float]] = []
    for text in data.splitlines():
        try:
            line = msgspec.json.decode(text, type=dict[str, float | None])
        except msgspec.DecodeError:
            continue
        # JSON has no NaN: a figure that was none, as in a run that has diverged, stands there as null.
        known = {name: value for name, value in line.items() if value is not None}
        if "step" in known:
            lines.append(known)
    return lines


class MetricsTail:
    """Reads what was added to `metrics.jsonl` since the last time; of one that was written anew, everything."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / METRICS
        self._read = 0
        self._file_id = 0

    def news(self) -> tuple[list[dict[str, float]], bool]:
        """The whole lines that are new, and whether they take the place of all before."""
        try:
            status = self._file.stat()
        except OSError:
            return [], False
        anew = status.st_size < self._read or (self._read > 0 and status.st_ino != self._file_id)
        if anew:
            self._read = 0
        if status.st_size == self._read:
            return [], anew
        self._file_id = status.st_ino
        with self._file.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        # The last line may be half written.
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return _lines(whole), anew

    @property
    def age(self) -> float | None:
        """Seconds since something was written; None where there is no file."""
        try:
            return max(0.0, time.time() - self._file.stat().st_mtime)
        except OSError:
            return None
