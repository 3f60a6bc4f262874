"""VllmEngine with vLLM itself: aborts, messages, and processes that end with the application."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.real.conftest import run_in_process, wait_for
from tests.tiny import make_untrained_model

pytestmark = pytest.mark.engines


def _children(pid: int) -> set[int]:
    """The processes below that one, by /proc."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | _children(child)
    return found


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_left_requests_are_aborted_and_threads_get_the_same(vllm_python: str, tiny: Path) -> None:
    out, err = run_in_process(vllm_python, tiny, "abort").communicate(timeout=300)
    lines = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert lines[1:4] == [{"writing": 1}, {"closed": 0}, {"cancelled": 0}]
    first, second = lines[4]["scores"]
    assert first == pytest.approx(second, abs=1e-5)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind_by_a_killed_application(vllm_python: str, tiny: Path, how: signal.Signals) -> None:
    app = run_in_process(vllm_python, tiny, "wait")
    assert app.stdout is not None and app.stderr is not None
    try:
        assert json.loads(app.stdout.readline())["stages"][-1] == "Ready"
        children = _children(app.pid)
        assert children
        os.kill(app.pid, how)
        assert app.wait(30) == -how
        wait_for(lambda: not any(map(_alive, children)), 30)
    finally:
        app.kill()
        app.stdout.close()
        app.stderr.close()


def test_no_process_is_left_behind_without_closing(vllm_python: str, tiny: Path) -> None:
    app = run_in_process(vllm_python, tiny, "leave")
    assert app.stdout is not None
    assert json.loads(app.stdout.readline())["stages"][-1] == "Ready"
    children = _children(app.pid)
    _, err = app.communicate(timeout=60)
    assert (app.returncode, err) == (0, "")
    wait_for(lambda: not any(map(_alive, children)), 30)


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.safetensors", "a shape"])
def test_wrong_files_are_one_message(vllm_python: str, tmp_path: Path, missing: str) -> None:
    pytest.importorskip("torch")
    folder = make_untrained_model(tmp_path / "broken")
    if missing == "a shape":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 512}))
    else:
        (folder / missing).unlink()
    out, err = run_in_process(vllm_python, folder, "answers").communicate(timeout=300)
    (told,) = map(json.loads, out.splitlines())
    assert err == "" and told["message"].strip() and told["hint"]
    assert "Traceback" not in told["message"] and len(told["message"].splitlines()) == 1
