import json
import re
from pathlib import Path

import msgspec
import pytest

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.compare import build_comparison, comparison_data, movers, render_markdown, render_text
from pasa_tui.evaluation.metrics import METRICS
from pasa_tui.evaluation.reading import Results, read_results
from pasa_tui.evaluation.tree import Node
from tests.evaluation.trees import run_file, tree, write_folder

QUESTIONS = 12


def answered(index: int, found: bool, selected: bool = True) -> Node:
    score = 0.9 if selected else 0.3
    papers = [(index, score)] if found else [(index + 100, score)]
    return tree(papers, [index], in_corpus=[index % 2 == 0], question=f"Question {'abcdefghijkl'[index]} | <b>")


@pytest.fixture
def worse(tmp_path: Path) -> Results:
    trees = [answered(index, index < 4) for index in range(QUESTIONS)]
    return read_results(write_folder(tmp_path / "worse", trees, run_file(total=QUESTIONS)))


@pytest.fixture
def better(tmp_path: Path) -> Results:
    """Finds all that `worse` does but the first, and more; of question 2 it selects nothing."""
    trees = [answered(index, index > 0, selected=index != 2) for index in range(QUESTIONS)]
    return read_results(write_folder(tmp_path / "better", trees, run_file(total=QUESTIONS, system="builtin")))


def test_differences_are_paired(worse: Results, better: Results) -> None:
    compared = build_comparison(worse, better, judge="all").judged["all"]
    difference = compared.differences["recall_at_20"]
    assert len(compared.pairs) == QUESTIONS
    assert (difference.first, difference.second) == (pytest.approx(4 / 12), pytest.approx(11 / 12))
    assert difference.change.mean == pytest.approx(7 / 12)
    assert (difference.higher, difference.equal, difference.lower) == (8, 3, 1)
    assert difference.change.low > 0 and difference.change.is_clear


def test_a_folder_does_not_differ_from_itself(worse: Results) -> None:
    comparison = build_comparison(worse, worse)
    assert comparison.warnings == ()
    for difference in comparison.judged["corpus"].differences.values():
        assert (difference.change.mean, difference.change.low, difference.change.high) == (0, 0, 0)
        assert (difference.higher, difference.lower) == (0, 0)
    assert movers(comparison.judged["corpus"], 10) == []
    assert "Moved most" not in render_text(comparison, 10)


def test_the_two_sides_mirror_each_other(worse: Results, better: Results) -> None:
    there = build_comparison(worse, better, judge="all").judged["all"].differences
    back = build_comparison(better, worse, judge="all").judged["all"].differences
    for name in METRICS:
        assert there[name].change.mean == pytest.approx(-back[name].change.mean)
        assert (there[name].higher, there[name].lower) == (back[name].lower, back[name].higher)


def test_the_judge_of_both_is_their_corpus(worse: Results, better: Results) -> None:
    comparison = build_comparison(worse, better)
    assert comparison.judge == "corpus"
    assert len(comparison.judged["corpus"].pairs) == QUESTIONS / 2


def test_questions_that_moved_most_are_by_recall_at_20_then_recall(worse: Results, better: Results) -> None:
    compared = build_comparison(worse, better, judge="all").judged["all"]
    assert [pair.query.index for pair in movers(compared, 100)] == [0, *range(4, 12), 2]
    assert [pair.query.index for pair in movers(compared, 2)] == [0, 4]
    assert movers(compared, 0) == []


def test_what_makes_folders_differ_is_warned_of(tmp_path: Path, worse: Results) -> None:
    asks_else = tree([], [1], question="Something else", ending="failed")
    trees = {0: answered(0, True), 1: asks_else, 50: tree([], [1])}
    folder = write_folder(
        tmp_path / "other", trees, run_file(queries="realscholar", corpus="sample", queries_sha256="cd", total=9)
    )
    (folder / "60.json").write_text("{", encoding="utf-8")
    comparison = build_comparison(worse, read_results(folder), judge="all")
    warnings = " ".join(comparison.warnings)
    assert len(comparison.judged["all"].pairs) == 1
    assert "query sets differ: autoscholar-dev and realscholar" in warnings
    assert "corpora differ: bench and sample" in warnings
    assert "1 question of the same number ask" in warnings
    assert f"10 questions that {worse.name} alone has" in warnings
    assert f"1 question that {folder} alone has" in warnings
    assert "5 questions of its run without a result" in warnings
    assert "1 broken file" in warnings and "60.json" in warnings
    assert "1 failed question" in warnings


def test_a_folder_of_the_published_agent_can_be_compared(tmp_path: Path, worse: Results) -> None:
    folder = write_folder(tmp_path / "theirs", [answered(index, True) for index in range(QUESTIONS)])
    assert build_comparison(worse, read_results(folder)).warnings == ()


def test_no_shared_question_is_an_error(tmp_path: Path, worse: Results) -> None:
    other = read_results(write_folder(tmp_path / "other", [tree([], [0], question="Something else")]))
    with pytest.raises(EvaluationError, match="share no question"):
        build_comparison(worse, other)


def test_no_answer_that_counts_is_warned_of(tmp_path: Path) -> None:
    trees = [tree([(0, 0.9)], [0], in_corpus=[False])]
    results = read_results(write_folder(tmp_path / "none", trees, run_file(total=1)))
    comparison = build_comparison(results, results)
    assert "No question" in comparison.warnings[0]
    assert "0 questions" in render_text(comparison, 10)
    assert "0 questions" in render_markdown(comparison, 10)


def test_json_has_both_judges(worse: Results, better: Results) -> None:
    data = json.loads(msgspec.json.encode(comparison_data(build_comparison(worse, better, both=True), 3)))
    assert set(data["judges"]) == {"corpus", "all"}
    assert (data["judges"]["corpus"]["questions"], data["judges"]["all"]["questions"]) == (6, 12)
    assert set(data["judges"]["all"]["metrics"]) == set(METRICS)
    moved = data["judges"]["all"]["moved_most"]
    assert [question["index"] for question in moved] == [0, 4, 5]
    assert (moved[0]["first"]["recall"], moved[0]["second"]["recall"]) == (1, 0)


def test_text_fits_80_columns_and_marks_what_is_clear(worse: Results, better: Results) -> None:
    text = render_text(build_comparison(worse, better, judge="all"), 10)
    assert all(len(line) <= 80 for line in text.splitlines())
    recall = next(line for line in text.splitlines() if line.startswith("recall@20"))
    assert re.match(r"recall@20 +0\.333 +0\.917 +\+0\.583\* +\+0\.\d{3} to \+0\.\d{3} +8 +3 +1$", recall)
    actions = next(line for line in text.splitlines() if line.startswith("actions"))
    assert "*" not in actions and "0.00 to 0.00" in actions and "-" not in actions


def test_markdown_has_the_warnings_and_escapes_questions(tmp_path: Path, worse: Results, better: Results) -> None:
    (tmp_path / "better" / "3.json").unlink()
    text = render_markdown(build_comparison(worse, read_results(tmp_path / "better"), judge="all"), 1)
    assert "Question a \\| \\<b\\>" in text
    assert "## Warnings" in text and "alone has" in text
