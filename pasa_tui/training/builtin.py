"""The builtin Selector's model: gradient-boosted trees, learned from the searches of a query set.

Each question is searched as the builtin agent does it, broadly and also narrowly (10 results a search, as live sources
are searched; every second question without its cut-off), so that the model has seen both. Of every paper met, the
measures of `pasa_tui.models.builtin.evidence` are taken and whether it is an answer. LightGBM fits trees to that twice,
and their sum is the model: with logistic loss, every question weighing the same, and with LambdaRank (Burges, MSR-TR-
2010-82) over the papers of each search. Measures that ought to speak for a paper are held to do so (monotone
constraints), which keeps the model from learning quirks of one collection. Folds are by question. The offset puts 0.5
where the mean F1 of the papers above it is greatest, on questions that the trees had not seen.

Run it as `pasa-tui train builtin --queries FILE --corpus NAME --output ranker.json`; it needs the extra `train`.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pasa_tui.agent import run_agent
from pasa_tui.assembly.places import Place, one_corpus
from pasa_tui.config import Paths
from pasa_tui.config.settings import PUBLISHED_RESULTS, AgentSettings
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import EvaluationError, ModelError
from pasa_tui.evaluation.metrics import f1
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.runner import papers_of_answers
from pasa_tui.models.builtin import BROAD_RESULTS, BuiltinCrawler
from pasa_tui.models.builtin.evidence import MEASURES, QuerySession
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.builtin.trees import BoostedTrees, Tree
from pasa_tui.models.protocols import Candidate, Judgement, ModelRuntime
from pasa_tui.papers import Paper, PaperId, Query

if TYPE_CHECKING:
    from lightgbm import Booster

_FREE = frozenset({"age", "citing", "neighbour", "cited_share"})
"""Measures that may speak for a paper at one value and against it at another; so may those of the whole search."""
_ROUNDS = 80
_PARAMETERS: Mapping[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 12,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}


_RANKED_TO = 60
"""Rank down to which LambdaRank looks for papers out of order."""


@dataclass(frozen=True, slots=True)
class Example:
    """One search: the measures of each paper met, whether it is an answer, and how many answers the corpus has."""

    qid: str
    rows: Sequence[tuple[float, ...]]
    is_answer: Sequence[bool]
    answers: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over questions that the trees had not seen; F1 at the best threshold, that of `offset`."""

    recall_at_20: float
    recall_at_50: float
    recall_at_100: float
    crawler_recall: float
    f1: float
    precision: float
    recall: float
    offset: float


class _Collector:
    """A Selector and Ranker that keeps the measures of all papers and says nothing about them but their likeness."""

    name = "collector"
    uses_provenance = True

    def __init__(self, statistics: TermStatistics) -> None:
        self._vocabulary = Vocabulary(statistics)
        self.papers: list[Paper] = []
        self.rows: list[tuple[float, ...]] = []

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        """By likeness to the best papers, so that a narrow search opens the best first."""
        session = QuerySession(query, self._vocabulary)
        session.learn(candidates)
        measured = session.measure()
        at = MEASURES.index("like_few")
        return [Judgement(measured[candidate.paper.id][at]) for candidate in candidates]

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        """Keep the measures."""
        session = QuerySession(query, self._vocabulary)
        session.learn(candidates, guides)
        measured = session.measure()
        self.papers = [candidate.paper for candidate in candidates]
        self.rows = [measured[paper.id] for paper in self.papers]
        return [Judgement(0.0) for _ in candidates]


def collect(
    queries: Sequence[BenchmarkQuery], corpus: str, paths: Paths, *, broad: bool, tell: Callable[[int], None]
) -> list[Example]:
    """Search for every question that has an answer in the corpus. `tell` is called with the number done.

    Raises CorpusError.
    """
    examples = []
    with ExitStack() as opened:
        place = one_corpus(corpus, paths)
        opened.callback(place.close)
        answering = opened.enter_context(open_corpus(corpus, paths))
        collector = _Collector(place.statistics)
        for done, query in enumerate(queries, start=1):
            wanted = asyncio.run(papers_of_answers(query, answering))
            ids = {paper.id for paper in wanted if paper is not None}
            if ids:
                asked = query.query if broad or query.index % 2 else replace(query.query, before=None)
                asyncio.run(_search(asked, place, collector, broad=broad))
                is_answer = [paper.id in ids for paper in collector.papers]
                examples.append(Example(query.qid, collector.rows, is_answer, len(ids)))
            tell(done)
    return examples


async def _search(query: Query, place: Place, collector: _Collector, *, broad: bool) -> None:
    crawler = BuiltinCrawler(place.statistics)
    settings = AgentSettings() if broad else AgentSettings(search_papers=PUBLISHED_RESULTS)
    models = ModelRuntime(ranker=collector, results=BROAD_RESULTS, batch=1_000_000)
    async for _ in run_agent(
        query, crawlers=[crawler], selector=collector, sources=place.sources, settings=settings, models=models
    ):
        pass


