"""Questions as weighted terms, and how much of that weight a text has."""

from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

from pasa_tui.models.builtin.question import Question
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.words import PLAIN_WORD

_Key = TypeVar("_Key", bound=Hashable)


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
