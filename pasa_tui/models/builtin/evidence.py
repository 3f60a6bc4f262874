"""What speaks for the papers of a search: measures of each among all, which a learned model weighs.

Measures are shares of the best paper's, or reciprocal ranks among the papers met, so that they mean the same for
questions of any length and collections of any size. None depends on the order in which papers were met.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pasa_tui.models.builtin.lexical import question_pairs, question_weights, share
from pasa_tui.models.builtin.question import parse_question
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.texts import PaperText, centroid, dot, match_field, relevance_model
from pasa_tui.models.builtin.words import PLAIN_WORD
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, PaperId, Provenance, Query

_TITLE_LENGTH, _ABSTRACT_LENGTH = 9.0, 110.0
_FEW, _MORE = 10, 20
"""Papers whose terms are fed back: the best by the question's terms, then the best by those and the former's."""
_FEW_TERMS, _MORE_TERMS = 30, 60
_RANK_OFFSET = 10.0
_FUSION_OFFSET = 20.0
_SHARPNESS = 8.0
"""How much more a good paper counts than a middling one where papers lend their weight to others, as an exponent."""
_LENDERS = 200
"""The best papers by their texts, which lend weight to those cited beside them."""
_OLDEST = 15.0
_USUAL_AGE = 3.0
"""Years, where age says nothing: about the median of the papers that answer questions with a cut-off."""

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

_RANKED = ("question", "feedback", "profile", "like_few", "like_more", "title", "abstract", "sections", "together")
_CONTEXT = ("question", "feedback", "like_few", "together", "fused")
_CONTEXT_RANKS = (5, 20, 100)
MEASURES = (
    *_RANKED,
    *(f"{name}_rank" for name in _RANKED),
    "pairs",
    "focus",
    "coverage",
    "fused",
    "best_rank",
    "searches",
    "named_sections",
    "together_squared",
    "by_papers",
    "by_good_papers",
    "citing",
    "neighbour",
    "kind",
    "age",
    *(f"{name}_at_{rank}" for name in _CONTEXT for rank in _CONTEXT_RANKS),
    "cited_share",
)
"""Names of the measures, in order.

