"""When a request that failed is made again, and when it is not."""

import email.utils
import math
import socket
import ssl
import time
from collections.abc import Callable

import httpx
import tenacity

ATTEMPTS = 4
_CONNECTIONS = 2
"""Attempts to connect: a host that refuses twice is not there, and others wait for the answer."""
LONGEST_RETRY_AFTER = 30.0
"""The longest Retry-After, in seconds, that is waited for; after a longer one the source is left alone until then."""
JITTER = 10.0
"""The longest random wait between two attempts, in seconds; the first is a twentieth of it at most."""


class AgainError(Exception):
    """An attempt failed in a way that another may not. `after` is the host's Retry-After in seconds."""

    def __init__(self, message: str, after: float | None = None, *, reached: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.after = after
        self.reached = reached


def retry_after(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds of a Retry-After header, given in seconds or as a date; None where there is none to understand."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


class Wait(tenacity.wait.wait_base):
    """Exponential backoff with full jitter, after a Retry-After where there is one."""

    def __init__(self, jitter: float) -> None:
        self.jitter = jitter
        self._backoff = tenacity.wait_random_exponential(multiplier=jitter / 20, max=jitter)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        """Seconds to wait after the attempt that failed."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        after = error.after if isinstance(error, AgainError) else None
        # With jitter also after a Retry-After: all who were refused together would come back together.
        return (after or 0.0) + self._backoff(retry_state)


class StopBeforeLongWait(tenacity.stop.stop_base):
    """Stops where the next wait would be longer than a Retry-After may be, or than there is time."""

    def __init__(self, wait: Wait, ends: float) -> None:
        self._wait = wait
        self._ends = ends

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        """Whether the attempt that failed was the last."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, AgainError) and not error.reached and retry_state.attempt_number >= _CONNECTIONS:
            return True
        return self._wait(retry_state) > min(LONGEST_RETRY_AFTER + self._wait.jitter, self._ends - time.monotonic())


def unreachable(error: BaseException) -> str:
    """Why a connection failed, in words; without the error's own text, which may name more than is wanted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "its name can't be looked up"
        if isinstance(cause, ConnectionRefusedError):
            return "it refuses the connection"
        if isinstance(cause, ssl.SSLError):
            return "its certificate is not trusted"
        if isinstance(cause, TimeoutError | httpx.TimeoutException):
            return "it takes no connection in time"
        cause = cause.__cause__ or cause.__context__
    return "no way leads there"


def duration(seconds: float) -> str:
    """`20 s`, `12.0 h`, `many days`."""
    if seconds > 10 * 86_400:
        return "many days"
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds:.0f} s"
