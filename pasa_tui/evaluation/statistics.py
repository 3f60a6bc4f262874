"""How sure a mean over questions is, and the threshold on the score that serves a set of questions best."""

import math
import random
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from pasa_tui.evaluation.metrics import Judge, RankedNode, answers_of, f1, ranked
from pasa_tui.evaluation.tree import Node

RESAMPLES = 2_000
"""Efron and Tibshirani (An Introduction to the Bootstrap, 1993, section 13.3) ask for at least 1,000 for intervals of
percentiles. With 2,000 an end of the interval is known to about 6 % of the standard error."""
SEED = 20_250_117
"""One for all intervals, so that the same results give the same report."""
TAIL = 0.025
"""Share of the resampled means on either side of a 95 % interval."""

_LANE = 64
_SCALE = (1 << 40) - 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions and its 95 % interval, from `low` to `high`."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Curve:
    """What one question's ranking finds at each threshold: what `best_threshold` needs of it.

    For each paper that was judged, best first: its score, how many answers it is the first to match, and whether it
    matches any. `answers` is how many count.
    """

    answers: int
    scores: Sequence[float]
    found: Sequence[int]
    right: Sequence[int]


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """The score from which on papers would best be taken, and the mean F1 over questions that this gives."""

    threshold: float
    f1: float


def estimate(rows: Sequence[Mapping[str, float]], *, resamples: int = RESAMPLES) -> dict[str, Estimate]:
    """The mean of each column with its 95 % interval by the percentile bootstrap over rows; {} without rows.

    Rows are questions, all with the same columns. Whole rows are drawn with replacement (Efron 1979), so all columns
    share each resample; the interval reaches from the 2.5th to the 97.5th percentile of the resampled means.
    """
    if not rows:
        return {}
    names = list(rows[0])
    columns = [[row[name] for row in rows] for name in names]
    ends = [(min(column), max(column)) for column in columns]
    sums = _resampled_sums(columns, ends, resamples)
    first, last = math.floor(TAIL * resamples), math.ceil((1 - TAIL) * resamples) - 1
    estimates = {}
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        low, high = ends[position]
        drawn = sorted(map(itemgetter(position), sums))
        step = (high - low) / _SCALE / len(rows)
        # Rounding must not put a mean outside what the values span.
        mean = min(high, max(low, math.fsum(column) / len(column)))
        estimates[name] = Estimate(mean, low + drawn[first] * step, min(high, low + drawn[last] * step))
    return estimates


def _resampled_sums(
    columns: Sequence[Sequence[float]], ends: Sequence[tuple[float, float]], resamples: int
) -> list[tuple[int, ...]]:
    """The sums of each column over each resample, in steps of `_SCALE` over the column's range.

    A row becomes one integer with 64 bits a column, so that one addition serves all columns: without a numeric
    library this is several times as fast as summing each column.
    """
    rows = len(columns[0])
    packed = [0] * rows
    for position, (column, (low, high)) in enumerate(zip(columns, ends, strict=True)):
        reach = high - low or 1.0
        for row, value in enumerate(column):
            packed[row] |= round((value - low) / reach * _SCALE) << (_LANE * position)
    generator = random.Random(SEED)
    layout = struct.Struct(f"<{len(columns)}Q")
    drawn = (sum(generator.choices(packed, k=rows)) for _ in range(resamples))
    return [layout.unpack(total.to_bytes(layout.size, "little")) for total in drawn]


def curve(root: Node, judge: Judge) -> Curve | None:
    """A tree's curve; None where no answer counts."""
    answers = answers_of(root, judge)
    return curve_of(ranked(root), answers) if answers else None


def curve_of(papers: Sequence[RankedNode], answers: Sequence[tuple[str, ...]]) -> Curve:
    """The curve of papers, best first, for the names of the answers."""
    named: dict[str, set[int]] = {}
    for number, keys in enumerate(answers):
        for key in keys:
            named.setdefault(key, set()).add(number)
    scores, found, right = array("d"), array("H"), array("B")
    met: set[int] = set()
    for paper in papers:
        if paper.score < 0:
            # Not judged: no threshold takes it.
            continue
        matched = set().union(*(named.get(key, ()) for key in paper.keys))
        scores.append(paper.score)
        found.append(len(matched - met))
        right.append(bool(matched))
        met |= matched
    return Curve(len(answers), scores, found, right)


def best_threshold(curves: Sequence[Curve]) -> BestThreshold | None:
    """The one threshold for all questions whose mean F1 is best, papers of at least that score being taken.

    Of equal ones the highest. None where no threshold finds an answer. It is chosen on the very questions that it is
    measured on: an upper bound for any fixed threshold, no figure that a system reaches.
    """
    steps = sorted(
        (-score, number, found, right)
        for number, of_question in enumerate(curves)
        for score, found, right in zip(of_question.scores, of_question.found, of_question.right, strict=True)
    )
    taken, hits, rights = ([0] * len(curves) for _ in range(3))
    values = [0.0] * len(curves)
    total, best = 0.0, None
    for negative, group in groupby(steps, key=itemgetter(0)):
        changed = set()
        gained = False
        for _, number, found, right in group:
            taken[number] += 1
            hits[number] += found
            rights[number] += right
            gained |= bool(found or right)
            changed.add(number)
        for number in changed:
            value = f1(rights[number] / taken[number], hits[number] / curves[number].answers)
            total += value - values[number]
            values[number] = value
        # Where nothing was gained, the mean can only have fallen.
        if gained and (best is None or total > best[1] + 1e-9):
            best = (-negative, total)
    return BestThreshold(best[0], best[1] / len(curves)) if best else None
