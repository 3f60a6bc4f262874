import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import CorpusError, LibraryError
from pasa_tui.events import Event, SearchEnded, SearchState, Warned
from pasa_tui.library import Library
from pasa_tui.models.protocols import ModelRuntime
from pasa_tui.papers import Query
from pasa_tui.session import Agent, RunningSearch, SearchRequest, Session
from pasa_tui.usage import ModelUsage
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

REQUEST = SearchRequest(Query("which papers?"), "anything", AgentSettings(search_papers=100))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.default({"PASA_TUI_HOME": str(tmp_path)})


@pytest.fixture
def library(paths: Paths) -> Iterator[Library]:
    with Library.open(paths.library_file) as library:
        yield library


@dataclass
class Builder:
    """Builds agents over one world and counts how many were closed."""

    world: World
    crawler: ScriptedCrawler
    closed: int = 0

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        if request.corpus == "unknown":
            raise CorpusError("No corpus is named unknown.", "Known: sample.")
        selector = ScriptedSelector({paper(2).id: 0.9})
        return Agent((self.crawler,), selector, self.world.sources(), self.close)

    def close(self) -> None:
        self.closed += 1


def builder() -> Builder:
    world = World({"a": [paper(1)], "b": [paper(4)]}, {paper(1).id: {"Intro": [paper(2), paper(3)]}})
    return Builder(world, ScriptedCrawler([["a"], ["b"]]))


async def follow(running: RunningSearch) -> list[Event]:
    return [event async for event in running.events()]


def summary(state: SearchState) -> dict[str, tuple[float | None, bool, int]]:
    return {key: (found.score, found.selected, found.depth) for key, found in state.papers.items()}


async def test_everything_shown_is_in_the_library(library: Library, paths: Paths) -> None:
    build = builder()
    running = Session(library, paths, build_agent=build).start(REQUEST)
    events = await follow(running)
    assert library.events(running.search_id) == events
    assert summary(library.state(running.search_id)) == summary(running.state)
    row = library.search(running.search_id)
    assert (row.status, row.met, row.selected, row.query) == ("done", 4, 1, "which papers?")
    assert build.closed == 1


async def test_events_are_committed_while_the_search_waits(library: Library, paths: Paths) -> None:
    build = builder()
    released = asyncio.Event()

    class Waiting(World):
        async def read(self, paper: Any) -> Any:
            await released.wait()
            return await super().read(paper)

    build.world = Waiting(build.world.results, build.world.sections)
    running = Session(library, paths, build_agent=build).start(REQUEST)
    task = asyncio.create_task(follow(running))
    async with asyncio.timeout(10):
        # The condition is in a database, which sets no asyncio.Event.
        while set(library.state(running.search_id).papers) != {paper(1).id, paper(4).id}:  # noqa: ASYNC110
            await asyncio.sleep(0)
    released.set()
    await task
    assert library.state(running.search_id).ending == "done"


async def test_cancelled_is_recorded_and_can_be_resumed(library: Library, paths: Paths) -> None:
    build = builder()
    session = Session(library, paths, build_agent=build)
    running = session.start(REQUEST)
    stream = running.events()
    for _ in range(4):
        await anext(stream)
    await stream.aclose()
    assert library.search(running.search_id).status == "cancelled"
    assert running.state.ending == "cancelled" and build.closed == 1

    again = session.resume(running.search_id)
    assert again.search_id == running.search_id and again.request == REQUEST
    await follow(again)
    reference = session.start(REQUEST)
    await follow(reference)
    assert summary(again.state) == summary(reference.state)
    assert summary(library.state(running.search_id)) == summary(reference.state)
    assert library.search(running.search_id).status == "done"


async def test_cancelling_the_task_records_too(library: Library, paths: Paths) -> None:
    build = builder()
    started = asyncio.Event()

    class Hanging(World):
        async def read(self, paper: Any) -> Any:
            started.set()
            await asyncio.Event().wait()

    build.world = Hanging(build.world.results)
    running = Session(library, paths, build_agent=build).start(REQUEST)
    task = asyncio.create_task(follow(running))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert library.search(running.search_id).status == "cancelled"
    assert paper(1).id in library.state(running.search_id).papers


async def test_an_agent_that_cannot_be_built_keeps_nothing(library: Library, paths: Paths) -> None:
    with pytest.raises(CorpusError):
        Session(library, paths, build_agent=builder()).start(replace(REQUEST, corpus="unknown"))
    assert library.searches() == []


async def test_resuming_an_unknown_search_is_one_clear_message(library: Library, paths: Paths) -> None:
    build = builder()
    with pytest.raises(LibraryError, match="99"):
        Session(library, paths, build_agent=build).resume(99)


async def test_a_library_that_cannot_be_written_does_not_stop_the_search(
    library: Library, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Session(library, paths, build_agent=builder()).start(REQUEST)

    def full(search_id: int, events: object) -> None:
        raise LibraryError("The disk is full.", "Make room.")

    monkeypatch.setattr(library, "record", full)
    events = await follow(running)
    assert isinstance(events[-1], SearchEnded) and events[-1].ending == "done"
    assert len(running.state.papers) == 4
    assert [(event.message, event.hint) for event in events if isinstance(event, Warned)] == [
        ("The disk is full.", "Make room.")
    ]


async def test_what_could_not_be_written_is_written_later(
    library: Library, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Session(library, paths, build_agent=builder()).start(REQUEST)
    record, attempts = library.record, []

    def full_at_first(search_id: int, events: Any) -> None:
        attempts.append(len(events))
        if len(attempts) == 1:
            raise LibraryError("The disk is full.", "Make room.")
        record(search_id, events)

    monkeypatch.setattr(library, "record", full_at_first)
    await follow(running)
    assert len(attempts) >= 2
    assert summary(library.state(running.search_id)) == summary(running.state)


def test_a_request_survives_the_library() -> None:
    assert SearchRequest.from_json(REQUEST.query, REQUEST.to_json()) == REQUEST
    with pytest.raises(LibraryError, match="can't be read"):
        SearchRequest.from_json(REQUEST.query, {"agent": {"search_queries": "many"}})


async def test_what_a_cut_off_request_costs_is_kept_for_the_next_run(library: Library, paths: Paths) -> None:
    """A request under way is paid for when it is cut off, which is after the last event of a stopped search."""
    spent = [ModelUsage("mine", scored=1, cost=0.1)]
    told: list[Sequence[ModelUsage]] = []

    async def close_connections() -> None:
        spent[0] = ModelUsage("mine", scored=1, cost=0.4)

    def build(request: SearchRequest, paths: Paths) -> Agent:
        runtime = ModelRuntime(usage=lambda: spent, take_up=told.append)
        return replace(builder()(request, paths), runtime=runtime, close_connections=close_connections)

    session = Session(library, paths, build_agent=build)
    running = session.start(REQUEST)
    events = running.events()
    async for _ in events:
        break
    await events.aclose()
    assert library.state(running.search_id).models == (ModelUsage("mine", scored=1, cost=0.4),)
    spent[0] = ModelUsage("mine")
    await follow(session.resume(running.search_id))
    assert told == [(ModelUsage("mine", scored=1, cost=0.4),)]
    state = library.state(running.search_id)
    assert state.ending == "done" and state.models[0].cost == 0.8
