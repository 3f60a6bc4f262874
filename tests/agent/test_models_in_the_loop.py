"""What the loop does with language models: it makes them ready, paces, counts and limits them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from pasa_tui.agent import run_agent
from pasa_tui.config.settings import AgentSettings
from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.errors import ModelError, SpentError
from pasa_tui.events import (
    Event,
    ModelLoading,
    PaperAssessed,
    PaperJudged,
    PlannedOn,
    SearchEnded,
    SearchPlanned,
    SearchStarted,
    SearchState,
)
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.protocols import (
    Candidate,
    Crawler,
    Judgement,
    ModelRuntime,
    Proposal,
    Selector,
    Standing,
)
from pasa_tui.papers import Paper, PaperId, Query
from pasa_tui.usage import ModelUsage
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

QUERY = Query("which papers?")
CRITERIA = (Criterion("is on the subject", 0.7), Criterion("is a survey", 0.3, "exclusion"))
UNLIMITED = AgentSettings(search_papers=100, expand_papers="all", max_papers=0, max_seconds=0)


async def run(
    world: World,
    crawlers: Sequence[Crawler],
    selector: Selector,
    models: ModelRuntime,
    settings: AgentSettings = UNLIMITED,
    past: Sequence[Event] = (),
) -> tuple[list[Event], SearchState]:
    events = [
        event
        async for event in run_agent(
            QUERY,
            crawlers=crawlers,
            selector=selector,
            sources=world.sources(),
            settings=settings,
            models=models,
            past=past,
        )
    ]
    state = SearchState()
    for event in [*past, *events]:
        state.apply(event)
    return events, state


def chain(papers: int = 40) -> World:
    """A search finds half of the papers; the first of them cites the others."""
    found = [paper(number) for number in range(papers // 2)]
    cited = [paper(number) for number in range(papers // 2, papers)]
    return World({"a": found, "b": cited[:3]}, {found[0].id: {"Related Work": cited}})


@dataclass
class GatedSelector:
    """Judges batches only once as many are under way as `wanted`, or nothing more can come."""

    wanted: int
    name: str = "gated"
    uses_provenance: bool = False
    most: int = 0
    under_way: int = 0
    judged: list[PaperId] = field(default_factory=list)
    together: asyncio.Event = field(default_factory=asyncio.Event)

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way >= self.wanted:
            self.together.set()
        await self.together.wait()
        self.under_way -= 1
        self.judged += [candidate.paper.id for candidate in candidates]
        return [Judgement(0.9 if candidate.paper == paper(0) else 0.2) for candidate in candidates]


@pytest.mark.parametrize("schedule", ["best-first", "layered"])
async def test_batches_are_judged_side_by_side_and_every_paper_once(schedule: str) -> None:
    selector = GatedSelector(wanted=3)
    settings = replace(UNLIMITED, schedule=schedule)  # type: ignore[arg-type]
    _, state = await run(chain(), [ScriptedCrawler([["a"]])], selector, ModelRuntime(batch=4, parallel=3), settings)
    assert selector.most == 3
    assert sorted(selector.judged) == sorted(state.papers) and len(state.papers) == 40
    assert state.ending == "done" and state.funnel.judged == 40


async def test_models_are_made_ready_before_the_clock_of_the_search_runs() -> None:
    async def start(tell: Callable[[Progress], None]) -> None:
        await asyncio.to_thread(tell, Progress("loading the weights", 0.5))
        await asyncio.to_thread(tell, Progress("ready"))

    models = ModelRuntime(model="mine", prompts="abc", start=start)
    events, state = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), models)
    started = [event for event in events if isinstance(event, SearchStarted | ModelLoading | SearchPlanned)]
    assert [type(event).__name__ for event in started] == [
        "SearchStarted",
        "ModelLoading",
        "ModelLoading",
        "SearchPlanned",
    ]
    assert (state.model, state.prompts) == ("mine", "abc")
    assert state.loading is not None and state.loading.message == "ready"


async def test_a_model_that_can_not_be_loaded_ends_the_search_with_what_to_do() -> None:
    async def start(tell: Callable[[Progress], None]) -> None:
        raise ModelError("There is no GPU.", "Use a server.")

    _, state = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), ModelRuntime(start=start))
    assert (state.ending, state.message) == ("failed", "There is no GPU. Use a server.")


async def test_what_models_did_is_added_to_what_earlier_runs_used() -> None:
    now = [ModelUsage("mine", scored=5, cost=0.25)]
    told: list[Sequence[ModelUsage]] = []
    models = ModelRuntime(usage=lambda: now, take_up=told.append)
    past, _ = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), models)
    _, state = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), models, past=past)
    assert state.models == (ModelUsage("mine", scored=10, cost=0.5),)
    assert told == [(ModelUsage("mine", scored=5, cost=0.25),)]


@dataclass
class ShortOfMoney:
    """A Selector, or a Crawler, whose model may be asked `left` times."""

    left: int
    name: str = "short"
    uses_provenance: bool = False

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise SpentError("Nothing is left.", "Resume later.")

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        self._spend()
        return [Judgement(0.9) for _ in candidates]

    async def plan(self, query: Query, found: Sequence[object]) -> AsyncIterator[str]:
        self._spend()
        yield "a"

    async def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncIterator[str]:
        self._spend()
        for name in sections:
            yield name


@pytest.mark.parametrize("parallel", [0, 3])
async def test_a_search_out_of_money_keeps_what_it_found_and_can_go_on(parallel: int) -> None:
    settings = replace(UNLIMITED, max_cost=0.5)
    models = ModelRuntime(batch=4, parallel=parallel)
    past, state = await run(chain(), [ScriptedCrawler([["a"]])], ShortOfMoney(3), models, settings)
    assert state.ending == "budget" and "$0.5" in state.message and "agent.max_cost" in state.message
    assert state.funnel.judged == 12 and state.funnel.met >= 20
    _, state = await run(chain(), [ScriptedCrawler([["a"]])], ShortOfMoney(99), models, settings, past)
    assert state.ending == "done" and state.funnel.judged == state.funnel.met == 40


@pytest.mark.parametrize("left", [0, 1])
async def test_a_crawler_out_of_money_ends_the_search_by_its_budget(left: int) -> None:
    settings = replace(UNLIMITED, max_cost=0.5)
    _, state = await run(chain(), [ShortOfMoney(left)], ScriptedSelector(), ModelRuntime(), settings)
    assert state.ending == "budget" and state.funnel.searches == left


@dataclass
class ScriptedAssessor:
    """Every criterion is met with a quote; `broken` papers raise ModelError."""

    broken: frozenset[PaperId] = frozenset()
    name: str = "assessor"
    splits: int = 0
    assessed: list[PaperId] = field(default_factory=list)

    async def split(self, query: Query) -> Sequence[Criterion]:
        self.splits += 1
        return CRITERIA

    async def assess(self, query: Query, criteria: Sequence[Criterion], paper: Paper) -> Sequence[Verdict]:
        if paper.id in self.broken:
            raise ModelError("The server is gone.", "Start it.")
        self.assessed.append(paper.id)
        return [Verdict(criterion.text, "yes", "a quote", True) for criterion in criteria]


SELECTED = {paper(number).id: 0.9 for number in range(3)}


async def test_selected_papers_are_assessed_by_criteria_beside_the_search() -> None:
    assessor = ScriptedAssessor()
    events, state = await run(
        chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), ModelRuntime(assessor=assessor)
    )
    assert sorted(assessor.assessed) == sorted(SELECTED) and assessor.splits == 1
    assert state.criteria == CRITERIA
    assert all(bool(found.verdicts) is found.selected for found in state.papers.values())
    assert isinstance(events[-1], SearchEnded)


async def test_all_papers_or_none_are_assessed_as_the_settings_say() -> None:
    for criteria, count in (("all", 40), ("off", 0)):
        assessor = ScriptedAssessor()
        settings = replace(UNLIMITED, criteria=criteria)  # type: ignore[arg-type]
        models = ModelRuntime(assessor=assessor)
        await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), models, settings)
        assert len(assessor.assessed) == count


async def test_an_assessor_that_fails_costs_the_search_nothing_else() -> None:
    assessor = ScriptedAssessor(broken=frozenset({paper(1).id}))
    _, state = await run(
        chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), ModelRuntime(assessor=assessor)
    )
    assert state.ending == "done" and state.funnel.judged == 40
    (warning,) = [warning for warning in state.warnings if warning.stage == "criteria"]
    assert "The server is gone" in warning.message


async def test_a_search_that_goes_on_assesses_what_was_not_assessed() -> None:
    past, _ = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), ModelRuntime())
    assessor = ScriptedAssessor()
    models = ModelRuntime(assessor=assessor)
    events, state = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), models, past=past)
    assert sorted(assessor.assessed) == sorted(SELECTED)
    assert not [event for event in events if isinstance(event, PaperJudged)]
    again = ScriptedAssessor()
    await run(
        chain(),
        [ScriptedCrawler([["a"]])],
        ScriptedSelector(SELECTED),
        ModelRuntime(assessor=again),
        past=[*past, *events],
    )
    assert not again.assessed and not again.splits and len([e for e in events if isinstance(e, PaperAssessed)]) == 3
    assert state.ending == "done"


@dataclass
class ScriptedPlanner:
    """Proposes what stands in its turns, then nothing."""

    turns: list[Proposal]
    name: str = "planner"
    seen: list[Standing] = field(default_factory=list)

    async def propose(self, query: Query, standing: Standing) -> Proposal:
        self.seen.append(standing)
        return self.turns.pop(0) if self.turns else Proposal()


ITERATIVE = replace(UNLIMITED, planner="iterative", near_papers=0)


async def test_a_planner_goes_on_until_it_proposes_nothing_new() -> None:
    planner = ScriptedPlanner([Proposal(("b", "A"), (paper(0).id, paper(99).id)), Proposal(("b",), (paper(0).id,))])
    events, state = await run(
        chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(SELECTED), ModelRuntime(planner=planner), ITERATIVE
    )
    assert [event.text for event in events if isinstance(event, SearchPlanned)] == ["a", "b"]
    turns = [(event.turn, event.searches, event.expansions) for event in events if isinstance(event, PlannedOn)]
    assert turns == [(1, 1, 1), (2, 0, 0)]
    assert state.funnel.expanded == 1 and state.funnel.met == 40 and state.ending == "done"
    first, second = planner.seen
    assert [(made.text, made.results, made.selected) for made in first.searches] == [("a", 20, 3)]
    assert first.best[0].paper == paper(0) and not first.best[0].expanded and second.best[0].expanded
    assert len(first.best) == 20 and second.met == 40


async def test_a_planner_is_bounded() -> None:
    endless = ScriptedPlanner([Proposal((f"search {number}",)) for number in range(50)])
    settings = replace(ITERATIVE, planner_turns=3)
    _, state = await run(
        chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), ModelRuntime(planner=endless), settings
    )
    assert len(endless.seen) == 3 and state.funnel.searches == 4
    many = ScriptedPlanner([Proposal(tuple(f"search {number}" for number in range(50)))])
    settings = replace(ITERATIVE, search_queries=5)
    _, state = await run(chain(), [ScriptedCrawler([["a"]])], ScriptedSelector(), ModelRuntime(planner=many), settings)
    assert state.funnel.searches == 6


async def test_judging_stops_where_results_have_run_dry() -> None:
    found = [paper(number) for number in range(200)]
    selector = ScriptedSelector({one.id: 0.9 for one in found[:4]})
    models = ModelRuntime(stops_early=True, batch=4)
    settings = replace(UNLIMITED, search_papers=200, expand_layers=0)
    past, state = await run(World({"a": found}), [ScriptedCrawler([["a"]])], selector, models, settings)
    assert state.selected == 4 and 10 < state.funnel.judged < 100 and state.ending == "done"
    (warning,) = [warning for warning in state.warnings if warning.stage == "early stop"]
    assert f"{200 - state.funnel.judged} of 200 papers" in warning.message
    _, state = await run(World({"a": found}), [ScriptedCrawler([["a"]])], selector, ModelRuntime(), settings, past)
    assert state.funnel.judged == 200


async def test_what_is_missing_is_estimated_once_papers_were_found_twice() -> None:
    world = World({"a": [paper(1), paper(2), paper(3)], "b": [paper(1), paper(4)]})
    selector = ScriptedSelector({paper(number).id: 0.9 for number in range(1, 5)})
    _, state = await run(world, [ScriptedCrawler([["a", "b"]])], selector, ModelRuntime())
    assert state.missing is not None
    assert state.missing.low <= state.missing.missing <= state.missing.high and state.missing.missing >= 3


async def test_an_ensemble_makes_the_union_of_its_searches() -> None:
    crawlers = [ScriptedCrawler([["a"]]), ScriptedCrawler([["b", "a"]])]
    events, state = await run(chain(), crawlers, ScriptedSelector(), ModelRuntime())
    assert sorted(event.text for event in events if isinstance(event, SearchPlanned)) == ["a", "b"]
    assert state.funnel.searches == 2