def fit(examples: Sequence[Example], seed: int = 0) -> list["Booster"]:
    """Trees for these searches, by either loss. Raises ModelError without LightGBM."""
    try:
        import lightgbm
        import numpy as np
    except ImportError as error:
        raise ModelError("Training needs LightGBM.", 'Install the extra: pip install "pasa-tui[train]"') from error
    rows = np.array([row for example in examples for row in example.rows], dtype=np.float32)
    labels = np.array([label for example in examples for label in example.is_answer], dtype=np.float32)
    constraints = [0 if name in _FREE or "_at_" in name else 1 for name in MEASURES]
    parameters = {**_PARAMETERS, "monotone_constraints": constraints, "seed": seed}
    weights = np.array([1.0 / example.answers for example in examples for _ in example.rows])
    logistic = lightgbm.train(
        {**parameters, "objective": "binary"}, lightgbm.Dataset(rows, labels, weight=weights), _ROUNDS
    )
    ranking = lightgbm.train(
        {**parameters, "objective": "lambdarank", "lambdarank_truncation_level": _RANKED_TO},
        lightgbm.Dataset(rows, labels, group=[len(example.rows) for example in examples]),
        _ROUNDS,
    )
    return [logistic, ranking]


def exported(boosters: Sequence["Booster"], offset: float, made: Mapping[str, str | int | float]) -> BoostedTrees:
    """The boosters, summed, as the model that pasa-tui reads."""
    trees = [_tree(info["tree_structure"]) for booster in boosters for info in booster.dump_model()["tree_info"]]
    return BoostedTrees(MEASURES, offset, tuple(trees), dict(made))


def _tree(root: Mapping[str, Any]) -> Tree:
    measures: list[int] = []
    thresholds: list[float] = []
    left: list[int] = []
    right: list[int] = []
    leaves: list[float] = []

    def add(node: Mapping[str, Any]) -> int:
        if "leaf_value" in node:
            leaves.append(round(node["leaf_value"], 5))
            return ~(len(leaves) - 1)
        at = len(measures)
        measures.append(node["split_feature"])
        thresholds.append(float(f"{node['threshold']:.6g}"))
        left.append(0)
        right.append(0)
        left[at], right[at] = add(node["left_child"]), add(node["right_child"])
        return at

    if add(root) < 0:
        # A tree that found nothing to split: one node with the same leaf on either side.
        return Tree((0,), (0.0,), (~0,), (~0,), tuple(leaves))
    return Tree(tuple(measures), tuple(thresholds), tuple(left), tuple(right), tuple(leaves))


def fold_of_each(examples: Sequence[Example], folds: int, seed: int) -> dict[str, int]:
    """The fold, from 0, of each question, drawn by `seed`."""
    order = sorted({example.qid for example in examples})
    random.Random(seed).shuffle(order)
    return {qid: at % folds for at, qid in enumerate(order)}


def cross_validated(
    broad: Sequence[Example], narrow: Sequence[Example], folds: int, seed: int, tell: Callable[[str], None]
) -> Figures:
    """What models of all folds but one do on the questions of that one, searched broadly. Raises EvaluationError."""
    if len(broad) < folds:
        raise EvaluationError(
            f"{len(broad)} questions with answers in the corpus are too few for {folds} folds.", "Give more."
        )
    fold_of = fold_of_each(broad, folds, seed)
    logits: dict[str, list[float]] = {}
    for fold in range(folds):
        boosters = fit([it for it in (*broad, *narrow) if fold_of.get(it.qid, -1) != fold], seed)
        model = exported(boosters, 0.0, {})
        logits.update({it.qid: model.logits(it.rows) for it in broad if fold_of[it.qid] == fold})
        tell(f"fold {fold + 1} of {folds}")
    return _figures(broad, [logits[example.qid] for example in broad])


def _figures(examples: Sequence[Example], logits: Sequence[Sequence[float]]) -> Figures:
    ranked = [
        [example.is_answer[at] for at in sorted(range(len(scores)), key=lambda at: -scores[at])]
        for example, scores in zip(examples, logits, strict=True)
    ]

    def recall_at(k: int | None) -> float:
        return _mean([sum(hits[:k]) / example.answers for hits, example in zip(ranked, examples, strict=True)])

    falling = [sorted(scores, reverse=True) for scores in logits]
    # A hair below each score, so that the paper itself is above.
    thresholds = sorted({score - 1e-6 for scores in falling for score in scores[:20]})
    best = (0.0, 0.0, 0.0, 0.0)
    for threshold in thresholds[:: max(1, len(thresholds) // 200)]:
        parts = []
        for hits, scores, example in zip(ranked, falling, examples, strict=True):
            taken = sum(score > threshold for score in scores)
            found = sum(hits[:taken])
            parts.append((found / taken if taken else 0.0, found / example.answers))
        mean = _mean([f1(precision, recall) for precision, recall in parts])
        best = max(best, (mean, threshold, _mean([part[0] for part in parts]), _mean([part[1] for part in parts])))
    value, threshold, precision, recall = best
    return Figures(
        recall_at_20=recall_at(20),
        recall_at_50=recall_at(50),
        recall_at_100=recall_at(100),
        crawler_recall=recall_at(None),
        f1=value,
        precision=precision,
        recall=recall,
        offset=-threshold,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def write_model(model: BoostedTrees, path: Path) -> None:
    """Write the model as JSON, a tree a line. Raises EvaluationError."""
    head = msgspec.to_builtins(model)
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in head.pop("trees"))
    text = json.dumps(head, indent=1)[:-2] + f',\n "trees": [\n{trees}\n]\n}}\n'
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"{path} can't be written: {error.strerror}.", "Give another --output.") from error
