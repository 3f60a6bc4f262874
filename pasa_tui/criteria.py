"""What a question asks of a paper, piece by piece, and how far a paper meets each piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["yes", "mostly", "partly", "no"]
"""How far a paper meets a criterion. For an exclusion "yes" means that the paper is clear of what is excluded."""

LEVELS: tuple[Level, ...] = ("no", "partly", "mostly", "yes")
"""All levels, lowest first."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a paper must have, must not have, or a time it must be from; `weight` in (0, 1]."""

    text: str
    weight: float = 1.0
    kind: Literal["requirement", "exclusion", "date"] = "requirement"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a paper meets one criterion, with the words of the paper that show it.

    `found` says whether the quote stands in the paper's title or abstract; where it does not, `level` is already
    lowered by one. `quote` may be empty.
    """

    criterion: str
    level: Level
    quote: str = ""
    found: bool = False


def fulfilment(criteria: Sequence[Criterion], verdicts: Sequence[Verdict]) -> float:
    """The weighted mean of the levels in [0, 1], "no" counting 0 and "yes" 1; criteria without a verdict count 0."""
    levels = {verdict.criterion: LEVELS.index(verdict.level) / (len(LEVELS) - 1) for verdict in verdicts}
    whole = sum(criterion.weight for criterion in criteria)
    return sum(criterion.weight * levels.get(criterion.text, 0.0) for criterion in criteria) / whole if whole else 0.0
