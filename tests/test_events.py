import json
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.events import (
    Event,
    Funnel,
    PaperFound,
    PaperJudged,
    SearchEnded,
    SearchPlanned,
    SearchStarted,
    SearchState,
    event_from_json,
    event_to_json,
)
from pasa_tui.events.codec import EVENT_TYPES
from pasa_tui.papers import Paper, PaperId, Provenance

_TEXT = st.text(max_size=20)
_COUNT = st.integers(0, 10_000)
_PAPERS = st.builds(
    Paper,
    title=_TEXT,
    abstract=_TEXT,
    authors=st.lists(_TEXT, max_size=3).map(tuple),
    date=st.none() | st.dates(),
    arxiv_id=st.none() | st.just("2001.00001"),
    doi=st.none(),
    venue=st.none() | _TEXT,
    categories=st.just(("cs.CL",)),
    source_id=st.none() | _TEXT,
    abstract_kind=st.sampled_from(["abstract", "summary"]),
)
st.register_type_strategy(Paper, _PAPERS)
st.register_type_strategy(Funnel, st.builds(Funnel, **{item.name: _COUNT for item in fields(Funnel)}))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@given(st.one_of([st.from_type(cls) for cls in EVENT_TYPES.values()]))
def test_every_event_survives_json(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_json_is_plain() -> None:
    event = SearchStarted(at=1.5, query="q", before=date(2024, 1, 2), sources=("sample",))
    data = event_to_json(event)
    assert data["type"] == "SearchStarted" and data["before"] == "2024-01-02" and list(data["sources"]) == ["sample"]


def test_what_a_newer_version_wrote_is_passed_over() -> None:
    assert event_from_json({"type": "Teleported", "at": 1}) is None
    assert event_from_json({"type": "SearchEnded", "at": 1, "ending": "done", "mood": "good"}) == SearchEnded(
        at=1.0, ending="done"
    )


def test_a_damaged_event_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        event_from_json({"type": "PaperJudged", "score": "high"})


def _found(number: int, parent: PaperId | None = None) -> PaperFound:
    provenance = Provenance("section", "Intro", parent, 1) if parent else Provenance("search", "a", None, 1)
    return PaperFound(
        paper=Paper(f"T{number}", arxiv_id=f"2001.{number:05d}"), provenance=provenance, depth=0, action=1
    )


def test_ranked_puts_best_first_and_unjudged_last() -> None:
    state = SearchState()
    for event in [SearchPlanned(action=1, text="a"), *map(_found, (1, 2, 3, 4))]:
        state.apply(event)
    for number, score in ((1, 0.2), (2, 0.9), (3, 0.2)):
        state.apply(PaperJudged(paper_id=PaperId(f"arxiv:2001.{number:05d}"), score=score, selected=score > 0.5))
    assert [found.paper.title for found in state.ranked()] == ["T2", "T1", "T3", "T4"]
    assert [found.paper.title for found in state.ranked(selected_only=True)] == ["T2"]
    assert state.selected == 1 and len(state.actions[1].found) == 4


def test_the_latest_judgement_holds() -> None:
    state = SearchState()
    state.apply(_found(1))
    paper_id = PaperId("arxiv:2001.00001")
    for score in (0.8, 0.3):
        state.apply(PaperJudged(paper_id=paper_id, score=score, selected=score > 0.5))
    assert state.papers[paper_id].score == 0.3 and state.selected == 0


def test_a_path_ends_even_where_parents_form_a_ring() -> None:
    state = SearchState()
    one, two = PaperId("arxiv:2001.00001"), PaperId("arxiv:2001.00002")
    state.apply(_found(1, parent=two))
    state.apply(_found(2, parent=one))
    assert [found.paper.id for found in state.path_to(one)] == [two, one]
    assert state.path_to(PaperId("arxiv:2001.00009")) == []
