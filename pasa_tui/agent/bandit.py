"""Which paper to judge next, and when judging is no longer worth it: a bandit over the lists that papers came in.

Judging the papers that many rankings propose, so as to meet the relevant ones early, is the setting of Losada,
Parapar and Barreiro ("Multi-armed bandits for adjudicating documents in pooling-based evaluation of information
retrieval systems", Information Processing and Management 53, 2017): each ranking is an arm, a pull judges the next
paper of it. As there, an arm's rate is a Beta posterior in which old judgements fade, since rankings get worse
downwards. Arms are compared by upper confidence bounds (discounted UCB: Garivier and Moulines, ALT 2011), so that
nothing is left to chance; papers under way count as misses until their judgement is in (the constant liar of
Ginsbourger, Le Riche and Carraro, 2010), so that a large batch does not swallow a whole list.
"""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from pasa_tui.papers import PaperId, Provenance

Arm = tuple[str, str, PaperId | None]
"""A list of papers: a search, a section of a paper, the papers that cite another. (kind, text, parent)."""


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """When a paper is worth judging.

    `floor` is the chance of being selected, on the hopeful side, below which a paper is left unjudged: 0.1 is ten
    judgements for one selected paper. The first `sure` papers of every search are judged in any case. A list begins at
    the rate of all lists of its kind, as if `weight` papers had been judged at it; a kind begins at `search_rate` or
    `other_rate`, likewise. `memory` is how much an older judgement counts after each newer one of the same list.
    `hope` is how many standard deviations above its mean a rate is taken to be.

    The floor decides what is saved; the others may be doubled or halved and change little, as
    `python -m tests.benchmarks.bench_early_stop` shows with the floors to choose from.
    """

    floor: float = 0.1
    sure: int = 5
    weight: float = 2.0
    search_rate: float = 0.3
    other_rate: float = 0.1
    memory: float = 0.95
    hope: float = 0.5


@dataclass(slots=True)
class _Tally:
    """Judgements of a list, or of a kind of lists, as far as they still count; `pending` are under way."""

    judged: float = 0.0
    selected: float = 0.0
    pending: int = 0

    def add(self, selected: bool, memory: float = 1.0) -> None:
        self.judged = memory * self.judged + 1
        self.selected = memory * self.selected + selected

    def rate(self, prior: float, weight: float) -> float:
        return (self.selected + weight * prior) / (self.judged + self.pending + weight)


@dataclass(slots=True)
class _Known:
    """A paper: its place in the order of arrival, the lists it is on, its best rank in any search and in any list."""

    order: int
    arms: set[Arm] = field(default_factory=set)
    search_rank: float = math.inf
    rank: float = math.inf


