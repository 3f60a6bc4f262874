"""PPO as a whole: it learns, it goes on exactly where it was killed, and several processes are as one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from pasa_tui.assembly.places import Place
from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths
from pasa_tui.training.output import read_metrics, read_settings
from pasa_tui.training.ppo import Job, prepare, train
from pasa_tui.training.session_ppo.checkpoints import checkpoints_of
from pasa_tui.training.session_ppo.environment import Environment
from pasa_tui.training.session_ppo.episodes import EpisodeRunner
from pasa_tui.training.session_ppo.opening import prompts_beside
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.settings import PpoSettings
from tests.training.two_processes import update
from tests.training.world import HELD_OUT, SUBJECTS, question_line, questions

SMALL = PpoSettings(
    episodes=16 * 14,
    questions=16,
    learning_rate=2e-4,
    search_papers=3,
    frozen_updates=2,
    max_tokens=32,
    eval_every=0,
    save_every=100,
)
OPTIONS = (
    "--corpus world --questions 4 --search-papers 3 --max-tokens 32 --frozen-updates 1 --learning-rate 1e-4".split()
)


def job_of(place: Place, policy: Path, output: Path, settings: PpoSettings = SMALL) -> Job:
    environment = Environment(place.sources, search_papers=settings.search_papers)
    output.mkdir(parents=True, exist_ok=True)
    return Job(
        policy, output, questions(SUBJECTS[:16]), questions(HELD_OUT), environment, prompts_beside(policy), settings
    )


def sampled_recall(job: Job, model: Path) -> float:
    """On the held-out questions, four samples of each, as the policy writes and not as it writes best."""
    processes = Processes(cpu=True)
    _, writer, codec = prepare(replace(job, model=model, settings=replace(job.settings, value_model=False)), processes)
    runner = EpisodeRunner(job.environment, job.prompts, codec, job.settings, writer.write)
    episodes = asyncio.run(runner.run(list(job.held_out) * 4))
    return sum(episode.recall for episode in episodes) / len(episodes)


def test_it_learns_to_earn_more_and_to_find_more_for_questions_it_has_not_seen(
    place: Place, policy: Path, tmp_path: Path
) -> None:
    job = job_of(place, policy, tmp_path / "out")
    told: list[str] = []
    asyncio.run(train(job, Processes(cpu=True), told.append, stopped=lambda: False))
    rewards = [line["reward"] for line in read_metrics(job.output)]
    assert len(rewards) == len(told) == 14
    assert sum(rewards[-3:]) > 1.5 * sum(rewards[:3]), rewards
    assert sampled_recall(job, job.output) > 1.3 * sampled_recall(job, policy)


@pytest.mark.parametrize("change", [{"value_model": False}, {"gamma1": 0.0}, {"reward_on": "opening"}, {"lora": 4}])
def test_the_ablations_run(place: Place, policy: Path, tmp_path: Path, change: dict[str, object]) -> None:
    settings = replace(SMALL, episodes=8, questions=4, **change)  # type: ignore[arg-type]
    job = job_of(place, policy, tmp_path / "out", settings)
    asyncio.run(train(job, Processes(cpu=True), lambda text: None, stopped=lambda: False))
    lines = read_metrics(job.output)
    assert len(lines) == 2 and all(line["value_loss"] == 0 for line in lines) == (change == {"value_model": False})


def test_adapters_learn_over_weights_that_stay_and_go_on_exactly(place: Place, policy: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    settings = replace(SMALL, episodes=32, questions=8, lora=8, learning_rate=1e-3, frozen_updates=1, save_every=2)
    whole = job_of(place, policy, tmp_path / "whole", settings)
    processes = Processes(cpu=True)
    asyncio.run(train(whole, processes, lambda text: None, stopped=lambda: False))
    before, found = weights_of(policy), weights_of(whole.output)
    assert before.keys() == found.keys()
    changed = {name for name in before if not torch.equal(before[name], found[name])}
    assert changed and all("proj" in name for name in changed)
    assert read_metrics(whole.output)[0]["kl"] == pytest.approx(0, abs=1e-4), "it begins as the SFT policy"
    assert read_metrics(whole.output)[-1]["kl"] != 0

    broken = job_of(place, policy, tmp_path / "broken", settings)
    left = iter([False, False])
    asyncio.run(train(broken, processes, lambda text: None, stopped=lambda: next(left, True)))
    asyncio.run(train(broken, processes, lambda text: None, stopped=lambda: False))
    again = weights_of(broken.output)
    assert all(torch.equal(found[name], again[name]) for name in found)


@pytest.mark.parametrize("kind", ["sgd", "uneven"])
def test_two_processes_make_the_update_of_one(policy: Path, tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    command += ["tests.training.two_processes", str(policy), str(tmp_path / "two.pt"), kind]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if kind == "uneven":
        # Which sessions make a step together is then not the same; that nobody waits for ever is.
        return
    alone, together = update(policy, kind, Processes(cpu=True)), torch.load(tmp_path / "two.pt", weights_only=True)
    assert alone.keys() == together.keys()
    weights = [name for name in alone if not name.startswith("figure.")]
    assert all(
        float(alone[name]) == pytest.approx(float(together[name]), rel=1e-4, abs=1e-5)
        for name in alone.keys() - weights
    )
    furthest = {name: float((alone[name] - together[name]).abs().max()) for name in weights}
    assert max(furthest.values()) < 1e-5, max(furthest.items(), key=lambda item: item[1])


@pytest.fixture
def files(world: Paths, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file of questions, and the environment of a command that finds the corpus."""
    lines = "".join(json.dumps(question_line(subject)) + "\n" for subject in SUBJECTS[:8])
    (tmp_path / "train.jsonl").write_text(lines)
    home = world.data_dir.parent
    return tmp_path / "train.jsonl", {**os.environ, "PASA_TUI_HOME": str(home), "OMP_NUM_THREADS": "1"}


