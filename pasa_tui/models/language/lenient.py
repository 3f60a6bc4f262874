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
_MOST_OBJECTS = 100
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")
_SINGLE_QUOTES = re.compile(r"(?:(?<=[\[{,:])|(?<=[\[{,:]\s))'|'(?=\s?[\],}:])")
_BETWEEN = re.compile(r"[\s,]*(?=\{)")
_THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.I)
_THOUGHT_BEGINS = re.compile(r"<think(?:ing)?>", re.I)


def without_thoughts(text: str) -> str:
    """What follows the last thought; a thought that never ends holds no answer.

    Some chat templates open the thought themselves, so that only its end stands in the answer.
    """
    ends = [match.end() for match in _THOUGHT_ENDS.finditer(text)]
    answer = text[ends[-1] :] if ends else text
    begins = _THOUGHT_BEGINS.search(answer)
    return answer[: begins.start()] if begins else answer


def find_json(text: str) -> Any | None:
    """The first list or object in `text` that can be read as JSON; None where there is none. Never raises.

    Of one that is cut off the complete members are taken; objects one after the other make a list.
    """
    text = text[:_LONGEST]
    starts = [match.start() for match in re.finditer(r"[\[{]", text)][:_STARTS]
    for start in starts:
        end = _end_of(text, start)
        value = _decoded(text[start:end]) if end else _cut_off(text[start:])
        # `[Search]` and its like are no JSON, and `[]` before the real answer says nothing.
        if value:
            return _with_following(value, text, end) if isinstance(value, dict) and end else value
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


def _with_following(value: dict[str, Any], text: str, end: int) -> Any:
    values = [value]
    while len(values) < _MOST_OBJECTS and (between := _BETWEEN.match(text, end)):
        following = _end_of(text, between.end())
        decoded = _decoded(text[between.end() : following]) if following else None
        if following is None or not isinstance(decoded, dict):
            break
        values.append(decoded)
        end = following
    return values if len(values) > 1 else value


def _decoded(text: str) -> Any | None:
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text), _double_quoted(text)):
        try:
            return msgspec.json.decode(candidate.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError, ValueError):
            continue
    return None


def _double_quoted(text: str) -> str:
    """A list or an object in the quotes that Python writes; others as they are."""
    return text if '"' in text else _TRAILING_COMMA.sub(r"\1", _SINGLE_QUOTES.sub('"', text))


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