@dataclass(slots=True)
class JudgingOrder:
    """The papers that wait to be judged, the most promising first; those not worth it wait for better evidence.

    `add` papers as they are met and met again, `take` some, `tell` how they were judged. The answers depend on these
    calls alone. `take` costs time in proportion to the papers that wait.
    """

    rule: StoppingRule = field(default_factory=StoppingRule)
    _papers: dict[PaperId, _Known] = field(default_factory=dict)
    _waiting: dict[PaperId, None] = field(default_factory=dict)
    _pending: set[PaperId] = field(default_factory=set)
    _selected: dict[PaperId, bool] = field(default_factory=dict)
    _arms: dict[Arm, _Tally] = field(default_factory=dict)
    _kinds: dict[str, _Tally] = field(default_factory=dict)

    def add(self, paper_id: PaperId, provenance: Provenance, *, judge: bool = True) -> None:
        """A way that led to a paper. With `judge` the paper waits to be judged, again if it was before."""
        paper = self._papers.setdefault(paper_id, _Known(len(self._papers)))
        arm = (provenance.kind, provenance.text, provenance.parent)
        if arm not in paper.arms:
            paper.arms.add(arm)
            if paper_id in self._pending:
                self._shift(arm, 1)
            elif paper_id in self._selected:
                self._count(arm, self._selected[paper_id])
        paper.rank = min(paper.rank, provenance.rank)
        if provenance.kind == "search":
            paper.search_rank = min(paper.search_rank, provenance.rank)
        if judge and paper_id not in self._pending:
            self._waiting[paper_id] = None

    def take(self, limit: int) -> list[PaperId]:
        """At most `limit` papers to judge next, best first; none where no waiting paper is worth it now.

        Those taken are under way until `tell` or `put_back`. More may be worth it once these are judged.
        """
        taken: list[PaperId] = []
        bounds: dict[Arm, float] = {}
        heap = [(self._key(paper_id, bounds), paper_id) for paper_id in self._waiting]
        heapq.heapify(heap)
        while heap and len(taken) < limit:
            key, paper_id = heapq.heappop(heap)
            current = self._key(paper_id, bounds)
            if current > key and heap and current > heap[0][0]:
                # Its lists fell since, by what was taken; so may those of others, never the other way.
                heapq.heappush(heap, (current, paper_id))
                continue
            if not self._is_worth(self._papers[paper_id], bounds):
                break
            taken.append(paper_id)
            del self._waiting[paper_id]
            self._pending.add(paper_id)
            for arm in self._papers[paper_id].arms:
                self._shift(arm, 1)
            bounds.clear()
        return taken

    def tell(self, paper_id: PaperId, selected: bool) -> None:
        """A paper's judgement; it need not have been taken (a search that goes on tells those of its past)."""
        self._waiting.pop(paper_id, None)
        paper = self._papers.get(paper_id)
        if paper is None:
            return
        self._land([paper_id])
        before = self._selected.get(paper_id)
        self._selected[paper_id] = selected or bool(before)
        for arm in paper.arms:
            if before is None:
                self._count(arm, selected)
            elif selected and not before:
                self._tally(arm).selected += 1
                self._kind(arm).selected += 1

    def put_back(self, paper_ids: Iterable[PaperId]) -> None:
        """Let papers wait again that were taken and not judged."""
        for paper_id in self._land(paper_ids):
            self._waiting[paper_id] = None

    def is_dry(self) -> bool:
        """Whether nothing is under way and no waiting paper is worth judging."""
        bounds: dict[Arm, float] = {}
        return not self._pending and not any(
            self._is_worth(self._papers[paper_id], bounds) for paper_id in self._waiting
        )

    def worth(self, paper_id: PaperId) -> float:
        """The chance, on the hopeful side, that a known paper is selected: that at least one of its lists is right."""
        return self._worth(self._papers[paper_id], {})

    @property
    def left(self) -> int:
        """How many papers wait, worth it or not."""
        return len(self._waiting)

    # -- what papers are worth ------------------------------------------------------------------------------

    def _is_worth(self, paper: _Known, bounds: dict[Arm, float]) -> bool:
        return paper.search_rank <= self.rule.sure or self._worth(paper, bounds) >= self.rule.floor

    def _key(self, paper_id: PaperId, bounds: dict[Arm, float]) -> tuple[bool, float, float, int]:
        paper = self._papers[paper_id]
        sure = paper.search_rank <= self.rule.sure
        return (not sure, -self._worth(paper, bounds), paper.rank, paper.order)

    def _worth(self, paper: _Known, bounds: dict[Arm, float]) -> float:
        missed = 1.0
        for arm in paper.arms:
            if arm not in bounds:
                bounds[arm] = self._bound(arm)
            missed *= 1 - bounds[arm]
        return 1 - missed

    def _bound(self, arm: Arm) -> float:
        rule, tally, kind = self.rule, self._tally(arm), self._kind(arm)
        prior = kind.rate(rule.search_rate if arm[0] == "search" else rule.other_rate, rule.weight)
        rate = tally.rate(prior, rule.weight)
        deviation = math.sqrt(rate * (1 - rate) / (tally.judged + tally.pending + rule.weight + 1))
        return min(1.0, rate + rule.hope * deviation)

    # -- counting ---------------------------------------------------------------------------------------------

    def _tally(self, arm: Arm) -> _Tally:
        return self._arms.setdefault(arm, _Tally())

    def _kind(self, arm: Arm) -> _Tally:
        return self._kinds.setdefault(arm[0], _Tally())

    def _count(self, arm: Arm, selected: bool) -> None:
        self._tally(arm).add(selected, self.rule.memory)
        self._kind(arm).add(selected)

    def _shift(self, arm: Arm, change: int) -> None:
        self._tally(arm).pending += change
        self._kind(arm).pending += change

    def _land(self, paper_ids: Iterable[PaperId]) -> list[PaperId]:
        """Those of the papers that were under way; they no longer are."""
        landed = [paper_id for paper_id in paper_ids if paper_id in self._pending]
        for paper_id in landed:
            self._pending.discard(paper_id)
            for arm in self._papers[paper_id].arms:
                self._shift(arm, -1)
        return landed
