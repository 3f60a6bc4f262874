"""A circuit breaker: a source that keeps failing is left alone for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pasa_tui.errors import SourceError

_FAILURES = 5
"""Requests in a row that fail, each with its retries, before a source is left alone."""
_REST, _LONGEST_REST = 30.0, 300.0
"""Seconds of the first rest; each further one is twice as long, up to the second number."""


class RestingError(SourceError):
    """A source is left alone; why was told when that began."""


@dataclass(slots=True)
class Breaker:
    """Closed (requests pass), open (they fail at once), or half open (one passes and decides)."""

    now: Callable[[], float] = time.monotonic
    _failures: int = 0
    _rests: int = 0
    _until: float = 0.0
    _reason: str = ""
    _trying: bool = field(default=False)

    @property
    def is_open(self) -> bool:
        """Whether a request would fail at once."""
        return self.now() < self._until or self._trying

    def check(self) -> bool:
        """Let a request pass, or raise SourceError; whether it is the one that is tried after a rest."""
        if self.is_open:
            when = "for the rest of this search" if self._until == float("inf") else "for a while"
            raise RestingError(f"Left alone {when}: {self._reason}", "The search goes on with the other sources.")
        self._trying = self._until > 0
        return self._trying

    def succeeded(self) -> None:
        """A request was answered."""
        self._failures = self._rests = 0
        self._until, self._trying = 0.0, False

    def failed(self, reason: str) -> None:
        """A request was not answered, for all its retries."""
        self._failures += 1
        if self._trying or self._failures >= _FAILURES:
            self.rest(min(_LONGEST_REST, _REST * 2**self._rests), reason)

    def rest(self, seconds: float, reason: str) -> None:
        """Leave the source alone for so long; endless is the rest of the search."""
        self._until, self._reason = self.now() + seconds, reason
        self._rests += 1
        self._failures, self._trying = 0, False

    def released(self) -> None:
        """The request that was tried after a rest has ended, whatever became of it."""
        self._trying = False
