import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bibtexparser import parse_string
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import ConfigError, CorpusError, LibraryError, QueryError
from pasa_tui.events import SearchState, event_from_json
from tests.evaluation.systems.tiny_encoders import make_embedder

Invoke = Callable[..., Result]


def test_json_on_stdout_narration_on_stderr(invoke: Invoke, small: str) -> None:
    done = invoke("search", "papers on dense retrieval", "--corpus", small, "--format", "json")
    assert done.exit_code == 0
    data = json.loads(done.stdout)
    assert data["query"] == "papers on dense retrieval" and data["search_id"] == 1 and data["ending"] == "done"
    assert [paper["rank"] for paper in data["papers"]] == list(range(1, len(data["papers"]) + 1))
    scores = [paper["score"] for paper in data["papers"]]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
    assert all(paper["selected"] is (paper["score"] > 0.5) for paper in data["papers"])
    best = data["papers"][0]
    assert "Dense Retrieval" in best["title"] and best["id"] == f"arxiv:{best['arxiv_id']}"
    assert set(best) >= {
        "rank",
        "score",
        "selected",
        "id",
        "arxiv_id",
        "title",
        "authors",
        "date",
        "abstract",
        "found_by",
    }
    funnel = data["funnel"]
    assert funnel["new"] + funnel["cited_new"] == funnel["judged"] == len(data["papers"])
    assert "judged" in done.stderr and "search “" in done.stderr


def test_citations_lead_to_papers_that_no_search_found(invoke: Invoke, small: str) -> None:
    done = invoke("search", "dense retrieval school 0", "--corpus", small, "--format", "json")
    ways = {paper["found_by"]["kind"] for paper in json.loads(done.stdout)["papers"]}
    assert "search" in ways and json.loads(done.stdout)["funnel"]["with_sections"] >= 1


def test_json_lines_and_limit(invoke: Invoke, small: str) -> None:
    done = invoke("search", "tool use", "--corpus", small, "--format", "jsonl", "--limit", "3")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3]


def test_text_never_holds_a_strangers_escape_sequence(invoke: Invoke, small: str) -> None:
    done = invoke("search", "dense retrieval braces", "--corpus", small, "--only", "all")
    assert "[red]of[/red] 100% \\input{x} {braces" in done.stdout
    assert "\x1b" not in done.output and "\u202e" not in done.output


def test_bibtex_holds_the_selected_and_parses(invoke: Invoke, small: str) -> None:
    done = invoke("search", "dense retrieval", "--corpus", small, "--format", "bibtex", "--only", "all")
    parsed = parse_string(done.stdout)
    assert parsed.entries and not parsed.failed_blocks


def test_events_stream_and_fold_to_what_is_kept(invoke: Invoke, small: str) -> None:
    done = invoke("search", "web agents", "--corpus", small, "--events")
    state = SearchState()
    for line in done.stdout.splitlines():
        event = event_from_json(json.loads(line))
        assert event is not None
        state.apply(event)
    assert state.ending == "done" and state.papers
    history = json.loads(invoke("history", "--format", "json").stdout)
    assert [(row["met"], row["selected"]) for row in history] == [(len(state.papers), state.selected)]


def test_the_cut_off_holds(invoke: Invoke, small: str) -> None:
    done = invoke("search", "tool use", "--corpus", small, "--before", "2020-03-31", "--format", "json")
    dates = [paper["date"] for paper in json.loads(done.stdout)["papers"]]
    assert dates and max(dates) <= "2020-03-31"


def test_a_question_from_stdin(invoke: Invoke, small: str) -> None:
    done = invoke("search", "-", "--corpus", small, "--format", "json", text="reward\nmodels\n")
    assert json.loads(done.stdout)["query"] == "reward\nmodels"


@pytest.mark.parametrize(
    "question",
    [
        '"dense retrieval" AND title:(tool OR *) NOT -x ^2 ~3 [a TO b] {!}',
        "[bold]dense[/bold] retrieval :smile: \x1b[31m",
        "NEAR(dense retrieval) \"unbalanced 'quotes",
        "🙂 dense 👩\u200d🔬 retrieval",
        "אחזור dense \u202eretrieval",
        "密集检索",
        "a" * 4000,
        "\\ / \x00 % $ dense",
        "--dense",
    ],
)
def test_any_text_is_a_question(invoke: Invoke, small: str, question: str) -> None:
    done = invoke("search", "--corpus", small, "--format", "json", "--", question)
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["search_id"] == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["search", ""], QueryError),
        (["search", "x" * 20_000], QueryError),
        (["search", "x", "--before", "soon"], QueryError),
        (["search", "x", "--corpus", "nowhere"], CorpusError),
        (["resume", "7"], LibraryError),
        (["export", "7"], LibraryError),
    ],
)
def test_bad_input_is_one_clear_error_and_keeps_nothing(invoke: Invoke, words: list[str], error: type) -> None:
    done = invoke(*words)
    assert isinstance(done.exception, error) and done.exception.hint
    assert "No search is kept" in invoke("history").stderr


