"""Papers as bags of terms, and how well they match weighted terms or each other."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pasa_tui.models.builtin.statistics import Vocabulary

_SATURATION = 1.2
_LENGTH_SHARE = 0.4
_TYPICAL_LENGTH = 130.0
_TITLE_WEIGHT = 2
_LOGS = (0.0, *(1.0 + math.log(count) for count in range(1, 64)))
"""What a term counts that stands so often."""


class PaperText:
    """A paper's terms, analysed once. `counts` holds each term, one in the title counting as _TITLE_WEIGHT."""

    __slots__ = ("_vector", "abstract", "counts", "saturation", "title")

    def __init__(self, title: str, abstract: str, vocabulary: Vocabulary) -> None:
        self.title = vocabulary.terms(title)
        self.abstract = vocabulary.terms(abstract)
        counts: dict[str, int] = dict(Counter(self.abstract))
        for term in self.title:
            counts[term] = counts.get(term, 0) + _TITLE_WEIGHT
        self.counts: Mapping[str, int] = counts
        length = (len(self.title) + len(self.abstract)) / _TYPICAL_LENGTH
        self.saturation = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
        self._vector: dict[str, float] | None = None

    def match(self, weights: Mapping[str, float]) -> float:
        """BM25F (Robertson, Zaragoza and Taylor, CIKM 2004) with terms that weigh so much."""
        counts, saturation = self.counts, self.saturation
        total = 0.0
        for term in counts.keys() & weights.keys():
            count = counts[term]
            total += weights[term] * count / (count + saturation)
        return total

    def vector(self, vocabulary: Vocabulary) -> dict[str, float]:
        """Terms with log tf x idf, of length 1."""
        if self._vector is None:
            idf = vocabulary.idf_of_term
            most = len(_LOGS) - 1
            weighted = {term: _LOGS[min(count, most)] * idf(term) for term, count in self.counts.items()}
            norm = math.sqrt(sum([value * value for value in weighted.values()])) or 1.0
            self._vector = {term: value / norm for term, value in weighted.items()}
        return self._vector

    def pairs(self, wanted: Mapping[str, float]) -> set[tuple[str, str]]:
        """Ordered pairs of `wanted` terms that stand beside each other, or with one other term between them."""
        found: set[tuple[str, str]] = set()
        if self.counts.keys().isdisjoint(wanted):
            return found
        for terms in (self.title, self.abstract):
            before = last = ""
            for term in terms:
                if term in wanted:
                    found |= {(before, term), (last, term)}
                before, last = last, term
        return found


def match_field(terms: Sequence[str], weights: Mapping[str, float], length: float) -> float:
    """BM25 of one field, `length` being what is usual for it in terms."""
    saturation = _SATURATION * (0.25 + 0.75 * len(terms) / length)
    counts = Counter(term for term in terms if term in weights)
    return sum(weights[term] * count / (count + saturation) for term, count in counts.items())


def dot(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The product of two vectors."""
    return sum([first[term] * second[term] for term in first.keys() & second.keys()])


def centroid(texts: Iterable[PaperText], vocabulary: Vocabulary) -> dict[str, float]:
    """The sum of the papers' vectors."""
    total: dict[str, float] = {}
    for text in texts:
        for term, value in text.vector(vocabulary).items():
            total[term] = total.get(term, 0.0) + value
    return total


def relevance_model(
    texts: Sequence[tuple[PaperText, float]], vocabulary: Vocabulary, asked: Mapping[str, float], *, terms: int
) -> dict[str, float]:
    """The weightiest `terms` that papers share, mixed with what was asked: RM3 (Abdul-Jaleel et al., TREC 2004).

    Each paper weighs as given; the relevance model (Lavrenko and Croft, SIGIR 2001) has inverse document frequency in
    place of its smoothing. A term of only one paper is left out: it tells what that paper is about.
    """
    weights: dict[str, float] = {}
    spread: Counter[str] = Counter()
    for text, weight in texts:
        length = sum(text.counts.values()) or 1
        spread.update(text.counts.keys())
        for term, count in text.counts.items():
            weights[term] = weights.get(term, 0.0) + weight * count / length
    scored = {
        term: weight * vocabulary.idf_of_term(term)
        for term, weight in weights.items()
        if spread[term] > 1 and not term.isdigit()
    }
    best = dict(sorted(scored.items(), key=lambda item: (-item[1], item[0]))[:terms])
    return _mixed(asked, best)


_FEEDBACK_SHARE = 0.65


def _mixed(asked: Mapping[str, float], fed_back: Mapping[str, float]) -> dict[str, float]:
    """Both weightings brought to a sum of 1 and added, with _FEEDBACK_SHARE of the second."""
    sums: dict[str, float] = {}
    for weights, part in ((asked, 1 - _FEEDBACK_SHARE), (fed_back, _FEEDBACK_SHARE)):
        total = sum(weights.values())
        for term, weight in weights.items():
            sums[term] = sums.get(term, 0.0) + part * weight / total if total else 0.0
    return sums
