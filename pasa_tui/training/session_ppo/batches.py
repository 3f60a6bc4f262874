"""Sequences of tokens in batches, padded to the longest of each, and the answers' tokens among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tokens:
    """A prompt and the answer to it, in tokens."""

    prompt: Sequence[int]
    answer: Sequence[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences padded on the right.

    `tokens` and `attended` are `[B, T]`. Of the N answer tokens of the batch, sequence after sequence, `rows` and
    `places` `[N]` say where the state before each stands, and `targets` `[N]` which token was written there.
    `members` are the places of the sequences in what was batched.
    """

    members: tuple[int, ...]
    tokens: "Tensor"
    attended: "Tensor"
    rows: "Tensor"
    places: "Tensor"
    targets: "Tensor"


def group(lengths: Sequence[int], most_tokens: int) -> Iterator[tuple[int, ...]]:
    """Places of sequences of about one length; padded, no group has more than `most_tokens`, unless it is a single."""
    order = sorted(range(len(lengths)), key=lambda at: (-lengths[at], at))
    batch: list[int] = []
    for at in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > most_tokens:
            yield tuple(batch)
            batch = []
        batch.append(at)
    if batch:
        yield tuple(batch)


def batches_of(sequences: Sequence[Tokens], most_tokens: int, device: object, pad: int) -> Iterator[Batch]:
    """All sequences in batches of at most `most_tokens`, padding included."""
    import torch

    for members in group([len(one) for one in sequences], most_tokens):
        width = len(sequences[members[0]])
        tokens = torch.full((len(members), width), pad, dtype=torch.long)
        attended = torch.zeros((len(members), width), dtype=torch.long)
        rows: list[int] = []
        places: list[int] = []
        targets: list[int] = []
        for row, member in enumerate(members):
            one = sequences[member]
            tokens[row, : len(one)] = torch.tensor([*one.prompt, *one.answer])
            attended[row, : len(one)] = 1
            rows += [row] * len(one.answer)
            places += range(len(one.prompt) - 1, len(one) - 1)
            targets += one.answer
        yield Batch(
            members,
            tokens.to(device),
            attended.to(device),
            torch.tensor(rows, dtype=torch.long, device=device),
            torch.tensor(places, dtype=torch.long, device=device),
            torch.tensor(targets, dtype=torch.long, device=device),
        )
