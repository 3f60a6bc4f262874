"""The action parser: what a model wrote, as searches to make or sections to open. It never fails."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from rapidfuzz import fuzz, process

from pasa_tui.models.language.lenient import find_json
from pasa_tui.papers import clean_text

Kind = Literal["search", "expand"]

_LONGEST_TEXT = 16_384
"""Characters of an answer that are read; the published limit of 512 tokens is some 2,000."""
_LONGEST_ACTION = 300
_MOST_ACTIONS = 50
_LIKE = 88.0
"""Likeness (0 to 100, of Levenshtein's kind) from which on a section's name counts as misspelt."""
_FEW_WORDS = 15
"""Words of a line that may be a search where nothing marks it as one."""

_MARK = re.compile(
    r"\[+\s*(?P<close>/?)\s*(?P<tag>Stop\s?Search|Stop\s?Expand|Stop|Search|Expand)(?![A-Za-z])\s*:?\s*\]*"
    r"|(?<![A-Za-z])(?P<open>Stop\s?Search|Stop\s?Expand|Search|Expand)\s*\]+",
    re.I,
)
_BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,3}[.):]|[a-z][.)])\s+")
_LABEL = re.compile(r"^\s*(?:search|query|expand|section)(?:\s+(?:query|text|\d{1,3}))*\s*[:=]\s*", re.I)
_FENCE = re.compile(r"```[\w-]*\n?(.*?)(?:```|$)", re.S)
_THINKING = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.S | re.I)
_OPEN_THINKING = re.compile(r"\s*<think(?:ing)?>", re.I)
_EDGES = " \t\"'`*_“”‘’«»,;"
_NOTHING = frozenset({"none", "done", "n/a", "na", "no", "nothing", "stop", "null", "end"})
_FIELDS = ("query", "search", "text", "q", "section", "name", "title", "expand", "keywords")
_NUMBERING = re.compile(r"^(?:section\s+)?(?:\d+|[ivxlc]+|[A-Z])(?:\.\d+)*[.):]?\s+", re.I)


@dataclass(frozen=True, slots=True)
class Action:
    """`[Search]text` or `[Expand]text`."""

    kind: Kind
    text: str


class ActionParser:
    """Takes an answer in pieces and gives each action as soon as nothing that follows can change it.

    Actions in brackets are certain once the next bracketed word begins. Where a model writes none, lists, JSON and
    plain lines are read when the answer has ended. However the text is cut into pieces, the actions are the same.
    """

    def __init__(self, kind: Kind) -> None:
        """`kind` is what lines and lists without brackets are taken for."""
        self._kind: Kind = kind
        self._room = _LONGEST_TEXT
        # What no action was read from yet; from the first bracketed word on it begins with one.
        self._rest = ""
        self._marked = False
        self._stopped = False
        self._seen: set[tuple[Kind, str]] = set()

    def feed(self, piece: str) -> list[Action]:
        """The actions that this piece makes certain."""
        piece = piece[: self._room]
        look = self._rest[-1:] + piece
        self._rest += piece
        self._room -= len(piece)
        # Only a bracket ends an action, so nothing else is worth looking through the text again.
        if self._stopped or not any(char in look for char in "[]"):
            return []
        return self._read(complete=False)

    def finish(self) -> list[Action]:
        """The actions that were not certain before the end."""
        actions = self._read(complete=True)
        if self._marked or self._stopped:
            return actions
        return self._new(_unmarked(_answer(self._rest, complete=True), self._kind))

    def _read(self, *, complete: bool) -> list[Action]:
        text = self._rest if self._marked else _answer(self._rest, complete=complete)
        # A word at the very end may still become another.
        marks = [mark for mark in _MARK.finditer(text) if complete or mark.end() < len(text)]
        actions: list[Action] = []
        for mark, following in zip_longest(marks, marks[1:]):
            tag = (mark["tag"] or mark["open"]).lower()
            self._marked = True
            if self._stopped or tag.startswith("stop"):
                self._stopped = True
            elif following is None and not complete:
                self._rest = text[mark.start() :]
            elif not mark["close"]:
                segment = text[mark.end() : following.start() if following else len(text)]
                kind: Kind = "search" if tag == "search" else "expand"
                actions += [Action(kind, item) for item in _items(segment)]
        return self._new(actions)

    def _new(self, actions: Sequence[Action]) -> list[Action]:
        new = []
        for action in actions:
            key = (action.kind, action.text.casefold())
            if action.text and key not in self._seen and len(self._seen) < _MOST_ACTIONS:
                self._seen.add(key)
                new.append(action)
        self._stopped = self._stopped or len(self._seen) >= _MOST_ACTIONS
        return new


def parse_actions(text: str, kind: Kind) -> list[Action]:
    """All actions of a whole answer. Never raises; at worst there is none."""
    parser = ActionParser(kind)
    return [*parser.feed(text), *parser.finish()]


def match_sections(named: Iterable[str], sections: Sequence[str]) -> list[str]:
    """Those of `sections` that are named, in their own spelling, each once, in the order in which they were named.

    Case, numbers before the name and slight misspellings do not matter; names that are no section's are dropped.
    """
    plain = {_plain(section): section for section in reversed(sections)}
    chosen: dict[str, None] = {}
    for name in named:
        for part in _parts(name, plain):
            if found := _match(part, plain):
                chosen[found] = None
    return list(chosen)


def _parts(name: str, plain: dict[str, str]) -> list[str]:
    """The name, or what it lists with commas where it is no section's as a whole."""
    if _match(name, plain) or not re.search(r"[,;/]| and ", name):
        return [name]
    return re.split(r"[,;/]| and ", name)


def _match(name: str, plain: dict[str, str]) -> str | None:
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    if len(wanted) < 4:
        return None
    best = process.extractOne(wanted, plain.keys(), scorer=fuzz.ratio, score_cutoff=_LIKE)
    return plain[best[0]] if best else None


def _plain(name: str) -> str:
    bare = _NUMBERING.sub("", clean_text(name).strip(_EDGES + "[]().:§"))
    return " ".join(re.findall(r"\w+", (bare or name).casefold()))


def _answer(text: str, *, complete: bool) -> str:
    """Without the thoughts at the beginning."""
    if thinking := _THINKING.match(text):
        return text[thinking.end() :]
    # Thoughts that never end hold no answer, and a beginning may still become one of them.
    if _OPEN_THINKING.match(text) or (not complete and "<think".startswith(text.strip().lower()[:6])):
        return ""
    return text


def _items(segment: str) -> list[str]:
    """What stands after a mark: its first line, or every line where all are items of a list."""
    lines = [line for line in segment.splitlines() if _cleaned(line)]
    if len(lines) > 1 and all(_BULLET.match(line) for line in lines):
        return [_cleaned(line) for line in lines]
    return [_cleaned(line) for line in lines[:1]]


def _unmarked(text: str, kind: Kind) -> list[Action]:
    value = find_json(text)
    items = _texts(value) if value is not None else []
    if not items:
        fenced = "\n".join(_FENCE.findall(text))
        items = _lines(fenced) or _lines(text)
    return [Action(kind, item) for item in items]


def _texts(value: Any) -> list[str]:
    """The texts of a list, of the query-like fields of its objects, or of the lists that an object holds."""
    if isinstance(value, str):
        return [_cleaned(value)]
    if isinstance(value, list):
        return [text for item in value[:_MOST_ACTIONS] for text in _texts(item)]
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        fields = [value[name] for name in _FIELDS if isinstance(value.get(name), str)]
        return _texts(fields[0]) if fields else [text for item in lists for text in _texts(item)]
    return []


def _lines(text: str) -> list[str]:
    """The items of a list; else the labelled lines; else all lines, where all are as short as searches are."""
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("```")]
    for mark in (_BULLET, _LABEL):
        if items := [_cleaned(line) for line in lines if mark.match(line) or mark.match(line.strip(_EDGES))]:
            return items
    if any(len(line.split()) > _FEW_WORDS or line.rstrip()[-1] in ".:!" for line in lines):
        return []
    return [_cleaned(line) for line in lines]


def _cleaned(text: str) -> str:
    """One line without bullet, label, quotes and emphasis; empty where it says nothing."""
    bare = _LABEL.sub("", _BULLET.sub("", clean_text(text)).strip(_EDGES)).strip(_EDGES)
    if bare.endswith("]") and bare.count("]") > bare.count("["):
        bare = bare[:-1].strip(_EDGES)
    bare = " ".join(bare.split())[:_LONGEST_ACTION].strip()
    return bare if any(char.isalnum() for char in bare) and bare.casefold().rstrip(".") not in _NOTHING else ""
