import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.agent import run_agent
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import ModelError
from pasa_tui.events import (
    ActionFailed,
    Event,
    ExpandStarted,
    PaperFound,
    PaperJudged,
    SearchEnded,
    SearchPlanned,
    SearchStarted,
    SearchState,
    Warned,
)
from pasa_tui.papers import PaperId, Query
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

QUERY = Query("which papers?")
UNLIMITED = AgentSettings(expand_papers="all", max_papers=0, max_seconds=0, search_papers=100)


async def run(
    world: World,
    crawler: ScriptedCrawler,
    selector: ScriptedSelector | None = None,
    config: AgentSettings = UNLIMITED,
    query: Query = QUERY,
    past: Sequence[Event] = (),
) -> tuple[list[Event], SearchState]:
    events = [
        event
        async for event in run_agent(
            query,
            crawlers=[crawler],
            selector=selector or ScriptedSelector(),
            sources=world.sources(),
            settings=config,
            past=past,
        )
    ]
    return events, fold([*past, *events])


def fold(events: Sequence[Event]) -> SearchState:
    state = SearchState()
    for event in events:
        state.apply(event)
    return state


def chain() -> World:
    """A search finds 1; 1 cites 2; 2 cites 3; 3 cites 4."""
    return World(
        results={"a": [paper(1)]},
        sections={paper(n).id: {"Intro": [paper(n + 1)]} for n in (1, 2, 3)},
    )


@pytest.mark.parametrize("schedule", ["best-first", "layered"])
async def test_searches_follow_citations_two_layers_deep(schedule: str) -> None:
    selector = ScriptedSelector({paper(2).id: 0.9})
    events, state = await run(
        chain(),
        ScriptedCrawler([["a"]]),
        selector,
        replace(UNLIMITED, schedule=schedule),  # type: ignore[arg-type]
    )
    assert isinstance(events[0], SearchStarted)
    assert events[-1] == SearchEnded(at=events[-1].at, ending="done")
    assert [found.paper for found in state.papers.values()] == [paper(1), paper(2), paper(3)]
    assert [found.depth for found in state.papers.values()] == [0, 1, 2]
    assert [found.paper.id for found in state.ranked(selected_only=True)] == [paper(2).id]
    assert [found.paper.id for found in state.path_to(paper(3).id)] == [paper(n).id for n in (1, 2, 3)]
    counts = state.funnel
    assert (counts.searches, counts.results, counts.new, counts.judged, counts.selected) == (1, 1, 1, 3, 1)
    assert (counts.expanded, counts.with_sections, counts.citations, counts.resolved, counts.cited_new) == (
        2,
        2,
        2,
        2,
        2,
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, ScriptedCrawler, ScriptedSelector]:
    count = draw(st.integers(1, 12))
    numbers = st.integers(0, count - 1)
    texts = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True))
    cut = draw(st.integers(1, len(texts)))
    results = {text: [paper(n) for n in draw(st.lists(numbers, max_size=4, unique=True))] for text in texts}
    sections = {
        paper(n).id: {
            name: [paper(m) for m in draw(st.lists(numbers, max_size=4))]
            for name in draw(st.lists(st.sampled_from(["Intro", "Related", "skip this"]), max_size=3, unique=True))
        }
        for n in range(count)
    }
    scores = {paper(n).id: draw(st.floats(0, 1)) for n in range(count)}
    world = World(results, sections, delays=draw(st.lists(st.integers(0, 4), min_size=1, max_size=5)))
    crawler = ScriptedCrawler([texts[:cut], texts[cut:]] if cut < len(texts) else [texts])
    return world, crawler, ScriptedSelector(scores, uses_provenance=draw(st.booleans()))


