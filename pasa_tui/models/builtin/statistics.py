"""How often words are used: what the builtin models know about language."""

import math
from functools import lru_cache
from typing import Protocol

from pasa_tui.models.builtin.words import PLAIN_WORD, STOP_WORDS

_CACHED_WORDS = 100_000


class TermStatistics(Protocol):
    """A collection's words, counted. A corpus with a full-text index has these at hand."""

    @property
    def num_papers(self) -> int:
        """Papers in the collection."""
        ...

    def document_frequency(self, term: str) -> int:
        """In how many papers' title or abstract a raw word stands, after the collection's own analysis."""
        ...

    def analyze(self, text: str) -> list[str]:
        """The terms of a text in order: lower case, stemmed, stop words left out."""
        ...


class PlainStatistics:
    """Statistics where no collection is counted, as with live sources: a guess by a word's shape.

    `num_papers` is the size of an imagined collection. Long words are rarer than short ones, and words with digits
    or inner capitals (names of models, data sets, methods) rarer still. Each further letter divides the guessed
    frequency by 1.7: the slope of log frequency over length among the words of 112,000 papers on machine learning.
    """

    num_papers = 1_000_000

    def document_frequency(self, term: str) -> int:
        """A guess from 1 to a tenth of `num_papers`."""
        if not any(char.isalnum() for char in term):
            return 0
        length = len(term) + 4 * any(char.isdigit() for char in term) + 4 * any(char.isupper() for char in term[1:])
        return max(1, round(self.num_papers / 10 * 1.7 ** -max(0, length - 4)))

    def analyze(self, text: str) -> list[str]:
        """Words in lower case without stop words and without endings.

        Scripts that put no space between words are cut into pairs of characters.
        """
        terms: list[str] = []
        for word in PLAIN_WORD.findall(text.lower()):
            if word in STOP_WORDS:
                continue
            terms += _pairs(word) if _is_unspaced(word) else [_stem(word)]
        return terms


class Vocabulary:
    """Term statistics with a memory, so that each word is analysed and counted once.

    A "word" is raw, as written; a "term" is what the statistics' analysis makes of it.
    """

    def __init__(self, statistics: TermStatistics) -> None:
        self._statistics = statistics
        self._most = math.log1p(max(1, statistics.num_papers))
        self.term = lru_cache(maxsize=_CACHED_WORDS)(self._term)
        self.idf = lru_cache(maxsize=_CACHED_WORDS)(self._idf)

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order, stop words left out."""
        term = self.term
        return [found for word in PLAIN_WORD.findall(text.lower()) if (found := term(word))]

    def _term(self, word: str) -> str:
        """The term of one word in lower case; empty for a stop word."""
        return "" if word in STOP_WORDS else " ".join(self._statistics.analyze(word))

    def _idf(self, word: str) -> float:
        """Inverse document frequency of a raw word, from 0 (in every paper) to 1 (in none).

        log((N + 1) / (n + 1)) over its greatest value, so that weights mean the same in collections of any size.
        """
        frequency = min(self._statistics.document_frequency(word), self._statistics.num_papers)
        return max(0.0, 1.0 - math.log1p(max(0, frequency)) / self._most)


def _is_unspaced(word: str) -> bool:
    """Whether a word is Chinese or Japanese (Han and kana) or Thai, Lao, Khmer, Burmese."""
    return any(
        "\u3040" <= char <= "\u9fff"
        or "\u0e00" <= char <= "\u0eff"
        or "\u1000" <= char <= "\u109f"
        or "\u1780" <= char <= "\u17ff"
        for char in word
    )


def _pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(len(word) - 1)] or [word]


def _stem(word: str) -> str:
    """A word without its plural or verb ending; what remains has at least four letters."""
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(ending)] + instead
    return word
