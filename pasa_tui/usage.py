"""What was asked of each source: the numbers that sources keep and events carry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceUsage:
    """Requests to one source so far.

    `requests` went over the network (retries included), `cached` were answered from the cache, `retried` are those
    of `requests` that repeated one, `failed` got no answer after all their retries. `waited` is seconds spent waiting
    for the source's rate limit. `left` says what remains of a budget the source grants, in words; empty where it
    grants none or none is known yet.
    """

    name: str
    requests: int = 0
    cached: int = 0
    retried: int = 0
    failed: int = 0
    waited: float = 0.0
    left: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a source could not do, in one sentence; the search went on without."""

    source: str
    message: str
