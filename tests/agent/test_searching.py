"""Several search tools at once: the fast ones wait for nobody, and the slow ones still count."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest

from pasa_tui.agent import Sources, run_agent, searching
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import SourceError
from pasa_tui.events import ActionFailed, Event, PaperFound, SearchFinished, SearchPlanned, SearchState
from pasa_tui.papers import Paper, Query
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

SETTINGS = AgentSettings(expand_layers=0, max_seconds=0, search_papers=100)


@dataclass
class Tool:
    """Finds the same papers for every text, once `released`; `broken` makes it fail instead."""

    name: str
    papers: Sequence[Paper]
    released: asyncio.Event | None = None
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        self.asked.append(text)
        if self.released is not None:
            await self.released.wait()
        if self.broken:
            raise SourceError(f"{self.name} is broken.")
        return self.papers[:limit]


async def run(
    *tools: Tool, crawler: ScriptedCrawler | None = None, on: dict[type[Event], asyncio.Event] | None = None
) -> tuple[list[Event], SearchState]:
    world = World()
    state, events = SearchState(), []
    async for event in run_agent(
        Query("which?"),
        crawlers=[crawler or ScriptedCrawler([["a"], ["b"]])],
        selector=ScriptedSelector(),
        sources=Sources(tools, world, world),
        settings=SETTINGS,
    ):
        events.append(event)
        state.apply(event)
        if on and type(event) in on and isinstance(event, SearchPlanned) and event.text == "b":
            on[type(event)].set()
    return events, state


async def test_results_of_all_tools_are_taken_in_turn() -> None:
    crawler = ScriptedCrawler([["a"], ["b"]])
    one, two = Tool("one", [paper(1), paper(2)]), Tool("two", [paper(2), paper(3)])
    _, state = await run(one, two, crawler=crawler)
    assert state.papers.keys() == {paper(number).id for number in (1, 2, 3)}
    assert [found.id for found in crawler.seen[1][0].papers] == [paper(1).id, paper(2).id, paper(3).id]
    assert (state.funnel.searches, state.funnel.results, state.funnel.new) == (2, 6, 3)
    assert one.asked == two.asked == ["a", "b"]


async def test_the_next_round_does_not_wait_for_a_slow_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_PATIENCE", 0.01)
    second_round = asyncio.Event()
    slow = Tool("slow", [paper(9)], released=second_round)
    # The slow tool answers only after the second round was planned: waiting for it would wait for ever.
    async with asyncio.timeout(10):
        events, state = await run(Tool("fast", [paper(1)]), slow, on={SearchPlanned: second_round})
    assert state.ending == "done" and paper(9).id in state.papers
    assert state.papers[paper(9).id].score is not None
    finished = [event for event in events if isinstance(event, SearchFinished)]
    assert [event.results for event in finished] == [2, 2] and sum(event.new for event in finished) == 2


async def test_what_the_fast_tool_finds_is_met_before_the_slow_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_PATIENCE", 60.0)
    found, events = asyncio.Event(), []
    slow, world = Tool("slow", [paper(9)], released=found), World()
    async with asyncio.timeout(10):
        async for event in run_agent(
            Query("which?"),
            crawlers=[ScriptedCrawler([["a"]])],
            selector=ScriptedSelector(),
            sources=Sources((Tool("fast", [paper(1)]), slow), world, world),
            settings=SETTINGS,
        ):
            events.append(event)
            if isinstance(event, PaperFound):
                found.set()
    assert sum(isinstance(event, PaperFound) for event in events) == 2


async def test_one_broken_tool_of_two_is_a_failure_in_the_log_alone() -> None:
    events, state = await run(Tool("one", [paper(1)]), Tool("two", [], broken=True))
    assert state.ending == "done" and state.papers.keys() == {paper(1).id}
    failed = [event for event in events if isinstance(event, ActionFailed)]
    assert [event.source for event in failed] == ["two", "two"]


async def test_a_search_closed_while_a_slow_tool_looks_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_PATIENCE", 0.01)
    world, planned = World(), 0
    slow = Tool("slow", [], released=asyncio.Event())
    steps = run_agent(
        Query("which?"),
        crawlers=[ScriptedCrawler([["a"], ["b"]])],
        selector=ScriptedSelector(),
        sources=Sources((Tool("fast", [paper(1)]), slow), world, world),
        settings=SETTINGS,
    )
    async for event in steps:
        planned += isinstance(event, SearchPlanned)
        if planned == 2:
            break
    await steps.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
