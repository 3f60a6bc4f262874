"""Searches and names in an answer without a single bracketed word: JSON, lists, labelled and plain lines."""

import re
from typing import Any

from pasa_tui.models.language.lenient import find_json
from pasa_tui.papers import clean_text

LONGEST_ITEM = 300
"""Characters of one search or name."""
_MOST_ITEMS = 50
_DEEPEST = 8
"""Levels of lists and objects that are looked into."""
_FEW_WORDS = 15
"""Words of a line that may be a search where nothing marks it as one."""
_BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,3}[.):]|[a-z]\))\s+")
_LABEL = re.compile(r"^\s*(?:search|query|expand|section)(?:\s+(?:query|text|\d{1,3}))*\s*[:=]\s*", re.I)
_FENCE = re.compile(r"```[\w-]*\n?(.*?)(?:```|$)", re.S)
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+)(?<=\S)\1")
_EXPLAINED = re.compile(r"[\"“]([^\"“”]+)[\"”]\s*[-–—:(].*")
_PAIRS = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "*": "*", "_": "_"}
_NUMBERED_KEY = re.compile(r"(?:query|search|section|expand|q|s)?[\s_-]*\d{1,3}", re.I)
_FIELDS = ("query", "search", "text", "q", "section", "name", "title", "expand", "keywords")
_NOTHING = frozenset({"none", "done", "n/a", "na", "no", "nothing", "stop", "null", "end"})
_TALK = frozenset("done no none nothing i i'm i’m we there sorry sure okay yes unfortunately based".split())
"""First words of sentences that answer something else than was asked."""


def read_unmarked(text: str) -> list[str]:
    """The items of the JSON, of the code fence, or of the lines of an answer. Never raises."""
    value = find_json(text)
    items = _texts(value, _DEEPEST) if value is not None else []
    if not items:
        fenced = "\n".join(_FENCE.findall(text))
        items = _lines(fenced) or _lines(text)
    return items


def read_segment(segment: str) -> list[str]:
    """What stands after a bracketed word: its first line, or every line where all are items of a list."""
    lines = [line for line in segment.splitlines() if cleaned(line)]
    if len(lines) > 1 and all(_BULLET.match(line) for line in lines):
        return [cleaned(line) for line in lines]
    return [cleaned(line) for line in lines[:1]]


def list_items(text: str) -> list[str]:
    """The items of a numbered or bulleted list, cleaned; none where there is no such list."""
    return [item for line in text.splitlines() if _BULLET.match(line) and (item := cleaned(line))]


def cleaned(text: str) -> str:
    """One line without bullet, label, quotes around and emphasis; empty where it says nothing."""
    bare = _LABEL.sub("", _unwrapped(_BULLET.sub("", _STRONG.sub(r"\2", clean_text(text)))))
    bare = _unwrapped(bare)
    if bare.endswith("]") and bare.count("]") > bare.count("["):
        bare = _unwrapped(bare[:-1])
    bare = " ".join(bare.split())[:LONGEST_ITEM].strip()
    return bare if any(char.isalnum() for char in bare) and bare.casefold().rstrip(".") not in _NOTHING else ""


def _unwrapped(text: str) -> str:
    """Without the marks around it; those that belong to words within (`A*`, `"x" y`) stay."""
    text = text.strip().rstrip(",;").rstrip()
    for _ in range(4):
        closing = _PAIRS.get(text[:1])
        opening = next((first for first, last in _PAIRS.items() if last == text[-1:]), None)
        inner = text[1:-1]
        if len(text) > 1 and closing == text[-1] and text[0] not in inner and closing not in inner:
            text = inner
        elif closing and closing not in text[1:] and text[0] not in "'’":
            text = text[1:]
        elif opening and opening not in text[:-1] and text[-1] not in "*_'’":
            text = text[:-1]
        else:
            break
        text = text.strip().rstrip(",;").rstrip()
    return text


def _texts(value: Any, depth: int) -> list[str]:
    """The texts of a list, of the query-like fields of its objects, or of what an object holds."""
    if isinstance(value, str):
        return [cleaned(value)]
    if not depth:
        return []
    if isinstance(value, list):
        return [text for item in value[:_MOST_ITEMS] for text in _texts(item, depth - 1)]
    if isinstance(value, dict):
        if field := next((value[name] for name in _FIELDS if isinstance(value.get(name), str)), None):
            return _texts(field, depth - 1)
        held = [item for key, item in value.items() if not isinstance(item, str) or _NUMBERED_KEY.fullmatch(str(key))]
        return [text for item in held[:_MOST_ITEMS] for text in _texts(item, depth - 1)]
    return []


def _lines(text: str) -> list[str]:
    """The items of a list; else the labelled lines; else all lines, where all are as short as searches are."""
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("```")]
    for mark in (_BULLET, _LABEL):
        marked = [line for line in lines if mark.match(line) or mark.match(_STRONG.sub(r"\2", line.strip()))]
        if items := [item for line in marked if (item := _unexplained(line))]:
            return items
    # "Here are the searches:" is no search, but what follows may be.
    lines = [line for line in lines if not line.rstrip(" *_").endswith(":")]
    return [] if any(_is_talk(line) for line in lines) else [cleaned(line) for line in lines]


def _unexplained(line: str) -> str:
    """Only what is quoted, where the quotes are followed by words on why."""
    quoted = _EXPLAINED.fullmatch(_LABEL.sub("", _BULLET.sub("", _STRONG.sub(r"\2", clean_text(line))).strip()))
    return cleaned(quoted[1] if quoted else line)


def _is_talk(line: str) -> bool:
    words = line.split()
    is_broken_json = line.lstrip()[0] in "[]{}"
    is_sentence = len(words) > _FEW_WORDS or line.rstrip()[-1] in ".!"
    return is_broken_json or is_sentence or words[0].casefold().strip(",.!:*") in _TALK
