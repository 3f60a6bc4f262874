"""Relevance feedback: what the papers at the top of search results have in common.

The relevance model RM1 of Lavrenko and Croft (SIGIR 2001), with inverse document frequency in place of its
smoothing: a term weighs the more, the more of its share it has in highly ranked papers and the rarer it is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.words import PLAIN_WORD
from pasa_tui.models.protocols import SearchResults
from pasa_tui.papers import Paper, PaperId

TITLE_WEIGHT = 2
"""How often a title counts beside its abstract; the same as the corpus's full-text search gives it."""

_RANK_OFFSET = 5.0


def rank_weight(rank: int) -> float:
    """Weight of the paper at a rank (from 1): reciprocal, softened so that the first does not decide alone."""
    return 1.0 / (_RANK_OFFSET + rank)


def relevant_papers(found: Iterable[SearchResults]) -> list[tuple[Paper, float]]:
    """Papers of all searches with the sum of their rank weights, heaviest first: reciprocal rank fusion."""
    weights: defaultdict[PaperId, float] = defaultdict(float)
    papers: dict[PaperId, Paper] = {}
    for results in found:
        for rank, paper in enumerate(results.papers, start=1):
            papers.setdefault(paper.id, paper)
            weights[paper.id] += rank_weight(rank)
    return [(papers[key], weights[key]) for key in sorted(weights, key=lambda key: -weights[key])]


def term_weights(papers: Iterable[tuple[Paper, float]], vocabulary: Vocabulary) -> dict[str, float]:
    """Weights of the raw words (in lower case) that papers share, heaviest first.

    Words of one stem count as one and are given in their commonest form. A word of only one paper is left out: it
    tells what that paper is about, not what the question is about.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    spread: Counter[str] = Counter()
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for paper, weight in papers:
        words = PLAIN_WORD.findall(paper.title.lower()) * TITLE_WEIGHT + PLAIN_WORD.findall(paper.abstract.lower())
        counts: Counter[str] = Counter()
        for word, count in Counter(words).items():
            terms = vocabulary.split(word)
            # A run of several terms is no word that a search could be made with.
            if len(terms) == 1:
                counts[terms[0]] += count
                forms[terms[0]][word] += count
        length = sum(counts.values()) or 1
        for term, count in counts.items():
            weights[term] += weight * count / length
            spread[term] += 1
    shared = {
        max(forms[term], key=lambda form: (forms[term][form], form)): weight
        for term, weight in weights.items()
        if spread[term] > 1 and not term.isdigit()
    }
    scored = {word: weight * vocabulary.idf(word) for word, weight in shared.items()}
    return dict(sorted(scored.items(), key=lambda item: (-item[1], item[0])))
