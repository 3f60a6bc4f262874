"""What a system is: something that answers a question with a tree of papers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings, Settings
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.tree import Node, Spent
from pasa_tui.papers import Paper

WITH_ABSTRACT = 100
"""Papers of a tree whose abstract is kept: those of all would take most of the file."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system looks and what it is set to: `eval run`'s options.

    `sources` is empty where the corpus alone is searched. `model` is the profile of systems that prompt a model, or
    the name of one for the API; `weights` the folder of an embedding model or cross-encoder; `seed` that of sampling.
    """

    paths: Paths
    settings: Settings
    agent: AgentSettings
    corpus: str = "sample"
    sources: tuple[str, ...] = ()
    model: str = ""
    weights: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system found: a root whose `child` holds the papers, and what that took.

    `ending` is "done", or "failed" or "budget" with a message to the one who runs the evaluation.
    """

    root: Node
    spent: Spent = field(default_factory=Spent)
    ending: str = "done"
    message: str = ""


class System(Protocol):
    """Answers one question after the other, or several at once where it `waits` for others more than it computes."""

    name: str
    waits: bool

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """Everything found for a question. Raises PasaError where going on with other questions makes no sense."""
        ...

    async def close(self) -> None:
        """Give back what it holds open. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """A system by its name: what it does, what it needs beyond the core, and how to make one.

    `make` raises PasaError, with what to do about it, where a key, weights or a library are missing.
    `missing` says what is missing without making one; empty where nothing is.
    """

    name: str
    summary: str
    needs: str
    make: Callable[[Place], System]
    missing: Callable[[Place], str]


def ranked_tree(query: BenchmarkQuery, found: Mapping[str, Sequence[tuple[Paper, float]]], source: str) -> Node:
    """A tree of one level: what each search text found, best first, as (paper, score in [0, 1]).

    A paper stands under the first search that found it, with its best score. Papers dated after the question's
    `published` day are left out. The first WITH_ABSTRACT papers keep their abstracts.
    """
    best: dict[str, float] = {}
    for papers in found.values():
        for paper, score in papers:
            best[paper.id] = max(score, best.get(paper.id, 0.0))
    root = Node(title=query.question)
    placed: set[str] = set()
    for text, papers in found.items():
        nodes = root.child.setdefault(text, [])
        for paper, _ in papers:
            if paper.id not in placed and not _is_too_late(paper.date, query.published):
                placed.add(paper.id)
                node = paper_node(paper, depth=0, source=source, score=best[paper.id])
                if len(placed) > WITH_ABSTRACT:
                    node.abstract = ""
                nodes.append(node)
    return root


def paper_node(paper: Paper, *, depth: int, source: str, score: float) -> Node:
    """The node of a paper without children."""
    return Node(
        title=paper.title,
        arxiv_id=paper.arxiv_id or "",
        depth=depth,
        abstract=paper.abstract,
        source=source,
        select_score=score,
        extra={"date": paper.date.isoformat()} if paper.date else {},
    )


def score_of_rank(rank: int) -> float:
    """The select_score of the paper at a rank (from 1) where a system ranks without scoring: all selected, in order.

    1.0 for the first, above 0.5 for all, so that a system without a Selector is measured on all that it returns, as
    the published baselines are.
    """
    return 0.5 + 0.5 / rank


def _is_too_late(day: date | None, published: date | None) -> bool:
    return bool(day and published and day > published)
