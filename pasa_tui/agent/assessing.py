"""Assessing: papers that were judged are looked at criterion by criterion, beside everything else."""

import asyncio
from collections.abc import Sequence

from pasa_tui.agent.run import Run
from pasa_tui.criteria import Criterion
from pasa_tui.errors import ModelError, SpentError
from pasa_tui.events import PaperAssessed, QuestionSplit
from pasa_tui.models.protocols import Assessor
from pasa_tui.papers import PaperId

_WORKERS = 8
"""Papers assessed at once, at most: those are answers of a few hundred tokens, so a server's slots fill quickly."""


async def assess_as_judged(run: Run, assessor: Assessor) -> None:
    """Split the question, then assess every paper put into `run.to_assess`, until None comes out of it.

    A model that fails here costs the search its verdicts by criterion and nothing else; that is told once.
    """
    try:
        criteria = run.criteria or await _split(run, assessor)
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(_WORKERS, max(1, run.models.parallel))):
                workers.create_task(_assess_on(run, assessor, criteria))
    except* SpentError:
        run.spend_out()
    except* ModelError as group:
        error = group.exceptions[0]
        run.warn("criteria", f"Papers are not judged by criteria any more: {error}", "The scores are not touched.")


async def _split(run: Run, assessor: Assessor) -> Sequence[Criterion]:
    criteria = tuple(await assessor.split(run.query))
    run.emit(QuestionSplit(at=run.clock(), criteria=criteria))
    return criteria


async def _assess_on(run: Run, assessor: Assessor, criteria: Sequence[Criterion]) -> None:
    while (paper_id := await run.to_assess.get()) is not None:
        await _assess(run, assessor, criteria, paper_id)
    # For the next worker, which waits for the end as well.
    run.to_assess.put_nowait(None)


async def _assess(run: Run, assessor: Assessor, criteria: Sequence[Criterion], paper_id: PaperId) -> None:
    verdicts = tuple(await assessor.assess(run.query, criteria, run.queue.papers[paper_id].paper))
    if verdicts:
        run.emit(PaperAssessed(at=run.clock(), paper_id=paper_id, verdicts=verdicts))
    run.tell_models()
