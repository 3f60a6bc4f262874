"""Counts what a server was asked."""

import threading
import time
from dataclasses import replace
from typing import Any

from pasa_tui.usage import ModelUsage


class Meter:
    """Numbers that any thread may add to or ask for."""

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._usage = ModelUsage(name)
        self._running = 0
        self._since = 0.0

    def usage(self) -> ModelUsage:
        """What was counted so far; `seconds` is the time in which any request was under way."""
        with self._lock:
            seconds = self._usage.seconds + (time.monotonic() - self._since if self._running else 0.0)
            return replace(self._usage, seconds=round(seconds, 3))

    def count(self, **more: float) -> None:
        """Add to the numbers of these names."""
        with self._lock:
            self._add(more)

    def begin(self) -> None:
        """A request is under way."""
        with self._lock:
            if not self._running:
                self._since = time.monotonic()
            self._running += 1

    def end(self, **more: float) -> None:
        """A request is done, and used this."""
        with self._lock:
            self._add(more)
            self._running -= 1
            if not self._running:
                self._add({"seconds": time.monotonic() - self._since})

    def _add(self, more: dict[str, float]) -> None:
        sums: dict[str, Any] = {name: getattr(self._usage, name) + by for name, by in more.items()}
        self._usage = replace(self._usage, **sums)
