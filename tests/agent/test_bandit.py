from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.agent.bandit import JudgingOrder, StoppingRule
from pasa_tui.papers import PaperId, Provenance


def search(text: str, rank: int) -> Provenance:
    return Provenance("search", text, None, rank)


def section(parent: str, rank: int) -> Provenance:
    return Provenance("section", "Related work", PaperId(parent), rank)


def ids(prefix: str, count: int) -> list[PaperId]:
    return [PaperId(f"{prefix}{rank}") for rank in range(1, count + 1)]


def with_searches(lists: dict[str, int], rule: StoppingRule | None = None) -> JudgingOrder:
    order = JudgingOrder(rule or StoppingRule())
    for text, count in lists.items():
        for rank, paper_id in enumerate(ids(text, count), start=1):
            order.add(paper_id, search(text, rank))
    return order


def judge_all(order: JudgingOrder, selected: Sequence[PaperId] = (), batch: int = 1) -> list[PaperId]:
    judged = []
    while taken := order.take(batch):
        for paper_id in taken:
            judged.append(paper_id)
            order.tell(paper_id, paper_id in set(selected))
    return judged


def test_nothing_waits() -> None:
    order = JudgingOrder()
    assert order.take(8) == []
    assert order.left == 0


def test_the_first_of_every_search_come_first() -> None:
    order = with_searches({"a": 20, "b": 20}, StoppingRule(sure=2))
    assert order.take(4) == ["a1", "b1", "a2", "b2"]


def test_a_list_without_selected_papers_runs_dry() -> None:
    order = with_searches({"a": 100})
    judged = judge_all(order)
    assert set(ids("a", 5)) <= set(judged)
    assert len(judged) < 40
    assert order.take(99) == []
    assert order.left == 100 - len(judged)


def test_a_list_full_of_selected_papers_is_judged_whole() -> None:
    order = with_searches({"a": 100})
    assert judge_all(order, ids("a", 100)) == ids("a", 100)


def test_a_list_whose_selected_papers_end_is_left() -> None:
    order = with_searches({"a": 400})
    judged = judge_all(order, ids("a", 20))
    assert set(ids("a", 20)) <= set(judged)
    assert len(judged) < 100


def test_all_is_judged_while_papers_are_still_selected() -> None:
    every_seventh = [PaperId(f"a{rank}") for rank in range(1, 100, 7)]
    patient = judge_all(with_searches({"a": 99}, StoppingRule(floor=0.9, patience=7)), every_seventh)
    hasty = judge_all(with_searches({"a": 99}, StoppingRule(floor=0.9, patience=0)), every_seventh)
    assert patient == ids("a", 99)
    assert hasty == ids("a", 5)


def test_judgements_go_to_the_better_list() -> None:
    order = with_searches({"good": 60, "bad": 60})
    judged = judge_all(order, ids("good", 60))
    assert sum(paper_id.startswith("good") for paper_id in judged[:70]) >= 55
    assert len(judged) < 100


def test_papers_on_several_lists_come_before_those_on_one() -> None:
    order = with_searches({"a": 30, "b": 30}, StoppingRule(sure=0))
    order.add(PaperId("a17"), search("b", 30))
    assert order.take(1) == ["a17"]


def test_the_top_of_every_search_is_judged_even_after_hundreds_of_misses() -> None:
    order = with_searches({"a": 300})
    judge_all(order)
    for rank, paper_id in enumerate(ids("late", 10), start=1):
        order.add(paper_id, search("late", rank))
    assert set(ids("late", 5)) <= set(judge_all(order))


def test_dry_kinds_open_no_new_list() -> None:
    order = JudgingOrder()
    for parent in range(30):
        for rank, paper_id in enumerate(ids(f"p{parent}-", 4), start=1):
            order.add(paper_id, section(f"parent{parent}", rank))
    assert len(judge_all(order)) < 60


