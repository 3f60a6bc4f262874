"""Session-level PPO of the Crawler (arXiv 2501.10120, section 4.2), from top to bottom.

An update is a round of episodes, one per question: the policy writes a search session, what it searches for is
searched, the best papers found are opened in expand sessions, twice over. Every action has its reward on the token of
its `[`; what the sessions it may start are worth is estimated by the value model. Then both models make their steps.

Run it as `pasa-tui train ppo MODEL --queries FILE --corpus NAME --output FOLDER`, on several GPUs or machines as
`torchrun --nproc_per_node N -m pasa_tui train ppo …`; it needs the extra `train`.
"""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pasa_tui.config import Paths
from pasa_tui.config.profiles import PROMPT_FILE
from pasa_tui.config.settings import Settings
from pasa_tui.corpus import corpus_info
from pasa_tui.errors import TrainingError
from pasa_tui.models.engines.torch_loading import check_files, ends_of
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.sources.catalogue import CORPUS
from pasa_tui.training.card import versions
from pasa_tui.training.output import MetricsLog, prepare_output, read_settings, write_settings
from pasa_tui.training.session_ppo.adapters import load_adapted
from pasa_tui.training.session_ppo.batches import Tokens
from pasa_tui.training.session_ppo.checkpoints import Progress, load_checkpoint, save_checkpoint
from pasa_tui.training.session_ppo.environment import Environment, Question
from pasa_tui.training.session_ppo.episodes import Episode, EpisodeRunner, TokenCodec
from pasa_tui.training.session_ppo.learner import Learner, Models
from pasa_tui.training.session_ppo.measuring import evaluate, measures
from pasa_tui.training.session_ppo.models import attention_of, autocast, dtype_of, load_critic, load_policy
from pasa_tui.training.session_ppo.opening import OFF, Order, open_environment, open_questions, prompts_beside
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.record import check_same, conclude, described, plan_of
from pasa_tui.training.session_ppo.rewards import future_value, token_rewards
from pasa_tui.training.session_ppo.settings import PpoSettings
from pasa_tui.training.session_ppo.vllm_writing import VllmWriter, Writer
from pasa_tui.training.session_ppo.writing import PolicyWriter

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A training: the folder of the SFT policy, where it learns, and where it writes."""

    model: Path
    output: Path
    questions: Sequence[Question]
    held_out: Sequence[Question]
    environment: Environment
    prompts: PromptSet
    settings: PpoSettings
    dtype: str = "float32"
    vllm: Path | None = None
    vllm_memory: float = 0.3


def run(
    order: Order, settings: PpoSettings, config: Settings, paths: Paths, tell: Tell, *, stopped: Callable[[], bool]
) -> bool:
    """Train as ordered, in this process or as one of several; False where it was stopped before its end.

    Everything is looked at before anything is loaded. Raises PasaError.
    """
    check_files(order.model, order.model.name)
    questions = open_questions(order.queries, paths, limit=order.limit, selector=order.selector)
    held_out = open_questions(order.dev, paths, limit=None, selector=OFF) if order.dev else []
    prompts = prompts_beside(order.model)
    if not order.sources or CORPUS in order.sources:
        corpus_info(order.corpus, paths)
    if settings.lora and order.vllm:
        raise TrainingError("vLLM can't be given adapters that learn.", "Leave out --vllm, or --lora.")
    processes = Processes(cpu=order.cpu)
    if settings.questions < processes.count:
        raise TrainingError(
            f"{processes.count} processes can't share {settings.questions} questions an update.",
            f"Give each one at least: --questions {processes.count}.",
        )
    dtype = dtype_of(order.dtype, processes.device)
    record = {"stage": "ppo", **described(order, settings, questions, held_out), "dtype": dtype, "versions": versions()}
    say: Tell = tell if processes.is_first else _say_nothing
    if processes.is_first:
        prepare_output(order.output, resume=order.resume)
        if order.resume:
            check_same(record, read_settings(order.output))
        write_settings(order.output, record)
        say(plan_of(order.model, settings, processes, dtype))
    processes.wait()

    async def work() -> Progress:
        async with open_environment(
            config,
            paths,
            corpus=order.corpus,
            sources=order.sources or (CORPUS,),
            selector=order.selector,
            search_papers=settings.search_papers,
            tell=say,
        ) as environment:
            job = Job(
                order.model,
                order.output,
                questions,
                held_out,
                environment,
                prompts,
                settings,
                dtype,
                order.vllm,
                order.vllm_memory,
            )
            return await train(job, processes, say, stopped=stopped)

    progress = asyncio.run(work())
    finished = progress.update >= settings.updates
    if processes.is_first:
        conclude(order, record, progress, finished=finished, tell=say)
    processes.end()
    return finished


def prepare(job: Job, processes: Processes) -> tuple[Models, PolicyWriter, TokenCodec]:
    """The models, ready to learn, and the policy as a writer. Raises ModelError."""
    import torch
    from transformers import AutoTokenizer

    settings, device = job.settings, processes.device
    torch.manual_seed(settings.seed * 1_000 + processes.rank)
    tokenizer = AutoTokenizer.from_pretrained(job.model, local_files_only=True, padding_side="left")
    attention, saves = attention_of(device), device.type == "cuda"
    policy: Any
    reference: Any
    critic: Any
    if settings.lora:
        policy, reference, critic = load_adapted(
            job.model,
            device,
            rank=settings.lora,
            alpha=settings.lora_alpha,
            dtype=job.dtype,
            attention=attention,
            checkpointing=saves,
            value=settings.value_model,
        )
    else:
        policy = load_policy(job.model, device, attention=attention, checkpointing=saves)
        reference = load_policy(job.model, device, attention=attention, checkpointing=False).requires_grad_(False)
        critic = None
        if settings.value_model:
            critic = load_critic(job.model, device, attention=attention, checkpointing=saves)
    learning = [*policy.parameters(), *(critic.parameters() if critic is not None else ())]
    optimizer = torch.optim.AdamW(learning, lr=settings.learning_rate, weight_decay=0.0)
    ends = ends_of(policy, tokenizer)
    computing = autocast(device, job.dtype)
    writer = PolicyWriter(
        policy,
        tokenizer,
        ends=ends,
        max_tokens=settings.max_tokens,
        batch=settings.rollout_batch,
        temperature=settings.temperature,
        autocast=computing,
    )
    encoder = PromptEncoder(tokenizer, job.model.name)
    codec = TokenCodec(lambda prompt: encoder.encode(prompt, settings.max_prompt_tokens), writer.decode)
    return Models(policy, reference, critic, optimizer, min(ends), computing), writer, codec


async def train(job: Job, processes: Processes, tell: Tell, *, stopped: Callable[[], bool]) -> Progress:
    """Learn until all episodes are done, or `stopped` says so; a checkpoint is left either way. Raises PasaError."""
    settings = job.settings
    models, own, codec = prepare(job, processes)
    learner = Learner(models, settings, processes)
    progress = load_checkpoint(job.output, models, processes)
    writer = _writer(job, own, processes)
    try:
        return await _train(job, processes, models, learner, writer, codec, progress, tell, stopped)
    finally:
        writer.close()


async def _train(
    job: Job,
    processes: Processes,
    models: Models,
    learner: Learner,
    writer: Writer,
    codec: TokenCodec,
    progress: Progress,
    tell: Tell,
    stopped: Callable[[], bool],
) -> Progress:
    settings = job.settings
    runner = EpisodeRunner(job.environment, job.prompts, codec, settings, writer.write)
    likeliest = partial(writer.write, greedy=True)
    greedy = EpisodeRunner(job.environment, job.prompts, codec, settings, likeliest)
    log = MetricsLog(job.output, step=progress.update, seconds=progress.seconds) if processes.is_first else None
    began = time.monotonic() - progress.seconds
    while progress.update < settings.updates and not _any(processes, stopped()):
        update = progress.update + 1
        writer.seed(update)
        writer.refresh(models.policy)
        figures = await one_update(job, update, runner, learner, writer, processes)
        if _is_looked_at(job, update):
            figures |= await evaluate(greedy, job.held_out, settings, processes)
        progress = replace(progress, update=update, seconds=time.monotonic() - began)
        if log is not None:
            log.write(update, figures)
            tell(_line(update, settings.updates, figures))
        if update % settings.save_every == 0:
            save_checkpoint(job.output, models, progress, processes, kept=settings.kept_checkpoints)
    save_checkpoint(job.output, models, progress, processes, kept=settings.kept_checkpoints)
    if log is not None:
        log.close()
        if progress.update >= settings.updates:
            save_policy(models.policy, job)
    processes.wait()
    return progress


async def one_update(
    job: Job,
    update: int,
    runner: EpisodeRunner,
    learner: Learner,
    writer: Writer,
    processes: Processes,
) -> dict[str, float]:
    """One round of episodes, and what is learned from it."""
    settings = job.settings
    written, started = writer.tokens, time.monotonic()
    episodes = await runner.run(questions_of(update, job.questions, settings, processes))
    sessions = [(episode, session) for episode in episodes for session in episode.sessions]
    future = await future_values(runner, learner, episodes, settings)
    rewards = [token_rewards(session, future[id(session)], settings) for _, session in sessions]
    wrote = time.monotonic()
    sequences = [Tokens(session.prompt, session.answer) for _, session in sessions]
    experience = learner.look_back(sequences, rewards)
    frozen = settings.value_model and update <= settings.frozen_updates
    figures = learner.learn(experience, frozen=frozen, seed=settings.seed * 1_000_003 + update)
    ended = time.monotonic()
    tokens = float(sum(map(len, sequences)))
    # What it is about comes first, wherever figures are listed.
    figures = measures(episodes, settings, processes, experience) | figures
    seconds = processes.sums(wrote - started, ended - wrote, writer.tokens - written, tokens, 1.0)
    figures["rollout_tokens_per_second"] = seconds[2] / max(1e-9, seconds[0] / seconds[4])
    figures["update_tokens_per_second"] = settings.epochs * seconds[3] / max(1e-9, seconds[1] / seconds[4])
    figures["sessions_per_second"] = figures["sessions"] / max(1e-9, seconds[0] / seconds[4])
    if processes.device.type == "cuda":
        import torch

        figures["memory_gb"] = torch.cuda.max_memory_allocated(processes.device) / 1e9
    return figures


def questions_of(
    update: int, questions: Sequence[Question], settings: PpoSettings, processes: Processes
) -> list[Question]:
    """This process's questions of an update: all questions in a new order in every pass, dealt out in turn."""
    first = (update - 1) * settings.questions
    chosen: list[Question] = []
    for place in range(first, first + settings.questions):
        order = list(range(len(questions)))
        random.Random(f"{settings.seed}/{place // len(questions)}").shuffle(order)
        chosen.append(questions[order[place % len(questions)]])
    return chosen[processes.rank :: processes.count]


