"""A learned model small enough to ship: gradient-boosted trees over the measures of evidence, read from JSON."""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from pasa_tui.errors import ModelError
from pasa_tui.models.builtin.evidence import MEASURES

SHIPPED = Path(__file__).with_name("ranker.json")
"""The model that ships, made by `pasa-tui train builtin`; its `made` says from what."""


class Tree(msgspec.Struct, frozen=True):
    """A tree as lists over its inner nodes, the root first.

    A measure at most `thresholds[i]` goes on at `left[i]`, else at `right[i]`; a negative place ~k is the leaf k.
    """

    measures: tuple[int, ...]
    thresholds: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaves: tuple[float, ...]


class BoostedTrees(msgspec.Struct, frozen=True):
    """Trees whose leaves add up to a logit. `offset` is added to it, so that 0.5 selects.

    `measures` names the columns of a row; `made` says how the model was made.
    """

    measures: tuple[str, ...]
    offset: float
    trees: tuple[Tree, ...]
    made: dict[str, str | int | float] = {}

    def logits(self, rows: Iterable[Sequence[float]]) -> list[float]:
        """The sum of the leaves each row falls into."""
        trees = [(tree.measures, tree.thresholds, tree.left, tree.right, tree.leaves) for tree in self.trees]
        sums = []
        for row in rows:
            total = 0.0
            for measures, thresholds, left, right, leaves in trees:
                at = 0
                while at >= 0:
                    at = left[at] if row[measures[at]] <= thresholds[at] else right[at]
                total += leaves[~at]
            sums.append(total)
        return sums

    def probabilities(self, rows: Sequence[Sequence[float]], bonus: Sequence[float] = ()) -> list[float]:
        """One score in (0, 1) per row; `bonus` is added to the logits."""
        added = bonus or [0.0] * len(rows)
        logits = (logit + self.offset + more for logit, more in zip(self.logits(rows), added, strict=True))
        return [1 / (1 + math.exp(-max(-60.0, min(60.0, logit)))) for logit in logits]


@cache
def load_trees(path: Path = SHIPPED) -> BoostedTrees:
    """The model in a file. Raises ModelError where there is none for this version's measures."""
    try:
        model = msgspec.json.decode(path.read_bytes(), type=BoostedTrees)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"The builtin model {path.name} can't be read: {error}.", "Install pasa-tui again.") from error
    if model.measures != MEASURES:
        raise ModelError(f"The builtin model {path.name} is one of another version.", "Train it again.")
    return model
