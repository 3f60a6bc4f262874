"""The formulas of PPO on flat tensors: all answer tokens of a batch in one row, session after session.

Shapes: `[N]` is one number per answer token. `lengths` gives how many of them each session has, in order, so that
nothing is padded and nothing need be masked. Sums are over this process's tokens; what they are divided by is counted
over all processes, so that the gradients of all processes add up to that of the whole batch.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def penalised(rewards: "Tensor", logprobs: "Tensor", reference: "Tensor", weight: float) -> "Tensor":
    """Rewards `[N]` less the KL penalty per token: `weight` times log-probability under policy less SFT policy."""
    return rewards - weight * (logprobs - reference)


def advantages_of(rewards: "Tensor", values: "Tensor", lengths: Sequence[int], *, gamma: float, lam: float) -> "Tensor":
    """Generalised advantage estimates `[N]` (arXiv 1506.02438), within each session; behind its end the value is 0."""
    import torch

    advantages = torch.zeros_like(rewards)
    start = 0
    for length in lengths:
        running = rewards.new_zeros(())
        following = rewards.new_zeros(())
        for at in reversed(range(start, start + length)):
            delta = rewards[at] + gamma * following - values[at]
            running = delta + gamma * lam * running
            advantages[at] = running
            following = values[at]
        start += length
    return advantages


def whitened(values: "Tensor", total: Any, squares: Any, count: Any) -> "Tensor":
    """`values` `[N]` with mean 0 and variance 1 over all processes, whose sum, sum of squares and count are given.

    The variance is that of the sample (divided by count - 1), as trl whitens.
    """
    import torch

    mean = total / count
    variance = (squares - count * mean * mean) / max(float(count) - 1.0, 1.0)
    return (values - mean) * torch.rsqrt(variance.clamp_min(0.0) + 1e-8)


def policy_loss(
    logprobs: "Tensor", old: "Tensor", advantages: "Tensor", *, clip: float, count: float
) -> tuple["Tensor", "Tensor"]:
    """The clipped surrogate (arXiv 1707.06347): its sum over tokens by `count`, and the tokens clipped (a sum)."""
    import torch

    ratio = torch.exp(logprobs - old)
    plain = -advantages * ratio
    held = -advantages * ratio.clamp(1.0 - clip, 1.0 + clip)
    return torch.max(plain, held).sum() / count, (held > plain).sum()


def value_loss(
    values: "Tensor", old: "Tensor", returns: "Tensor", *, clip: float, count: float
) -> tuple["Tensor", "Tensor"]:
    """Half the squared error, of the value or of it held within `clip` of the old one, whichever is greater."""
    import torch

    held = torch.minimum(torch.maximum(values, old - clip), old + clip)
    plain_error, held_error = (values - returns) ** 2, (held - returns) ** 2
    return 0.5 * torch.max(plain_error, held_error).sum() / count, (held_error > plain_error).sum()
