import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pasa_tui.cli.eval_report import compare, report
from pasa_tui.errors import EvaluationError
from tests.evaluation.trees import run_file, tree, write_folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    first = [tree([(0, 0.9)], [0], in_corpus=[True]), tree([(9, 0.9)], [1, 2], in_corpus=[True, False])]
    second = [tree([(8, 0.9)], [0], in_corpus=[True]), tree([(1, 0.9)], [1, 2], in_corpus=[True, False])]
    return (
        str(write_folder(tmp_path / "a", first, run_file(queries="realscholar"))),
        str(write_folder(tmp_path / "b", second, run_file(queries="realscholar", system="builtin"))),
    )


def run_report(*words: str) -> Result:
    return CliRunner().invoke(report, words)


def run_compare(*words: str) -> Result:
    return CliRunner().invoke(compare, words)


@pytest.mark.parametrize(("output", "begins"), [("text", "1  "), ("md", "# Evaluation"), ("html", "<!doctype html>")])
def test_a_report_goes_to_stdout_in_each_format(folders: tuple[str, str], output: str, begins: str) -> None:
    result = run_report(*folders, "--format", output)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(begins) and result.stdout.endswith("\n")
    assert result.stderr == ""
    assert "table 5" in result.stdout


def test_json_has_both_judges_and_the_one_that_was_asked_for(folders: tuple[str, str]) -> None:
    data = json.loads(run_report(*folders, "--format", "json", "--judge", "all").stdout)
    assert data["judge"] == "all"
    assert [row["system"] for row in data["folders"]] == ["bm25", "builtin"]
    assert all(set(row["judges"]) == {"corpus", "all"} for row in data["folders"])
    assert json.loads(run_report(*folders, "--format", "json").stdout)["judge"] == "corpus"


def test_an_ensemble_is_one_more_row(folders: tuple[str, str]) -> None:
    data = json.loads(run_report(*folders, "--format", "json", "--ensemble").stdout)
    recalls = [row["judges"]["all"]["metrics"]["recall"]["mean"] for row in data["folders"]]
    assert recalls == [0.5, 0.25, 0.75]
    assert data["folders"][2]["system"] == "bm25 + builtin"


def test_an_ensemble_of_one_is_an_error(folders: tuple[str, str]) -> None:
    result = run_report(folders[0], "--ensemble")
    assert isinstance(result.exception, EvaluationError)


def test_questions_and_all_published_tables_are_shown_when_asked_for(folders: tuple[str, str]) -> None:
    plain = run_report(*folders).stdout
    full = run_report(*folders, "--per-query", "--published").stdout
    assert "table 4" not in plain and "Questions of" not in plain
    assert "table 4" in full and "Questions of 2 builtin" in full


@pytest.mark.parametrize("name", ["absent", "empty", "file"])
def test_what_is_no_result_folder_is_one_message_and_exit_code_2(
    tmp_path: Path, folders: tuple[str, str], name: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    path = str(tmp_path / name)
    for result in (run_report(path), run_report(folders[0], path), run_compare(folders[0], path)):
        assert isinstance(result.exception, EvaluationError)
        assert result.exception.exit_code == 2
        assert path in result.exception.message and result.exception.hint
        assert result.stdout == ""


def test_no_folder_is_a_usage_error() -> None:
    assert run_report().exit_code == 2
    assert run_compare("one").exit_code == 2


@pytest.mark.parametrize(("output", "begins"), [("text", "A  "), ("md", "# Comparison"), ("json", "{")])
def test_a_comparison_goes_to_stdout_in_each_format(folders: tuple[str, str], output: str, begins: str) -> None:
    result = run_compare(*folders, "--format", output, "--top", "1", "--judge", "all")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(begins)
    assert result.stderr == ""
    if output == "json":
        assert json.loads(result.stdout)["judges"]["all"]["metrics"]["recall"]["change"]["mean"] == -0.25


def test_warnings_go_to_stderr(folders: tuple[str, str]) -> None:
    (Path(folders[1]) / "1.json").unlink()
    result = run_compare(*folders)
    assert "alone has" in result.stderr and "alone has" not in result.stdout
