from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pasa_tui.agent import Sources, run_agent
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import SourceError
from pasa_tui.events import (
    Event,
    ExpandStarted,
    GuideFound,
    PaperFound,
    PaperJudged,
    SearchState,
    event_from_json,
    event_to_json,
)
from pasa_tui.models.protocols import Candidate, Judgement, ModelRuntime
from pasa_tui.papers import Guide, Paper, PaperId, Query
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

CUT_OFF = date(2022, 1, 1)
QUERY = Query("which papers?", CUT_OFF)
BROAD = AgentSettings(max_seconds=0)


@dataclass
class Guiding(World):
    """A world that knows papers with references, too."""

    known: Sequence[Guide] = ()
    asked_about: list[tuple[str, list[PaperId], int]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    def sources(self) -> Sources:
        return replace(super().sources(), guides=self)

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        self.limits.append(limit)
        return await super().search(text, limit=limit, before=before)

    async def guides(self, text: str, papers: Sequence[Paper], *, limit: int) -> Sequence[Guide]:
        if "guides" in self.broken:
            raise SourceError("The disk is gone.")
        self.asked_about.append((text, [paper.id for paper in papers], limit))
        return list(self.known)[:limit]


@dataclass
class Ranking(ScriptedSelector):
    """Ranks by how many ways led to a paper, and remembers what it was given."""

    ranked: list[tuple[Sequence[Candidate], Mapping[PaperId, Paper]]] = field(default_factory=list)

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        self.ranked.append((candidates, dict(guides)))
        return [Judgement(min(1.0, len(candidate.provenances) / 3)) for candidate in candidates]


LATER = paper(90, title="A later paper", date=date(2024, 5, 1))
IN_TIME = paper(91, title="An earlier guide")


def world(**changes: object) -> Guiding:
    fields: dict[str, object] = {
        "results": {"a": [paper(at) for at in range(1, 30)], "b": [paper(2), paper(3)]},
        "sections": {
            LATER.id: {
                "Related Work": [paper(2), paper(50), paper(60, date=date(2023, 1, 1))],
                "skip this": [paper(70)],
            },
            IN_TIME.id: {"Background": [paper(51)]},
            paper(1).id: {"Related Work": [paper(52)]},
        },
        "known": [Guide(LATER, paper(2).id), Guide(IN_TIME, paper(3).id)],
    }
    return Guiding(**{**fields, **changes})  # type: ignore[arg-type]


async def run(
    place: Guiding, ranking: Ranking | None = None, config: AgentSettings = BROAD, past: Sequence[Event] = ()
) -> tuple[list[Event], SearchState]:
    ranking = ranking or Ranking()
    events = [
        event
        async for event in run_agent(
            QUERY,
            crawlers=[ScriptedCrawler([["a"], ["b"]])],
            selector=ranking,
            sources=place.sources(),
            settings=config,
            models=ModelRuntime(ranker=ranking, results=25),
            past=past,
        )
    ]
    state = SearchState()
    for event in [*past, *events]:
        state.apply(event)
    return events, state


async def test_searches_bring_what_the_model_can_rank_and_a_number_in_the_settings_holds() -> None:
    place = world()
    await run(place)
    assert place.limits == [25, 25]
    place = world()
    await run(place, config=replace(BROAD, search_papers=7))
    assert place.limits == [7, 7] and not place.asked_about


async def test_what_a_later_paper_cites_is_met_and_the_later_paper_is_not() -> None:
    events, state = await run(world())
    assert LATER.id not in state.papers and state.guides == {LATER.id: LATER}
    cited = state.papers[paper(50).id]
    assert (cited.provenance.parent, cited.provenance.text, cited.depth) == (LATER.id, "Related Work", 1)
    assert paper(60).id not in state.papers and state.funnel.too_late == 1
    assert paper(70).id not in state.papers
    assert state.paper(LATER.id) == LATER and state.paper(paper(2).id) == paper(2)
    assert [event.paper.id for event in events if isinstance(event, GuideFound)] == [LATER.id]


async def test_a_guide_in_time_is_met_as_citing_the_best_paper_it_cites_and_opened() -> None:
    _, state = await run(world())
    guide = state.papers[IN_TIME.id]
    assert (guide.provenance.kind, guide.provenance.parent, guide.depth) == ("citing", paper(3).id, 1)
    assert state.papers[paper(51).id].provenance.parent == IN_TIME.id


async def test_guides_are_asked_for_with_the_papers_that_most_searches_found_highest() -> None:
    place = world()
    await run(place)
    ((text, ids, limit),) = place.asked_about
    assert (text, limit) == ("a", 50)
    assert ids[:3] == [paper(2).id, paper(3).id, paper(1).id]


async def test_all_papers_are_judged_once_and_together_at_the_end() -> None:
    ranking = Ranking()
    events, state = await run(world(), ranking)
    ((candidates, guides),) = ranking.ranked
    assert {candidate.paper.id for candidate in candidates} == set(state.papers)
    assert guides == {LATER.id: LATER} and not ranking.batches
    assert sum(isinstance(event, PaperJudged) for event in events) == len(state.papers)
    assert state.papers[paper(2).id].score == 1.0 and state.papers[paper(2).id].selected


async def test_without_guides_only_searches_are_made() -> None:
    place = world()
    _, state = await run(place, config=replace(BROAD, guide_papers=0))
    assert not place.asked_about and len(state.papers) == 25


async def test_guides_that_cannot_be_had_are_told_and_the_rest_is_ranked() -> None:
    _, state = await run(world(broken=frozenset({"guides"})))
    assert state.ending == "done" and state.funnel.failures == 1
    assert all(found.score is not None for found in state.papers.values())


async def test_resumed_after_any_event_a_broad_search_ends_as_an_uninterrupted_one() -> None:
    events, whole = await run(world())
    for cut in range(1, len(events)):
        past = [kept for event in events[:cut] if (kept := event_from_json(event_to_json(event)))]
        _, state = await run(world(), past=past)
        assert {key: (found.score, found.depth) for key, found in state.papers.items()} == {
            key: (found.score, found.depth) for key, found in whole.papers.items()
        }, f"cut after {type(events[cut - 1]).__name__}"
        assert state.guides == whole.guides


async def test_a_guide_followed_before_the_interruption_is_not_opened_again() -> None:
    events, _ = await run(world())
    place = world()
    last = max(at for at, event in enumerate(events) if isinstance(event, PaperFound))
    again, _ = await run(place, past=events[: last + 20])
    assert LATER.id not in [event.paper_id for event in again if isinstance(event, ExpandStarted)]
