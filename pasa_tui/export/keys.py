"""Citation keys that a person can read and type: `yao2022react`."""

import re
from collections.abc import Sequence
from itertools import count

from pasa_tui.export.ascii import fold_ascii
from pasa_tui.export.identity import arxiv_id, first_year
from pasa_tui.export.names import first_author
from pasa_tui.papers import Paper, PaperId

_STOP_WORDS = (
    "a an the and or of on in for to from with by at as is are be can do does via towards toward into about "
    "how what when where which who why your our its it we"
)
_INSIGNIFICANT = frozenset(_STOP_WORDS.split())
_LONGEST_PART = 30


def citation_keys(papers: Sequence[Paper]) -> dict[PaperId, str]:
    """A unique key for each of `papers`, whose ids must differ; keys hold only a-z and 0-9.

    The key is the first author's family name (without "van der" and its like), the year of first publication
    and the first significant word of the title, as far as they are known and have Latin letters. Papers that
    share a key all get a letter (a, b, … z, aa, …) in the order of their ids, so that keys depend on which
    papers are in the set and not on their order.
    """
    groups: dict[str, list[PaperId]] = {}
    for paper in papers:
        groups.setdefault(_base_key(paper), []).append(paper.id)
    keys: dict[PaperId, str] = {}
    taken = set(groups)
    for base in sorted(groups):
        if len(groups[base]) == 1:
            keys[groups[base][0]] = base
            continue
        suffixes = (_letters(number) for number in count(1))
        for paper_id in sorted(groups[base]):
            keys[paper_id] = next(key for suffix in suffixes if (key := base + suffix) not in taken)
            taken.add(keys[paper_id])
    return keys


def _base_key(paper: Paper) -> str:
    first = first_author(paper.authors)
    year = str(first_year(paper) or "")
    word = _significant_word(paper.title)
    if first:
        family = _significant_word(first.family) if first.collective else _squeeze(first.family)
        if family or word:
            return f"{family or 'anon'}{year}{word}"
    elif word:
        return f"{word}{year}"
    arxiv = arxiv_id(paper)
    return f"arxiv{_squeeze(arxiv)}" if arxiv else f"anon{year}"


def _significant_word(text: str) -> str:
    """The first word of `text` that is not an article, preposition or the like; else its first word."""
    words = [word for raw in text.split() if (word := _squeeze(raw))]
    return next((word for word in words if word not in _INSIGNIFICANT), words[0] if words else "")


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", fold_ascii(text).lower())[:_LONGEST_PART]


def _letters(number: int) -> str:
    """1 is a, 26 is z, 27 is aa."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
