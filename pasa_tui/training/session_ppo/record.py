"""What a PPO training says of itself: before it begins, in its folder, and when it ends."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pasa_tui.errors import TrainingError
from pasa_tui.training.card import write_card
from pasa_tui.training.memory import shape_of
from pasa_tui.training.output import read_metrics, what_was, write_settings
from pasa_tui.training.session_ppo.checkpoints import Progress
from pasa_tui.training.session_ppo.environment import Question
from pasa_tui.training.session_ppo.models import LOGITS_AT_ONCE
from pasa_tui.training.session_ppo.opening import Order
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.session_ppo.settings import PpoSettings

# What may be another when a training is gone on with: where it ends, and what it leaves on the way.
_FREE = frozenset({"episodes", "save_every", "eval_every", "kept_checkpoints", "rollout_batch"})
_FIGURES = ("reward", "recall", "dev_recall", "dev_reward", "kl", "entropy")
_MEAN_OF = 20


def described(
    order: Order, settings: PpoSettings, questions: Sequence[Question], held_out: Sequence[Question]
) -> dict[str, Any]:
    """The part of `training.json` that says what is trained on what."""
    return {
        "model": str(order.model),
        "data": {
            "queries": order.queries,
            "questions": len(questions),
            "sha256": _sha256_of(questions),
            "dev": order.dev,
            "held_out": len(held_out),
            "corpus": order.corpus,
            "sources": list(order.sources),
            "selector": order.selector,
        },
        "settings": asdict(settings),
    }


def check_same(now: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Raise TrainingError where a training would be gone on with as another."""
    kept = {**before.get("settings", {}), **before.get("data", {}), "model": before.get("model")}
    given = {**now["settings"], **now["data"], "model": now["model"]}
    other = sorted(name for name, value in given.items() if name not in _FREE and kept.get(name) != value)
    if other or before.get("stage") != now["stage"]:
        told = ", ".join(what_was(name, kept.get(name)) for name in other) or f"it was {before.get('stage')}"
        raise TrainingError(f"This is not the training that the folder holds: {told}.", "Give the same again.")


def plan_of(model: Path, settings: PpoSettings, processes: Processes, dtype: str) -> str:
    """What a training will use of memory, in each process, and how long it is."""
    shape, learning = shape_of(model), 2 if settings.value_model else 1
    # The SFT copy has weights alone.
    weights = learning * shape.learning + 4 * shape.parameters
    if settings.lora:
        weights = (2 if dtype == "bfloat16" else 4) * shape.parameters
    on_gpu = processes.device.type == "cuda"
    size = 2 if dtype != "float32" else 4
    activations = shape.activations(settings.batch_tokens, size=size, checkpointing=on_gpu)
    logits = shape.logits(LOGITS_AT_ONCE)
    kept = "frozen, and adapters" if settings.lora else f"{learning} models learning, 1 kept"
    return (
        f"{settings.updates:,} updates of {settings.questions} questions, {settings.epochs} passes each, on "
        f"{processes.count} {'process' if processes.count == 1 else 'processes'} ({processes.device.type}, {dtype}).\n"
        f"Memory of each, estimated: {weights / 1e9:.2f} GB for weights, gradients and optimizer of "
        f"{shape.parameters / 1e6:,.1f} million parameters ({kept}), up to "
        f"{activations / 1e9:.2f} GB for {settings.batch_tokens:,} tokens at once and {logits / 1e9:.2f} GB for "
        "logits. The time is told with each update."
    )


def conclude(
    order: Order, record: Mapping[str, Any], progress: Progress, *, finished: bool, tell: Callable[[str], None]
) -> None:
    """Write down how it ended, and the model card where it is finished."""
    lines = read_metrics(order.output)
    figures: dict[str, Any] = {"updates": progress.update, "seconds": round(progress.seconds, 1)}
    for name in _FIGURES:
        values = [line[name] for line in lines if name in line]
        if values:
            count = min(_MEAN_OF, max(1, len(values) // 2))
            few = values[:count], values[-count:]
            first, last = (values[0], values[-1]) if name.startswith("dev_") else (_mean(few[0]), _mean(few[1]))
            figures |= {f"{name}, first": first, f"{name}, last": last}
    ended = {"ended": datetime.now(UTC).isoformat(timespec="seconds")} if finished else {}
    write_settings(order.output, {**record, **ended, "figures": figures})
    if not finished:
        tell(f"Stopped after update {progress.update:,}. Go on: the same command with --resume.")
        return
    write_card(
        order.output,
        title="A PaSa Crawler trained by session-level PPO",
        about=f"From the SFT policy `{order.model.name}`, by `pasa-tui train ppo`. First and last figures are means of "
        f"up to {_MEAN_OF} updates, those on held-out questions (dev) single looks, written greedily.",
        data=record["data"],
        settings={**record["settings"], "dtype": record["dtype"]},
        figures=figures,
    )
    tell(f"The model is in {order.output}: pasa-tui search --model {order.output} “…”")


def _sha256_of(questions: Sequence[Question]) -> str:
    told = [(one.qid, str(one.query), [sorted(names) for names in one.answers]) for one in questions]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
