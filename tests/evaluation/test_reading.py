import json
from pathlib import Path

import pytest

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.reading import default_judge, read_results, read_run
from tests.evaluation.trees import run_file, tree, write_folder


def test_a_folder_is_read_in_the_order_of_its_questions(tmp_path: Path) -> None:
    trees = {index: tree([(index, 0.9)], [index], question=f"Question {index}") for index in (10, 2, 0)}
    results = read_results(write_folder(tmp_path / "run", trees, run_file(total=12, seed=3)))
    assert [query.index for query in results.queries] == [0, 2, 10]
    assert [query.question for query in results.queries] == ["Question 0", "Question 2", "Question 10"]
    assert (results.run.system, results.run.seed, results.run.total) == ("bm25", 3, 12)
    assert (results.missing, results.failed, results.broken) == (9, 0, ())


def test_how_far_it_is_can_be_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_results(write_folder(tmp_path, [tree([], [0]), tree([], [1])]), lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_other_files_are_no_results(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "run", [tree([], [0])], run_file(total=1))
    for name in ("eval_ensemble.json", "mtr.json", "1.json.tmp", ".2.json.part", "01.json", "٣.json", "metrics.txt"):
        (folder / name).write_text("{}", encoding="utf-8")
    results = read_results(folder)
    assert len(results.queries) == 1
    assert results.missing == 0


def test_a_folder_of_the_published_agent_needs_no_run_file(tmp_path: Path) -> None:
    node = {
        "title": "Paper aa",
        "arxiv_id": "2101.00001",
        "depth": 0,
        "child": {},
        "abstract": None,
        "sections": {"Introduction": ["Paper ab"]},
        "source": "Search x",
        "select_score": 0.8,
        "extra": {},
    }
    root = {
        "title": "Which papers?",
        "arxiv_id": None,
        "depth": None,
        "child": {"x": [node]},
        "abstract": None,
        "sections": None,
        "source": None,
        "select_score": None,
        "extra": {"answer": ["Paper aa"], "touch_ids": [], "crawler_recall_papers": [], "recall_papers": []},
    }
    (tmp_path / "0.json").write_text(json.dumps(root), encoding="utf-8")
    results = read_results(tmp_path)
    figures = results.queries[0].metrics["all"]
    assert figures is not None and figures.recall == 1
    assert (results.run.system, results.missing, results.knows_corpus) == ("", None, False)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"title": 3}', '{"child": [1]}', '{"extra": {"answer": null}}', '{"extra": {"answer": "Paper"}}'],
)
def test_a_broken_file_is_named_and_the_others_count(tmp_path: Path, content: str) -> None:
    folder = write_folder(tmp_path / "run", [tree([(0, 0.9)], [0])], run_file(total=3))
    (folder / "1.json").write_text(content, encoding="utf-8")
    results = read_results(folder)
    assert len(results.queries) == 1
    assert len(results.broken) == 1 and "1.json" in results.broken[0]
    assert results.missing == 1


def test_all_broken_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("{", encoding="utf-8")
    (tmp_path / "1.json").mkdir()
    with pytest.raises(EvaluationError, match="can be read"):
        read_results(tmp_path)


@pytest.mark.parametrize(("name", "says"), [("absent", "no folder"), ("file", "no folder"), ("empty", "no results")])
def test_what_is_no_result_folder_is_said_in_one_sentence(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match=says):
        read_results(tmp_path / name)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "\xff", '{"total": "many", "system": 3, "sources": "x", "seed": true}']
)
def test_a_damaged_run_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / ".pasa-tui").mkdir()
    (tmp_path / ".pasa-tui" / "run.json").write_text(content, encoding="latin-1")
    run = read_run(tmp_path)
    assert (run.system, run.total, run.seed, run.sources) == ("", None, None, ())


def test_the_run_file_may_say_more_and_nothing_of_it_reaches_a_terminal(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [tree([], [0])], run_file(system="bm\x1b[31m25", corpus=["x"], unheard_of={"a": 1}))
    run = read_run(folder)
    assert run.system == "bm25"
    assert run.corpus == ""
    assert run.raw is not None and run.raw["unheard_of"] == {"a": 1}


def test_failed_questions_are_counted(tmp_path: Path) -> None:
    results = read_results(write_folder(tmp_path, [tree([], [0], ending="failed"), tree([(1, 0.9)], [1])]))
    assert results.failed == 1
    assert len(results.judged("all")) == 2


def test_the_judge_is_the_corpus_where_all_folders_know_the_same_one(tmp_path: Path) -> None:
    known = [tree([(0, 0.9)], [0], in_corpus=[True])]
    bench = read_results(write_folder(tmp_path / "a", known, run_file()))
    again = read_results(write_folder(tmp_path / "b", known, run_file(seed=1)))
    grown = read_results(write_folder(tmp_path / "c", known, run_file(corpus_key="21 papers")))
    silent = read_results(write_folder(tmp_path / "d", [tree([(0, 0.9)], [0])], run_file()))
    assert default_judge([bench, again]) == "corpus"
    assert default_judge([bench, grown]) == "all"
    assert default_judge([bench, silent]) == "all"
