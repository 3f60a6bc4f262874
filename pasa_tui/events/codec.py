"""Events to and from plain JSON values: `{"type": "PaperFound", "at": …, …}`."""

from typing import Any

import msgspec

from pasa_tui.events import types
from pasa_tui.events.types import Event

EVENT_TYPES: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in vars(types).values()
    if isinstance(cls, type) and issubclass(cls, Event) and cls is not Event
}


def event_to_json(event: Event) -> dict[str, Any]:
    """A dict of JSON values: dates as YYYY-MM-DD, tuples as lists, the class's name under "type"."""
    return {"type": type(event).__name__, **msgspec.to_builtins(event)}


def event_from_json(data: dict[str, Any]) -> Event | None:
    """The event that `event_to_json` wrote, or None for a type this version doesn't know.

    Fields it doesn't know are passed over, so that a log written by a newer version can still be read.
    Raises ValueError where a known event lacks a field or has one of the wrong type.
    """
    cls = EVENT_TYPES.get(data.get("type", ""))
    # Fields that the class lacks, as "type" is, are passed over by msgspec.
    return msgspec.convert(data, cls) if cls else None
