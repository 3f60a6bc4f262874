"""Forward citations, co-citation and recommendations: who cites the best papers, what else those cite, what is alike.

All answer the question "what belongs here that no search has words for". Co-citation as a measure of likeness is
Small's (JASIS 24, 1973): two papers are alike in so far as later papers cite them together.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pasa_tui.agent.judging import judge_waiting
from pasa_tui.agent.queue import QueuedPaper
from pasa_tui.agent.run import Run
from pasa_tui.errors import SourceError
from pasa_tui.events import ExpandFinished, ExpandStarted
from pasa_tui.papers import Citation, Citing, Paper, PaperId, Provenance

_CITING = 100
"""Citing papers asked for of each paper: a page of the services that know them."""
_RECOMMENDED = 50
"""Papers asked for that are like the best ones, all of them together."""
_EVERYBODY = 0.05
"""Taken off for each factor of ten in how often a candidate is cited: what everyone cites is about everything."""
_FEWEST_TOGETHER = 2
"""Papers that must cite a paper together with a judged one before it counts as co-cited."""
_BATCH = 16
"""Candidates met and judged at a time; when none of a batch is selected, those after it are not worth the while."""


@dataclass(slots=True)
class _Candidate:
    """A paper that may be taken in, or the citation it is so far, and the papers that lead to it."""

    citation: Citation
    paper: Paper | None = None
    times_cited: int = 0
    leads: dict[PaperId, float] = field(default_factory=dict)
    kind: Literal["citing", "co-cited", "similar"] = "co-cited"

    @property
    def worth(self) -> float:
        """The summed scores of the papers that lead here, less a little for what everyone cites."""
        return sum(self.leads.values()) - _EVERYBODY * math.log10(1 + max(0, self.times_cited))

    @property
    def parent(self) -> PaperId:
        """The best of the papers that lead here; of equal ones the first."""
        return max(self.leads, key=lambda paper_id: self.leads[paper_id])


async def meet_neighbours(run: Run) -> None:
    """Ask who cites the best selected papers and what is like them; meet and judge the most promising.

    Those that cite them, those cited along with them and those like them compete in one ranking.
    `settings.citing_papers` bounds the papers asked about, `settings.near_papers` those taken in.
    """
    index, recommender = run.sources.citations, run.sources.recommender
    if (index is None and recommender is None) or not run.settings.near_papers or run.out_of_budget():
        return
    best = sorted((queued for queued in run.queue.papers.values() if queued.selected), key=lambda it: it.best_first)
    seeds = [queued for queued in best[: run.settings.citing_papers] if not queued.followed]
    actions = {queued.paper.id: run.next_action() for queued in seeds}
    found, similar = await asyncio.gather(
        asyncio.gather(*(_ask(run, queued, actions[queued.paper.id]) for queued in seeds)),
        _similar(run, seeds, actions),
    )
    asked = [(queued, citing) for queued, citing in zip(seeds, found, strict=True) if citing is not None]
    candidates = _candidates(run, asked, seeds, similar)
    new = await _meet_best(run, candidates, actions)
    for queued, citing in asked:
        action = actions[queued.paper.id]
        run.count(followed=1)
        run.emit(
            ExpandFinished(
                at=run.clock(), action=action, citations=len(citing), resolved=len(citing), new=new.get(action, 0)
            )
        )
    run.tell_counts()


async def _ask(run: Run, queued: QueuedPaper, action: int) -> Sequence[Citing] | None:
    index = run.sources.citations
    queued.followed = True
    run.emit(
        ExpandStarted(at=run.clock(), action=action, paper_id=queued.paper.id, depth=queued.depth, direction="citing")
    )
    if index is None:
        return ()
    async with run.slots:
        run.count_call()
        try:
            return await index.citing(queued.paper, limit=_CITING)
        except SourceError as error:
            run.fail(action, index.name, error)
            return None


async def _similar(run: Run, seeds: Sequence[QueuedPaper], actions: dict[PaperId, int]) -> Sequence[Paper]:
    recommender = run.sources.recommender
    if recommender is None or not seeds:
        return ()
    async with run.slots:
        run.count_call()
        try:
            return await recommender.recommend([queued.paper for queued in seeds], limit=_RECOMMENDED)
        except SourceError as error:
            run.fail(actions[seeds[0].paper.id], recommender.name, error)
            return ()


def _candidates(
    run: Run,
    asked: Sequence[tuple[QueuedPaper, Sequence[Citing]]],
    seeds: Sequence[QueuedPaper],
    similar: Sequence[Paper],
) -> list[_Candidate]:
    """Every paper led to, most promising first; none that was met already, none dated after the cut-off."""
    candidates: dict[PaperId, _Candidate] = {}
    for queued, citing in asked:
        score, own = queued.score or 0.0, queued.paper.id
        for item in citing:
            candidate = candidates.setdefault(item.paper.id, _Candidate(Citation.of(item.paper)))
            candidate.paper, candidate.times_cited, candidate.kind = item.paper, item.times_cited or 0, "citing"
            candidate.leads[own] = score
        together = Counter(citation for item in citing for citation in dict.fromkeys(item.references))
        for citation, count in together.items():
            if count >= _FEWEST_TOGETHER and citation.id != own:
                candidate = candidates.setdefault(citation.id, _Candidate(citation))
                candidate.leads[own] = max(candidate.leads.get(own, 0.0), score * count / len(citing))
    for paper in similar:
        candidate = candidates.setdefault(paper.id, _Candidate(Citation.of(paper), kind="similar"))
        candidate.paper = candidate.paper or paper
        for queued in seeds:
            # All of them lead here together, so each by its share.
            share = (queued.score or 0.0) / len(seeds)
            candidate.leads[queued.paper.id] = candidate.leads.get(queued.paper.id, 0.0) + share
    run.count(candidates=len(candidates))
    timely = [it for it in candidates.values() if not (it.paper and run.is_too_late(it.paper))]
    unmet = [candidate for candidate in timely if candidate.citation.id not in run.queue.papers]
    return sorted(unmet, key=lambda candidate: (-candidate.worth, candidate.citation.id))


async def _meet_best(run: Run, candidates: Sequence[_Candidate], actions: dict[PaperId, int]) -> Counter[int]:
    """Meet candidates in batches until none of a batch is selected; how many were new, by action."""
    new: Counter[int] = Counter()
    taken = 0
    for start in range(0, len(candidates), _BATCH):
        room = run.settings.near_papers - taken
        if room <= 0 or run.out_of_budget():
            break
        batch = await _resolved(run, candidates[start : start + min(_BATCH, room)], actions)
        before, added = run.funnel.selected, 0
        for rank, (candidate, paper) in enumerate(batch, start=start + 1):
            provenance = Provenance(candidate.kind, "", candidate.parent, rank)
            depth = run.queue.papers[candidate.parent].depth + 1
            is_new = run.meet_all([(paper, provenance)], depth, actions[candidate.parent])
            new[actions[candidate.parent]] += is_new
            added += is_new
        taken += added
        run.count(near_new=added)
        await judge_waiting(run)
        if run.funnel.selected == before:
            break
    return new


async def _resolved(
    run: Run, batch: Sequence[_Candidate], actions: dict[PaperId, int]
) -> list[tuple[_Candidate, Paper]]:
    open_ = [candidate for candidate in batch if candidate.paper is None]
    if open_:
        papers = await run.resolve(actions[open_[0].parent], [candidate.citation for candidate in open_]) or ()
        for candidate, paper in zip(open_, papers, strict=False):
            candidate.paper = paper
    return [(it, it.paper) for it in batch if it.paper is not None and not run.is_too_late(it.paper)]
