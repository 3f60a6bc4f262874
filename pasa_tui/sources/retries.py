"""When a request that failed is made again, and when it is not."""

import email.utils
import math
import time
from collections.abc import Callable

import tenacity

ATTEMPTS = 4
LONGEST_RETRY_AFTER = 30.0
"""The longest Retry-After, in seconds, that is waited for; after a longer one the source is left alone until then."""
JITTER = 10.0
"""The longest random wait between two attempts, in seconds; the first is a twentieth of it at most."""


class AgainError(Exception):
    """An attempt failed in a way that another may not. `after` is the host's Retry-After in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.after = after


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
        return self._wait(retry_state) > min(LONGEST_RETRY_AFTER + self._wait.jitter, self._ends - time.monotonic())


def duration(seconds: float) -> str:
    """`20 s`, `12.0 h`."""
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds:.0f} s"