def command_of(policy: Path, queries: Path, output: Path, *words: str) -> list[str]:
    given = [str(policy), "--queries", str(queries), "--output", str(output), *OPTIONS, "--save-every", "1", *words]
    return ["train", "ppo", *given]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found


def test_killed_and_gone_on_with_it_ends_in_the_same_weights(
    policy: Path, files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    queries, environ = files
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    python = [sys.executable, "-m", "pasa_tui"]
    words = ["--episodes", "24"]
    subprocess.run([*python, *command_of(policy, queries, whole, *words)], env=environ, check=True, capture_output=True)
    running = subprocess.Popen(
        [*python, *command_of(policy, queries, broken, *words)], env=environ, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not checkpoints_of(broken) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert 1 <= len(read_metrics(broken)) < 6, "killed on the way"
    again = [*python, *command_of(policy, queries, broken, *words, "--resume")]
    done = subprocess.run(again, env=environ, capture_output=True, text=True, check=True)
    assert "update 6 of 6" in done.stdout and "update 1 of 6" not in done.stdout
    first, second = weights_of(whole), weights_of(broken)
    assert all(torch.equal(first[name], second[name]) for name in first)
    steps = [line["step"] for line in read_metrics(broken)]
    assert steps == [1, 2, 3, 4, 5, 6]
    same = ("reward", "kl", "value_loss")
    assert [[line[name] for name in same] for line in read_metrics(whole)] == [
        [line[name] for name in same] for line in read_metrics(broken)
    ]


def test_ctrl_c_leaves_a_checkpoint_and_two_processes_write_one_folder(
    policy: Path, files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    queries, environ = files
    output = tmp_path / "out"
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        "-m",
        "pasa_tui",
    ]
    words = command_of(policy, queries, output, "--episodes", "12")
    done = subprocess.run([*torchrun, *words], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("update 3 of 3") == 1, "one of them speaks"
    assert (output / "README.md").exists() and read_settings(output)["ended"]
    assert [path.name for path in checkpoints_of(output)] == ["checkpoint-2", "checkpoint-3"]

    alone = tmp_path / "alone"
    running = subprocess.Popen(
        [sys.executable, "-m", "pasa_tui", *command_of(policy, queries, alone, "--episodes", "4000")],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("update 1 "):
            running.send_signal(signal.SIGINT)
    assert running.wait() == 130
    (newest,) = checkpoints_of(alone)[-1:]
    assert int(newest.name.removeprefix("checkpoint-")) == read_metrics(alone)[-1]["step"]
    assert "ended" not in read_settings(alone) and not (alone / "model.safetensors").exists()


def run(world: Paths, words: Sequence[str]) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(words), obj=Context(world), standalone_mode=False)
    if done.exception is not None:
        return getattr(done.exception, "exit_code", 1), str(getattr(done.exception, "message", done.exception))
    return 0, done.output


def test_what_is_wrong_is_told_before_anything_is_loaded(
    world: Paths, policy: Path, files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    queries, _ = files
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps(question_line("music")) + "\n" + json.dumps({"question": "unanswered"}) + "\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    cases = [
        (tmp_path / "nowhere", queries, "out", [], "no folder"),
        (policy, tmp_path / "nothing.jsonl", "out", [], "can't be read"),
        (policy, empty, "out", [], "no answers, first line 2"),
        (policy, queries, "full", [], "not empty"),
        (policy, queries, "out", ["--resume"], "no training"),
        (policy, queries, "out", ["--clip", "0"], "--clip can't be 0"),
        (policy, queries, "out2", ["--corpus", "unknown"], "unknown"),
    ]
    for model, file, output, words, message in cases:
        code, told = run(world, command_of(model, file, tmp_path / output, *words))
        assert code == 2 and message in told, told
    assert (tmp_path / "full" / "file").read_text() == "mine" and not (tmp_path / "out2").exists()


def test_another_training_is_not_gone_on_with(
    world: Paths, policy: Path, files: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    queries, _ = files
    assert run(world, command_of(policy, queries, tmp_path / "out", "--episodes", "4"))[0] == 0
    code, told = run(world, command_of(policy, queries, tmp_path / "out", "--episodes", "8", "--kl", "0.5", "--resume"))
    assert code == 2 and "kl was 0.1" in told
    code, told = run(world, command_of(policy, queries, tmp_path / "out", "--episodes", "8", "--resume"))
    assert code == 0 and "update 2 of 2" in told
