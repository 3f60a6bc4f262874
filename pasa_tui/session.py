"""A session runs searches, records each event in the library as it happens, and resumes what was interrupted."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import msgspec

from pasa_tui.agent import Sources, run_agent
from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import LibraryError
from pasa_tui.events import Event, SearchEnded, SearchState, Warned
from pasa_tui.library import Library
from pasa_tui.models.protocols import Crawler, Selector
from pasa_tui.papers import Query

# Seconds an event may wait for its commit; half of the 100 ms that may be lost to a kill.
_BATCH_SECONDS = 0.05
# Seconds between attempts while the library can't be written (a full disk, another process's long lock).
_RETRY_SECONDS = 2.0
# Seconds of silence after which a sign of life is recorded: other machines that share the library take a search
# for interrupted when it has recorded nothing for a minute.
_HEARTBEAT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, where, and how."""

    query: Query
    corpus: str = "sample"
    settings: AgentSettings = field(default_factory=AgentSettings)

    def to_json(self) -> dict[str, Any]:
        """The part that the library keeps beside the query."""
        return {"corpus": self.corpus, "agent": asdict(self.settings)}

    @classmethod
    def from_json(cls, query: Query, data: dict[str, Any]) -> "SearchRequest":
        """The request of a recorded search; settings this version doesn't know are passed over.

        Raises LibraryError where what is there is not what `to_json` writes.
        """
        try:
            settings = msgspec.convert(data.get("agent", {}), AgentSettings)
            return cls(query, msgspec.convert(data.get("corpus", "sample"), str), settings)
        except msgspec.ValidationError as error:
            raise LibraryError(f"The settings of this search can't be read: {error}.", "Start it anew.") from error


@dataclass(frozen=True, slots=True)
class Agent:
    """All that a search is done with; `close` gives back what it holds open."""

    crawlers: Sequence[Crawler]
    selector: Selector
    sources: Sources
    close: Callable[[], None]


class AgentBuilder(Protocol):
    """Makes the agent for a request. Raises PasaError where a part of it is not to be had."""

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        """The agent, ready to search."""
        ...


def builtin_agent(request: SearchRequest, paths: Paths) -> Agent:
    """The agent that needs no model: the builtin Crawler and Selector over one corpus. Raises CorpusError."""
    # Imported when a search begins: the full-text engine is what takes longest to load at start-up.
    from pasa_tui.corpus import open_corpus
    from pasa_tui.models.builtin import BuiltinCrawler, BuiltinSelector

    corpus = open_corpus(request.corpus, paths)
    return Agent(
        crawlers=(BuiltinCrawler(corpus),),
        selector=BuiltinSelector(corpus),
        sources=Sources(search=(corpus,), reader=corpus, resolver=corpus),
        close=corpus.close,
    )


class Session:
    """Starts and resumes searches over one library. Threads may share it; each search runs in one event loop."""

    def __init__(self, library: Library, paths: Paths, *, build_agent: AgentBuilder = builtin_agent) -> None:
        self.library = library
        self._paths = paths
        self._build_agent = build_agent

    def start(self, request: SearchRequest) -> "RunningSearch":
        """A new search, kept in the library from here on. Raises PasaError, and then nothing is kept."""
        agent = self._build_agent(request, self._paths)
        try:
            search_id = self.library.create_search(request.query, request.to_json())
        except BaseException:
            agent.close()
            raise
        return RunningSearch(search_id, request, agent, self.library, past=())

    def resume(self, search_id: int) -> "RunningSearch":
        """Go on with a recorded search where it stopped.

        Raises LibraryError where it is unknown or another process runs it, and what `start` raises.
        """
        row = self.library.search(search_id)
        request = SearchRequest.from_json(Query(row.query, row.before), dict(row.settings))
        agent = self._build_agent(request, self._paths)
        try:
            self.library.claim(search_id)
            past = self.library.events(search_id)
        except BaseException:
            agent.close()
            raise
        return RunningSearch(search_id, request, agent, self.library, past=past)


class RunningSearch:
    """One search under way. `state` is the fold of all events so far, those of earlier runs included."""

    def __init__(
        self, search_id: int, request: SearchRequest, agent: Agent, library: Library, *, past: Sequence[Event]
    ) -> None:
        self.search_id = search_id
        self.request = request
        self.state = SearchState()
        for event in past:
            self.state.apply(event)
        self._agent = agent
        self._past = past
        self._recorder = _Recorder(library, search_id)

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
            past=self._past,
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
        finally:
            flushing.cancel()
            await steps.aclose()
            if self.state.ending is None:
                self._take(SearchEnded(at=self.state.elapsed, ending="cancelled"))
            self._recorder.flush()
            self._agent.close()

    def _take(self, event: Event) -> None:
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
