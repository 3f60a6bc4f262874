from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from pasa_tui.agent import Sources, run_agent
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import SourceError
from pasa_tui.events import Event, ExpandFinished, ExpandStarted, PaperFound, SearchState
from pasa_tui.papers import Citation, Citing, Paper, Query
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

SETTINGS = AgentSettings(expand_layers=0, max_papers=0, max_seconds=0)
QUERY = Query("which?")


@dataclass
class Index:
    """Who cites whom, by paper id."""

    citing_of: Mapping[str, Sequence[Citing]]
    broken: frozenset[str] = frozenset()
    name: str = "index"
    asked: list[str] = field(default_factory=list)

    async def citing(self, paper: Paper, *, limit: int) -> Sequence[Citing]:
        self.asked.append(paper.id)
        if paper.id in self.broken:
            raise SourceError("The index is broken.")
        return self.citing_of.get(paper.id, ())[:limit]


def cites(*numbers: int) -> tuple[Citation, ...]:
    return tuple(Citation(paper(number).title, arxiv_id=paper(number).arxiv_id) for number in numbers)


async def run(
    index: Index,
    scores: Mapping[int, float],
    settings: AgentSettings = SETTINGS,
    query: Query = QUERY,
    past: Sequence[Event] = (),
    recommender: "Recommender | None" = None,
) -> tuple[list[Event], SearchState]:
    world = World({"a": [paper(1), paper(2), paper(3)]}, {"none": {"x": [paper(number) for number in range(60)]}})
    events = [
        event
        async for event in run_agent(
            query,
            crawlers=[ScriptedCrawler([["a"]])],
            selector=ScriptedSelector({paper(number).id: score for number, score in scores.items()}),
            sources=Sources((world,), world, world, index, recommender),
            settings=settings,
            past=past,
        )
    ]
    state = SearchState()
    for event in [*past, *events]:
        state.apply(event)
    return events, state


def near(state: SearchState) -> list[tuple[str, str, str | None]]:
    return [
        (found.paper.id.removeprefix("arxiv:2001.").lstrip("0"), found.provenance.kind, found.provenance.parent)
        for found in state.papers.values()
        if found.provenance.kind in ("citing", "co-cited", "similar")
    ]


async def test_papers_that_cite_several_good_ones_come_first() -> None:
    index = Index({paper(1).id: [Citing(paper(11)), Citing(paper(12))], paper(2).id: [Citing(paper(12))]})
    _, state = await run(index, {1: 0.9, 2: 0.8, 12: 0.7})
    assert near(state) == [("12", "citing", paper(1).id), ("11", "citing", paper(1).id)]
    assert state.papers[paper(12).id].selected and state.papers[paper(12).id].depth == 1
    assert (state.funnel.followed, state.funnel.candidates, state.funnel.near_new, state.funnel.met) == (2, 2, 2, 5)
    assert state.funnel.judged == 5


async def test_only_selected_papers_are_asked_about_and_only_so_many() -> None:
    index = Index({})
    await run(index, {1: 0.9, 2: 0.8, 3: 0.1})
    assert index.asked == [paper(1).id, paper(2).id]
    index = Index({})
    await run(index, {1: 0.8, 2: 0.9}, AgentSettings(expand_layers=0, citing_papers=1))
    assert index.asked == [paper(2).id]
    index = Index({})
    await run(index, {1: 0.8, 2: 0.9}, AgentSettings(expand_layers=0, near_papers=0))
    assert index.asked == []


async def test_what_everyone_cites_gives_way_to_what_is_cited_less() -> None:
    index = Index({paper(1).id: [Citing(paper(11), 100_000), Citing(paper(12), 3)]})
    _, state = await run(index, {1: 0.9})
    assert [number for number, *_ in near(state)] == ["12", "11"]


async def test_what_is_cited_along_by_several_is_met_too() -> None:
    index = Index(
        {paper(1).id: [Citing(paper(11), 0, cites(1, 20, 21)), Citing(paper(12), 0, cites(1, 20)), Citing(paper(13))]}
    )
    _, state = await run(index, {1: 0.9, 20: 0.8})
    assert ("20", "co-cited", paper(1).id) in near(state)
    assert "21" not in [number for number, *_ in near(state)], "one paper that cites both is not enough"
    assert state.papers[paper(20).id].selected


