"""SFT of the Crawler (arXiv 2501.10120, section 4.2): it learns to write search and expand sessions.

Rows are prompts with the actions that answer them, `[Search]…[StopSearch]` or `[Expand]…[StopExpand]`; the loss is on
the actions alone. On held-out rows the loss and the share of well-formed samples are taken before and after.

Run it as `pasa-tui train crawler MODEL --data FILE --output FOLDER`, on several GPUs or machines under `torchrun … -m
pasa_tui train crawler …` or `accelerate launch --config_file … -m pasa_tui train crawler …`; it needs the extra
`train`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pasa_tui.training.examples import Encoded, Example
from pasa_tui.training.held_out import mean_loss, well_formed_share
from pasa_tui.training.sft import fine_tune
from pasa_tui.training.sft_settings import SftOrder, SftSettings, Tell

_SAMPLED = 100
"""Held-out prompts that answers are sampled to: writing takes far longer than reading."""
_ROOM = 2
"""Sampled answers may be this many times as long as the longest held-out one."""


def run(order: SftOrder, settings: SftSettings, tell: Tell, *, stopped: Callable[[], bool]) -> bool:
    """Train the Crawler; False where it was stopped before its end. Raises PasaError."""

    def measure(model: Any, tokenizer: Any, examples: Sequence[Example], rows: Sequence[Encoded]) -> dict[str, float]:
        longest = _ROOM * max(len(row.answer) for row in rows)
        share = well_formed_share(model, tokenizer, rows[:_SAMPLED], max_tokens=longest, seed=settings.seed)
        return {"held-out loss": mean_loss(model, rows), "well-formed samples": share}

    return fine_tune("crawler", order, settings, measure, tell, stopped=stopped)
