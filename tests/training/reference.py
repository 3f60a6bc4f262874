"""The formulas of session-level PPO once more, slowly, in NumPy and plain loops, from design.md alone."""

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float64]


def rewards(length: int, actions: list[tuple[str, int, int, list[float]]], on: str) -> Row:
    """`actions` are (kind, place of the reward, papers worth finding, estimates of the new papers' sessions)."""
    row = np.zeros(length)
    for kind, place, hits, estimates in actions:
        if kind == "stop":
            row[place] += 0.1
            continue
        row[place] += max(-0.1, min(5.0, 1.5 * hits - 0.1))
        for estimate in estimates[:5]:
            row[place] += 0.1 * estimate
    return row


def log_softmax(logits: Row) -> Row:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def gae(rewards: list[Row], values: list[Row], gamma: float, lam: float) -> list[Row]:
    """By the definition: the sum over all later steps of (gamma lambda)^k times the temporal difference there."""
    found = []
    for reward, value in zip(rewards, values, strict=True):
        after = np.append(value[1:], 0.0)
        delta = reward + gamma * after - value
        row = np.zeros(len(reward))
        for start in range(len(reward)):
            row[start] = sum((gamma * lam) ** k * delta[start + k] for k in range(len(reward) - start))
        found.append(row)
    return found


def whiten(rows: list[Row]) -> list[Row]:
    everything = np.concatenate(rows)
    deviation = np.sqrt(everything.var(ddof=1) + 1e-8)
    return [(row - everything.mean()) / deviation for row in rows]


def policy_loss(new: Row, old: Row, advantages: Row, clip: float) -> tuple[float, int]:
    total, clipped = 0.0, 0
    for a, b, advantage in zip(new, old, advantages, strict=True):
        ratio = np.exp(a - b)
        held = min(max(ratio, 1 - clip), 1 + clip)
        total += max(-advantage * ratio, -advantage * held)
        clipped += -advantage * held > -advantage * ratio
    return total / len(new), clipped


def value_loss(new: Row, old: Row, returns: Row, clip: float) -> tuple[float, int]:
    total, clipped = 0.0, 0
    for value, before, wanted in zip(new, old, returns, strict=True):
        held = min(max(value, before - clip), before + clip)
        total += 0.5 * max((value - wanted) ** 2, (held - wanted) ** 2)
        clipped += (held - wanted) ** 2 > (value - wanted) ** 2
    return total / len(new), clipped
