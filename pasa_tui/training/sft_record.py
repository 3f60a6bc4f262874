"""What SFT says of itself: before it begins, in its folder, and when it ends."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pasa_tui.errors import TrainingError
from pasa_tui.training.card import write_card
from pasa_tui.training.examples import Encoded
from pasa_tui.training.memory import shape_of
from pasa_tui.training.output import read_metrics, read_settings, what_was, write_settings
from pasa_tui.training.session_ppo.processes import Processes
from pasa_tui.training.sft_settings import SftOrder, SftSettings, Tell


def plan_of(
    model: Path, settings: SftSettings, encoded: Sequence[Encoded], steps: int, processes: Processes, dtype: str
) -> str:
    """What a training will use of memory, in each process, and how long it is."""
    shape = shape_of(model)
    tokens = sum(len(one.prompt) + len(one.answer) for one in encoded)
    answers = sum(len(one.answer) for one in encoded)
    longest = max(len(one.prompt) + len(one.answer) for one in encoded) * settings.batch
    size = 2 if dtype == "bfloat16" else 4
    weights = 4 * shape.parameters if settings.lora else shape.learning
    kept = shape.activations(longest, size=size, checkpointing=settings.checkpointing)
    return (
        f"{len(encoded):,} rows, {tokens:,} tokens, {answers:,} of them in answers; {steps:,} steps on "
        f"{processes.count} {'process' if processes.count == 1 else 'processes'} ({processes.device.type}, {dtype}).\n"
        f"Memory of each, estimated: {weights / 1e9:.2f} GB for {shape.parameters / 1e6:,.1f} million parameters "
        f"{'and adapters' if settings.lora else 'with gradients and optimizer'}, up to {kept / 1e9:.2f} GB for "
        f"{longest:,} tokens at once and {shape.logits(longest) / 1e9:.2f} GB for their logits. ZeRO-3 divides the "
        "first among the devices. The time is told after the first steps."
    )


_SAME = ("stage", "model")


def check_same(now: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Raise TrainingError where a training would be gone on with as another."""
    free = {"save_every", "log_every", "kept_checkpoints", "samples", "file", "held_out_rows"}
    kept = {**before.get("settings", {}), **before.get("data", {})} | {key: before.get(key) for key in _SAME}
    given = {**now["settings"], **now["data"]} | {key: now[key] for key in _SAME}
    other = sorted(name for name, value in given.items() if name not in free and kept.get(name) != value)
    if other:
        told = ", ".join(what_was(name, kept.get(name)) for name in other)
        raise TrainingError(f"This is not the training that the folder holds: {told}.", "Give the same again.")


def conclude(
    order: SftOrder,
    record: dict[str, Any],
    figures: Mapping[str, float],
    trainer: Any,
    *,
    finished: bool,
    tell: Tell,
) -> None:
    """Write down how it ended, and the model card where it is finished."""
    stage, step = record["stage"], int(trainer.state.global_step)
    losses = [line["loss"] for line in read_metrics(order.output) if "loss" in line]
    told: dict[str, Any] = {"steps": step} | ({"training loss, last": losses[-1]} if losses else {})
    earlier = read_settings(order.output).get("figures") if order.resume else None
    told |= (earlier if isinstance(earlier, dict) else {}) | {name: round(value, 4) for name, value in figures.items()}
    ended = {"ended": datetime.now(UTC).isoformat(timespec="seconds")} if finished else {}
    write_settings(order.output, {**record, **ended, "figures": told})
    for name, value in figures.items():
        tell(f"{name}: {value:.4f}")
    if not finished:
        tell(f"Stopped after step {step:,}. Go on: the same command with --resume.")
        return
    write_card(
        order.output,
        title=f"A PaSa {stage.capitalize()} trained by SFT",
        about=f"From `{order.model.name}`, by `pasa-tui train {stage}`; the loss is on the answers alone. Figures "
        "before and after are of held-out rows.",
        data=record["data"],
        settings=record["settings"],
        figures=told,
    )
    tell(f"The model is in {order.output}: pasa-tui search --model {order.output} “…”")
