"""Session-level PPO on the small world of tests/training/world.py: what it learns, with parts of it off, and how fast.

    python -m tests.benchmarks.bench_ppo [--seeds 3] [--updates 24]

Of every question only half of the answers are known as such, as in AutoScholarQuery; the Selector takes the others
too. Recall is of all answers, on questions that PPO has not seen, four samples of each. Sessions per second are those
of all sessions of a round at once against one at a time, in one run; bytes of logits those kept against all.
"""

import argparse
import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from pasa_tui.assembly.places import one_corpus
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Query
from pasa_tui.training.output import read_metrics
from pasa_tui.training.ppo import Job, prepare, train
from pasa_tui.training.session_ppo.environment import Environment, Question
from pasa_tui.training.session_ppo.episodes import EpisodeRunner
from pasa_tui.training.session_ppo.models import LOGITS_AT_ONCE
from pasa_tui.training.session_ppo.opening import prompts_beside
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.settings import PpoSettings
from tests.training.world import HELD_OUT, SUBJECTS, build_world, make_policy, questions

SETTINGS = PpoSettings(
    questions=16,
    learning_rate=1.5e-4,
    search_papers=3,
    frozen_updates=3,
    max_tokens=32,
    eval_every=0,
    save_every=10_000,
)
ABLATIONS: Mapping[str, Mapping[str, object]] = {
    "whole": {},
    "no Selector reward": {"selector": False},
    "no value model": {"value_model": False},
    "gamma1 = 0": {"gamma1": 0.0},
    "reward on its own [": {"reward_on": "opening"},
}


class AnswerSelector:
    """Takes all answers, also those that are not known as such."""

    name, uses_provenance = "answers", False

    def __init__(self, known: Sequence[Question]) -> None:
        self._known = {question.query.text: question for question in known}

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        asked = self._known[query.text]
        return [Judgement(0.9 if asked.is_answer(candidate.paper) else 0.1) for candidate in candidates]


def halved(whole: Sequence[Question]) -> list[Question]:
    """The same questions with every second answer."""
    return [replace(question, answers=question.answers[::2]) for question in whole]


def recall(job: Job, model: Path, asked: Sequence[Question]) -> float:
    settings = replace(job.settings, value_model=False)
    _, writer, codec = prepare(replace(job, model=model, settings=settings), Processes(cpu=True))
    runner = EpisodeRunner(job.environment, job.prompts, codec, settings, writer.write)
    episodes = asyncio.run(runner.run(list(asked) * 4))
    return statistics.mean(episode.recall for episode in episodes)


def spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else math.nan:.3f}"


def learning(policy: Path, environment: Environment, seeds: int, updates: int, root: Path) -> None:
    whole, unseen = questions(SUBJECTS[:16]), questions(HELD_OUT)
    selector = AnswerSelector([*whole, *unseen])
    for name, changes in ABLATIONS.items():
        rewards: list[tuple[float, float]] = []
        recalls: list[tuple[float, float]] = []
        for seed in range(seeds):
            given = {key: value for key, value in changes.items() if key != "selector"}
            settings = replace(SETTINGS, episodes=16 * updates, seed=seed, **given)  # type: ignore[arg-type]
            judged = replace(environment, selector=selector if changes.get("selector", True) else None)
            output = root / f"{len(list(root.iterdir()))}"
            output.mkdir()
            job = Job(policy, output, halved(whole), [], judged, prompts_beside(policy), settings)
            asyncio.run(train(job, Processes(cpu=True), lambda text: None, stopped=lambda: False))
            lines = [line["reward_per_session"] for line in read_metrics(output)]
            rewards.append((statistics.mean(lines[:3]), statistics.mean(lines[-3:])))
            recalls.append((recall(job, policy, unseen), recall(job, output, unseen)))
        gains = [after - before for before, after in recalls]
        print(
            f"{name:<20} reward per session {spread([a for a, _ in rewards])} -> {spread([b for _, b in rewards])};"
            f" held-out recall {spread([a for a, _ in recalls])} -> {spread([b for _, b in recalls])},"
            f" gain {spread(gains)}, {sum(gain > 0 for gain in gains)} of {len(gains)} seeds up",
            flush=True,
        )


def speed(policy: Path, environment: Environment) -> None:
    asked = questions(SUBJECTS) * 2
    job = Job(policy, policy, asked, [], environment, prompts_beside(policy), SETTINGS)
    rates = []
    for batch in (256, 1):
        settings = replace(SETTINGS, rollout_batch=batch)
        _, writer, codec = prepare(replace(job, settings=settings), Processes(cpu=True))
        writer._autocast = nullcontext
        runner = EpisodeRunner(environment, job.prompts, codec, settings, writer.write)
        began = time.perf_counter()
        episodes = asyncio.run(runner.run(asked))
        rates.append(sum(len(episode.sessions) for episode in episodes) / (time.perf_counter() - began))
    ratio = rates[0] / rates[1]
    print(f"sessions/s: a round at once {rates[0]:.0f}, one at a time {rates[1]:.0f}: {ratio:.1f}x (goal 3x)")
    prompt, answer, vocabulary = 1_024, 128, 151_936
    every, kept = 4 * (prompt + answer) * vocabulary, 4 * min(answer, LOGITS_AT_ONCE) * vocabulary
    print(f"logits of {prompt} + {answer} tokens, Qwen2.5's vocabulary: {every / 1e6:.0f} MB, kept {kept / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=24)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths, policy = build_world(root / "home"), make_policy(root / "policy")
        place = one_corpus("world", paths)
        environment = Environment(place.sources, search_papers=SETTINGS.search_papers)
        speed(policy, environment)
        (root / "out").mkdir()
        learning(policy, environment, given.seeds, given.updates, root / "out")
        place.close()


if __name__ == "__main__":
    main()
