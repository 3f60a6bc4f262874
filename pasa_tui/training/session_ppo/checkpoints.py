"""Checkpoints of PPO: all that is needed to go on exactly where it stopped."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.errors import TrainingError
from pasa_tui.training.output import CHECKPOINTS
from pasa_tui.training.session_ppo.learner import Models
from pasa_tui.training.session_ppo.processes import Processes

_STATE = "state.json"
_WEIGHTS = "learning.pt"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come: updates made, seconds it took, and processes that made them."""

    update: int = 0
    seconds: float = 0.0
    processes: int = 1


def save_checkpoint(folder: Path, models: Models, progress: Progress, processes: Processes, *, kept: int) -> None:
    """Write `checkpoints/checkpoint-N`, whole or not at all; of older ones `kept - 1` stay. All processes call it.

    The policy's weights, the value model's and the optimizer's are the same in all processes, and the first writes
    them; the state of the random numbers is each process's own. Raises TrainingError where weights are not the same.
    """
    import torch

    learning = [*models.policy.parameters(), *(models.critic.parameters() if models.critic is not None else ())]
    if not processes.same_everywhere(learning):
        hint = "Go on from the checkpoint before: --resume. Look at the machines' memory and network first."
        raise TrainingError("The processes' weights have drifted apart.", hint)
    final = folder / CHECKPOINTS / f"checkpoint-{progress.update}"
    passing = final.with_name(f"{final.name}.part")
    if processes.is_first:
        shutil.rmtree(passing, ignore_errors=True)
        passing.mkdir(parents=True)
    processes.wait()
    torch.save(_random_state(processes), passing / f"random-{processes.rank}.pt")
    if processes.is_first:
        weights = {
            "policy": models.policy.state_dict(),
            "critic": models.critic.state_dict() if models.critic is not None else {},
            "optimizer": models.optimizer.state_dict(),
        }
        torch.save(weights, passing / _WEIGHTS)
        (passing / _STATE).write_bytes(msgspec.json.encode(progress))
    processes.wait()
    if processes.is_first:
        shutil.rmtree(final, ignore_errors=True)
        os.replace(passing, final)
        for old in checkpoints_of(folder)[:-kept]:
            shutil.rmtree(old)
    processes.wait()


def checkpoints_of(folder: Path) -> list[Path]:
    """The whole checkpoints of a training, oldest first."""
    found = [path for path in (folder / CHECKPOINTS).glob("checkpoint-*") if (path / _STATE).is_file()]
    numbered = [path for path in found if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(numbered, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def load_checkpoint(folder: Path, models: Models, processes: Processes) -> Progress:
    """Put models, optimizer and random numbers back to the newest checkpoint; without one they stay as they are.

    Raises TrainingError where the checkpoint is damaged, or was made by another number of processes.
    """
    import torch

    if not (checkpoints := checkpoints_of(folder)):
        return Progress(processes=processes.count)
    newest = checkpoints[-1]
    try:
        progress = msgspec.json.decode((newest / _STATE).read_bytes(), type=Progress)
        if progress.processes != processes.count:
            raise TrainingError(
                f"{newest} was made by {progress.processes} processes, and these are {processes.count}.",
                f"Start {progress.processes} of them: each has its own random numbers to go on with.",
            )
        learning = torch.load(newest / _WEIGHTS, map_location=processes.device, weights_only=True)
        models.policy.load_state_dict(learning["policy"])
        if models.critic is not None:
            models.critic.load_state_dict(learning["critic"])
        models.optimizer.load_state_dict(learning["optimizer"])
        random = torch.load(newest / f"random-{processes.rank}.pt", map_location="cpu", weights_only=True)
    except (OSError, KeyError, RuntimeError, ValueError, EOFError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(
            f"The checkpoint {newest} can't be read: {line}", "Remove it to go on from the one before."
        ) from error
    torch.set_rng_state(random["cpu"])
    if "cuda" in random:
        torch.cuda.set_rng_state(random["cuda"], processes.device)
    return progress


def _random_state(processes: Processes) -> dict[str, Any]:
    import torch

    state = {"cpu": torch.get_rng_state()}
    if processes.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(processes.device)
    return state
