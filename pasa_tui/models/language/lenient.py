"""JSON as models write it: in fences, with words around, with a comma too many, cut off at the end."""

import re
from typing import Any

import msgspec

_LONGEST = 65_536
"""Characters of an answer that are looked at."""
_STARTS = 20
"""Places from which a value is tried to be read."""
_MEMBERS = 6
"""Ends of members from which a list that was cut off is tried to be closed."""
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")


def find_json(text: str) -> Any | None:
    """The first list or object in `text` that can be read as JSON; None where there is none. Never raises.

    Of one that is cut off the complete members are taken.
    """
    text = text[:_LONGEST]
    starts = [match.start() for match in re.finditer(r"[\[{]", text)][:_STARTS]
    for start in starts:
        end = _end_of(text, start)
        value = _decoded(text[start:end]) if end else _cut_off(text[start:])
        # `[Search]` and its like are no JSON, and `[]` before the real answer says nothing.
        if value:
            return value
    return None


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a value: itself, those of a list, or those of the first list that it holds."""
    if isinstance(value, dict):
        held = next((item for item in value.values() if isinstance(item, list) and item), None)
        if held is not None and any(isinstance(item, dict) for item in held):
            value = held
        else:
            return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _decoded(text: str) -> Any | None:
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            return msgspec.json.decode(candidate.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError, ValueError):
            continue
    return None


def _end_of(text: str, start: int) -> int | None:
    """Where the bracket at `start` is closed; None where it is not."""
    depth, in_string, escaped = 0, False, False
    for position in range(start, len(text)):
        char = text[position]
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
            if depth == 0:
                return position + 1
    return None


def _cut_off(text: str) -> Any | None:
    """A list that was cut off, closed after the last member that is complete."""
    ends = [match.end() for match in re.finditer(r'["}]', text)] if text.startswith("[") else []
    for end in ends[: -_MEMBERS - 1 : -1]:
        if value := _decoded(text[:end] + "]"):
            return value
    return None
