"""How often words are used: what the builtin models know about language."""

import math
from collections.abc import Iterable
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

    `num_papers` is the size of an imagined collection. The guessed frequencies are geometric means over the words of
    560 titles among 112,029 papers on machine learning, counted in their titles and abstracts: about 2 % of the papers
    for ordinary words of 4 to 11 letters, twice that for shorter and half for longer ones; far less for words with
    digits or inner capitals, as names of models, data sets and methods have.
    """

    num_papers = 1_000_000

    def document_frequency(self, term: str) -> int:
        """A guess of how many papers have a raw word, in the case it is written in."""
        length = sum(char.isalnum() for char in term)
        if length == 0:
            return 0
        if any(char.isdigit() for char in term) or any(char.isupper() for char in term[1:]):
            percent = 0.2 if length < 4 else 0.05 if length == 4 else 0.01
        else:
            percent = 4.0 if length < 4 else 2.0 if length < 12 else 1.0
        return round(self.num_papers * percent / 100)

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


class _TermsOfWords(dict[str, tuple[str, ...]]):
    """The terms of each word met. A dictionary that fills itself, since every word of every paper is looked up."""

    def __init__(self, statistics: TermStatistics) -> None:
        super().__init__()
        self._statistics = statistics
        self.words: dict[str, str] = {}

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        self[word] = terms = () if word in STOP_WORDS else tuple(self._statistics.analyze(word))
        for term in terms:
            self.words.setdefault(term, word if len(terms) == 1 else term)
        return terms


class Vocabulary:
    """Term statistics with a memory, so that each word is analysed and counted once.

    A "word" is raw (in lower case for `split`); "terms" are what the statistics' analysis makes of it: none of a
    stop word, one of most, several of a run of a script that puts no space between words.
    """

    def __init__(self, statistics: TermStatistics) -> None:
        self._statistics = statistics
        self._most = math.log1p(max(1, statistics.num_papers))
        self._terms = _TermsOfWords(statistics)
        self.idf = lru_cache(maxsize=_CACHED_WORDS)(self._idf)
        self.idf_of_term = lru_cache(maxsize=_CACHED_WORDS)(self._idf_of_term)

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order, stop words left out."""
        known = self._terms
        return [term for word in PLAIN_WORD.findall(text.lower()) for term in known[word]]

    def split(self, word: str) -> tuple[str, ...]:
        """The terms of one word in lower case."""
        return self._terms[word]

    def weigh(self, words: Iterable[str]) -> float:
        """The sum of the idf of raw words."""
        return sum(map(self.idf, words))

    def _idf_of_term(self, term: str) -> float:
        """The idf of a term that `terms` or `split` gave, as that of the first word met that it was made of."""
        return self._idf(self._terms.words.get(term, term))

    def _idf(self, word: str) -> float:
        """Inverse document frequency of a raw word, from 0 (in every paper) to nearly 1 (in a single one).

        1 - log(n + 1) / log(N + 1): the usual log(N / n) over its greatest value, so that weights mean the same in
        collections of any size. A word of no paper has 0: nothing is found by it.
        """
        frequency = min(self._statistics.document_frequency(word), self._statistics.num_papers)
        return 1.0 - math.log1p(frequency) / self._most if frequency > 0 else 0.0


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