`question`: BM25F with the question's terms; `feedback`, `profile`: with those and the terms of the 10 best by it,
and of the 20 best by the former (RM3). `like_few`, `like_more`: cosine with these 10 and 20. `title`, `abstract`:
BM25 of one field. `sections`: how much the sections that cite a paper are about the question; `named_sections` only
those whose name is. `together`: how good the papers are that are cited in the same sections; `together_squared` gives
more to sections full of them, `by_papers` takes whole papers for sections, `by_good_papers` weighs by how much the
citing paper is about the question. `pairs`: share of the question's neighbouring terms that are neighbours; `focus`:
share of the title that is the question's; `coverage`: share of the question's weight that is there. `fused`: reciprocal
ranks in searches, summed; `best_rank` the best; `searches`: share of the searches that found it. `citing`: logarithm of
how many of the papers read cite it. `neighbour`: it was led to by citing or resembling a good one. `kind`: share of the
kinds and years the question names that it meets. `age`: years before the cut-off, where there is one.
The last are the same for all papers of a search, and tell how to read the others: `name_at_k` is the k-th best
paper's, `cited_share` the share of papers cited.
"""


@dataclass(slots=True)
class QuerySession:
    """What is known of one query: its terms, and every paper met with all that led to it.

    `words` are the question's own, by their terms.
    """

    query: Query
    vocabulary: Vocabulary
    papers: dict[PaperId, Paper] = field(default_factory=dict)
    guides: dict[PaperId, Paper] = field(default_factory=dict)
    _ways: dict[PaperId, Sequence[Provenance]] = field(default_factory=dict)
    _texts: dict[PaperId, PaperText] = field(default_factory=dict)
    _weights: dict[str, float] = field(init=False)
    _pairs: dict[tuple[str, str], float] = field(init=False)
    _kinds: tuple[re.Pattern[str], ...] = field(init=False)
    _years: tuple[int, ...] = field(init=False)
    words: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        question = parse_question(self.query.text, self.vocabulary)
        self._weights = question_weights(question, self.vocabulary)
        self._pairs = question_pairs(question, self.vocabulary)
        self._kinds = tuple(kind for kind in _KINDS if kind.search(question.text))
        self._years = question.years
        words = PLAIN_WORD.findall(question.text)
        self.words = {term: word for word in words for term in self.vocabulary.split(word.lower())}

    @property
    def weights(self) -> Mapping[str, float]:
        """The question's terms with their idf."""
        return self._weights

    def learn(self, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper] | None = None) -> None:
        """Take in papers that were met, and what has led to them by now."""
        for candidate in candidates:
            self.papers[candidate.paper.id] = candidate.paper
            self._ways[candidate.paper.id] = candidate.provenances
        self.guides.update(guides or {})

    def forget(self) -> None:
        """Forget the papers met, but not what was found out about their texts."""
        self.papers.clear()
        self._ways.clear()
        self.guides.clear()

    def text(self, paper: Paper) -> PaperText:
        """The terms of a paper."""
        known = self._texts.get(paper.id)
        if known is None:
            known = self._texts[paper.id] = PaperText(paper.title, paper.abstract, self.vocabulary)
        return known

    def measure(self) -> dict[PaperId, tuple[float, ...]]:
        """The `MEASURES` of all papers met."""
        ids = sorted(self.papers)
        papers = [self.papers[paper_id] for paper_id in ids]
        texts = [self.text(paper) for paper in papers]
        matching = _Matching(self, texts)
        columns = dict(matching.columns)
        columns.update(_by_citations(self, ids, matching))
        columns.update({f"{name}_rank": _reciprocal_ranks(columns[name]) for name in _RANKED})
        columns.update(self._by_searches(ids))
        weights, total = self._weights, sum(self._weights.values()) or 1.0
        columns["pairs"] = [share(text.pairs(weights), self._pairs) for text in texts]
        columns["focus"] = [len(weights.keys() & set(text.title)) / max(1, len(set(text.title))) for text in texts]
        columns["coverage"] = [
            sum([weights[term] for term in weights.keys() & text.counts.keys()]) / total for text in texts
        ]
        columns["kind"] = [self._kind(paper) for paper in papers]
        columns["age"] = self._ages(papers)
        columns.update(_context(columns))
        rows = zip(*(columns[name] for name in MEASURES), strict=True)
        return dict(zip(ids, rows, strict=True))

    def ways(self, paper_id: PaperId) -> Sequence[Provenance]:
        """All that led to a paper."""
        return self._ways[paper_id]

    def _by_searches(self, ids: Sequence[PaperId]) -> dict[str, list[float]]:
        ranks = [[way.rank for way in self._ways[paper_id] if way.kind == "search"] for paper_id in ids]
        made = {way.text for paper_id in ids for way in self._ways[paper_id] if way.kind == "search"}
        return {
            "fused": _shares([sum([1 / (_FUSION_OFFSET + rank) for rank in each]) for each in ranks]),
            "best_rank": [1 / (_RANK_OFFSET + min(each)) if each else 0.0 for each in ranks],
            "searches": [len(each) / max(1, len(made)) for each in ranks],
            "neighbour": [
                float(any(way.kind in ("citing", "co-cited", "similar") for way in self._ways[paper_id]))
                for paper_id in ids
            ],
        }

    def _kind(self, paper: Paper) -> float:
        met = []
        if self._kinds:
            text = f"{paper.title} {paper.abstract}"
            met = [bool(kind.search(text)) for kind in self._kinds]
        if self._years and paper.date:
            met.append(self._years[0] <= paper.date.year <= self._years[-1])
        return sum(met) / len(met) if met else 0.0

    def _ages(self, papers: Sequence[Paper]) -> list[float]:
        before = self.query.before
        if before is None or self._years:
            # Nobody asks for papers of the past then, or who does says of which years.
            return [_USUAL_AGE] * len(papers)
        return [
            min(_OLDEST, max(0.0, (before - paper.date).days / 365.25)) if paper.date else _USUAL_AGE
            for paper in papers
        ]


class _Matching:
    """How well papers' texts match the question and the best of themselves."""

    def __init__(self, session: QuerySession, texts: Sequence[PaperText]) -> None:
        vocabulary, asked = session.vocabulary, session.weights
        question = [text.match(asked) for text in texts]
        few = _best(question, _FEW)
        feeding = [(texts[at], question[at]) for at in few if question[at] > 0]
        self._feedback = relevance_model(feeding, vocabulary, asked, terms=_FEW_TERMS)
        feedback = [text.match(self._feedback) for text in texts]
        more = _best(feedback, _MORE)
        feeding = [(texts[at], feedback[at]) for at in more if feedback[at] > 0]
        self._profile = relevance_model(feeding, vocabulary, asked, terms=_MORE_TERMS)
        self._more = centroid((texts[at] for at in more), vocabulary)
        center = centroid((texts[at] for at in few), vocabulary)
        raw = {
            "question": question,
            "feedback": feedback,
            "profile": [text.match(self._profile) for text in texts],
            "like_few": [dot(text.vector(vocabulary), center) for text in texts],
            "like_more": [dot(text.vector(vocabulary), self._more) for text in texts],
            "title": [match_field(text.title, asked, _TITLE_LENGTH) for text in texts],
            "abstract": [match_field(text.abstract, asked, _ABSTRACT_LENGTH) for text in texts],
        }
        self._most = {name: max(values, default=0.0) or 1.0 for name, values in raw.items()}
        self.columns = {name: [value / self._most[name] for value in values] for name, values in raw.items()}
        self.overall: list[float] = [
            sum(values) / 4
            for values in zip(
                *(self.columns[name] for name in ("question", "feedback", "profile", "like_more")), strict=True
            )
        ]
        self._asked, self._vocabulary = asked, vocabulary

    def overall_of(self, text: PaperText) -> float:
        """The mean match of a paper that is none of those met, on their scale."""
        parts = (
            text.match(self._asked) / self._most["question"],
            text.match(self._feedback) / self._most["feedback"],
            text.match(self._profile) / self._most["profile"],
            dot(text.vector(self._vocabulary), self._more) / self._most["like_more"],
        )
        return sum(parts) / len(parts)


