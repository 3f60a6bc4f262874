"""What a result tree is worth: the published metrics (arXiv 2501.10120, section 5.2) and some beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from pasa_tui.evaluation.tree import Node, Notes, notes_of, paper_keys

Judge = Literal["corpus", "all"]
"""Which answers count: those that the corpus has, or all that were published."""

THRESHOLD = 0.5
"""A paper is selected when its score is above this."""

SEARCH_COST = 0.1
"""What an action costs in `score`, in selected papers (the published runner's figure)."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one question, or their means.

    `crawler_recall` is the share of the answers that were met, `recall` and `precision` those of the papers selected,
    `f1` their harmonic mean; `recall_at_k` the share of the answers among the k best scored of all papers met.
    `actions` counts searches made and sections followed; `score` is the mean over papers, the question included, of
    selected papers found from there less 0.1 per action taken there. `ndcg_at_20` takes answers as of gain 1.
    """

    crawler_recall: float
    precision: float
    recall: float
    recall_at_100: float
    recall_at_50: float
    recall_at_20: float
    actions: float
    score: float
    f1: float
    ndcg_at_20: float
    papers_met: float
    papers_selected: float
    requests: float
    seconds: float
    tokens: float


METRICS = tuple(item.name for item in fields(Metrics))
"""Names of the metrics, the published ones first and in the published order."""


@dataclass(frozen=True, slots=True)
class RankedNode:
    """A paper that was met: all its names, and its best score."""

    keys: tuple[str, ...]
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One question's figures, or None for each judge that leaves it no answer, and how its search ended."""

    index: int
    qid: str
    question: str
    answers: int
    answers_in_corpus: int | None
    metrics: Mapping[Judge, Metrics | None]
    ending: str
    message: str


def ranked(root: Node) -> list[RankedNode]:
    """The papers of a tree by their best score, of equal ones the earlier met first, each paper once.

    Two nodes are one paper where they share an arXiv id or a title key. Papers dated after the question's `published`
    day are left out.
    """
    limit = _limit(root)
    nodes = [(node, keys) for node in root.walk() if not _is_late(node, limit) and (keys := node.keys)]
    papers = [
        RankedNode(
            tuple(dict.fromkeys(key for at in group for key in nodes[at][1])),
            nodes[group[0]][0].title,
            max(nodes[at][0].score for at in group),
        )
        for group in _same([keys for _, keys in nodes])
    ]
    return sorted(papers, key=lambda paper: -paper.score)


def answers_of(root: Node, judge: Judge) -> list[tuple[str, ...]]:
    """The names of each answer that counts, each once. Without word on what the corpus has, all count."""
    notes = notes_of(root)
    answer = root.extra.get("answer")
    titles = [str(title) for title in answer] if isinstance(answer, list | tuple) else []
    ids = notes.answer_arxiv_id if len(notes.answer_arxiv_id) == len(titles) else [None] * len(titles)
    names = [paper_keys(title, arxiv_id) for title, arxiv_id in zip(titles, ids, strict=True)]
    if len(notes.names_in_corpus) == len(names):
        pairs = zip(names, notes.names_in_corpus, strict=True)
        names = [tuple(dict.fromkeys((*keys, *others))) for keys, others in pairs]
    if judge == "corpus" and len(notes.in_corpus) == len(names):
        names = [keys for keys, is_there in zip(names, notes.in_corpus, strict=True) if is_there]
    names = [keys for keys in names if keys]
    # The published sets name some papers twice.
    return [tuple(dict.fromkeys(key for at in group for key in names[at])) for group in _same(names)]


def _same(names: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Places that share a name, directly or by others between them, in the order of their first."""
    root = list(range(len(names)))
    first: dict[str, int] = {}

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = at = root[root[at]]
        return at

    for at, keys in enumerate(names):
        for key in keys:
            one, other = sorted((find(first.setdefault(key, at)), find(at)))
            root[other] = one
    groups: dict[int, list[int]] = {}
    for at in range(len(names)):
        groups.setdefault(find(at), []).append(at)
    return list(groups.values())


def _limit(root: Node) -> str:
    return notes_of(root).published


def _is_late(node: Node, limit: str) -> bool:
    if not limit or "date" not in node.extra:
        return False
    day = node.published
    return day is not None and day.isoformat() > limit


def measure(root: Node, judge: Judge, papers: Sequence[RankedNode] | None = None) -> Metrics | None:
    """The figures of one tree; None where no answer counts. `papers` are what `ranked` gives, where that is at hand."""
    answers = answers_of(root, judge)
    if not answers:
        return None
    papers = ranked(root) if papers is None else papers
    selected = [paper for paper in papers if paper.score > THRESHOLD]
    hits = _found(answers, selected)
    precision = _right(answers, selected) / len(selected) if selected else 0.0
    recall = hits / len(answers)
    spent = notes_of(root).spent
    actions, score = _actions_and_score(root)
    return Metrics(
        crawler_recall=_found(answers, papers) / len(answers),
        precision=precision,
        recall=recall,
        recall_at_100=_found(answers, papers[:100]) / len(answers),
        recall_at_50=_found(answers, papers[:50]) / len(answers),
        recall_at_20=_found(answers, papers[:20]) / len(answers),
        actions=actions,
        score=score,
        f1=f1(precision, recall),
        ndcg_at_20=_ndcg(answers, papers[:20]),
        papers_met=len(papers),
        papers_selected=len(selected),
        requests=spent.requests,
        seconds=spent.seconds,
        tokens=spent.prompt_tokens + spent.output_tokens,
    )


def f1(precision: float, recall: float) -> float:
    """Harmonic mean of a precision and a recall over the same papers; 0 where both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def query_result(index: int, root: Node, papers: Sequence[RankedNode] | None = None) -> QueryResult:
    """The figures of one question under either judge; `papers` as for `measure`."""
    notes: Notes = notes_of(root)
    papers = ranked(root) if papers is None else papers
    return QueryResult(
        index=index,
        qid=notes.qid or str(index),
        question=root.title,
        answers=len(answers_of(root, "all")),
        answers_in_corpus=len(answers_of(root, "corpus")) if notes.in_corpus else None,
        metrics={"corpus": measure(root, "corpus", papers), "all": measure(root, "all", papers)},
        ending=notes.ending,
        message=notes.message,
    )


def _found(answers: Sequence[tuple[str, ...]], papers: Sequence[RankedNode]) -> int:
    there = {key for paper in papers for key in paper.keys}
    return sum(not there.isdisjoint(keys) for keys in answers)


def _right(answers: Sequence[tuple[str, ...]], papers: Sequence[RankedNode]) -> int:
    wanted = {key for keys in answers for key in keys}
    return sum(not wanted.isdisjoint(paper.keys) for paper in papers)


def _ndcg(answers: Sequence[tuple[str, ...]], papers: Sequence[RankedNode]) -> float:
    wanted = {key for keys in answers for key in keys}
    gained = sum(
        1 / math.log2(rank + 1) for rank, paper in enumerate(papers, start=1) if not wanted.isdisjoint(paper.keys)
    )
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(answers), 20) + 1))
    return min(1.0, gained / ideal)


def _actions_and_score(root: Node) -> tuple[int, float]:
    actions, scores, limit = 0, [], _limit(root)
    for node in [root, *root.walk()]:
        actions += len(node.child)
        below = [paper for nodes in node.child.values() for paper in nodes if paper.score > THRESHOLD]
        selected = sum(not _is_late(paper, limit) for paper in below)
        scores.append(selected - SEARCH_COST * len(node.child))
    return actions, sum(scores) / len(scores)
