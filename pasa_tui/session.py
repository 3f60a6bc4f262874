"""A session runs searches, records each event in the library as it happens, and resumes what was interrupted."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from pasa_tui.agent import HandStep, run_agent
from pasa_tui.assembly import Agent, AgentBuilder, SearchRequest, builtin_agent
from pasa_tui.config import Paths
from pasa_tui.errors import LibraryError
from pasa_tui.events import Event, ModelsCounted, SearchEnded, SearchStarted, SearchState, Warned, carried
from pasa_tui.library import Library
from pasa_tui.papers import Query
from pasa_tui.usage import added

__all__ = ["Agent", "AgentBuilder", "HandStep", "RunningSearch", "SearchRequest", "Session", "builtin_agent"]

# Seconds an event may wait for its commit; half of the 100 ms that may be lost to a kill.
_BATCH_SECONDS = 0.05
# Seconds between attempts while the library can't be written (a full disk, another process's long lock).
_RETRY_SECONDS = 2.0
# Seconds of silence after which a sign of life is recorded: other machines that share the library take a search
# for interrupted when it has recorded nothing for a minute.
_HEARTBEAT_SECONDS = 30.0


class Session:
    """Starts and resumes searches over one library. Threads may share it; each search runs in one event loop."""

    def __init__(self, library: Library, paths: Paths, *, build_agent: AgentBuilder = builtin_agent) -> None:
        self.library = library
        self._paths = paths
        self._build_agent = build_agent

    def start(
        self, request: SearchRequest, *, parent: int | None = None, keeps_papers: bool = False
    ) -> "RunningSearch":
        """A new search, kept in the library from here on. Raises PasaError, and then nothing is kept.

        `parent` is the search that it goes on from. With `keeps_papers` it begins with all papers that the parent
        met, and what was judged there is not judged again (but for the last ranking of the builtin agent).
        """
        agent = self._build_agent(request, self._paths)
        try:
            past = list(carried([self.library.state(parent)])) if parent and keeps_papers else []
            settings = {**request.to_json(), "models": dict(agent.record)}
            search_id = self.library.create_search(request.query, settings, parent=parent)
            if past:
                self.library.record(search_id, past)
        except BaseException:
            agent.close()
            raise
        return RunningSearch(search_id, request, agent, self.library, past=past, brought=past)

    def resume(
        self, search_id: int, *, max_cost: float | None = None, steps: Sequence[HandStep] = ()
    ) -> "RunningSearch":
        """Go on with a recorded search where it stopped; with `max_cost` under that limit instead of its own.

        With `steps`, do those alone.

        Raises LibraryError where it is unknown or another process runs it, and what `start` raises.
        """
        row = self.library.search(search_id)
        request = SearchRequest.from_json(Query(row.query, row.before), dict(row.settings))
        if max_cost is not None:
            request = replace(request, settings=replace(request.settings, max_cost=max_cost))
        agent = self._build_agent(request, self._paths)
        try:
            self.library.claim(search_id)
            past = self.library.events(search_id)
        except BaseException:
            agent.close()
            raise
        return RunningSearch(search_id, request, agent, self.library, past=past, steps=steps)


class RunningSearch:
    """One search under way. `state` is the fold of all events so far, those of earlier runs included.

    `brought` are events that a new search begins with: the papers of the one that it goes on from.
    """

    def __init__(
        self,
        search_id: int,
        request: SearchRequest,
        agent: Agent,
        library: Library,
        *,
        past: Sequence[Event],
        brought: Sequence[Event] = (),
        steps: Sequence[HandStep] = (),
    ) -> None:
        self.brought = brought
        self.search_id = search_id
        self.request = request
        self.state = SearchState()
        for event in past:
            self.state.apply(event)
        self._agent = agent
        self._past = past
        self._steps = steps
        self._past_models = {model.name: model for model in self.state.models}
        self._recorder = _Recorder(library, search_id)
        self._last_event = time.monotonic()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the search and yield each event once it is on its way into the library.

        Closing the generator or cancelling its task stops the search and records it as cancelled. Where the
        library can't be written, the search goes on, a Warned event says so, and recording is tried again.
        """
        steps = run_agent(
            self.request.query,
            crawlers=self._agent.crawlers,
            selector=self._agent.selector,
            sources=self._agent.sources,
            settings=self.request.settings,
            models=self._agent.runtime,
            past=self._past,
            steps=self._steps,
        )
        flushing = asyncio.create_task(self._recorder.flush_regularly())
        try:
            async for event in steps:
                self._take(event)
                if isinstance(event, SearchEnded):
                    self._recorder.flush()
                if warning := self._recorder.take_warning(self.state.elapsed):
                    self.state.apply(warning)
                    yield warning
                yield event
                if isinstance(event, SearchStarted) and self._agent.notice[0]:
                    message, hint = self._agent.notice
                    notice = Warned(at=event.at, stage="network", message=message, hint=hint)
                    self._take(notice)
                    yield notice
        finally:
            flushing.cancel()
            await steps.aclose()
            await self._agent.close_connections()
            # Requests that were cut off have their cost by now, and the limit of cost holds for all runs together.
            models = added(self._past_models, self._agent.runtime.usage())
            if models and models != self.state.models:
                self._take(ModelsCounted(at=self.state.elapsed, models=models))
            if self.state.ending is None:
                at = self.state.elapsed + time.monotonic() - self._last_event
                self._take(SearchEnded(at=round(at, 3), ending="cancelled"))
            self._recorder.flush()
            self._agent.close()

    def _take(self, event: Event) -> None:
        self._last_event = time.monotonic()
        self.state.apply(event)
        self._recorder.add(event)


class _Recorder:
    """Commits events in batches, at most `_BATCH_SECONDS` after they happened."""

    def __init__(self, library: Library, search_id: int) -> None:
        self._library = library
        self._search_id = search_id
        self._waiting: list[Event] = []
        self._due = 0.0
        self._recorded = time.monotonic()
        self._failed: LibraryError | None = None
        self._warned = False

    def add(self, event: Event) -> None:
        """Take an event; commit all waiting ones if the first has waited long enough."""
        now = time.monotonic()
        if not self._waiting:
            self._due = max(self._due, now + _BATCH_SECONDS)
        self._waiting.append(event)
        if now >= self._due:
            self.flush()

    def flush(self) -> None:
        """Commit what waits; what can't be written stays for the next attempt."""
        if self._waiting:
            self._record()

    def _record(self) -> None:
        self._recorded = time.monotonic()
        try:
            self._library.record(self._search_id, self._waiting)
        except LibraryError as error:
            self._failed = error
            self._due = time.monotonic() + _RETRY_SECONDS
        else:
            self._waiting = []
            self._failed = None

    async def flush_regularly(self) -> None:
        """Commit on time also while no event comes."""
        while True:
            await asyncio.sleep(_BATCH_SECONDS)
            now = time.monotonic()
            if (self._waiting and now >= self._due) or now >= self._recorded + _HEARTBEAT_SECONDS:
                self._record()

    def take_warning(self, at: float) -> Warned | None:
        """A warning, once, if events could not be written."""
        if self._failed is None or self._warned:
            return None
        self._warned = True
        return Warned(at=at, stage="library", message=self._failed.message, hint=self._failed.hint)
