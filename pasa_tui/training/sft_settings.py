"""What SFT is set to, and what the user asks for."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from pasa_tui.errors import TrainingError

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SftSettings:
    """Hyperparameters; the published ones are the defaults (arXiv 2501.10120, as design.md and its code have them).

    Raises TrainingError for values that make no sense.
    """

    learning_rate: Annotated[float, "Of AdamW, falling linearly to 0."] = 1e-5
    epochs: Annotated[float, "Passes over the data."] = 1.0
    batch: Annotated[int, "Rows at once, on each device."] = 4
    accumulation: Annotated[int, "Batches whose gradients make one step."] = 1
    max_length: Annotated[int, "Tokens of prompt and answer; longer prompts lose tokens from their middle."] = 1_024
    warmup: Annotated[float, "Share of the steps in which the learning rate rises."] = 0.01
    weight_decay: Annotated[float, "Of AdamW."] = 0.01
    checkpointing: Annotated[bool, "Compute activations anew in the backward pass: less memory, more time."] = True
    save_every: Annotated[int, "Steps between checkpoints."] = 2_000
    log_every: Annotated[int, "Steps between figures."] = 10
    kept_checkpoints: Annotated[int, "Checkpoints that stay."] = 2
    lora: Annotated[int, "Rank of LoRA adapters, which learn in the model's place; 0: the whole model learns."] = 0
    lora_alpha: Annotated[int, "Scale of the adapters."] = 32
    samples: Annotated[int, "Held-out rows that figures are taken on."] = 500
    seed: Annotated[int, "Of order and sampling."] = 0

    def __post_init__(self) -> None:
        """Look for values that make no sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            may_be_zero = field.name in ("warmup", "weight_decay", "lora", "seed")
            if not isinstance(value, bool) and (value != value or value < 0 or (value == 0 and not may_be_zero)):
                name = field.name.replace("_", "-")
                raise TrainingError(f"--{name} can't be {value:g}.", f"The default is {field.default:g}.")
        if self.warmup > 1:
            raise TrainingError(f"--warmup can't be {self.warmup:g}: it is a share.", "The default is 0.01.")


@dataclass(frozen=True, slots=True)
class SftOrder:
    """What the user asks for. `prompts` is an agent_prompt.json that the trained model is to be asked with."""

    model: Path
    data: Path
    output: Path
    held_out: Path | None = None
    prompts: Path | None = None
    limit: int | None = None
    dtype: str = "auto"
    cpu: bool = False
    resume: bool = False
