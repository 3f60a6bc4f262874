"""What is asked of whom: services and how they want to be asked, requests, answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

DAY = 86_400.0
"""Seconds of a day, in which lifetimes are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A host and how it wants to be asked.

    Services with the same `gate` keep one pace together; by default each has its own. `interval` is the least number
    of seconds between two requests, `shared` whether that holds for all processes of the user. `attempt_seconds`
    bounds one attempt from connecting to the last byte. `lifetime` is how many seconds an answer is taken from the
    cache unasked. `max_requests` bounds a whole search, 0 does not. `secret` are headers with keys, `secret_params`
    parameters: sent to this host alone, written nowhere.
    """

    name: str
    base_url: str
    gate: str = ""
    interval: float = 0.0
    shared: bool = False
    connections: int = 4
    attempt_seconds: float = 30.0
    max_bytes: int = 16_000_000
    lifetime: float = 7 * DAY
    max_requests: int = 0
    secret: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    secret_params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said. `headers` are empty for an answer from the cache."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to a service; it holds no key. `accept` are statuses besides 200 that are answers, not failures.

    With `within`, a redirect to a place outside the service's own address is its way to say that there is nothing, a
    404. Requests of another `lane` have a circuit breaker of their own: those that cost nothing may go on where the
    others are refused.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    method: Literal["GET", "POST"] = "GET"
    json: object = None
    accept: frozenset[int] = frozenset()
    lane: str = ""
    cached: bool = True
    within: bool = False
