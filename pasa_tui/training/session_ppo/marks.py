"""Where in an answer its actions stand: what the model wrote, and the token of each action's `[`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

MarkKind = Literal["search", "expand", "stop"]

_MARK = re.compile(r"\[(Search|Expand|StopSearch|StopExpand)\]")
_KINDS: dict[str, MarkKind] = {"Search": "search", "Expand": "expand", "StopSearch": "stop", "StopExpand": "stop"}
STOPS = ("[StopSearch]", "[StopExpand]")
"""What ends a session."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`[Search]text`, `[Expand]text` or a stop; `opens` and `closes` are tokens of the answer, counted from 0.

    `opens` has the mark's own `[`. With `closes` the action is complete: it has the `[` of the next mark, or is the
    answer's last where none follows. A stop is complete at once.
    """

    kind: MarkKind
    text: str
    opens: int
    closes: int


def marks_of(tokens: Sequence[int], decode: Callable[[Sequence[int]], str]) -> list[Mark]:
    """The marks of an answer in order, up to its first stop, which is the last of them.

    Only marks as the model was trained to write them count: a reward must not teach other spellings, which the
    lenient parser of a search takes too.
    """
    text = decode(tokens)
    found = list(_MARK.finditer(text))
    brackets: list[int] = []
    token = 0
    for match in found:
        # The last token up to which the text is not yet as long as what stands before the bracket.
        while token + 1 < len(tokens) and len(decode(tokens[: token + 1])) <= match.start():
            token += 1
        brackets.append(token)
    marks: list[Mark] = []
    ends = [match.start() for match in found[1:]] + [len(text)]
    closing = [*brackets[1:], len(tokens) - 1]
    for match, end, opens, closes in zip(found, ends, brackets, closing, strict=False):
        kind = _KINDS[match[1]]
        if kind == "stop":
            marks.append(Mark(kind, "", opens, opens))
            break
        marks.append(Mark(kind, " ".join(text[match.end() : end].split()), opens, closes))
    return marks


def cut_after_stop(tokens: Sequence[int], decode: Callable[[Sequence[int]], str], ends: frozenset[int]) -> list[int]:
    """The answer without what stands behind its first stop, but for one of the tokens `ends` that follows at once."""
    text = decode(tokens)
    if not (stops := [at + len(stop) for stop in STOPS if (at := text.find(stop)) >= 0]):
        return list(tokens)
    length = min(stops)
    low, high = 1, len(tokens)
    while low < high:
        middle = (low + high) // 2
        if len(decode(tokens[:middle])) >= length:
            high = middle
        else:
            low = middle + 1
    return list(tokens[: low + 1] if low < len(tokens) and tokens[low] in ends else tokens[:low])
