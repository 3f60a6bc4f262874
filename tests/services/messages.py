"""What goes in and out of a service: a call as the service sees it, and the reply it makes."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """One request below the prefix of its service; `path` is unquoted, `target` is as it was sent."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(slots=True)
class Reply:
    """One answer, before any fault is done to it."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


class Service(Protocol):
    """One of the services: it names the kind of a call and answers it."""

    def kind(self, call: Call) -> str:
        """What the call asks for, such as "search" or "batch"."""
        ...

    def answer(self, call: Call) -> Reply:
        """The answer to a call whose key is in order."""
        ...

    def authorised(self, call: Call, key: str) -> bool:
        """Whether the call carries the key."""
        ...

    def unauthorised(self) -> Reply:
        """How the service refuses a call without a valid key."""
        ...

    def too_many(self) -> Reply:
        """How the service says that it is asked too often."""
        ...


def json_reply(status: int, value: Any, headers: dict[str, str] | None = None) -> Reply:
    """JSON with its non-ASCII letters as they are, so that a wrong charset shows."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(status, body, "application/json", dict(headers or {}))


def text_reply(status: int, text: str, content_type: str, headers: dict[str, str] | None = None) -> Reply:
    """Text in UTF-8."""
    return Reply(status, text.encode(), f"{content_type}; charset=utf-8", dict(headers or {}))


def whole(text: str | None, default: int) -> int | None:
    """A count as it stands in a query; None where it is no whole number of zero or more."""
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() else None


def last_day(text: str) -> date:
    """The last day of "2019", "2019-03" or "2019-03-05"."""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return date(parts[0], 12, 31)
    if len(parts) == 2:
        return date(parts[0] + parts[1] // 12, parts[1] % 12 + 1, 1) - timedelta(days=1)
    return date(parts[0], parts[1], parts[2])


def first_day(text: str) -> date:
    """The first day of "2019", "2019-03" or "2019-03-05"."""
    parts = [int(part) for part in text.split("-")]
    year, month, day = [*parts, 1, 1][:3]
    return date(year, month, day)
