"""The agent loop: PaSa's method (arXiv 2501.10120) as an async generator of events.

It prints nothing and stores nothing. Whoever iterates it decides what becomes of the events.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from pasa_tui.agent.assessing import assess_as_judged
from pasa_tui.agent.broad import broad
from pasa_tui.agent.by_hand import HandStep, by_hand
from pasa_tui.agent.funnel import dry_stages, funnel_of
from pasa_tui.agent.planning import iterative
from pasa_tui.agent.protocols import Sources
from pasa_tui.agent.run import Run
from pasa_tui.agent.schedule import best_first, layered
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import PasaError
from pasa_tui.events import Event, ModelLoading, SearchEnded, SearchFinished, SearchPlanned, SearchStarted, SearchState
from pasa_tui.events.types import Ending, ExpandFinished, ExpandStarted, GuideFound
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.protocols import Crawler, ModelRuntime, SearchResults, Selector
from pasa_tui.papers import Paper, Query

_SCHEDULES = {"best-first": best_first, "layered": layered}


async def run_agent(
    query: Query,
    *,
    crawlers: Sequence[Crawler],
    selector: Selector,
    sources: Sources,
    settings: AgentSettings,
    models: ModelRuntime | None = None,
    past: Sequence[Event] = (),
    steps: Sequence[HandStep] = (),
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Event, None]:
    """Search for `query` and yield every event, from SearchStarted to SearchEnded.

    With several `crawlers` (an ensemble) each has a search session of its own, and a paper's chosen sections
    are the union of theirs. `models` says how the models are made ready, paced and counted, and brings those for the
    further steps. `past` are the recorded events of an interrupted run of the same search: what they
    finished is not done again. With `steps`, those are all that is done.
    Closing the generator cancels whatever is under way. A failing source becomes an
    event; a failing model ends the search with "failed". Only a defect raises, after SearchEnded was yielded.
    """
    state = SearchState()
    for event in past:
        state.apply(event)
    began = clock() - state.elapsed
    events: asyncio.Queue[Event] = asyncio.Queue()
    run = Run(
        query=query,
        crawlers=crawlers,
        selector=selector,
        sources=sources,
        settings=settings,
        emit=events.put_nowait,
        models=models or ModelRuntime(),
        clock=lambda: round(clock() - began, 3),
    )
    _take_up(run, past, state)
    work = asyncio.create_task(_work(run, steps, resumed=bool(past)))
    try:
        while True:
            event = await events.get()
            yield event
            if isinstance(event, SearchEnded):
                break
        await work
    finally:
        work.cancel()
        # Not awaited itself: its cancellation is ours, and a defect was already reported by SearchEnded.
        await asyncio.gather(work, return_exceptions=True)


async def _work(run: Run, steps: Sequence[HandStep], *, resumed: bool) -> None:
    run.emit(
        SearchStarted(
            at=run.clock(),
            query=run.query.text,
            before=run.query.before,
            schedule=run.settings.schedule,
            sources=tuple(tool.name for tool in run.sources.search),
            crawler=", ".join(crawler.name for crawler in run.crawlers),
            selector=run.selector.name,
            model=run.models.model,
            prompts=run.models.prompts,
            resumed=resumed,
        )
    )
    try:
        try:
            await _start_models(run)
            # From here on, so that loading a large model does not use up the time of the search.
            async with asyncio.timeout(run.budget.seconds):
                await _search(run, steps)
        except* PasaError as group:
            _end(run, "failed", str(_first(group)))
        except* TimeoutError:
            _end(run, "budget", f"Stopped at the limit of {run.budget.seconds:g} seconds (agent.max_seconds).")
        else:
            _end(run, *_outcome(run))
    except Exception as error:
        # A defect: whoever shows the search must still hear that it is over.
        _end(run, "failed", f"Internal error: {_first(error)!r}")
        raise
    finally:
        for task in run.stragglers:
            task.cancel()
        await asyncio.gather(*run.stragglers, return_exceptions=True)


async def _start_models(run: Run) -> None:
    loop = asyncio.get_running_loop()

    def tell(progress: Progress) -> None:
        # From whichever thread loads the model.
        event = ModelLoading(at=run.clock(), message=progress.message, share=progress.share)
        loop.call_soon_threadsafe(run.emit, event)

    await run.models.start(tell)


async def _search(run: Run, steps: Sequence[HandStep]) -> None:
    async with asyncio.TaskGroup() as tasks:
        if run.models.assessor and run.settings.criteria != "off":
            tasks.create_task(assess_as_judged(run, run.models.assessor))
        if steps:
            await by_hand(run, steps)
        elif run.models.planner and run.settings.planner == "iterative":
            await iterative(run, run.models.planner)
        elif run.is_broad:
            await broad(run)
        else:
            await _SCHEDULES[run.settings.schedule](run)
        run.to_assess.put_nowait(None)


def _outcome(run: Run) -> tuple[Ending, str]:
    if run.lost:
        return "failed", "No source can be reached any more. What was found is kept; resume the search later."
    if run.funnel.failures and not run.searched:
        return "failed", "No search could be made; see the failures in the log."
    if run.stopped:
        return "budget", f"Stopped at {run.stopped}."
    return "done", ""


def _end(run: Run, ending: Ending, message: str) -> None:
    if ending in ("done", "budget"):
        for stage, text, hint in dry_stages(run.funnel):
            run.warn(stage, text, hint)
        if run.queue.order is not None and (left := run.queue.order.left):
            run.warn(
                "early stop",
                f"{left} of {run.funnel.met} papers were not judged: the results that they came in had run dry.",
                'agent.early_stop = "off" judges all.',
            )
        # Those of this run: what failed in an earlier one has been asked again.
        if failures := run.funnel.failures - run.past_failures:
            run.warn(
                "failures",
                f"{failures} of the search's questions to sources failed, so papers may be missing.",
                "Resume the search to ask again.",
            )
    run.tell_missing()
    run.tell_counts()
    run.emit(SearchEnded(at=run.clock(), ending=ending, message=message))


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _take_up(run: Run, past: Sequence[Event], state: SearchState) -> None:
    """Put a run where the `past` events left it: finished actions count as done, all others are done again."""
    if not past:
        return
    run.queue.replay(past)
    run.funnel = funnel_of(state)
    run.past_failures = run.funnel.failures
    run.actions = max(state.actions, default=0)
    run.past_usage = {usage.name: usage for usage in state.usage}
    run.past_models = {usage.name: usage for usage in state.models}
    run.models.take_up(state.models)
    run.criteria = state.criteria
    for found in state.ranked(selected_only=run.settings.criteria == "selected"):
        if found.score is not None and not found.verdicts:
            run.to_assess.put_nowait(found.paper.id)
    texts = {event.action: event.text for event in past if isinstance(event, SearchPlanned)}
    opened = {event.action: (event.paper_id, event.direction) for event in past if isinstance(event, ExpandStarted)}
    for event in past:
        match event:
            case SearchFinished(action=action) if action in texts:
                run.searched[texts[action]] = SearchResults(texts[action], _results(run, texts[action]))
            case GuideFound(paper=paper):
                run.guides[paper.id] = paper
            case ExpandFinished(action=action) if action in opened and opened[action][0] in run.guides:
                run.followed_guides.add(opened[action][0])
            case ExpandFinished(action=action) if action in opened and opened[action][0] in run.queue.papers:
                paper_id, direction = opened[action]
                if direction == "cited":
                    run.queue.papers[paper_id].expanded = True
                else:
                    run.queue.papers[paper_id].followed = True


def _results(run: Run, text: str) -> list[Paper]:
    """The papers that a recorded search brought, in their order."""
    ranked = sorted(
        (provenance.rank, queued.order)
        for queued in run.queue.papers.values()
        for provenance in queued.provenances
        if provenance.kind == "search" and provenance.text == text
    )
    papers = [queued.paper for queued in run.queue.papers.values()]
    return [papers[order] for _, order in ranked]
