"""The action parser: what a model wrote, as searches to make or sections to open. It never fails."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pasa_tui.models.language.unmarked import read_segment, read_unmarked

Kind = Literal["search", "expand"]

_LONGEST_TEXT = 16_384
"""Characters of an answer that are read; the published limit of 512 tokens is some 2,000."""
_MOST_ACTIONS = 50
_LONGEST_MARK = 64
"""Characters of the longest text that `_MARK` takes."""

# Brackets and spaces are counted and never given back, so that no answer takes more than linear time to look through.
_MARK = re.compile(
    r"[\[【]{1,8}+\s{0,8}+(?P<close>/?)\s{0,8}+(?P<tag>Stop\s?Search|Stop\s?Expand|Stop|Search|Expand)(?![A-Za-z])"
    r"\s{0,8}+:?\s{0,8}+[\]】]{0,8}+"
    r"|(?<![A-Za-z])(?P<open>Stop\s?Search|Stop\s?Expand|Search|Expand)\s{0,8}+[\]】]{1,8}+"
    r"|<(?P<thought>/?think(?:ing)?)>",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Action:
    """`[Search]text` or `[Expand]text`."""

    kind: Kind
    text: str


class ActionParser:
    """Takes an answer in pieces and gives each action as soon as nothing that follows can change it.

    Actions in brackets are certain once the next bracketed word begins. Where a model writes none, lists, JSON and
    plain lines are read when the answer has ended. Thoughts hold no actions; where only the end of one is written,
    what was certain before it stays. However the text is cut into pieces, the actions are the same.
    """

    def __init__(self, kind: Kind) -> None:
        """`kind` is what lines and lists without brackets are taken for."""
        self._kind: Kind = kind
        self._room = _LONGEST_TEXT
        # What follows the last mark, and how much of it is known to begin no further one.
        self._rest = ""
        self._looked = 0
        self._open: Kind | None = None
        self._is_marked = False
        self._is_thinking = False
        self._seen: set[Action] = set()
        self._is_done = False

    @property
    def wants_more(self) -> bool:
        """Whether anything that is still to be written can matter."""
        return not self._is_done and self._room > 0

    def feed(self, piece: str) -> list[Action]:
        """The actions that this piece makes certain."""
        piece = piece[: self._room]
        self._rest += piece
        self._room -= len(piece)
        return [] if self._is_done else self._read(complete=False)

    def finish(self) -> list[Action]:
        """The actions that were not certain before the end."""
        if self._is_done:
            return []
        actions = self._read(complete=True)
        if not (self._is_done or self._is_thinking):
            actions += self._close(self._rest)
            if not self._is_marked:
                actions += self._new(self._kind, read_unmarked(self._rest))
        self._is_done = True
        return actions

    def _read(self, *, complete: bool) -> list[Action]:
        actions: list[Action] = []
        position = 0
        for mark in _MARK.finditer(self._rest, self._looked):
            # A word at the very end may still become another.
            if mark.end() == len(self._rest) and not complete:
                break
            actions += self._pass(mark, self._rest[position : mark.start()])
            position = mark.end()
            if self._is_done:
                break
        self._rest = self._rest[position:]
        self._looked = max(0, len(self._rest) - _LONGEST_MARK)
        return actions

    def _pass(self, mark: re.Match[str], segment: str) -> list[Action]:
        """The action that a mark ends; what follows belongs to the mark."""
        if thought := mark["thought"]:
            begins = not thought.startswith("/")
            actions = self._close(segment) if begins else []
            # Before an end without a beginning all was thought, and what is open there is no action.
            self._open = None
            self._is_thinking, self._is_marked = begins, begins and self._is_marked
            return actions
        if self._is_thinking:
            return []
        actions = self._close(segment)
        tag = (mark["tag"] or mark["open"]).lower()
        self._is_marked = True
        if tag.startswith("stop"):
            self._is_done = True
        elif not mark["close"]:
            self._open = "search" if tag == "search" else "expand"
        return actions

    def _close(self, segment: str) -> list[Action]:
        kind, self._open = self._open, None
        return self._new(kind, read_segment(segment)) if kind else []

    def _new(self, kind: Kind, texts: Iterable[str]) -> list[Action]:
        new = []
        for text in texts:
            key = Action(kind, text.casefold())
            if text and key not in self._seen and len(self._seen) < _MOST_ACTIONS:
                self._seen.add(key)
                new.append(Action(kind, text))
        self._is_done = self._is_done or len(self._seen) >= _MOST_ACTIONS
        return new


def parse_actions(text: str, kind: Kind) -> list[Action]:
    """All actions of a whole answer. Never raises; at worst there is none."""
    parser = ActionParser(kind)
    return [*parser.feed(text), *parser.finish()]