def test_new_evidence_lifts_a_paper_that_was_left() -> None:
    order = with_searches({"a": 60})
    judge_all(order)
    left = PaperId("a60")
    for rank, paper_id in enumerate(ids("b", 10), start=1):
        order.add(paper_id, search("b", rank))
    order.add(left, search("b", 11), judge=False)
    assert left in judge_all(order, ids("b", 10))


def test_a_large_batch_does_not_swallow_a_list() -> None:
    order = with_searches({"a": 200})
    first = order.take(200)
    assert 5 <= len(first) < 60
    for paper_id in first:
        order.tell(paper_id, True)
    assert order.take(200)


def test_what_was_put_back_can_be_taken_again() -> None:
    order = with_searches({"a": 3})
    taken = order.take(3)
    assert order.take(3) == []
    order.put_back(taken)
    assert order.take(3) == taken


def test_past_judgements_count_without_having_been_taken() -> None:
    order = with_searches({"a": 40})
    for paper_id in ids("a", 30):
        order.tell(paper_id, False)
    assert order.take(99) == []
    assert order.left == 10


def test_a_paper_can_wait_to_be_judged_again() -> None:
    order = with_searches({"a": 1})
    judge_all(order)
    order.add(PaperId("a1"), search("b", 1))
    assert order.take(1) == ["a1"]
    order.tell(PaperId("a1"), True)
    assert order.left == 0 and order.take(1) == []


def test_a_second_judgement_that_selects_counts_its_list_once() -> None:
    order = with_searches({"a": 9})
    judge_all(order)
    for number in range(2, 12):
        for paper_id in ids("a", 9):
            order.add(paper_id, search("b", number), judge=number == 2)
    taken = order.take(9)
    for number, paper_id in enumerate(taken):
        order.add(paper_id, search(f"c{number}", 1))
        order.tell(paper_id, True)
    assert len(taken) == 9 and order.take(9) == [] and order.left == 0


def test_met_again_while_under_way() -> None:
    order = with_searches({"a": 1})
    assert order.take(1) == ["a1"]
    order.add(PaperId("a1"), search("b", 1))
    assert order.take(1) == []
    order.tell(PaperId("a1"), True)
    assert order.take(99) == []


@pytest.mark.parametrize("floor", [0.02, 0.1, 0.3])
def test_a_higher_floor_judges_no_more(floor: float) -> None:
    selected = [*ids("a", 3), *ids("b", 12)]
    lower = judge_all(with_searches({"a": 50, "b": 50}, StoppingRule(floor=floor)), selected)
    higher = judge_all(with_searches({"a": 50, "b": 50}, StoppingRule(floor=floor * 1.5)), selected)
    assert len(higher) <= len(lower)


ARRIVALS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from("abcd"), st.integers(1, 30), st.booleans()), max_size=120
)


@given(ARRIVALS, st.integers(1, 9), st.sets(st.integers(0, 40)))
def test_each_paper_once_and_the_sure_ones_always(
    arrivals: list[tuple[int, str, int, bool]], batch: int, relevant: set[int]
) -> None:
    selected = [PaperId(str(number)) for number in relevant]

    def run() -> list[PaperId]:
        order = JudgingOrder()
        for number, text, rank, is_search in arrivals:
            order.add(PaperId(str(number)), search(text, rank) if is_search else section(text, rank))
        judged = judge_all(order, selected, batch)
        assert order.take(99) == []
        assert order.left == len({number for number, *_ in arrivals}) - len(judged)
        return judged

    judged = run()
    assert len(judged) == len(set(judged))
    assert {str(number) for number, _, rank, is_search in arrivals if is_search and rank <= 5} <= set(judged)
    assert run() == judged


@given(ARRIVALS, st.integers(1, 9))
def test_with_no_floor_all_are_judged(arrivals: list[tuple[int, str, int, bool]], batch: int) -> None:
    order = JudgingOrder(StoppingRule(floor=0.0))
    for number, text, rank, _ in arrivals:
        order.add(PaperId(str(number)), search(text, rank))
    assert set(judge_all(order, batch=batch)) == {str(number) for number, *_ in arrivals}
