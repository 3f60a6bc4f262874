"""Judging: papers go from the queue to the Selector in batches, several at once where it can take them."""

import asyncio
from collections.abc import Sequence

from pasa_tui.agent.run import Run
from pasa_tui.errors import SpentError
from pasa_tui.events import PaperJudged
from pasa_tui.models.protocols import Candidate, Judgement

# A score that changes by less is no news: a repeated judgement then changes no order that a person sees.
_NEWS = 1e-3


async def judge_waiting(run: Run) -> None:
    """Judge all papers that wait for it, batch by batch, those included that arrive meanwhile."""
    if run.models.parallel <= 1:
        await _judge_on(run)
        return
    async with asyncio.TaskGroup() as workers:
        for _ in range(run.models.parallel):
            workers.create_task(_judge_on(run))


async def rank_all(run: Run) -> None:
    """Judge all papers once more, together, where the model can."""
    ranker = run.models.ranker
    if ranker is None or not run.queue.papers:
        return
    candidates = [Candidate(queued.paper, tuple(queued.provenances)) for queued in run.queue.papers.values()]
    judgements = await ranker.rank(run.query, candidates, run.guides)
    run.queue.unjudged.clear()
    for candidate, judgement in zip(candidates, judgements, strict=True):
        _take(run, candidate, judgement)
    run.tell_missing()
    run.tell_counts()


def start_judging(run: Run, tasks: asyncio.TaskGroup, judging: set[asyncio.Task[None]]) -> None:
    """Begin to judge what waits, in tasks that are added to `judging`, as many at once as suits the Selector."""
    judging -= {task for task in judging if task.done()}
    while len(judging) < run.models.parallel and (candidates := run.take_unjudged()):
        judging.add(tasks.create_task(_judge(run, candidates)))


async def _judge_on(run: Run) -> None:
    while candidates := run.take_unjudged():
        await _judge(run, candidates)


async def _judge(run: Run, candidates: Sequence[Candidate]) -> None:
    try:
        judgements = await run.selector.judge(run.query, candidates)
    except SpentError:
        run.queue.put_back(candidates)
        run.spend_out()
        return
    for candidate, judgement in zip(candidates, judgements, strict=True):
        _take(run, candidate, judgement)
    if run.models.scoring() == "binary":
        run.warn(
            "scores",
            "This model's server tells no probabilities, so every score is 0 or 1 and papers of a kind are not ranked.",
            "A server that gives logprobs ranks them.",
        )
    run.tell_missing()
    run.tell_counts()
    await asyncio.sleep(0)  # Selectors that never wait would keep every other step from running.


def _take(run: Run, candidate: Candidate, judgement: Judgement) -> None:
    queued = run.queue.papers[candidate.paper.id]
    selected = judgement.score > run.settings.threshold
    if queued.score is not None and abs(judgement.score - queued.score) < _NEWS and selected == queued.selected:
        # The same again; whoever orders the judging must hear that it is no longer under way.
        run.queue.judged(candidate.paper.id, queued.score, queued.selected)
        return
    is_first = queued.score is None
    run.count(judged=int(is_first), selected=int(selected) - int(queued.selected))
    run.queue.judged(candidate.paper.id, judgement.score, selected)
    run.emit(
        PaperJudged(
            at=run.clock(),
            paper_id=candidate.paper.id,
            score=judgement.score,
            selected=selected,
            reason=judgement.reason,
        )
    )
    if run.models.assessor and is_first and (selected or run.settings.criteria == "all"):
        run.to_assess.put_nowait(candidate.paper.id)
