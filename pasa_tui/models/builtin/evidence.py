"""What speaks for a paper: every measure in [0, 1], none of them lowered by a further provenance."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pasa_tui.models.builtin.feedback import rank_weight, term_weights
from pasa_tui.models.builtin.lexical import PaperTerms, bm25f, log_share, question_pairs, question_weights, share
from pasa_tui.models.builtin.question import parse_question
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.words import PLAIN_WORD
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, PaperId, Query

_FEEDBACK_PAPERS = 20
_FEEDBACK_TERMS = 100
_FEEDBACK_SHARE = 0.75
_MOST_SEARCHES = 5
_MOST_CITING = 10
_REASON_WORDS = 4

_KINDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(survey|review|overview|tutorial)s?\b",
        r"\b(benchmark|leaderboard|testbed)(s|ing)?\b",
        r"\b(data ?set|corpus|corpora)s?\b",
        r"\b(tool(kit|box)?|library|framework|software|open[- ]source)\b",
    )
)
"""Words for kinds of papers; a question with one of a kind asks for papers with one of the same kind."""


class Evidence(NamedTuple):
    """The measures of one paper.

    `profile`: BM25F with the question's terms and those of the best results (RM3: Abdul-Jaleel et al., TREC 2004).
    `focus`: share of the title's terms that are the question's. `pairs`: share of the question's neighbouring terms
    that are neighbours in the paper. `fused`: reciprocal ranks, summed over searches and citing papers. `rank`:
    reciprocal of the best.
    `citations`: how many of the judged papers cite it, weighted by their scores, on a logarithmic scale.
    `kind`: share of the kinds and years the question names that the paper meets.
    """

    profile: float
    focus: float
    pairs: float
    fused: float
    rank: float
    citations: float
    kind: float


@dataclass(slots=True)
class QuerySession:
    """What a Selector knows of one query: the question's terms, the papers that searches found, scores so far."""

    query: Query
    vocabulary: Vocabulary
    _scores: dict[PaperId, float] = field(default_factory=dict)
    _analysed: dict[PaperId, PaperTerms] = field(default_factory=dict)
    _found: dict[PaperId, tuple[Paper, float]] = field(default_factory=dict)
    _weights: dict[str, float] = field(init=False)
    _profile: Mapping[str, float] = field(init=False)
    _pairs: dict[tuple[str, str], float] = field(init=False)
    _kinds: tuple[re.Pattern[str], ...] = field(init=False)
    _years: tuple[int, ...] = field(init=False)
    _words: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        question = parse_question(self.query.text, self.vocabulary)
        self._weights = self._profile = question_weights(question, self.vocabulary)
        self._pairs = question_pairs(question, self.vocabulary)
        self._kinds = tuple(kind for kind in _KINDS if kind.search(question.text))
        self._years = question.years
        words = PLAIN_WORD.findall(question.text)
        self._words = {term: word for word in words for term in self.vocabulary.split(word.lower())}

    def learn(self, candidates: Sequence[Candidate]) -> None:
        """Take in which papers searches have found, and renew the profile if that is news."""
        news = False
        for candidate in candidates:
            weight = sum(rank_weight(item.rank) for item in candidate.provenances if item.kind == "search")
            known = self._found.get(candidate.paper.id)
            if weight > (known[1] if known else 0.0):
                self._found[candidate.paper.id] = (candidate.paper, weight)
                news = True
        if news:
            best = sorted(self._found.items(), key=lambda item: (-item[1][1], item[0]))[:_FEEDBACK_PAPERS]
            weights = term_weights([found for _, found in best], self.vocabulary)
            terms = {
                term: weight
                for word, weight in list(weights.items())[:_FEEDBACK_TERMS]
                for term in self.vocabulary.split(word)
            }
            self._profile = _mixed(self._weights, terms)

    def evidence(self, candidate: Candidate) -> Evidence:
        """Measure a candidate."""
        terms = self._terms(candidate.paper)
        ranks = [item.rank for item in candidate.provenances if item.kind == "search"]
        citing = {item.parent for item in candidate.provenances if item.parent is not None}
        title = set(terms.title)
        profile = bm25f(terms, self._profile)
        cited = sum(self._scores.get(parent, 0.0) for parent in citing)
        # What is cited where a search found much, and is about the question, would have been found by a search that
        # used its words: so each citing paper counts as a search, as good as itself, that found it first.
        lists = sum(map(rank_weight, ranks)) + cited * profile * rank_weight(1)
        return Evidence(
            profile=profile,
            focus=len(title & self._weights.keys()) / max(1, len(title)),
            pairs=share(terms.pairs(self._weights), self._pairs),
            fused=min(1.0, lists / (_MOST_SEARCHES * rank_weight(1))),
            rank=max((1 / max(1, rank) for rank in ranks), default=0.0),
            citations=min(1.0, log_share(cited, _MOST_CITING)),
            kind=self._kind(candidate.paper),
        )

    def keep(self, paper_id: PaperId, score: float) -> float:
        """Remember a paper's best score, and return it."""
        self._scores[paper_id] = best = max(score, self._scores.get(paper_id, 0.0))
        return best

    def reason(self, candidate: Candidate) -> str:
        """One line for a person: which words match where, and what led to the paper."""
        terms = self._terms(candidate.paper)
        in_title = self._matching(terms.title)
        in_abstract = [word for word in self._matching(terms.abstract) if word not in in_title]
        searches = len({item.text for item in candidate.provenances if item.kind == "search"})
        citing = len({item.parent for item in candidate.provenances if item.kind == "section"})
        parts = (
            f"title: {', '.join(in_title[:_REASON_WORDS])}" if in_title else "",
            f"abstract: {', '.join(in_abstract[:_REASON_WORDS])}" if in_abstract else "",
            f"in {searches} search{'es' * (searches > 1)}" if searches else "",
            f"cited by {citing} paper{'s' * (citing > 1)}" if citing else "",
        )
        return " · ".join(part for part in parts if part)

    def _terms(self, paper: Paper) -> PaperTerms:
        known = self._analysed.get(paper.id)
        if known is None:
            known = self._analysed[paper.id] = PaperTerms.of(paper.title, paper.abstract, self.vocabulary)
        return known

    def _matching(self, terms: Sequence[str]) -> list[str]:
        """The question's words among `terms`, weightiest first."""
        there = self._weights.keys() & set(terms)
        words = (self._words[term] for term in sorted(there, key=lambda term: (-self._weights[term], term)))
        return list(dict.fromkeys(words))

    def _kind(self, paper: Paper) -> float:
        text = f"{paper.title} {paper.abstract}"
        met = [bool(kind.search(text)) for kind in self._kinds]
        if self._years and paper.date:
            met.append(self._years[0] <= paper.date.year <= self._years[-1])
        return sum(met) / len(met) if met else 0.0


def _mixed(asked: Mapping[str, float], fed_back: Mapping[str, float]) -> dict[str, float]:
    """RM3: both weightings brought to a sum of 1 and mixed, with _FEEDBACK_SHARE of the second."""
    mixed: dict[str, float] = {}
    for weights, part in ((asked, 1 - _FEEDBACK_SHARE), (fed_back, _FEEDBACK_SHARE)):
        total = sum(weights.values())
        for term, weight in weights.items():
            mixed[term] = mixed.get(term, 0.0) + part * weight / total if total else 0.0
    return mixed
