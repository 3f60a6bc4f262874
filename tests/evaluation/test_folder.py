import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.folder import LEASE_SECONDS, ResultFolder, RunFile
from pasa_tui.evaluation.tree import Node, read_tree

RUN = RunFile(system="bm25", queries="mine.jsonl", queries_sha256="ab", total=3, corpus="sample")


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    folder = ResultFolder(tmp_path / "results")
    folder.begin(RUN, resume=False)
    return folder


def again(folder: ResultFolder) -> ResultFolder:
    return ResultFolder(folder.path)


def test_a_question_is_claimed_once_and_not_at_all_when_it_is_answered(folder: ResultFolder) -> None:
    other = again(folder)
    assert folder.claim(0) and not other.claim(0) and not folder.claim(0)
    assert other.claim(1)
    folder.write(0, Node(title="q"))
    assert not other.claim(0) and folder.done() == {0}
    assert read_tree(folder.result_path(0)).title == "q"


def test_a_claim_given_back_can_be_taken(folder: ResultFolder) -> None:
    other = again(folder)
    assert folder.claim(0)
    other.release(0)
    assert not other.claim(0), "what another holds can't be given back"
    folder.release_all()
    assert other.claim(0)


def test_the_claim_of_a_dead_process_is_taken_over_at_once(folder: ResultFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from pasa_tui.evaluation.folder import ResultFolder;"
        "print(ResultFolder(Path(sys.argv[1])).claim(0), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline().strip() == "True"
        assert not folder.claim(0)
        process.kill()
        process.wait()
    assert folder.claim(0)


def test_a_claim_of_another_machine_holds_for_its_lease(folder: ResultFolder) -> None:
    other = again(folder)
    assert other.claim(0)
    path = folder.path / ".pasa-tui" / "claims" / "0"
    claim = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**claim, "host": "elsewhere", "pid": 1}))
    assert not folder.claim(0)
    old = time.time() - LEASE_SECONDS - 1
    os.utime(path, (old, old))
    other.renew()
    assert not folder.claim(0)
    os.utime(path, (old, old))
    assert folder.claim(0)


def test_only_one_of_many_takes_over_a_stale_claim(folder: ResultFolder) -> None:
    path = folder.path / ".pasa-tui" / "claims" / "0"
    path.write_text("not even JSON")
    old = time.time() - LEASE_SECONDS - 1
    os.utime(path, (old, old))
    assert sum(again(folder).claim(0) for _ in range(5)) == 1


def test_a_folder_goes_on_with_its_own_run_alone(folder: ResultFolder, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds a run already"):
        again(folder).begin(RUN, resume=False)
    again(folder).begin(RUN, resume=True)
    again(folder).begin(replace_(RUN, versions={"python": "9"}), resume=True)
    with pytest.raises(EvaluationError, match="corpus, seed differ"):
        again(folder).begin(replace_(RUN, corpus="other", seed=3), resume=True)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "0.json").write_text("{}")
    with pytest.raises(EvaluationError, match="another program"):
        ResultFolder(foreign).begin(RUN, resume=True)


def replace_(run: RunFile, **changes: object) -> RunFile:
    return msgspec.structs.replace(run, **changes)


def test_failed_questions_are_done_again_by_a_resumed_run(folder: ResultFolder) -> None:
    assert folder.claim(0) and folder.claim(1)
    folder.write(0, Node(title="good"))
    folder.write(1, Node(title="bad"), failed=True)
    assert folder.done() == {0, 1}
    again(folder).begin(RUN, resume=True)
    assert folder.done() == {0}


def test_a_damaged_run_file_and_a_file_for_a_folder_are_said(folder: ResultFolder, tmp_path: Path) -> None:
    (folder.path / ".pasa-tui" / "run.json").write_text("{")
    with pytest.raises(EvaluationError, match="damaged"):
        again(folder).begin(RUN, resume=True)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(EvaluationError, match="can't be used"):
        ResultFolder(file).begin(RUN, resume=False)
