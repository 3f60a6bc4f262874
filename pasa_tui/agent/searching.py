"""The search session: a Crawler plans searches, every search tool makes each of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from pasa_tui.agent.protocols import SearchTool
from pasa_tui.agent.run import Run
from pasa_tui.errors import SourceError, SpentError
from pasa_tui.events import SearchFinished, SearchPlanned
from pasa_tui.models.protocols import Crawler, SearchResults
from pasa_tui.papers import Paper, PaperId, Provenance

_PATIENCE = 2.0
"""Seconds for which the next round of searches waits for the slower tools, once another has brought papers."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a tool found: papers in its order, and how many of them nobody had met before."""

    papers: Sequence[Paper]
    new: int


async def search_session(run: Run, crawler: Crawler) -> None:
    """Let one Crawler plan searches until it has no more or its limit is reached, and make them.

    Searches of a round run together; the next round is planned from all their results, so that what a
    deterministic Crawler plans does not depend on which search came back first.
    """
    found: list[SearchResults] = []
    planned: set[str] = set()
    while len(planned) < run.settings.search_queries and not run.out_of_budget():
        async with asyncio.TaskGroup() as round_:
            tasks: list[asyncio.Task[SearchResults]] = []
            plan = crawler.plan(run.query, tuple(found))
            try:
                async for text in plan:
                    key = " ".join(text.lower().split())
                    if key and key not in planned:
                        planned.add(key)
                        tasks.append(search_once(run, " ".join(text.split()), round_))
                    if len(planned) >= run.settings.search_queries:
                        break
            except SpentError:
                run.spend_out()
            if closing := getattr(plan, "aclose", None):
                await closing()
        if not tasks:
            break
        found += [await task for task in tasks]


async def finish_stragglers(run: Run) -> None:
    """Wait for the tools that were too slow for their round. Raises what a defect in one of them raised."""
    while run.stragglers:
        await asyncio.gather(*run.stragglers)


def search_once(run: Run, text: str, tasks: asyncio.TaskGroup) -> asyncio.Task[SearchResults]:
    """The one task that makes this search, whoever planned it first."""
    if text not in run.searching:
        run.searching[text] = tasks.create_task(_search(run, text))
    return run.searching[text]


async def _search(run: Run, text: str) -> SearchResults:
    if text in run.searched:
        return run.searched[text]
    action = run.next_action()
    run.emit(SearchPlanned(at=run.clock(), action=action, text=text))
    async with run.slots:
        if run.out_of_budget():
            return SearchResults(text, ())
        asking = [asyncio.create_task(_ask(run, action, text, tool)) for tool in run.sources.search]
        try:
            await _enough(asking)
        except BaseException:
            # Cancelled, or a defect in one of them: the others must not go on unheard.
            for task in asking:
                task.cancel()
            raise
    results = SearchResults(text, _merged(asking))
    finishing = asyncio.create_task(_finish(run, action, text, asking))
    run.stragglers.add(finishing)
    finishing.add_done_callback(run.stragglers.discard)
    if all(task.done() for task in asking):
        await finishing
    await asyncio.sleep(0)  # Sources that never wait would keep every other step from running.
    return results


async def _ask(run: Run, action: int, text: str, tool: SearchTool) -> _Answer | None:
    """What one tool finds, met as soon as it is there; None where it failed, which is told."""
    run.count_call()
    try:
        papers = await tool.search(text, limit=run.results, before=run.query.before)
    except SourceError as error:
        run.fail(action, tool.name, error)
        return None
    timely = [paper for paper in papers if not run.is_too_late(paper)]
    found = ((paper, Provenance("search", text, None, rank)) for rank, paper in enumerate(timely, start=1))
    new = run.meet_all(found, 0, action)
    run.count(new=new)
    if len(run.sources.search) > 1:
        # Judged while the other tools are still looking.
        run.changed.set()
    return _Answer(timely, new)


async def _enough(asking: Sequence[asyncio.Task[_Answer | None]]) -> None:
    """Wait until every tool has answered, or one has brought papers and the others have had `_PATIENCE`."""
    pending = set(asking)
    while pending and not any(answer.papers for answer in _answers(asking)):
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    if pending:
        await asyncio.wait(pending, timeout=_PATIENCE)


async def _finish(run: Run, action: int, text: str, asking: Sequence[asyncio.Task[_Answer | None]]) -> None:
    await asyncio.gather(*asking)
    answers = _answers(asking)
    if not answers:
        return
    papers = _merged(asking)
    run.searched[text] = SearchResults(text, papers)
    new = sum(answer.new for answer in answers)
    run.count(searches=1, results=len(papers))
    run.emit(SearchFinished(at=run.clock(), action=action, results=len(papers), new=new))
    run.tell_counts()


def _answers(asking: Sequence[asyncio.Task[_Answer | None]]) -> list[_Answer]:
    return [answer for task in asking if task.done() and (answer := task.result()) is not None]


def _merged(asking: Sequence[asyncio.Task[_Answer | None]]) -> list[Paper]:
    """The results of the tools that have answered, in turn, without repeats."""
    merged: dict[PaperId, Paper] = {}
    for row in zip_longest(*(answer.papers for answer in _answers(asking))):
        merged.update({paper.id: paper for paper in row if paper and paper.id not in merged})
    return list(merged.values())
