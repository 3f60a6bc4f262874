"""Papers and questions as terms, and how well they match."""

import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from pasa_tui.models.builtin.question import Question
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.words import PLAIN_WORD

_Key = TypeVar("_Key", bound=Hashable)

_SATURATION = 1.2
_LENGTH_SHARE = 0.4
_TYPICAL_LENGTH = 130.0
_TITLE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """A paper's terms: in order, and counted. `title_set` are those of its title."""

    title: tuple[str, ...]
    abstract: tuple[str, ...]
    counts: Mapping[str, float]

    @classmethod
    def of(cls, title: str, abstract: str, vocabulary: Vocabulary) -> "PaperTerms":
        """Analyse a paper; each term of the title counts as _TITLE_WEIGHT in `counts`."""
        in_title, in_abstract = tuple(vocabulary.terms(title)), tuple(vocabulary.terms(abstract))
        counts: dict[str, float] = dict(Counter(in_abstract))
        for term in in_title:
            counts[term] = counts.get(term, 0.0) + _TITLE_WEIGHT
        return cls(in_title, in_abstract, counts)

    def pairs(self, wanted: Collection[str]) -> set[tuple[str, str]]:
        """Ordered pairs of `wanted` terms that stand beside each other, or with one other term between them."""
        found: set[tuple[str, str]] = set()
        for terms in (self.title, self.abstract):
            before = last = ""
            for term in terms:
                if term in wanted:
                    found |= {(before, term), (last, term)}
                before, last = last, term
        return found


def question_weights(question: Question, vocabulary: Vocabulary) -> dict[str, float]:
    """The question's terms with their idf (0 to 1), in order."""
    weights: dict[str, float] = {}
    for word in PLAIN_WORD.findall(question.text):
        for term in vocabulary.split(word.lower()):
            weights.setdefault(term, vocabulary.idf(word))
    return weights


def question_pairs(question: Question, vocabulary: Vocabulary) -> dict[tuple[str, str], float]:
    """Neighbouring terms within the question's phrases, weighted by the sum of their idf."""
    weights = question_weights(question, vocabulary)
    return {
        (first, second): weights[first] + weights[second]
        for phrase in question.phrases
        for first, second in pairwise(vocabulary.terms(" ".join(phrase)))
    }


def share(found: Iterable[_Key], weights: Mapping[_Key, float]) -> float:
    """The share of all weight that the `found` ones have, from 0 to 1; 0 where there is no weight."""
    total = sum(weights.values())
    return sum(weights[key] for key in weights.keys() & set(found)) / total if total else 0.0


def coverage(text: str, weights: Mapping[str, float], vocabulary: Vocabulary) -> float:
    """The share of the weight of terms that stand in a text."""
    return share(vocabulary.terms(text), weights)


def bm25f(terms: PaperTerms, weights: Mapping[str, float]) -> float:
    """BM25F (Robertson, Zaragoza and Taylor, CIKM 2004) over its greatest possible value: 0 to 1."""
    total = sum(weights.values())
    if not total:
        return 0.0
    length = (len(terms.title) + len(terms.abstract)) / _TYPICAL_LENGTH
    saturation = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
    return (
        sum(
            weight * count / (count + saturation)
            for term, weight in weights.items()
            if (count := terms.counts.get(term))
        )
        / total
    )


def log_share(count: float, most: float) -> float:
    """log(1 + count) over its value at `most`: 0 at none, 1 at `most`, growing ever slower."""
    return math.log1p(count) / math.log1p(most)
