"""Whole evaluations by the command: one process, several, killed ones, other systems."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import EvaluationError, PasaError
from pasa_tui.evaluation.metrics import query_result
from pasa_tui.evaluation.tree import notes_of, read_tree
from tests.cli.conftest import TOPICS, write_corpus

Invoke = Callable[..., Result]


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    rows = [
        {
            "question": f"Which papers study {topic}?",
            "answer": [f"{topic.title()} in the style of school {5 * at}", "A paper that no corpus has"],
            "answer_arxiv_id": [f"2001.{5 * at:05d}", "1999.00001"],
            "source_meta": {"published_time": "20210101"},
            "qid": f"q{at}",
        }
        for at, topic in enumerate(TOPICS)
    ]
    path = tmp_path / "queries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path, invoke: Invoke) -> str:
    papers, citations = write_corpus(tmp_path)
    assert invoke("corpus", "build", "mine", "--papers", str(papers), "--citations", str(citations)).exit_code == 0
    return "mine"


@pytest.fixture
def run(invoke: Invoke, queries: Path, corpus: str, tmp_path: Path) -> Callable[..., Result]:
    def evaluate(system: str, *words: str, output: str = "results") -> Result:
        folder = str(tmp_path / output)
        options = ("--queries", str(queries), "--corpus", corpus, "--output", folder, *words)
        return invoke("eval", "run", "--system", system, *options)

    return evaluate


@pytest.mark.parametrize("system", ["builtin", "builtin-ensemble", "bm25"])
def test_a_system_answers_every_question_into_a_published_tree(
    run: Callable[..., Result], tmp_path: Path, system: str
) -> None:
    result = run(system)
    assert result.exit_code == 0, result.output
    assert "4 of 4 questions answered" in result.stderr
    for at in range(4):
        root = read_tree(tmp_path / "results" / f"{at}.json")
        notes = notes_of(root)
        assert (notes.qid, notes.system, notes.published, notes.ending) == (f"q{at}", system, "2021-01-01", "done")
        assert notes.in_corpus == [True, False] and notes.spent.seconds >= 0
        assert root.extra["answer"][1] == "A paper that no corpus has"
        assert set(root.extra["crawler_recall_papers"]) == {node.title for node in root.walk()}
        figures = query_result(at, root).metrics
        assert figures["corpus"] and figures["all"]
        assert figures["corpus"].crawler_recall == 1.0 and figures["all"].crawler_recall == 0.5


def test_the_run_file_says_what_was_run(run: Callable[..., Result], tmp_path: Path) -> None:
    run("bm25", "--limit", "2", "--seed", "7")
    said = json.loads((tmp_path / "results" / ".pasa-tui" / "run.json").read_text())
    assert (said["system"], said["total"], said["seed"], said["corpus"]) == ("bm25", 2, 7, "mine")
    assert len(said["queries_sha256"]) == 64 and said["versions"]["pasa-tui"]
    assert said["settings"]["agent"]["max_seconds"] == 0


def test_a_folder_in_use_is_only_gone_on_with(run: Callable[..., Result], tmp_path: Path) -> None:
    run("bm25")
    result = run("bm25")
    assert isinstance(result.exception, EvaluationError) and "--resume" in result.exception.hint
    (tmp_path / "results" / "2.json").unlink()
    before = (tmp_path / "results" / "1.json").stat().st_mtime_ns
    assert run("bm25", "--resume").exit_code == 0
    assert (tmp_path / "results" / "2.json").is_file()
    assert (tmp_path / "results" / "1.json").stat().st_mtime_ns == before
    other = run("builtin", "--resume")
    assert "system differ" in str(other.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--system", "nothing"), "no system 'nothing'"),
        (("--system", "bm25", "--queries", "absent.jsonl"), "can't be read"),
        (("--system", "bm25", "--queries", "realscholar"), "data fetch realscholar"),
        (("--system", "bm25", "--corpus", "absent"), "absent"),
        (("--system", "pasa-7b"), "pasa-7b-crawler"),
        (("--system", "pasa-gpt-4o"), "needs a key"),
        (("--system", "dense"), "--weights"),
        (("--system", "rerank", "--weights", "absent"), "holds no model"),
    ],
)
def test_what_is_missing_is_said_in_one_message(
    invoke: Invoke, queries: Path, corpus: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    options = ("--queries", str(queries), "--corpus", corpus, "--output", str(tmp_path / "r"), *words)
    result = invoke("eval", "run", *options)
    assert isinstance(result.exception, PasaError) and result.exception.exit_code == 2
    assert said in str(result.exception)


def test_systems_are_listed_with_what_they_lack(invoke: Invoke) -> None:
    rows = {row["system"]: row for row in json.loads(invoke("eval", "systems", "--format", "json").stdout)}
    published = {"google", "google-scholar", "google-gpt-4o", "chatgpt", "gpt-o1", "pasa-gpt-4o", "pasa-7b"}
    assert published < set(rows) and not rows["builtin"]["missing"]
    assert "set-key serper" in rows["google"]["missing"]
    assert "set-key serper" in invoke("eval", "systems").stdout


def start(paths: Paths, words: list[str]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PASA_TUI_HOME": str(paths.data_dir.parent), "PASA_TUI_SEARCH__SOURCES": "corpus"}
    return subprocess.Popen([sys.executable, "-m", "pasa_tui", "eval", "run", *words], env=environment)


def has_claim(claims: Path, pid: int) -> bool:
    for path in claims.glob("[0-9]*"):
        # A claim that was there a moment ago is given back when its question is answered.
        with contextlib.suppress(FileNotFoundError):
            if str(pid) in path.read_text():
                return True
    return False


def test_four_processes_share_the_questions_and_one_that_is_killed_loses_none(
    invoke: Invoke, corpus: str, paths: Paths, tmp_path: Path
) -> None:
    rows = [{"question": f"Which papers study {TOPICS[at % 4]} {at}?", "answer": ["X"]} for at in range(60)]
    many = tmp_path / "many.jsonl"
    many.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = tmp_path / "shared"
    words = ["--queries", str(many), "--system", "builtin", "--corpus", corpus, "--output", str(folder)]
    assert invoke("eval", "run", *words, "--limit", "60").exit_code == 0
    for path in folder.glob("*.json"):
        path.unlink()
    workers = [start(paths, [*words, "--limit", "60", "--join"]) for _ in range(4)]
    claims = folder / ".pasa-tui" / "claims"
    deadline = time.monotonic() + 60
    while not has_claim(claims, workers[0].pid):
        if workers[0].poll() is not None or time.monotonic() > deadline:
            break
    workers[0].send_signal(signal.SIGKILL)
    codes = [worker.wait(timeout=120) for worker in workers]
    assert codes[1:] == [0, 0, 0]
    assert {int(path.stem) for path in folder.glob("*.json")} == set(range(60))
    assert not [path for path in claims.iterdir() if path.name.isdecimal()]


def test_workers_of_a_computing_system_are_processes(paths: Paths, corpus: str, queries: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    words = ["--queries", str(queries), "--system", "bm25", "--corpus", corpus, "--output", str(folder)]
    assert start(paths, [*words, "--workers", "2"]).wait(timeout=120) == 0
    assert {path.name for path in folder.glob("*.json")} == {"0.json", "1.json", "2.json", "3.json"}