async def test_batches_end_when_none_of_one_is_selected() -> None:
    index = Index({paper(1).id: [Citing(paper(number)) for number in range(10, 60)]})
    _, state = await run(index, {1: 0.9})
    assert len(near(state)) == 16
    scores = {1: 0.9, **dict.fromkeys(range(10, 60), 0.9)}
    _, state = await run(index, scores, AgentSettings(expand_layers=0, near_papers=40))
    assert len(near(state)) == 40


async def test_nothing_after_the_cut_off_but_what_it_cites() -> None:
    from datetime import date

    late = [paper(number, date=date(2025, 1, 1)) for number in (11, 12)]
    index = Index({paper(1).id: [Citing(it, 0, cites(1, 20)) for it in late]})
    _, state = await run(index, {1: 0.9}, query=Query("which?", date(2024, 1, 1)))
    assert [number for number, *_ in near(state)] == ["20"]


async def test_a_broken_index_costs_only_its_own_answer() -> None:
    index = Index({paper(2).id: [Citing(paper(12))]}, frozenset({paper(1).id}))
    _, state = await run(index, {1: 0.9, 2: 0.8})
    assert state.ending == "done" and [number for number, *_ in near(state)] == ["12"]
    assert state.funnel.failures == 1


@pytest.mark.parametrize("stop", range(1, 24))
async def test_resumed_anywhere_the_same_neighbours_are_met(stop: int) -> None:
    index = Index({paper(1).id: [Citing(paper(11)), Citing(paper(12))], paper(2).id: [Citing(paper(12))]})
    scores = {1: 0.9, 2: 0.8, 12: 0.7}
    events, whole = await run(index, scores)
    _, resumed = await run(index, scores, past=events[:stop])
    assert resumed.papers.keys() == whole.papers.keys()
    assert {key: found.score for key, found in resumed.papers.items()} == {
        key: found.score for key, found in whole.papers.items()
    }


@dataclass
class Recommender:
    """Recommends fixed papers, whoever asks."""

    papers: Sequence[Paper]
    broken: bool = False
    name: str = "recommender"
    asked: list[list[str]] = field(default_factory=list)

    async def recommend(self, papers: Sequence[Paper], *, limit: int) -> Sequence[Paper]:
        self.asked.append([it.id for it in papers])
        if self.broken:
            raise SourceError("The recommender is broken.")
        return self.papers[:limit]


async def test_what_is_recommended_beside_the_best_competes_with_what_cites_them() -> None:
    index = Index({paper(1).id: [Citing(paper(11)), Citing(paper(12))]})
    recommender = Recommender([paper(12), paper(13), paper(1)])
    _, state = await run(index, {1: 0.9, 2: 0.8}, recommender=recommender)
    assert recommender.asked == [[paper(1).id, paper(2).id]]
    assert near(state) == [
        ("12", "citing", paper(1).id),
        ("11", "citing", paper(1).id),
        ("13", "similar", paper(1).id),
    ]
    _, state = await run(index, {1: 0.9}, recommender=Recommender([], broken=True))
    assert state.ending == "done" and state.funnel.failures == 1 and len(near(state)) == 2


async def test_events_name_the_direction() -> None:
    index = Index({paper(1).id: [Citing(paper(11))]})
    events, state = await run(index, {1: 0.9})
    started = [event for event in events if isinstance(event, ExpandStarted)]
    assert [(event.paper_id, event.direction) for event in started] == [(paper(1).id, "citing")]
    finished = next(event for event in events if isinstance(event, ExpandFinished))
    assert (finished.citations, finished.new) == (1, 1)
    found = next(event for event in events if isinstance(event, PaperFound) and event.paper.id == paper(11).id)
    assert found.action == started[0].action
    assert state.actions[found.action].found == [paper(11).id]
