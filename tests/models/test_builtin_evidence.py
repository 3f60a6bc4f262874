"""The measures of evidence: what raises them, their bounds, and that the order of meeting plays no part."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.builtin import PlainStatistics
from pasa_tui.models.builtin.evidence import MEASURES, QuerySession
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, PaperId, Provenance, Query
from tests.models.collection import COLLECTION, OTHERS, RETRIEVAL

QUERY = Query("Which papers mine hard negatives for dense retrieval?")
GUIDE = Paper("A survey of dense retrieval with hard negatives", "Dense retrieval.", arxiv_id="2401.00001")
FAR_GUIDE = Paper("Cooking rice", "Rice and water.", arxiv_id="2401.00002")


def measured(
    candidates: Sequence[Candidate], guides: Sequence[Paper] = (), query: Query = QUERY
) -> dict[PaperId, Mapping[str, float]]:
    session = QuerySession(query, Vocabulary(COLLECTION))
    session.learn(candidates, {guide.id: guide for guide in guides})
    return {paper_id: dict(zip(MEASURES, row, strict=True)) for paper_id, row in session.measure().items()}


def cited(paper: Paper, *ways: tuple[Paper, str]) -> Candidate:
    return Candidate(paper, [Provenance("section", name, parent.id, 1) for parent, name in ways])


def searched(paper: Paper, *ranks: int) -> Candidate:
    return Candidate(paper, [Provenance("search", f"search {at}", None, rank) for at, rank in enumerate(ranks)])


def test_texts_about_the_question_have_the_most_of_every_text_measure() -> None:
    everything = measured([searched(paper, 1) for paper in (*RETRIEVAL, *OTHERS)])
    best, other = everything[RETRIEVAL[0].id], everything[OTHERS[0].id]
    for name in ("question", "feedback", "profile", "like_few", "coverage", "pairs"):
        assert best[name] > other[name], name
        assert 0 <= other[name] <= best[name] <= 1.0 + 1e-9, name
    assert best["question_rank"] == pytest.approx(1 / 10)


def test_searches_count_by_rank_and_number() -> None:
    high, low = measured([searched(RETRIEVAL[0], 1, 2), searched(RETRIEVAL[1], 90)]).values()
    assert high["fused"] == 1.0 > low["fused"] > 0 and high["best_rank"] > low["best_rank"]
    assert (high["searches"], low["searches"]) == (1.0, 0.5)


def test_a_section_of_a_paper_about_the_question_says_more_than_another() -> None:
    near, far = Paper("One", arxiv_id="2002.00001"), Paper("Two", arxiv_id="2002.00002")
    found = [searched(paper, rank) for rank, paper in enumerate(RETRIEVAL, start=1)]
    everything = measured(
        [*found, cited(near, (GUIDE, "Dense retrieval")), cited(far, (FAR_GUIDE, "Water"))], [GUIDE, FAR_GUIDE]
    )
    assert everything[near.id]["sections"] == 1.0 > everything[far.id]["sections"]
    assert everything[near.id]["named_sections"] > 0 == everything[far.id]["named_sections"]
    assert everything[near.id]["citing"] == everything[far.id]["citing"] > 0


def test_being_cited_together_with_good_papers_counts_and_most_in_small_sections() -> None:
    beside, alone, crowd = (Paper(name, arxiv_id=f"2002.0000{at}") for at, name in enumerate(("One", "Two", "Three")))
    many = [Paper(f"Filler {letter}", arxiv_id=f"2003.0000{at}") for at, letter in enumerate("abcdef")]
    candidates = [
        cited(RETRIEVAL[0], (GUIDE, "Small"), (GUIDE, "Large")),
        cited(beside, (GUIDE, "Small")),
        cited(alone, (GUIDE, "Other")),
        cited(crowd, (GUIDE, "Large")),
        *(cited(paper, (GUIDE, "Large")) for paper in many),
    ]
    everything = measured(candidates, [GUIDE])
    together = {paper.title: everything[paper.id]["together"] for paper in (beside, alone, crowd)}
    assert together["One"] > together["Three"] > together["Two"]


def test_age_counts_from_the_cut_off_and_says_nothing_where_none_is_asked_for() -> None:
    papers = [
        Paper("Dense retrieval", arxiv_id="2002.00001", date=date(2020, 1, 1)),
        Paper("Dense retrieval", arxiv_id="2002.00002", date=date(2022, 1, 1)),
        Paper("Dense retrieval", arxiv_id="2002.00003"),
    ]
    candidates = [searched(paper, 1) for paper in papers]

    def ages(query: Query) -> list[float]:
        return [round(row["age"], 1) for row in measured(candidates, query=query).values()]

    assert ages(Query("dense retrieval", date(2023, 1, 1))) == [3.0, 1.0, 3.0]
    assert len(set(ages(Query("dense retrieval")))) == 1
    assert len(set(ages(Query("dense retrieval since 2021", date(2023, 1, 1))))) == 1


ways = st.lists(
    st.one_of(
        st.builds(Provenance, st.just("search"), st.sampled_from("ab"), st.none(), rank=st.integers(1, 400)),
        st.builds(
            Provenance,
            st.sampled_from(["section", "citing", "co-cited", "similar"]),
            st.sampled_from(["", "Related Work", "Dense"]),
            st.sampled_from([GUIDE.id, RETRIEVAL[0].id, PaperId("arxiv:1900.00001")]),
            rank=st.integers(0, 9),
        ),
    ),
    max_size=4,
    unique=True,
)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=80), ways), max_size=8), st.randoms())
def test_any_papers_have_finite_measures_whatever_the_order_they_came_in(
    given_: list[tuple[str, str, list[Provenance]]], chance: object
) -> None:
    candidates = [
        Candidate(Paper(title, abstract, arxiv_id=f"2001.{at:05d}"), found)
        for at, (title, abstract, found) in enumerate(given_)
    ]
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    session, other = (QuerySession(QUERY, Vocabulary(PlainStatistics())) for _ in range(2))
    session.learn(candidates, {GUIDE.id: GUIDE})
    other.learn(shuffled, {GUIDE.id: GUIDE})
    rows = session.measure()
    assert rows == other.measure()
    assert all(len(row) == len(MEASURES) and all(0 <= value < 100 for value in row) for row in rows.values())


def test_a_session_can_forget_its_papers() -> None:
    session = QuerySession(QUERY, Vocabulary(COLLECTION))
    session.learn([searched(RETRIEVAL[0], 1)], {GUIDE.id: GUIDE})
    session.forget()
    assert session.measure() == {} and not session.guides