@given(worlds(), st.integers(0, 3), st.integers(1, 4))
@settings(deadline=None)
def test_both_schedules_meet_the_same_papers(
    world: tuple[World, ScriptedCrawler, ScriptedSelector], layers: int, concurrency: int
) -> None:
    config = replace(UNLIMITED, expand_layers=layers, concurrency=concurrency)
    met: list[dict[PaperId, tuple[int, float | None]]] = []
    for schedule in ("best-first", "layered"):
        _, state = asyncio.run(run(*world, config=replace(config, schedule=schedule)))  # type: ignore[arg-type]
        assert state.ending == "done"
        met.append({key: (found.depth, found.score) for key, found in state.papers.items()})
        assert state.funnel.met == len(state.papers)
        assert state.funnel.judged == len(state.papers)
        assert state.funnel.selected == state.selected == len(state.ranked(selected_only=True))
    assert met[0] == met[1]


@given(worlds(), st.data())
@settings(deadline=None)
def test_resumed_anywhere_it_ends_as_if_never_interrupted(
    world: tuple[World, ScriptedCrawler, ScriptedSelector], data: st.DataObject
) -> None:
    events, whole = asyncio.run(run(*world))
    cut = data.draw(st.integers(1, len(events) - 1))
    world[0].asked.clear()
    finished = {event.text for event in events[:cut] if isinstance(event, SearchPlanned)} - {
        action.text for action in fold(events[:cut]).actions.values() if not action.finished
    }
    again, resumed = asyncio.run(run(*world, past=events[:cut]))
    assert isinstance(again[0], SearchStarted) and again[0].resumed
    assert {key: (found.depth, found.score) for key, found in resumed.papers.items()} == {
        key: (found.depth, found.score) for key, found in whole.papers.items()
    }
    assert not {f"search {text}" for text in finished} & set(world[0].asked), "a finished search was made again"
    assert resumed.funnel.selected == whole.funnel.selected
    assert resumed.funnel.met == whole.funnel.met


async def test_second_round_is_planned_from_the_results_of_the_first() -> None:
    crawler = ScriptedCrawler([["a", "b"], ["c"]])
    world = World({"a": [paper(1)], "b": [paper(2)], "c": [paper(3)]})
    _, state = await run(world, crawler)
    assert [[results.text for results in found] for found in crawler.seen] == [[], ["a", "b"], ["a", "b", "c"]]
    assert list(state.papers) == [paper(1).id, paper(2).id, paper(3).id]


async def test_no_more_searches_than_allowed_and_none_twice() -> None:
    world = World()
    await run(world, ScriptedCrawler([["a", "A ", "b", "c", "d"]]), config=replace(UNLIMITED, search_queries=3))
    assert world.asked == ["search a", "search b", "search c"]


async def test_an_ensemble_takes_the_union_and_shares_searches() -> None:
    world = World({"a": [paper(1)], "b": [paper(2)], "c": [paper(3)]})
    events = run_agent(
        QUERY,
        crawlers=[ScriptedCrawler([["a", "b"]]), ScriptedCrawler([["b", "c"]])],
        selector=ScriptedSelector(),
        sources=world.sources(),
        settings=UNLIMITED,
    )
    state = fold([event async for event in events])
    assert set(state.papers) == {paper(1).id, paper(2).id, paper(3).id}
    assert sorted(asked for asked in world.asked if asked.startswith("search")) == ["search a", "search b", "search c"]


async def test_best_first_opens_the_best_paper_first() -> None:
    scores = {paper(1).id: 0.2, paper(2).id: 0.9, paper(3).id: 0.6}
    world = World({"a": [paper(1), paper(2), paper(3)]})
    events, _ = await run(world, ScriptedCrawler([["a"]]), ScriptedSelector(scores), replace(UNLIMITED, concurrency=1))
    opened = [event.paper_id for event in events if isinstance(event, ExpandStarted)]
    assert opened == [paper(2).id, paper(3).id, paper(1).id]


