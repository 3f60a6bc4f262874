"""What vLLM and its processes say goes into a file: the screen is ours. The file tells how far loading has come."""

import functools
import json
import logging
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, spawn
from pathlib import Path
from typing import TextIO

from pasa_tui.models.engines.protocol import Progress

_SECONDS_TO_END = 3.0
_LOGGERS = ("vllm", "transformers", "torch", "huggingface_hub")
_STAGES = (
    (r"Initializing a V1 LLM engine", "Starting vLLM's engine"),
    (r"Starting to load model", "Loading the weights"),
    (r"Loading \w+ checkpoint shards:\s*(\d+)%", "Loading the weights"),
    (r"Model loading took|Loading weights took", "Measuring memory"),
    (r"Dynamo bytecode transform|Compiling a graph|Cache the graph", "Compiling the model"),
    (r"Capturing CUDA graphs?[^:]*:\s*(\d+)%", "Recording the GPU's steps"),
    (r"KV cache size|Available KV cache memory", "Measuring memory"),
)
_ERROR = re.compile(r"(?:^|\s)(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): (\S.*)$", re.MULTILINE)
_CONSEQUENCE = re.compile(r"initialization failed|See stack trace|root cause|EngineDead|EngineCore encountered")
_MEMORY = re.compile(
    r"out of memory|OutOfMemory|Free memory on device|No available memory for the cache|"
    r"larger than the available KV cache memory|[Aa]vailable memory on node|Cannot auto-fit max_model_len"
)


class EngineLog:
    """The file, and what makes vLLM's processes write to it.

    One for a process: vLLM configures its logging once, and hands that on to the processes it starts.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pasa-tui-vllm-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self.path = folder / "vllm.log"
        self.path.touch(mode=0o600)
        config = folder / "logging.json"
        config.write_text(json.dumps(_logging_config(self.path)), encoding="utf-8")
        self._python = folder / "python"
        python = shlex.quote(sys.executable)
        self._python.write_text(f'#!/bin/sh\nexec {python} "$@" >>{shlex.quote(str(self.path))} 2>&1\n')
        self._python.chmod(0o700)
        os.environ["VLLM_LOGGING_CONFIG_PATH"] = str(config)
        os.environ["VLLM_CONFIGURE_LOGGING"] = "1"

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Inside, what this thread prints and what new processes print goes into the file."""
        standard = spawn.get_executable()
        with self.path.open("a", encoding="utf-8") as file:
            out, err = _PerThread(sys.stdout, file), _PerThread(sys.stderr, file)
            sys.stdout, sys.stderr = out, err
            try:
                # A folder may forbid to execute what it holds; what a process says before it reads the logging's
                # configuration is then not kept away.
                if os.access(self._python, os.X_OK):
                    multiprocessing.set_executable(str(self._python))
                yield
            finally:
                multiprocessing.set_executable(standard)
                # Someone else may have put theirs in place meanwhile.
                if sys.stdout is out:
                    sys.stdout = out.others
                if sys.stderr is err:
                    sys.stderr = err.others

    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size

    def since(self, start: int) -> str:
        """What was written after that many bytes."""
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(start)
            return file.read().decode("utf-8", "replace")
        return ""


@functools.cache
def engine_log() -> EngineLog:
    """The log of this process."""
    return EngineLog()


def latest_progress(text: str) -> Progress | None:
    """The last stage of loading that vLLM's log speaks of."""
    latest: tuple[int, Progress] | None = None
    for pattern, message in _STAGES:
        for match in re.finditer(pattern, text):
            share = int(match[1]) / 100 if match.lastindex else None
            if latest is None or match.start() >= latest[0]:
                latest = (match.start(), Progress(message, share))
    return latest[1] if latest else None


def failure_reason(text: str) -> str:
    """The first error in vLLM's log that is no mere consequence of another, in one line; empty for none."""
    for match in _ERROR.finditer(text):
        if not _CONSEQUENCE.search(match[2]):
            return "".join(character for character in match[2] if character.isprintable()).strip()[:300]
    return ""


def speaks_of_memory(text: str) -> bool:
    """Whether vLLM's log says that memory was too small."""
    return bool(_MEMORY.search(text))


def open_log(path: str) -> logging.Handler:
    """The handler of vLLM's logging configuration, which each of its processes makes before all else.

    A process that vLLM started prints into the file, too, is out of reach of the terminal's Ctrl-C, which is for the
    application, and ends when the process that started it has ended, however that was.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
        if not any(thread.name == _WATCH for thread in threading.enumerate()):
            with suppress(OSError):
                os.setpgrp()
            threading.Thread(target=_end_with, args=(parent.sentinel, path), name=_WATCH, daemon=True).start()
    return logging.FileHandler(path, encoding="utf-8", delay=True)


_WATCH = "pasa-tui-parent-watch"


def _end_with(sentinel: int, path: str) -> None:
    connection.wait([sentinel])
    # A parent that could not end itself left its folder. vLLM's own parents, the engine's process, share it.
    shutil.rmtree(Path(path).parent, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_SECONDS_TO_END)
    os.kill(os.getpid(), signal.SIGKILL)


def _logging_config(path: Path) -> dict[str, object]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"file": {"()": f"{__name__}.open_log", "path": str(path), "formatter": "plain"}},
        "loggers": {name: {"handlers": ["file"], "level": "INFO", "propagate": False} for name in _LOGGERS},
    }


class _PerThread:
    """A text stream: what the thread that made it writes goes to `own`, what others write to `others`."""

    def __init__(self, others: TextIO, own: TextIO) -> None:
        self.others = others
        self._own = own
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        return self._stream().write(text)

    def flush(self) -> None:
        self._stream().flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self.others, name)

    def _stream(self) -> TextIO:
        inside = threading.get_ident() == self._thread and not self._own.closed
        return self._own if inside else self.others
