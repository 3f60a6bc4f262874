"""The two orders in which the same steps can be done."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from pasa_tui.agent.judging import judge_waiting, rank_all, start_judging
from pasa_tui.agent.neighbours import meet_neighbours
from pasa_tui.agent.queue import QueuedPaper
from pasa_tui.agent.run import Run
from pasa_tui.agent.searching import finish_stragglers, search_session


async def layered(run: Run) -> None:
    """As published: all searches, then layer 0 whole, then the best of layer 1, each judged before the next."""
    async with asyncio.TaskGroup() as sessions:
        for crawler in run.crawlers:
            sessions.create_task(search_session(run, crawler))
    await finish_stragglers(run)
    await judge_waiting(run)
    for layer in range(run.settings.expand_layers):
        papers = sorted(
            (queued for queued in run.queue.expandable(run.settings.expand_layers) if queued.depth == layer),
            key=lambda queued: queued.best_first,
        )
        await _expand_all(run, papers[: _room(run, layer)])
        await judge_waiting(run)
    await meet_neighbours(run)
    await rank_all(run)


async def _expand_all(run: Run, papers: Iterable[QueuedPaper]) -> None:
    # A waiting task per paper would be harmless for the sources, but would decide at once that the budget
    # holds for all of them; so each begins only when there is room for it.
    waiting = iter(papers)

    async def work() -> None:
        for queued in waiting:
            if run.out_of_budget():
                return
            await run.expand(queued)

    async with asyncio.TaskGroup() as workers:
        for _ in range(run.concurrency):
            workers.create_task(work())


async def best_first(run: Run) -> None:
    """Each step as soon as its input exists; of the papers that can be expanded, always the best-scored.

    A paper that turns up again at a lesser depth can become expandable by that, so with no limits the set
    of papers met is that of `layered`.
    """
    async with asyncio.TaskGroup() as tasks:
        sessions = {tasks.create_task(search_session(run, crawler)) for crawler in run.crawlers}
        expanding: set[asyncio.Task[None]] = set()
        judging: set[asyncio.Task[None]] = set()
        while True:
            run.changed.clear()
            if run.models.parallel:
                # Beside everything else: a language model takes its time.
                start_judging(run, tasks, judging)
            else:
                await judge_waiting(run)
            _start_expansions(run, tasks, expanding)
            sessions = {task for task in sessions if not task.done()}
            expanding = {task for task in expanding if not task.done()}
            under_way = {*sessions, *expanding, *judging, *run.stragglers}
            if not under_way:
                break
            waiter = asyncio.ensure_future(run.changed.wait())
            try:
                done, _ = await asyncio.wait({waiter, *under_way}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiter.cancel()
            for task in done & run.stragglers:
                # Those of the group raise their defects by themselves.
                task.result()
    await meet_neighbours(run)
    await rank_all(run)


def _start_expansions(run: Run, tasks: asyncio.TaskGroup, expanding: set[asyncio.Task[None]]) -> None:
    # Only as many as can run now: which paper is the best may change before there is room for the next.
    free = run.concurrency - sum(not task.done() for task in expanding)
    if free <= 0 or run.out_of_budget():
        return
    taken = Counter(queued.depth for queued in run.queue.papers.values() if queued.expanded)
    for queued in sorted(run.queue.expandable(run.settings.expand_layers), key=lambda queued: queued.best_first):
        if free <= 0:
            return
        room = _room(run, queued.depth)
        if room is None or taken[queued.depth] < room:
            taken[queued.depth] += 1
            free -= 1
            expanding.add(tasks.create_task(run.expand(queued)))


def _room(run: Run, layer: int) -> int | None:
    """How many papers of a layer may be expanded; None: all. Layer 0 is always expanded whole."""
    limit = run.settings.expand_papers
    return None if layer == 0 or limit == "all" else limit
