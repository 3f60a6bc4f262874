"""Is a quote really in a paper's text? Asked of the words: marks, case, spaces and LaTeX's signs don't matter."""

import re
import unicodedata

from pasa_tui.papers import Paper

_ELLIPSIS = re.compile(r"\.{3,}|…|\[\s*\.{2,}\s*\]")
_SPACED_SCRIPT = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FEWEST_WORDS = 2
"""A single word is in many texts by chance."""


def is_quoted(quote: str, paper: Paper) -> bool:
    """Whether the quote stands in the title or the abstract; an ellipsis may leave words out between its parts."""
    parts = [words for part in _ELLIPSIS.split(quote) if (words := _words(part))]
    if sum(len(words.split()) for words in parts) < _FEWEST_WORDS and not _SPACED_SCRIPT.search(quote):
        return False
    return any(_holds(_words(text), parts) for text in (paper.title, paper.abstract))


def _holds(text: str, parts: list[str]) -> bool:
    position = 0
    for part in parts:
        # Scripts without spaces have no word boundary to ask for.
        whole = part if _SPACED_SCRIPT.search(part) else f" {part} "
        found = f" {text} ".find(whole, position)
        if found < 0:
            return False
        position = found + len(whole) - 1
    return bool(parts)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))