async def future_values(
    runner: EpisodeRunner, learner: Learner, episodes: Sequence[Episode], settings: PpoSettings
) -> dict[int, dict[int, float]]:
    """By the id of each session and the place of each action: gamma1 times what its new papers' sessions are worth."""
    prompts: list[list[int]] = []
    owners: list[tuple[int, int]] = []
    values: dict[int, dict[int, float]] = {id(session): {} for one in episodes for session in one.sessions}
    if settings.gamma1 and settings.value_model:
        for episode in episodes:
            for session in episode.sessions:
                for place, action in enumerate(session.actions):
                    for paper in action.found[: settings.valued_papers]:
                        if (prompt := await runner.prompt_of(episode.question, paper)) is not None:
                            prompts.append(prompt)
                            owners.append((id(session), place))
    grouped: dict[tuple[int, int], list[float]] = {}
    for action_place, value in zip(owners, learner.first_values(prompts), strict=True):
        grouped.setdefault(action_place, []).append(value)
    for (owner, place), estimates in grouped.items():
        values[owner][place] = future_value(estimates, settings)
    return values


def _writer(job: Job, own: PolicyWriter, processes: Processes) -> Writer:
    """The policy itself, or vLLM where that was asked for."""
    if job.vllm is None:
        return own
    settings = job.settings
    folder = job.output / f"vllm-{processes.rank}"
    folder.mkdir(exist_ok=True)
    return VllmWriter(
        own,
        job.vllm,
        job.model.resolve(),
        folder.resolve(),
        dtype=job.dtype,
        memory=job.vllm_memory,
        max_length=settings.max_prompt_tokens + settings.max_tokens,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        seed=settings.seed * 1_000 + processes.rank,
        device=processes.device,
    )


def save_policy(policy: Any, job: Job) -> None:
    """Write the policy with all that it needs to be loaded by `--model FOLDER`."""
    from transformers import AutoTokenizer

    policy.save_pretrained(job.output)
    AutoTokenizer.from_pretrained(job.model, local_files_only=True).save_pretrained(job.output)
    for name in (PROMPT_FILE, "generation_config.json"):
        if (job.model / name).is_file():
            shutil.copyfile(job.model / name, job.output / name)


def _is_looked_at(job: Job, update: int) -> bool:
    every = job.settings.eval_every
    return bool(job.held_out and every) and (update % every == 0 or update in (1, job.settings.updates))


def _say_nothing(text: str) -> None:
    return None


def _any(processes: Processes, flag: bool) -> bool:
    """Whether any process was asked to stop: then all do, after the same update."""
    return processes.sums(float(flag))[0] > 0


def _line(update: int, updates: int, figures: Mapping[str, float]) -> str:
    shown = ("reward", "recall", "dev_recall", "kl", "value_loss", "rollout_tokens_per_second")
    texts = [f"{name} {figures[name]:.3g}" for name in shown if name in figures]
    return f"update {update:,} of {updates:,}: {', '.join(texts)}"
