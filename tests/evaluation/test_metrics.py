import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.evaluation.metrics import METRICS, answers_of, f1, measure, query_result, ranked
from pasa_tui.evaluation.tree import EXTRA, Node
from tests.evaluation.trees import paper, tree

SHARES = [name for name in METRICS if "recall" in name or name in ("precision", "f1", "ndcg_at_20")]
PAPERS = st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1) | st.just(-1.0)), max_size=60)
ANSWERS = st.lists(st.integers(0, 40), min_size=1, max_size=8, unique=True)


def test_published_metrics_of_a_tree_worked_out_by_hand() -> None:
    root = tree([(0, 0.9), (1, 0.8), (2, 0.4), (3, 0.6)], [0, 2, 9])
    figures = measure(root, "all")
    assert figures is not None
    # Selected are papers 0, 1 and 3, of which 0 is an answer; 2 was met and not selected; 9 was not met.
    assert figures.crawler_recall == pytest.approx(2 / 3)
    assert figures.precision == pytest.approx(1 / 3)
    assert figures.recall == pytest.approx(1 / 3)
    assert figures.f1 == pytest.approx(1 / 3)
    assert figures.recall_at_20 == figures.recall_at_100 == pytest.approx(2 / 3)
    assert (figures.papers_met, figures.papers_selected, figures.actions) == (4, 3, 1)
    # The question's one search found 3 selected papers; four papers led nowhere.
    assert figures.score == pytest.approx((3 - 0.1) / 5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert figures.ndcg_at_20 == pytest.approx((1 + 1 / math.log2(5)) / ideal)


def test_cut_offs_take_the_best_scored() -> None:
    papers = [(number, 1 - number / 200) for number in range(150)]
    figures = measure(tree(papers, [0, 19, 20, 49, 50, 99, 100, 149]), "all")
    assert figures is not None
    assert [figures.recall_at_20, figures.recall_at_50, figures.recall_at_100] == [2 / 8, 4 / 8, 6 / 8]
    assert figures.crawler_recall == 1


def test_papers_match_by_arxiv_id_or_title() -> None:
    root = tree([], [0], answer_arxiv_id=["2101.00001"])
    root.child["search"] = [Node(title="Renamed since", arxiv_id="2101.00001v3", select_score=0.9)]
    figures = measure(root, "all")
    assert figures is not None and figures.recall == 1
    root.child["search"] = [Node(title="PAPER: a-a!", arxiv_id="", select_score=0.9)]
    figures = measure(root, "all")
    assert figures is not None and figures.recall == 1


def test_a_paper_met_twice_counts_once_with_its_best_score() -> None:
    root = tree([(0, 0.2), (1, 0.9)], [0])
    root.child["search"] = [paper(0, 0.7, arxiv_id="2101.00001")]
    assert [(found.title, found.score) for found in ranked(root)] == [("Paper ab", 0.9), ("Paper aa", 0.7)]


def test_papers_of_unknown_score_were_met_and_not_selected() -> None:
    root = tree([], [0])
    root.child["search"] = [paper(0, None)]
    figures = measure(root, "all")
    assert figures is not None
    assert (figures.crawler_recall, figures.recall, figures.papers_selected) == (1, 0, 0)


def test_papers_dated_after_the_question_are_left_out() -> None:
    root = tree([], [0], published="2024-01-31")
    root.child["search"] = [paper(0, 0.9, extra={"date": "2024-02-01"}), paper(1, 0.9, extra={"date": "2024-01-31"})]
    figures = measure(root, "all")
    assert figures is not None
    assert (figures.crawler_recall, figures.papers_met) == (0, 1)


def test_the_corpus_judge_counts_answers_of_the_corpus_alone() -> None:
    root = tree([(0, 0.9)], [0, 1], in_corpus=[True, False])
    result = query_result(4, root)
    assert (result.answers, result.answers_in_corpus) == (2, 1)
    assert result.metrics["corpus"] is not None and result.metrics["corpus"].recall == 1
    assert result.metrics["all"] is not None and result.metrics["all"].recall == 0.5
    assert query_result(4, tree([(0, 0.9)], [0], in_corpus=[False])).metrics["corpus"] is None


def test_without_word_on_the_corpus_all_answers_count() -> None:
    result = query_result(0, tree([(0, 0.9)], [0, 1]))
    assert result.answers_in_corpus is None
    assert result.metrics["corpus"] == result.metrics["all"]


def test_answers_named_twice_count_once() -> None:
    root = tree([], [3, 3, 4])
    assert len(answers_of(root, "all")) == 2


def test_a_failed_question_counts_with_zeros() -> None:
    result = query_result(0, tree([], [0], ending="failed", message="No key."))
    assert result.ending == "failed" and result.message == "No key."
    assert result.metrics["all"] is not None
    assert set(asdict(result.metrics["all"]).values()) == {0}


def test_notes_of_another_shape_are_none() -> None:
    root = tree([(0, 0.9)], [0])
    root.extra[EXTRA] = "something else"
    assert query_result(7, root).qid == "7"


@given(PAPERS, ANSWERS)
def test_metrics_lie_in_their_bounds(papers: list[tuple[int, float]], answers: list[int]) -> None:
    figures = measure(tree(papers, answers), "all")
    assert figures is not None
    for share in SHARES:
        assert 0 <= getattr(figures, share) <= 1
    assert figures.recall <= figures.crawler_recall
    assert figures.recall_at_20 <= figures.recall_at_50 <= figures.recall_at_100 <= figures.crawler_recall
    assert (
        min(figures.precision, figures.recall) - 1e-12 <= figures.f1 <= max(figures.precision, figures.recall) + 1e-12
    )
    assert figures.papers_selected <= figures.papers_met == len({number for number, _ in papers})


@st.composite
def deep_trees(draw: st.DrawFn) -> Node:
    """Trees of up to three layers, in which papers come again, a paper always with the same score."""
    scores = draw(st.lists(st.sampled_from([-1.0, 0.1, 0.5, 0.51, 0.9]), min_size=30, max_size=30))
    numbers = st.lists(st.integers(0, 29), max_size=5)

    def children(layers: int) -> dict[str, list[Node]]:
        searches = draw(st.integers(0, 2)) if layers else 0
        return {
            f"search {search}": [paper(number, scores[number], child=children(layers - 1)) for number in draw(numbers)]
            for search in range(searches)
        }

    root = tree([], draw(ANSWERS))
    root.child = children(3)
    return root


@given(deep_trees())
def test_metrics_are_those_of_the_definition(root: Node) -> None:
    """Sets of titles, as the published evaluation makes them of a tree."""
    answers = set(root.extra["answer"])
    nodes = list(root.walk())
    first_met = {node.title: node.score for node in reversed(nodes)}
    ranking = sorted(dict.fromkeys(node.title for node in nodes), key=lambda title: -first_met[title])
    selected = {title for title, score in first_met.items() if score > 0.5}
    figures = measure(root, "all")
    assert figures is not None
    assert figures.crawler_recall == pytest.approx(len(answers & set(ranking)) / len(answers))
    assert figures.precision == pytest.approx(len(answers & selected) / max(1, len(selected)))
    assert figures.recall == pytest.approx(len(answers & selected) / len(answers))
    for depth in (20, 50, 100):
        assert getattr(figures, f"recall_at_{depth}") == pytest.approx(
            len(answers & set(ranking[:depth])) / len(answers)
        )
    assert figures.actions == sum(len(node.child) for node in [root, *nodes])


@given(st.floats(0, 1), st.floats(0, 1))
def test_f1_is_the_harmonic_mean(precision: float, recall: float) -> None:
    assert 0 <= f1(precision, recall) <= 1
    if precision > 1e-9 and recall > 1e-9:
        assert f1(precision, recall) == pytest.approx(2 / (1 / precision + 1 / recall))


def test_names_in_common_make_one_paper_also_by_way_of_a_third() -> None:
    root = Node(
        title="q",
        child={
            "a": [
                Node(title="Title one", arxiv_id="2101.00001", select_score=0.9),
                Node(title="Title two", select_score=0.8),
                Node(title="Title two", arxiv_id="2101.00001", select_score=0.1),
                Node(title="Title three", select_score=0.2),
            ]
        },
    )
    assert [(paper.title, paper.score) for paper in ranked(root)] == [("Title one", 0.9), ("Title three", 0.2)]


def test_an_answer_given_twice_counts_once_and_odd_answers_as_none() -> None:
    root = Node(extra={"answer": ["Aa", "Aa", "Bb"], "pasa_tui": {"answer_arxiv_id": ["2101.00001", None, None]}})
    assert len(answers_of(root, "all")) == 2
    for odd in (None, 5, "Aa"):
        assert answers_of(Node(extra={"answer": odd}), "all") == []


def test_a_paper_after_the_day_counts_neither_as_selected_nor_in_the_score() -> None:
    late = Node(title="Late", select_score=0.9, extra={"date": "2024-02-02"})
    root = Node(child={"a": [late]}, extra={"answer": ["Aa"], "pasa_tui": {"published": "2024-02-01"}})
    figures = measure(root, "all")
    assert figures is not None and (figures.papers_selected, figures.papers_met) == (0, 0)
    assert figures.score == pytest.approx((0 - 0.1 + 0) / 2)