def test_a_wrong_setting_is_one_clear_error(invoke: Invoke, paths: Paths) -> None:
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text("[agent]\nsearch_queries = -1\n")
    assert isinstance(invoke("search", "x").exception, ConfigError)


def test_an_embedding_model_has_a_say_in_the_last_ranking(
    invoke: Invoke, small: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra dense")
    words = ("search", "dense retrieval", "--corpus", small, "--format", "json")
    plain = {row["title"]: row for row in json.loads(invoke(*words).stdout)["papers"]}
    monkeypatch.setenv("PASA_TUI_MODELS__EMBEDDINGS", str(make_embedder(tmp_path)))
    done = invoke(*words)
    moved = {row["title"]: row for row in json.loads(done.stdout)["papers"]}
    assert "loading the embedding model" in done.stderr
    shared = plain.keys() & moved.keys()
    assert shared and all("embedding " in moved[title]["reason"] for title in shared)
    assert any(abs(plain[title]["score"] - moved[title]["score"]) > 1e-3 for title in shared)


def test_export_of_a_past_search(invoke: Invoke, small: str, tmp_path: Path) -> None:
    invoke("search", "web agents", "--corpus", small)
    target = tmp_path / "out.bib"
    assert invoke("export", "1", "--only", "all", "-o", str(target)).exit_code == 0
    first = target.read_text()
    assert parse_string(first).entries
    again = invoke("export", "1", "--only", "all", "-o", str(target))
    assert again.exception is not None and target.read_text() == first
    assert invoke("export", "1", "--only", "all").stdout == first
    assert invoke("export", "1", "--only", "starred").stdout == ""


def test_history_finds_past_searches_by_their_words(invoke: Invoke, small: str) -> None:
    for question in ("web agents", "dense retrieval"):
        invoke("search", question, "--corpus", small)
    assert [line.split()[0] for line in invoke("history").stdout.splitlines()] == ["2", "1"]
    found = invoke("history", "agen").stdout
    assert "web agents" in found and "dense" not in found


def shell(paths: Paths, *words: str) -> subprocess.CompletedProcess[str]:
    """`pasa-tui` as a process of its own: the console script's error handling and exit codes."""
    home = str(paths.data_dir.parent)
    environ = {**os.environ, "PASA_TUI_HOME": home}
    return subprocess.run(
        [sys.executable, "-m", "pasa_tui", *words], capture_output=True, text=True, env=environ, check=False
    )


def test_errors_on_stderr_with_exit_code_2(paths: Paths) -> None:
    done = shell(paths, "search", "x", "--corpus", "nowhere")
    assert done.returncode == 2 and done.stdout == ""
    assert "nowhere" in done.stderr and "sample" in done.stderr and "Traceback" not in done.stderr


def test_a_full_disk_behind_stdout_is_one_clear_message(paths: Paths, small: str) -> None:
    environ = {**os.environ, "PASA_TUI_HOME": str(paths.data_dir.parent)}
    words = [sys.executable, "-m", "pasa_tui", "search", "tool use", "--corpus", small, "--format", "json", "-q"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=environ, check=False)
    assert done.returncode == 1 and "can't be written" in done.stderr and "Traceback" not in done.stderr


def test_without_a_terminal_the_application_says_what_to_do(paths: Paths) -> None:
    done = shell(paths)
    assert done.returncode == 2 and "pasa-tui search" in done.stderr


def test_ctrl_c_prints_and_keeps_what_was_found(paths: Paths, small: str) -> None:
    environ = {**os.environ, "PASA_TUI_HOME": str(paths.data_dir.parent)}
    script = (
        "import asyncio, sys\n"
        "from pasa_tui.corpus.corpus import Corpus\n"
        "async def hang(self, paper): await asyncio.Event().wait()\n"
        "Corpus.read = hang\n"
        "from pasa_tui.cli.main import main\n"
        f"sys.argv = ['pasa-tui', 'search', 'web agents', '--corpus', '{small}', '--format', 'json']\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    assert process.stderr is not None
    for line in process.stderr:  # until the searches are made and the first papers are being opened
        if "new" in line:
            break
    process.send_signal(signal.SIGINT)
    output, rest = process.communicate(timeout=30)
    assert process.returncode == 130, rest
    assert json.loads(output)["ending"] == "cancelled" and json.loads(output)["papers"]
    assert "resume 1" in rest
    done = shell(paths, "resume", "1", "--format", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["ending"] == "done"
