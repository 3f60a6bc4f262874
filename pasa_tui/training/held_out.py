"""Figures of a model on held-out rows: the loss of its answers, well-formed actions, and how well it tells papers."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from pasa_tui.training.examples import Encoded, is_well_formed
from pasa_tui.training.session_ppo.batches import Tokens, batches_of
from pasa_tui.training.session_ppo.models import answer_logprobs

_BATCH_TOKENS = 8_192


def mean_loss(model: Any, rows: Sequence[Encoded]) -> float:
    """Mean negative log-likelihood of the answers' tokens, natural logarithm."""
    losses = [-value for row in _logprobs(model, rows) for value in row]
    return sum(losses) / len(losses)


def well_formed_share(model: Any, tokenizer: Any, rows: Sequence[Encoded], *, max_tokens: int, seed: int) -> float:
    """The share of answers, sampled at temperature 1 to the rows' prompts, that are nothing but actions and a stop."""
    import torch

    from pasa_tui.models.engines.torch_loading import ends_of
    from pasa_tui.training.session_ppo.writing import PolicyWriter

    writer = PolicyWriter(
        model,
        tokenizer,
        ends=ends_of(model, tokenizer),
        max_tokens=max_tokens,
        batch=64,
        temperature=1.0,
        autocast=nullcontext,
    )
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        answers = writer.write([row.prompt for row in rows])
    return sum(is_well_formed(writer.decode(answer)) for answer in answers) / len(answers)


def true_probabilities(model: Any, rows: Sequence[Encoded], true: int) -> list[float]:
    """The probability over the whole vocabulary that `True` comes next, as the Selector's score is defined."""
    import math

    asked = [Encoded(row.prompt, [true]) for row in rows]
    return [math.exp(row[0]) for row in _logprobs(model, asked)]


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Raises ValueError where all labels are the same.
    """
    order = sorted(range(len(scores)), key=lambda at: scores[at])
    ranks = [0.0] * len(scores)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        for at in order[start:end]:
            ranks[at] = (start + end + 1) / 2
        start = end
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError("all rows have the same label")
    above = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (above - positives * (positives + 1) / 2) / (positives * negatives)


def _logprobs(model: Any, rows: Sequence[Encoded]) -> list[list[float]]:
    import torch

    found: list[list[float]] = [[]] * len(rows)
    sequences = [Tokens(row.prompt, row.answer) for row in rows]
    with torch.no_grad():
        for batch in batches_of(sequences, _BATCH_TOKENS, model.device, 0):
            values, _ = answer_logprobs(_inner(model), batch, temperature=1.0)
            lengths = [len(rows[member].answer) for member in batch.members]
            for member, part in zip(batch.members, values.split(lengths), strict=True):
                found[member] = part.tolist()
    return found


def _inner(model: Any) -> Any:
    """The causal model itself, where adapters are wrapped around it; they work within it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
