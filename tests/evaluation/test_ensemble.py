from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.ensemble import joined, read_ensemble
from pasa_tui.evaluation.metrics import measure, ranked
from pasa_tui.evaluation.tree import Spent, notes_of
from tests.evaluation.test_metrics import ANSWERS, PAPERS
from tests.evaluation.trees import run_file, tree, write_folder


def test_the_union_has_each_paper_once_with_its_best_score() -> None:
    union = joined([tree([(0, 0.2), (1, 0.9)], [0]), tree([(0, 0.6), (2, 0.1)], [0], search="another")])
    assert [(paper.title, paper.score) for paper in ranked(union)] == [
        ("Paper ab", 0.9),
        ("Paper aa", 0.6),
        ("Paper ac", 0.1),
    ]


def test_the_same_search_of_two_runs_is_two_actions_and_what_they_spent_adds_up() -> None:
    spent = Spent(requests=2, seconds=1.5, prompt_tokens=10, output_tokens=4, cost=0.01)
    roots = [tree([(number, 0.9)], [0], spent=spent) for number in range(3)]
    union = joined(roots)
    figures = measure(union, "all")
    assert figures is not None
    assert (figures.actions, figures.requests, figures.seconds, figures.tokens) == (3, 6, 4.5, 42)
    assert notes_of(union).spent.cost == pytest.approx(0.03)


def test_search_texts_that_look_like_ours_hide_nothing() -> None:
    first = tree([(0, 0.9)], [0], search="a")
    first.child["a (2)"] = tree([(1, 0.9)], []).child["a search"]
    union = joined([first, tree([(2, 0.9)], [0], search="a")])
    assert len(union.child) == 3
    assert len(ranked(union)) == 3


def test_the_ending_is_the_worst() -> None:
    roots = [tree([], [0], ending=end, message=end) for end in ("done", "failed", "budget")]
    assert notes_of(joined(roots)).ending == "failed"
    assert notes_of(joined(roots[::2])).ending == "budget"
    assert notes_of(joined(roots[:1])).ending == "done"


def test_answers_are_in_the_corpus_where_one_of_the_corpora_has_them() -> None:
    roots = [
        tree([], [0, 1, 2]),
        tree([], [0, 1, 2], in_corpus=[True, False, False], names_in_corpus=[["title:first"], [], []]),
        tree([], [0, 1, 2], in_corpus=[True, True, False], names_in_corpus=[["title:other"], ["title:second"], []]),
    ]
    notes = notes_of(joined(roots))
    assert notes.in_corpus == [True, True, False]
    assert notes.names_in_corpus == [["title:first", "title:other"], ["title:second"], []]
    # What is said of other answers than the first tree's is of no use.
    assert notes_of(joined([roots[0], tree([], [0, 1], in_corpus=[True, True])])).in_corpus == []


@given(st.lists(PAPERS, min_size=2, max_size=3), ANSWERS)
@settings(max_examples=60)
def test_an_ensemble_recalls_at_least_what_each_of_its_runs_does(
    papers: list[list[tuple[int, float]]], answers: list[int]
) -> None:
    roots = [tree(found, answers) for found in papers]
    union = measure(joined(roots), "all")
    assert union is not None
    each = [figures for root in roots if (figures := measure(root, "all")) is not None]
    assert len(each) == len(roots)
    assert union.crawler_recall >= max(figures.crawler_recall for figures in each)
    assert union.recall >= max(figures.recall for figures in each)
    assert union.actions == sum(figures.actions for figures in each)
    assert max(f.papers_met for f in each) <= union.papers_met <= sum(f.papers_met for f in each)


@given(PAPERS, ANSWERS)
@settings(max_examples=30)
def test_the_union_of_a_tree_with_itself_ranks_the_same(papers: list[tuple[int, float]], answers: list[int]) -> None:
    root = tree(papers, answers)
    assert ranked(joined([root, root])) == ranked(root)


def test_folders_are_joined_over_the_questions_that_all_have(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "a", {0: tree([(0, 0.9)], [0, 1]), 1: tree([], [5])}, run_file(seed=1))
    second = write_folder(tmp_path / "b", {0: tree([(1, 0.9)], [0, 1]), 2: tree([], [6])}, run_file(seed=2))
    union = read_ensemble([first, second])
    assert [query.index for query in union.queries] == [0]
    figures = union.queries[0].metrics["all"]
    assert figures is not None and figures.recall == 1
    assert (union.run.system, union.run.corpus, union.run.seed, union.run.total) == ("bm25", "bench", None, 2)
    assert union.missing == 1
    assert len(union.remarks) == 1 and "2" in union.remarks[0]


def test_another_question_of_the_same_number_is_not_joined(tmp_path: Path) -> None:
    shared = tree([(0, 0.9)], [0])
    first = write_folder(tmp_path / "a", [shared, tree([], [0], question="What?")])
    second = write_folder(tmp_path / "b", [shared, tree([], [0], question="Who?")])
    union = read_ensemble([first, second])
    assert len(union.queries) == 1
    assert len(union.broken) == 1 and "another question" in union.broken[0]


def test_too_few_folders_or_no_shared_question_is_an_error(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "a", {0: tree([], [0])})
    second = write_folder(tmp_path / "b", {1: tree([], [0])})
    with pytest.raises(EvaluationError, match="two result folders"):
        read_ensemble([first])
    with pytest.raises(EvaluationError, match="share no question"):
        read_ensemble([first, second])
