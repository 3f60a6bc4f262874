import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import CorpusError
from tests.cli.conftest import write_corpus

Invoke = Callable[..., Result]


def build(invoke: Invoke, folder: Path, *more: str) -> Result:
    papers, citations = write_corpus(folder)
    return invoke("corpus", "build", "mine", "--papers", str(papers), "--citations", str(citations), *more)


def test_build_narrates_on_stderr_and_refuses_a_taken_name(invoke: Invoke, tmp_path: Path) -> None:
    done = build(invoke, tmp_path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Built mine: 20 papers, 16 citations in 4 of them." in done.stderr
    again = build(invoke, tmp_path)
    assert isinstance(again.exception, CorpusError) and "--replace" in again.exception.hint
    for option in ("--replace", "--force"):
        assert build(invoke, tmp_path, option).exit_code == 0


def test_bad_records_and_duplicates_are_told(invoke: Invoke, tmp_path: Path) -> None:
    papers, _ = write_corpus(tmp_path)
    with papers.open("a", encoding="utf-8") as lines:
        lines.write("oops\n" + papers.read_text(encoding="utf-8").splitlines()[0] + "\n")
    done = invoke("corpus", "build", "mine", "--papers", str(papers))
    assert done.exit_code == 0 and done.stdout == ""
    assert "papers.jsonl: 1 × not JSON (line 21)" in done.stderr
    assert "1 duplicate record" in done.stderr


def test_list_and_info_are_data(invoke: Invoke, tmp_path: Path, paths: Paths) -> None:
    build(invoke, tmp_path)
    listed = invoke("corpus", "list")
    assert listed.exit_code == 0
    assert [line.split()[:2] for line in listed.stdout.splitlines() if not line.startswith("sample")] == [
        ["mine", "20"]
    ]
    [mine] = [row for row in json.loads(invoke("corpus", "list", "--format", "json").stdout) if row["name"] == "mine"]
    assert json.loads(invoke("corpus", "info", "mine", "--format", "json").stdout) == mine
    shown = invoke("corpus", "info", "mine").stdout
    assert "16 in 4 papers" in shown and "2020-01-15 to 2020-09-15" in shown and "papers.jsonl" in shown
    (paths.corpora_dir / "mine" / "corpus.json").write_text("{")
    damaged = invoke("corpus", "list")
    assert damaged.exit_code == 0 and "mine" not in damaged.stdout and "'mine' is damaged" in damaged.stderr


def test_remove_asks_first(invoke: Invoke, tmp_path: Path, paths: Paths) -> None:
    build(invoke, tmp_path)
    kept = invoke("corpus", "remove", "mine", text="n\n")
    assert kept.exit_code == 1 and kept.stdout.strip() == ""
    open_corpus("mine", paths).close()
    assert invoke("corpus", "remove", "mine", text="y\n").exit_code == 0
    build(invoke, tmp_path)
    assert invoke("corpus", "remove", "mine", "--yes").exit_code == 0
    for name in ("mine", "sample", "../home"):
        refused = invoke("corpus", "remove", name, "--yes")
        assert isinstance(refused.exception, CorpusError)


def test_imports(invoke: Invoke, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.json"
    snapshot.write_text('{"id": "2101.00001", "title": "Lanterns"}\n', encoding="utf-8")
    assert "Built arxiv: 1 paper" in invoke("corpus", "import-arxiv", "arxiv", "--file", str(snapshot)).stderr
    refused = invoke("corpus", "import-pasa", "pasa", "--zip", str(snapshot), "--ids", str(snapshot))
    assert isinstance(refused.exception, CorpusError)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal and signals")
def test_ctrl_c_ends_a_build_with_130_and_a_terminal_sees_progress(paths: Paths, tmp_path: Path) -> None:
    # Fed through a pipe that stays open, so that the build is surely under way when it is interrupted.
    pipe = tmp_path / "papers.pipe"
    os.mkfifo(pipe)
    terminal, side = pty.openpty()
    command = [sys.executable, "-m", "pasa_tui", "corpus", "build", "mine", "--papers", str(pipe)]
    environ = {**os.environ, "PASA_TUI_HOME": str(paths.data_dir.parent)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side, env=environ)
    os.close(side)
    with pipe.open("w", encoding="utf-8", buffering=1) as feed:
        for number in range(2_000):
            feed.write(json.dumps({"id": f"arxiv:2001.{number:05d}", "title": "Paper"}) + "\n")
        shown = b""
        while b"records" not in shown:
            shown += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    while b"Interrupted" not in shown:
        shown += os.read(terminal, 4096)
    os.close(terminal)
    assert (process.returncode, out) == (130, b"")
    assert re.search(rb"papers\.pipe: [0-9,]+ records", shown)
    assert not (paths.corpora_dir / "mine").exists()
