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

Arm = tuple[str, str, str]
"""A list of papers: a search, a section of a paper, the papers that cite another. (kind, text, parent or nothing)."""
_Place = tuple[float, int, PaperId]
"""Where a paper waits: its rank, its place in the order of arrival, and which it is."""


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """When a paper is worth judging.

    `floor` is the chance of being selected, on the hopeful side, below which a paper is left unjudged: 0.1 is ten
    judgements for one selected paper. It holds once `patience` papers in a row, those under way included, were not
    selected. The first `sure` papers of every search are judged in any case. A list begins at the rate of all lists
    of its kind, as if `weight` papers had been judged at it; a kind begins at `search_rate` or `other_rate`, likewise.
    `memory` is how much an older judgement counts after each newer one of the same list. `hope` is how many standard
    deviations above its mean a rate is taken to be.

    Measured by replaying 150 searches of 10 results for dev questions of AutoScholarQuery
    (`python -m tests.benchmarks.bench_early_stop`): with these values 20 % of the judgements are saved and 0.9 % of the
    selected papers lost where the builtin Selector judges, 31 % and 2.4 % where likeness to the question's words does;
    with a floor of 0.2, 28 % and 1.4 %, 40 % and 3.2 %. Papers that a list without selected papers brought are lost
    first: of all answers met, mostly not selected, 10 % and 20 %. Halving or doubling one of the other values changes
    what is saved by some points, and what is lost with it.
    """

    floor: float = 0.1
    patience: int = 10
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
        # Never above 1: a paper that is selected at its second judgement counts whole where its first has faded.
        return min(1.0, (self.selected + weight * prior) / (self.judged + self.pending + weight))


@dataclass(slots=True)
class _Known:
    """A paper: its place in the order of arrival, the lists it is on, its best rank in any search and in any list."""

    order: int
    arms: tuple[Arm, ...] = ()
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
    _missed: int = 0

    def add(self, paper_id: PaperId, provenance: Provenance, *, judge: bool = True) -> None:
        """A way that led to a paper. With `judge` the paper waits to be judged, again if it was before."""
        paper = self._papers.setdefault(paper_id, _Known(len(self._papers)))
        arm = (provenance.kind, provenance.text, provenance.parent or "")
        if arm not in paper.arms:
            paper.arms = tuple(sorted((*paper.arms, arm)))
            if paper_id in self._pending:
                self._shift(arm, 1)
            if paper_id in self._selected:
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
        sure, groups = self._sorted()
        taken = sure[:limit]
        for paper_id in taken:
            self._put_under_way(paper_id)
        heap = [(-self._worth(arms), group[0], arms) for arms, group in groups.items()]
        heapq.heapify(heap)
        while heap and len(taken) < limit:
            _, first, arms = heapq.heappop(heap)
            worth = self._worth(arms)
            if worth < self._floor():
                continue
            if heap and (-worth, first) > heap[0][:2]:
                # What was taken lowered these lists; those of the others have at most the worth noted for them.
                heapq.heappush(heap, (-worth, first, arms))
                continue
            *_, paper_id = heapq.heappop(groups[arms])
            taken.append(paper_id)
            self._put_under_way(paper_id)
            if groups[arms]:
                heapq.heappush(heap, (-self._worth(arms), groups[arms][0], arms))
        return taken

    def tell(self, paper_id: PaperId, selected: bool) -> None:
        """A paper's judgement; it need not have been taken (a search that goes on tells those of its past)."""
        self._waiting.pop(paper_id, None)
        paper = self._papers.get(paper_id)
        if paper is None:
            return
        self._land([paper_id])
        self._missed = 0 if selected else self._missed + 1
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

    @property
    def left(self) -> int:
        """How many papers wait, worth it or not."""
        return len(self._waiting)

    # -- what papers are worth ------------------------------------------------------------------------------

    def _floor(self) -> float:
        return self.rule.floor if self._missed + len(self._pending) >= self.rule.patience else 0.0

    def _sorted(self) -> tuple[list[PaperId], dict[tuple[Arm, ...], list[_Place]]]:
        """The waiting papers at the top of a search, in their order; heaps of the others by the lists they share."""
        sure: list[_Place] = []
        groups: dict[tuple[Arm, ...], list[_Place]] = {}
        for paper_id in self._waiting:
            paper = self._papers[paper_id]
            if paper.search_rank <= self.rule.sure:
                sure.append((paper.search_rank, paper.order, paper_id))
            else:
                groups.setdefault(paper.arms, []).append((paper.rank, paper.order, paper_id))
        for group in groups.values():
            heapq.heapify(group)
        return [paper_id for *_, paper_id in sorted(sure)], groups

    def _worth(self, arms: tuple[Arm, ...]) -> float:
        return 1 - math.prod(1 - self._bound(arm) for arm in arms)

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

    def _put_under_way(self, paper_id: PaperId) -> None:
        del self._waiting[paper_id]
        self._pending.add(paper_id)
        for arm in self._papers[paper_id].arms:
            self._shift(arm, 1)

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
