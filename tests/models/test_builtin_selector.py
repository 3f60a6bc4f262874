"""The builtin Selector: bounds, order, what provenance does, and what it tells a person."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.builtin import BuiltinSelector, PlainStatistics
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, PaperId, Provenance, Query
from tests.models.collection import COLLECTION, OTHERS, RETRIEVAL

QUERY = Query("Which papers mine hard negatives for dense retrieval?")


def searched(paper: Paper, *ranks: int) -> Candidate:
    """A paper that one search for each rank has found."""
    return Candidate(paper, [Provenance("search", f"search {at}", None, rank) for at, rank in enumerate(ranks)])


async def scores(selector: BuiltinSelector, candidates: Sequence[Candidate], query: Query = QUERY) -> list[float]:
    return [judgement.score for judgement in await selector.judge(query, candidates)]


provenances = st.lists(
    st.one_of(
        st.builds(
            Provenance, st.just("search"), st.text(max_size=5), st.none(), rank=st.integers(min_value=1, max_value=50)
        ),
        st.builds(
            Provenance,
            st.just("section"),
            st.text(max_size=5),
            st.sampled_from([paper.id for paper in RETRIEVAL]),
            rank=st.integers(min_value=1, max_value=50),
        ),
    ),
    unique=True,
    max_size=6,
)


searches = st.lists(
    st.builds(Provenance, st.just("search"), st.text(max_size=5), st.none(), rank=st.integers(1, 50)), max_size=6
)


async def test_papers_on_the_subject_are_selected_and_no_others() -> None:
    candidates = [searched(paper, rank, rank) for rank, paper in enumerate((*RETRIEVAL, *OTHERS), start=1)]
    result = await scores(BuiltinSelector(COLLECTION), candidates)
    assert result[0] == max(result) > 0.5
    assert min(result[: len(RETRIEVAL)]) > max(result[len(RETRIEVAL) :])
    assert max(result[len(RETRIEVAL) :]) < 0.5


async def test_a_match_in_the_title_counts_more_than_in_the_abstract() -> None:
    in_title = Paper("Hard negatives for dense retrieval", "About search.", arxiv_id="2002.00001")
    in_abstract = Paper("About search", "Hard negatives for dense retrieval.", arxiv_id="2002.00002")
    above, below = await scores(BuiltinSelector(COLLECTION), [searched(in_title, 3), searched(in_abstract, 3)])
    assert above > below


async def test_words_in_the_question_s_order_count_more_than_scattered_ones() -> None:
    together = Paper("A study", "Hard negatives. Dense retrieval.", arxiv_id="2002.00001")
    scattered = Paper("A study", "Negatives retrieval. Hard dense.", arxiv_id="2002.00002")
    above, below = await scores(BuiltinSelector(COLLECTION), [searched(together, 3), searched(scattered, 3)])
    assert above > below


@pytest.mark.parametrize("question", ["a survey of dense retrieval", "dense retrieval in 2021"])
async def test_the_kind_and_the_year_asked_for_count(question: str) -> None:
    survey = Paper("Dense retrieval", "This survey is about search.", arxiv_id="2002.1", date=date(2021, 5, 1))
    method = Paper("Dense retrieval", "This method is about search.", arxiv_id="2002.2", date=date(2019, 5, 1))
    query = Query(question)
    above, below = await scores(BuiltinSelector(COLLECTION), [searched(survey, 3), searched(method, 3)], query)
    assert above > below


async def test_being_cited_by_a_good_paper_counts_more_than_by_a_poor_one() -> None:
    selector = BuiltinSelector(COLLECTION)
    await selector.judge(QUERY, [searched(RETRIEVAL[0], 1, 1), searched(OTHERS[0], 50)])
    good, poor = (
        Candidate(paper, [Provenance("section", "Related Work", citing.id, 1)])
        for paper, citing in (
            (Paper("Passage search", arxiv_id="2002.1"), RETRIEVAL[0]),
            (Paper("Passage search", arxiv_id="2002.2"), OTHERS[0]),
        )
    )
    above, below = await scores(selector, [good, poor])
    assert above > below


@given(searches)
async def test_what_more_searches_found_never_ranks_below_its_twin(more: list[Provenance]) -> None:
    twins = [Paper("Negatives for retrieval", "Dense and hard.", arxiv_id=f"2002.0000{at}") for at in (1, 2)]
    one = [Provenance("search", "the first", None, 7)]
    few, many = await scores(
        BuiltinSelector(COLLECTION), [Candidate(twins[0], one), Candidate(twins[1], [*one, *more])]
    )
    assert few <= many


@given(
    st.text(min_size=1, max_size=300),
    st.lists(st.tuples(st.text(max_size=80), st.text(max_size=300), provenances), max_size=5),
)
async def test_any_text_is_judged_within_bounds_and_twice_the_same(
    question: str, papers: list[tuple[str, str, list[Provenance]]]
) -> None:
    candidates = [
        Candidate(Paper(title, abstract, arxiv_id=f"2002.{at:05d}"), found)
        for at, (title, abstract, found) in enumerate(papers)
    ]
    first, second = [await BuiltinSelector(PlainStatistics()).judge(Query(question), candidates) for _ in range(2)]
    assert first == second
    assert len(first) == len(candidates)
    assert all(0 <= judgement.score <= 1 and "\n" not in judgement.reason for judgement in first)


async def test_the_reason_names_words_searches_and_citing_papers() -> None:
    paper = RETRIEVAL[0]
    led_to_it = [
        Provenance("search", "one", None, 1),
        Provenance("search", "two", None, 4),
        Provenance("section", "Related Work", PaperId("arxiv:2001.00002"), 3),
        Provenance("section", "Introduction", PaperId("arxiv:2001.00002"), 1),
    ]
    (judgement,) = await BuiltinSelector(COLLECTION).judge(QUERY, [Candidate(paper, led_to_it)])
    words, searches, cited = judgement.reason.rsplit(" · ", 2)
    assert words.startswith("title: ") and {"hard", "negatives", "dense", "retrieval"} <= set(
        words.replace(",", "").split()
    )
    assert (searches, cited) == ("in 2 searches", "cited by 1 paper")


async def test_queries_do_not_learn_from_each_other() -> None:
    other = Query("How do legged robots climb stairs?")
    candidates = [searched(paper, 2) for paper in (*RETRIEVAL, *OTHERS)]
    used, fresh = BuiltinSelector(COLLECTION), BuiltinSelector(COLLECTION)
    await used.judge(QUERY, candidates)
    assert await used.judge(other, candidates) == await fresh.judge(other, candidates)
