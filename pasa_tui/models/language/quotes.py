"""Is a quote really in a paper's text? Asked of the words: marks, case, spaces and LaTeX's signs don't matter."""

import re
import unicodedata
from functools import lru_cache

from pasa_tui.papers import Paper

_ELLIPSIS = re.compile(r"\.{3,}|…|\[\s*\.{2,}\s*\]")
_SPACED_SCRIPT = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FEWEST_WORDS = 2
"""A single word is in many texts by chance."""
_LONGEST_LATEX = 20_000
"""Characters of a text whose LaTeX is read; abstracts are far shorter."""


def is_quoted(quote: str, paper: Paper) -> bool:
    """Whether the quote stands in the title or the abstract; an ellipsis may leave words out between its parts.

    LaTeX is compared as it is written and as it is read: `\\textbf{PaSa} on $\\tau$-bench` holds `PaSa on τ-bench`.
    """
    texts = [paper.title, paper.abstract]
    if _is_in(quote, texts):
        return True
    if not any("\\" in text for text in (quote, *texts)):
        return False
    return _is_in(_plain(quote), [_plain(text) for text in texts])


def _is_in(quote: str, texts: list[str]) -> bool:
    parts = [words for part in _ELLIPSIS.split(quote) if (words := _words(part))]
    if sum(len(words.split()) for words in parts) < _FEWEST_WORDS and not _SPACED_SCRIPT.search(quote):
        return False
    return any(_holds(_words(text), parts) for text in texts)


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


@lru_cache(maxsize=256)
def _plain(text: str) -> str:
    """As LaTeX is read; a text that is none, or can't be read, as it is."""
    if "\\" not in text or len(text) > _LONGEST_LATEX:
        return text
    from pylatexenc.latex2text import LatexNodes2Text

    try:
        return str(LatexNodes2Text(math_mode="text", strict_latex_spaces=False).latex_to_text(text))
    # The library raises many kinds of errors on broken input, and recurses as deep as the input nests.
    except Exception:
        return text
