"""Steps that the user asks for, one by one, in a search that has ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pasa_tui.agent.judging import judge_waiting, rank_all
from pasa_tui.agent.run import Run
from pasa_tui.agent.searching import finish_stragglers, search_once
from pasa_tui.papers import PaperId


@dataclass(frozen=True, slots=True)
class HandStep:
    """A paper of the search to go on from: "expand" follows all its citations, "similar" searches for its title."""

    kind: Literal["expand", "similar"]
    paper_id: PaperId


async def by_hand(run: Run, steps: Sequence[HandStep]) -> None:
    """Do the steps, whatever the Crawler would choose, and judge what they bring. Papers never met are passed over."""
    async with asyncio.TaskGroup() as tasks:
        for step in steps:
            queued = run.queue.papers.get(step.paper_id)
            if queued is None:
                continue
            if step.kind == "expand":
                tasks.create_task(run.expand(queued, everything=True))
            else:
                await search_once(run, queued.paper.title, tasks)
    await finish_stragglers(run)
    await judge_waiting(run)
    await rank_all(run)