@pytest.mark.parametrize("schedule", ["best-first", "layered"])
async def test_the_second_layer_is_capped(schedule: str) -> None:
    cited = [paper(n) for n in range(10, 20)]
    world = World({"a": [paper(1)]}, {paper(1).id: {"Intro": cited}})
    scores = {found.id: 0.3 + n / 100 for n, found in enumerate(cited)}
    config = replace(UNLIMITED, expand_papers=3, schedule=schedule)  # type: ignore[arg-type]
    events, _ = await run(world, ScriptedCrawler([["a"]]), ScriptedSelector(scores), config)
    opened = [event.paper_id for event in events if isinstance(event, ExpandStarted)]
    assert opened == [paper(1).id, paper(19).id, paper(18).id, paper(17).id]


async def test_nothing_after_the_cut_off_is_met() -> None:
    late = paper(9, date=date(2024, 5, 2))
    world = World({"a": [paper(1), late]}, {paper(1).id: {"Intro": [paper(2), paper(8, date=date(2025, 1, 1))]}})
    _, state = await run(world, ScriptedCrawler([["a"]]), query=Query("q", date(2024, 5, 1)))
    assert set(state.papers) == {paper(1).id, paper(2).id}
    assert (state.funnel.resolved, state.funnel.too_late) == (2, 1)


async def test_a_broken_source_costs_only_its_own_answer() -> None:
    world = World(
        {"a": [paper(1)], "b": [paper(2)]},
        {paper(2).id: {"Intro": [paper(3)]}},
        broken=frozenset({"search a", f"read {paper(3).id}"}),
    )
    events, state = await run(world, ScriptedCrawler([["a", "b"]]))
    assert set(state.papers) == {paper(2).id, paper(3).id}
    assert [event.message for event in events if isinstance(event, ActionFailed)] == [
        "search a is broken.",
        f"read {paper(3).id} is broken.",
    ]
    assert (state.ending, state.funnel.failures) == ("done", 2)


async def test_all_searches_broken_is_a_failed_search() -> None:
    _, state = await run(World(broken=frozenset({"search a"})), ScriptedCrawler([["a"]]))
    assert state.ending == "failed" and "failures in the log" in state.message


async def test_a_failing_selector_ends_the_search_and_keeps_what_was_found() -> None:
    class Broken(ScriptedSelector):
        async def judge(self, query: object, candidates: object) -> list[object]:  # type: ignore[override]
            raise ModelError("The model went away.", "Start it again.")

    events, state = await run(chain(), ScriptedCrawler([["a"]]), Broken())
    assert state.message == "The model went away. Start it again." and state.ending == "failed"
    assert [event.paper for event in events if isinstance(event, PaperFound)] == [paper(1)]


async def test_a_defect_is_reported_and_raised() -> None:
    class Defect(ScriptedSelector):
        async def judge(self, query: object, candidates: object) -> list[object]:  # type: ignore[override]
            raise ZeroDivisionError("oops")

    seen: list[Event] = []

    async def watch() -> None:
        async for event in run_agent(
            QUERY,
            crawlers=[ScriptedCrawler([["a"]])],
            selector=Defect(),
            sources=chain().sources(),
            settings=UNLIMITED,
        ):
            seen.append(event)

    with pytest.raises(BaseExceptionGroup):
        await watch()
    assert isinstance(seen[-1], SearchEnded) and "oops" in seen[-1].message


async def test_budgets_stop_the_search_and_say_which() -> None:
    world = World({"a": [paper(n) for n in range(10)]}, {paper(n).id: {"I": [paper(n + 50)]} for n in range(10)})
    _, by_papers = await run(world, ScriptedCrawler([["a"]]), config=replace(UNLIMITED, max_papers=10))
    assert by_papers.ending == "budget" and "max_papers" in by_papers.message and by_papers.funnel.expanded == 0
    _, by_requests = await run(world, ScriptedCrawler([["a"]]), config=replace(UNLIMITED, max_requests=4))
    assert by_requests.ending == "budget" and "max_requests" in by_requests.message
    assert by_requests.funnel.judged == by_requests.funnel.met, "what was found is still judged"


