"""The paper queue: every paper met, once, with all that led to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pasa_tui.agent.bandit import JudgingOrder
from pasa_tui.events import Event, PaperFound, PaperJudged, PaperMetAgain, PaperNearer
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, PaperId, Provenance


@dataclass(slots=True)
class QueuedPaper:
    """A paper of the queue. `depth` is the least at which it was met, since that decides if it is expanded.

    `expanded` says that its sections were read, `followed` that it was asked who cites it.
    """

    paper: Paper
    provenances: list[Provenance]
    depth: int
    order: int
    score: float | None = None
    selected: bool = False
    expanded: bool = False
    followed: bool = False

    @property
    def best_first(self) -> tuple[float, int]:
        """Sort key: best score first, of equal ones the earlier met."""
        return (-(self.score or 0.0), self.order)


@dataclass(slots=True)
class PaperQueue:
    """Deduplicates by `Paper.id`; keeps first provenance, latest score and least depth.

    With an `order` papers are judged in it, and those that it holds for not worth it stay unjudged; without, first
    come, first judged.
    """

    order: JudgingOrder | None = None
    papers: dict[PaperId, QueuedPaper] = field(default_factory=dict)
    unjudged: dict[PaperId, None] = field(default_factory=dict)
    _led_to: dict[PaperId, list[PaperId]] = field(default_factory=dict)
    _nearer: dict[PaperId, int] = field(default_factory=dict)

    def meet(self, paper: Paper, provenance: Provenance, depth: int, *, judge_again: bool) -> bool | None:
        """Take in a paper: True if it is new, False if it was met on another way, None if on this very way.

        A paper met again is judged again if `judge_again`.
        """
        if provenance.parent is not None:
            self._led_to.setdefault(provenance.parent, []).append(paper.id)
        known = self.papers.get(paper.id)
        if known is None:
            self.papers[paper.id] = QueuedPaper(paper, [provenance], depth, len(self.papers))
            self.unjudged[paper.id] = None
            self._put_in_order(paper.id, provenance, judge=True)
            return True
        if provenance in known.provenances:
            return None
        known.provenances.append(provenance)
        self.bring_nearer(paper.id, depth)
        if judge_again:
            self.unjudged[paper.id] = None
        self._put_in_order(paper.id, provenance, judge=judge_again)
        return False

    def _put_in_order(self, paper_id: PaperId, provenance: Provenance, *, judge: bool) -> None:
        if self.order is not None:
            self.order.add(paper_id, provenance, judge=judge)

    def bring_nearer(self, paper_id: PaperId, depth: int) -> None:
        """Lessen a paper's depth, and with it that of the papers it led to: which came first must not matter."""
        waiting = [(paper_id, depth)]
        while waiting:
            current, depth = waiting.pop()
            known = self.papers.get(current)
            if known is not None and depth < known.depth:
                known.depth = depth
                if current != paper_id:
                    self._nearer[current] = depth
                waiting += [(led_to, depth + 1) for led_to in self._led_to.get(current, ())]

    def take_nearer(self) -> dict[PaperId, int]:
        """The papers whose depth lessened without their being met again, and their depth; each once."""
        nearer, self._nearer = self._nearer, {}
        return nearer

    def take_unjudged(self, limit: int) -> list[Candidate]:
        """Remove up to `limit` papers from those waiting for the Selector."""
        ids = list(self.unjudged)[:limit] if self.order is None else self.order.take(limit)
        for paper_id in ids:
            self.unjudged.pop(paper_id, None)
        return [
            Candidate(queued.paper, tuple(queued.provenances)) for queued in (self.papers[paper_id] for paper_id in ids)
        ]

    def put_back(self, candidates: Sequence[Candidate]) -> None:
        """Let papers that were taken to be judged, and were not, wait again."""
        ids = [candidate.paper.id for candidate in candidates]
        self.unjudged.update(dict.fromkeys(ids))
        if self.order is not None:
            self.order.put_back(ids)

    def judged(self, paper_id: PaperId, score: float, selected: bool) -> None:
        """Keep a judgement."""
        self.papers[paper_id].score, self.papers[paper_id].selected = score, selected
        if self.order is not None:
            self.order.tell(paper_id, selected)

    def expandable(self, layers: int) -> Iterator[QueuedPaper]:
        """Judged papers that were not opened yet and are not too deep."""
        return (
            queued
            for queued in self.papers.values()
            if not queued.expanded and queued.depth < layers and queued.score is not None
        )

    def replay(self, events: Sequence[Event]) -> None:
        """Put back what earlier events of the same search say, so that it can go on."""
        for event in events:
            match event:
                case PaperFound():
                    self.meet(event.paper, event.provenance, event.depth, judge_again=False)
                case PaperMetAgain() if known := self.papers.get(event.paper_id):
                    self.meet(known.paper, event.provenance, event.depth, judge_again=False)
                case PaperNearer():
                    self.bring_nearer(event.paper_id, event.depth)
                case PaperJudged() if event.paper_id in self.papers:
                    self.judged(event.paper_id, event.score, event.selected)
                    self.unjudged.pop(event.paper_id, None)
        # What followed from these events was told by them.
        self._nearer.clear()
