"""The sections that a model named, among those that a paper has."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz, process

from pasa_tui.papers import clean_text

_LIKE = 88.0
"""Likeness (0 to 100, of Levenshtein's kind) from which on a section's name counts as misspelt."""
_FEWEST_LETTERS = 4
_AROUND = " \t\"'`*_“”‘’«»,;[]().:§"
_NUMBERING = re.compile(r"^(?:section\s+)?(?:\d+|[ivxlc]+|[A-Z])(?:\.\d+)*[.):]?\s+", re.I)
_LISTED = re.compile(r"[,;/]| and ")


def match_sections(named: Iterable[str], sections: Sequence[str]) -> list[str]:
    """Those of `sections` that are named, in their own spelling, each once, in the order in which they were named.

    Case, numbers before the name and slight misspellings do not matter; names that are no section's are dropped.
    """
    plain = {_plain(section): section for section in reversed(sections)}
    chosen: dict[str, None] = {}
    for name in named:
        for part in _parts(name, plain):
            if (found := _match(part, plain)) is not None:
                chosen[found] = None
    return list(chosen)


def _parts(name: str, plain: Mapping[str, str]) -> list[str]:
    """The name, or what it lists with commas where it is no section's as a whole."""
    if _match(name, plain) is not None or not _LISTED.search(name):
        return [name]
    return _LISTED.split(name)


def _match(name: str, plain: Mapping[str, str]) -> str | None:
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    if len(wanted) < _FEWEST_LETTERS:
        return None
    # "Experiment 1" is no misspelt "Experiment 2", nor "Appendix A" an "Appendix B".
    alike = [key for key in plain if _counters(key) == _counters(wanted)]
    best = process.extractOne(wanted, alike, scorer=fuzz.ratio, score_cutoff=_LIKE)
    return plain[best[0]] if best else None


def _counters(plain: str) -> list[str]:
    return [word for word in plain.split() if len(word) == 1 or word.isdigit()]


def _plain(name: str) -> str:
    bare = _NUMBERING.sub("", clean_text(name).strip(_AROUND))
    return " ".join(re.findall(r"\w+", (bare or name).casefold()))