async def test_the_deadline_cuts_a_hanging_source_short() -> None:
    class Hanging(World):
        async def read(self, paper: object) -> list[object]:  # type: ignore[override]
            await asyncio.Event().wait()
            return []

    world = Hanging({"a": [paper(1)]})
    _, state = await run(world, ScriptedCrawler([["a"]]), config=replace(UNLIMITED, max_seconds=0.05))
    assert state.ending == "budget" and "max_seconds" in state.message
    assert state.papers[paper(1).id].score == 0.1


@given(st.integers(0, 30))
@settings(deadline=None, max_examples=31)
def test_closed_at_any_event_nothing_runs_on(stop_at: int) -> None:
    async def scenario() -> None:
        events = run_agent(
            QUERY,
            crawlers=[ScriptedCrawler([["a"], ["b"]])],
            selector=ScriptedSelector(),
            sources=replace(chain(), delays=(3,)).sources(),
            settings=UNLIMITED,
        )
        async for number, event in _enumerate(events):
            if number == stop_at or isinstance(event, SearchEnded):
                break
        await events.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


async def _enumerate(events):  # type: ignore[no-untyped-def]
    number = 0
    async for event in events:
        yield number, event
        number += 1


async def test_of_a_paper_met_again_the_latest_judgement_holds() -> None:
    class Wavering(ScriptedSelector):
        async def judge(self, query, candidates):  # type: ignore[no-untyped-def]
            verdicts = await super().judge(query, candidates)
            return [
                replace(verdict, score={1: 0.3, 2: 0.8, 3: 0.6}[len(candidate.provenances)])
                for verdict, candidate in zip(verdicts, candidates, strict=True)
            ]

    world = World({"a": [paper(1)], "b": [paper(1)], "c": [paper(1)]})
    events, state = await run(
        world,
        ScriptedCrawler([["a"], ["b"], ["c"]]),
        Wavering(uses_provenance=True),
        replace(UNLIMITED, expand_layers=0),
    )
    found = state.papers[paper(1).id]
    assert (found.score, found.selected, found.times_met, found.provenance.text) == (0.6, True, 3, "a")
    assert [event.score for event in events if isinstance(event, PaperJudged)] == [0.3, 0.8, 0.6]
    assert state.funnel.judged == 1 and state.funnel.selected == 1


@pytest.mark.parametrize(
    ("world", "stage"),
    [
        (World({"a": []}), "results"),
        (World({"a": [paper(n) for n in range(30)]}), "selected"),
        (World({"a": [paper(n) for n in range(30)]}), "with sections"),
        (
            World({"a": [paper(1), paper(2), paper(3)]}, {paper(n).id: {"skip": [paper(9)]} for n in (1, 2, 3)}),
            "sections",
        ),
    ],
)
async def test_a_stage_that_runs_dry_says_so(world: World, stage: str) -> None:
    events, _ = await run(world, ScriptedCrawler([["a"]]))
    warnings = {event.stage: event for event in events if isinstance(event, Warned)}
    assert stage in warnings and warnings[stage].message and warnings[stage].hint


async def test_no_planned_search_is_a_warning() -> None:
    events, _ = await run(World(), ScriptedCrawler([]))
    assert [event.stage for event in events if isinstance(event, Warned)] == ["searches"]


async def test_unresolved_citations_are_a_warning() -> None:
    class Forgetful(World):
        async def resolve(self, citations):  # type: ignore[no-untyped-def]
            return [None for _ in citations]

    world = Forgetful({"a": [paper(1)]}, {paper(1).id: {"A": [paper(n) for n in range(2, 40)]}})
    events, _ = await run(world, ScriptedCrawler([["a"]]))
    assert "resolved" in [event.stage for event in events if isinstance(event, Warned)]
