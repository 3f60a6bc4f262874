"""Training the builtin Selector's model: examples from searches, trees that are exported as they predict."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.corpus.build import build_corpus
from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.queries import BenchmarkQuery, read_queries
from pasa_tui.models.builtin.evidence import MEASURES
from pasa_tui.models.builtin.trees import load_trees
from pasa_tui.training.builtin import Example, collect, cross_validated, exported, fit, write_model
from tests.cli.conftest import TOPICS, write_corpus

pytest.importorskip("lightgbm", reason="needs the extra train")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path / "home")})
    papers, citations = write_corpus(tmp_path)
    build_corpus(paths, "mine", papers=papers, citations=citations, replace=False, progress=lambda *_: None)
    return paths


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    rows = [
        {
            "question": f"Which papers study {topic} {turn}?",
            "answer": [f"{topic.title()} in the style of school {5 * at + turn}"],
            "answer_arxiv_id": [f"2001.{5 * at + turn:05d}"],
            "qid": f"{topic} {turn}",
        }
        for turn in range(3)
        for at, topic in enumerate(TOPICS)
    ]
    path = tmp_path / "queries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def examples(count: int, papers: int = 300) -> list[Example]:
    """Searches whose answers are the papers with the greatest `question`."""
    rows = [tuple((at * 7 + 13 * measure) % 101 / 101 for measure in range(len(MEASURES))) for at in range(papers)]
    return [
        Example(f"q{number}", rows, [row[0] > 0.9 for row in rows], sum(row[0] > 0.9 for row in rows))
        for number in range(count)
    ]


@pytest.mark.parametrize("broad", [True, False])
def test_examples_are_the_papers_met_and_which_of_them_are_answers(paths: Paths, queries: Path, broad: bool) -> None:
    told: list[int] = []
    chosen = read_queries(queries)
    none = BenchmarkQuery(99, "none", "Which papers?", ())
    collected = collect([*chosen, none], "mine", paths, broad=broad, tell=told.append)
    assert [example.qid for example in collected] == [query.qid for query in chosen] and told[-1] == 13
    for example in collected:
        assert len(example.rows) == len(example.is_answer) > 3 and sum(example.is_answer) == example.answers == 1
        assert all(len(row) == len(MEASURES) for row in example.rows)


def test_exported_trees_predict_what_lightgbm_does(tmp_path: Path) -> None:
    import numpy as np

    data = examples(3)
    boosters = fit(data, seed=1)
    model = exported(boosters, -0.5, {"questions": 3})
    rows = np.array(data[0].rows, dtype=np.float32)
    expected = sum(booster.predict(rows, raw_score=True) for booster in boosters)
    assert model.logits(data[0].rows) == pytest.approx(list(expected), abs=2e-3)
    write_model(model, tmp_path / "m.json")
    assert load_trees(tmp_path / "m.json") == model
    with pytest.raises(EvaluationError, match="can't be written"):
        write_model(model, tmp_path / "absent" / "m.json")


def test_the_same_seed_makes_the_same_model() -> None:
    assert exported(fit(examples(2), 3), 0, {}) == exported(fit(examples(2), 3), 0, {})


def test_cross_validation_finds_what_can_be_learned_and_where_to_cut() -> None:
    figures = cross_validated(examples(4), [], folds=2, seed=0, tell=lambda text: None)
    assert figures.recall_at_50 > 0.9 and figures.crawler_recall == 1.0
    assert figures.f1 > 0.8 and figures.precision > 0.8
    with pytest.raises(EvaluationError, match="too few"):
        cross_validated(examples(1), [], folds=2, seed=0, tell=lambda text: None)


def test_searches_without_a_single_answer_met_count_as_nothing_found() -> None:
    lost = [replace(example, is_answer=[False] * len(example.rows), answers=2) for example in examples(2)]
    figures = cross_validated([*examples(2), *[replace(it, qid=f"lost {it.qid}") for it in lost]], [], 2, 0, print)
    assert figures.crawler_recall == 0.5


def test_the_command_trains_a_model_that_searches_use(
    paths: Paths, queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from pasa_tui.cli.context import Context
    from pasa_tui.cli.main import cli

    run: Callable[..., Result] = lambda *words: CliRunner().invoke(cli, words, obj=Context(paths))  # noqa: E731
    output = tmp_path / "model.json"
    options = ("--queries", str(queries), "--corpus", "mine", "--output", str(output), "--folds", "2")
    result = run("train", "builtin", *options)
    assert result.exit_code == 0, result.output
    assert "recall_at_20" in result.stdout and load_trees(output).made["questions"] == 12
    monkeypatch.setenv("PASA_TUI_MODELS__BUILTIN", str(output))
    found = run("search", "dense retrieval", "--corpus", "mine", "--format", "json", "-q")
    assert found.exit_code == 0 and json.loads(found.stdout)["papers"]
    monkeypatch.setenv("PASA_TUI_MODELS__BUILTIN", str(queries))
    assert isinstance(run("search", "dense retrieval", "--corpus", "mine").exception, Exception)
