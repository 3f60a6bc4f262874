"""SFT of the Selector (arXiv 2501.10120, section 4.3): it learns to say `True` or `False`, and why.

Rows are prompts that end in `Decision:` with answers that begin with the decision and may give a reason after it; the
loss is on the answers alone. On held-out rows the loss, the AUC of the probability of `True` and the share of right
decisions are taken before and after.

Run it as `pasa-tui train selector MODEL --data FILE --output FOLDER`, on several GPUs or machines under `torchrun … -m
pasa_tui train selector …` or `accelerate launch --config_file … -m pasa_tui train selector …`; it needs the extra
`train`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pasa_tui.models.engines.protocol import TRUE
from pasa_tui.training.examples import Encoded, Example
from pasa_tui.training.held_out import auc, mean_loss, true_probabilities
from pasa_tui.training.sft import fine_tune
from pasa_tui.training.sft_settings import SftOrder, SftSettings, Tell

_SELECTED = 0.5
"""Above this probability of `True` a paper is selected."""


def run(order: SftOrder, settings: SftSettings, tell: Tell, *, stopped: Callable[[], bool]) -> bool:
    """Train the Selector; False where it was stopped before its end. Raises PasaError."""

    def measure(model: Any, tokenizer: Any, examples: Sequence[Example], rows: Sequence[Encoded]) -> dict[str, float]:
        labels = [example.is_true for example in examples]
        scores = true_probabilities(model, rows, tokenizer.convert_tokens_to_ids(TRUE))
        right = sum((score > _SELECTED) == label for score, label in zip(scores, labels, strict=True))
        return {"held-out loss": mean_loss(model, rows), "AUC": auc(scores, labels), "right": right / len(labels)}

    return fine_tune("selector", order, settings, measure, tell, stopped=stopped)