def _by_citations(session: QuerySession, ids: Sequence[PaperId], matching: _Matching) -> dict[str, list[float]]:
    """What the sections and papers that cite each paper say of it."""
    place = {paper_id: at for at, paper_id in enumerate(ids)}
    sections: defaultdict[tuple[PaperId, str], list[int]] = defaultdict(list)
    for at, paper_id in enumerate(ids):
        for way in session.ways(paper_id):
            if way.kind == "section" and way.parent is not None:
                sections[way.parent, way.text].append(at)
    names = ("sections", "named_sections", "together", "together_squared", "by_papers", "by_good_papers", "citing")
    columns = {name: [0.0] * len(ids) for name in names}
    if not sections:
        return columns
    lending = _lending(matching.overall)
    about = {parent: _about(session, parent, place, matching) for parent in {parent for parent, _ in sections}}
    best = max(about.values())
    weight_of = {parent: math.exp(_SHARPNESS * (value - best)) for parent, value in about.items()}
    total = sum(session.weights.values()) or 1.0
    whole: defaultdict[PaperId, set[int]] = defaultdict(set)
    for (parent, name), cited in sections.items():
        whole[parent].update(cited)
        terms = set(session.vocabulary.terms(name))
        named = sum([session.weights[term] for term in session.weights.keys() & terms]) / total
        size = math.sqrt(len(cited))
        own = weight_of[parent] * math.exp(3 * named) / size
        lent = sum([lending[at] for at in cited]) / size
        good = lent * math.sqrt(weight_of[parent])
        for at in cited:
            columns["sections"][at] += own
            columns["named_sections"][at] += own if named > 0.25 else 0.0
            columns["together"][at] += lent
            columns["together_squared"][at] += lent * lent
            columns["by_good_papers"][at] += good
    for cited_by_paper in whole.values():
        lent = sum([lending[at] for at in cited_by_paper]) / math.sqrt(len(cited_by_paper))
        for at in cited_by_paper:
            columns["by_papers"][at] += lent
            columns["citing"][at] += 1.0
    shared = {name: _shares(values) for name, values in columns.items() if name != "citing"}
    return {**shared, "citing": [math.log1p(value) for value in columns["citing"]]}


def _context(columns: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """How fast the measures fall, for every paper the same."""
    count = len(columns["question"])
    context = {}
    for name in _CONTEXT:
        falling = sorted(columns[name], reverse=True)
        for rank in _CONTEXT_RANKS:
            context[f"{name}_at_{rank}"] = [falling[min(rank, count) - 1]] * count if count else []
    cited = sum(value > 0 for value in columns["citing"]) / max(1, count)
    return {**context, "cited_share": [cited] * count}


def _about(session: QuerySession, parent: PaperId, place: Mapping[PaperId, int], matching: _Matching) -> float:
    """How much a citing paper is about the question; 0 where its text is not known."""
    if parent in place:
        return matching.overall[place[parent]]
    paper = session.guides.get(parent)
    return matching.overall_of(session.text(paper)) if paper else 0.0


def _lending(overall: Sequence[float]) -> list[float]:
    """What each paper lends to those cited beside it: 1 for the best, next to nothing for the middling."""
    lenders = _best(overall, _LENDERS)
    highest = overall[lenders[0]] if lenders else 0.0
    lending = [0.0] * len(overall)
    for at in lenders:
        lending[at] = math.exp(_SHARPNESS * (overall[at] - highest))
    return lending


def _best(values: Sequence[float], count: int) -> list[int]:
    """Places of the greatest values, the greatest first, of equal ones the former."""
    return sorted(range(len(values)), key=lambda at: -values[at])[:count]


def _shares(values: Sequence[float]) -> list[float]:
    most = max(values, default=0.0) or 1.0
    return [value / most for value in values]


def _reciprocal_ranks(values: Sequence[float]) -> list[float]:
    ranks = [0.0] * len(values)
    for rank, at in enumerate(_best(values, len(values))):
        ranks[at] = 1 / (_RANK_OFFSET + rank) if values[at] > 0 else 0.0
    return ranks
