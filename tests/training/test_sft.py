"""SFT as a whole, with models made on the spot: real learning on rows that no row was held back from."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths
from pasa_tui.errors import TrainingError
from pasa_tui.models.weights import trained_as
from pasa_tui.training import crawler, selector
from pasa_tui.training.output import read_metrics, read_settings
from pasa_tui.training.sft_settings import SftOrder, SftSettings
from tests.training.world import crawler_rows, make_policy, selector_rows

FAST = SftSettings(learning_rate=3e-3, batch=16, checkpointing=False)


def lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights."""
    return make_policy(tmp_path_factory.mktemp("raw") / "raw", steps=0)


def never() -> bool:
    return False


def after(steps: int) -> Callable[[], bool]:
    """A wish to stop that comes after so many steps."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


def test_a_crawler_learns_to_write_sessions(raw: Path, policy: Path, tmp_path: Path) -> None:
    order = SftOrder(
        raw,
        lines(tmp_path / "train.jsonl", crawler_rows(6_000, seed=1)),
        tmp_path / "out",
        held_out=lines(tmp_path / "held.jsonl", crawler_rows(150, seed=2)),
        prompts=policy / "agent_prompt.json",
    )
    told: list[str] = []
    assert crawler.run(order, FAST, told.append, stopped=never)
    figures = read_settings(order.output)["figures"]
    assert figures["held-out loss after"] < figures["held-out loss before"] / 2
    assert figures["well-formed samples before"] < 0.1 and figures["well-formed samples after"] > 0.95
    assert "minutes left" in "".join(told) and "Memory" in "".join(told)
    card = (order.output / "README.md").read_text()
    assert "learning_rate" in card and "held-out loss after" in card and "torch" in card and "train.jsonl" in card
    assert (order.output / "agent_prompt.json").exists() and trained_as(order.output) == "crawler"
    assert [line["step"] for line in read_metrics(order.output)][:2] == [10, 20]


def test_a_selector_tells_papers_that_a_bag_of_words_can_tell(raw: Path, tmp_path: Path) -> None:
    order = SftOrder(
        raw,
        lines(tmp_path / "train.jsonl", selector_rows(5_000, seed=1)),
        tmp_path / "out",
        held_out=lines(tmp_path / "held.jsonl", selector_rows(200, seed=2)),
    )
    assert selector.run(order, replace(FAST, learning_rate=2e-3), lambda text: None, stopped=never)
    figures = read_settings(order.output)["figures"]
    assert figures["AUC before"] < 0.65 and figures["AUC after"] > 0.9, figures
    assert figures["held-out loss after"] < figures["held-out loss before"] / 2


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found


def test_stopped_and_gone_on_with_it_ends_in_the_same_weights(raw: Path, tmp_path: Path) -> None:
    data = lines(tmp_path / "train.jsonl", crawler_rows(160, seed=1))
    whole, broken = SftOrder(raw, data, tmp_path / "whole"), SftOrder(raw, data, tmp_path / "broken")
    told: list[str] = []
    assert crawler.run(whole, FAST, told.append, stopped=never)
    assert not crawler.run(broken, FAST, told.append, stopped=after(4))
    assert "Stopped after step 5" in told[-1] and not (broken.output / "model.safetensors").exists()
    with pytest.raises(TrainingError, match="not empty"):
        crawler.run(broken, FAST, told.append, stopped=never)
    with pytest.raises(TrainingError, match=r"learning_rate was 0\.003"):
        crawler.run(replace(broken, resume=True), replace(FAST, learning_rate=1.0), told.append, stopped=never)
    other = lines(tmp_path / "other.jsonl", crawler_rows(160, seed=2))
    with pytest.raises(TrainingError, match="its data were others"):
        crawler.run(replace(broken, resume=True, data=other), FAST, told.append, stopped=never)
    assert crawler.run(replace(broken, resume=True), FAST, told.append, stopped=never)
    first, second = weights(whole.output), weights(broken.output)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_checkpoint_that_a_crash_cut_short_is_not_gone_on_with(raw: Path, tmp_path: Path) -> None:
    data = lines(tmp_path / "train.jsonl", crawler_rows(160, seed=1))
    whole, broken = SftOrder(raw, data, tmp_path / "whole"), SftOrder(raw, data, tmp_path / "broken")
    assert crawler.run(whole, FAST, lambda text: None, stopped=never)
    assert not crawler.run(broken, FAST, lambda text: None, stopped=after(4))
    cut_short = broken.output / "checkpoints" / "checkpoint-7"
    cut_short.mkdir()
    (cut_short / "model.safetensors").write_bytes(b"half a fi")
    told: list[str] = []
    assert crawler.run(replace(broken, resume=True), FAST, told.append, stopped=never)
    first, second = weights(whole.output), weights(broken.output)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_training_that_comes_apart_ends_and_says_so(raw: Path, tmp_path: Path) -> None:
    data = lines(tmp_path / "train.jsonl", crawler_rows(400, seed=1))
    order = SftOrder(raw, data, tmp_path / "out")
    with pytest.raises(TrainingError, match="no number any more"):
        crawler.run(order, replace(FAST, learning_rate=1e30), lambda text: None, stopped=never)
    assert not (order.output / "model.safetensors").exists()


def test_adapters_are_merged_into_a_model_that_loads(raw: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    order = SftOrder(raw, lines(tmp_path / "train.jsonl", crawler_rows(160, seed=1)), tmp_path / "out")
    assert crawler.run(order, replace(FAST, lora=8), lambda text: None, stopped=never)
    before, found = weights(raw), weights(order.output)
    assert before.keys() == found.keys()
    changed = {name for name in before if not torch.equal(before[name], found[name])}
    assert changed and all("proj" in name for name in changed)


def test_two_processes_train_one_model(raw: Path, tmp_path: Path) -> None:
    data = lines(tmp_path / "train.jsonl", crawler_rows(64, seed=1))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "pasa_tui"]
    command += ["train", "crawler", str(raw), "--data", str(data), "--output", str(tmp_path / "out"), "--batch", "8"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "4 steps on 2 processes" in done.stdout and done.stdout.count("The model is in") == 1
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_what_is_wrong_is_told_and_nothing_is_written(raw: Path, tmp_path: Path) -> None:
    good = lines(tmp_path / "good.jsonl", crawler_rows(4, seed=1))
    bad = lines(tmp_path / "bad.jsonl", [{"prompt": "a", "response": "nothing"}])
    cases = [
        (["--data", str(bad)], "line 1"),
        (["--data", str(good), "--prompts", str(bad)], "lacks the prompt"),
        (["--data", str(good), "--max-length", "20"], "no room"),
        (["--data", str(good), "--epochs", "0"], "--epochs can't be 0"),
        (["--data", str(good), "--warmup", "3"], "--warmup can't be 3"),
    ]
    for words, message in cases:
        out = tmp_path / "out"
        done = CliRunner().invoke(
            cli,
            ["train", "crawler", str(raw), "--output", str(out), *words],
            obj=Context(Paths.default({"PASA_TUI_HOME": str(tmp_path)})),
            standalone_mode=False,
        )
        assert message in str(getattr(done.exception, "message", done.output)), done
        assert not out.exists()
    same = lines(tmp_path / "same.jsonl", [{"prompt": "a", "response": "True"}] * 3)
    with pytest.raises(TrainingError, match="same answer"):
        selector.run(SftOrder(raw, same, tmp_path / "out", held_out=same), FAST, lambda text: None, stopped=never)
    assert not (tmp_path / "out").exists()
