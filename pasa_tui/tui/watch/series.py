"""Figures of a training, by name: all their values, and what is shown of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_POINTS = 400
"""Points of a plot: a terminal has no more columns of dots."""
_MEAN_OF = 20
# These say where a training stands rather than how it does.
_PLACES = frozenset({"step", "seconds"})


@dataclass(slots=True)
class Series:
    """One figure: its steps and values in order."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, step: float, value: float) -> None:
        """One more value."""
        self.steps.append(step)
        self.values.append(value)
        self.least, self.most = min(self.least, value), max(self.most, value)

    @property
    def newest(self) -> float:
        """The last value."""
        return self.values[-1]

    @property
    def mean(self) -> float:
        """Of the last 20 values."""
        few = self.values[-_MEAN_OF:]
        return sum(few) / len(few)

    def points(self, *, smooth: bool) -> tuple[list[float], list[float]]:
        """Steps and values for a plot: means of equal parts where there are many; smoothed, running means."""
        size = -(-len(self.values) // _POINTS)
        steps = [self.steps[min(start + size, len(self.steps)) - 1] for start in range(0, len(self.steps), size)]
        values = [_mean(self.values[start : start + size]) for start in range(0, len(self.values), size)]
        return steps, running_mean(values, max(3, len(values) // 20)) if smooth else values


@dataclass(slots=True)
class Figures:
    """All figures of a training, in the order in which they were first written."""

    series: dict[str, Series] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    first: tuple[int, float] | None = None

    def add(self, lines: Sequence[Mapping[str, float]]) -> None:
        """Take in lines of `metrics.jsonl`."""
        for line in lines:
            step = line["step"]
            self.step, self.seconds = int(step), line.get("seconds", self.seconds)
            self.first = self.first or (self.step, self.seconds)
            for name, value in line.items():
                # What is no number says nothing in a plot and would spoil it.
                if name not in _PLACES and value == value and abs(value) != float("inf"):
                    self.series.setdefault(name, Series()).add(step, value)

    @property
    def pace(self) -> float | None:
        """Steps a minute; None before there are two lines."""
        if self.first is None or self.seconds <= self.first[1]:
            return None
        return 60 * (self.step - self.first[0]) / (self.seconds - self.first[1])

    def rows(self) -> list[tuple[str, ...]]:
        """Name, newest value, mean of the last 20, least and most, as they are shown."""
        return [
            (name, *(f"{value:.4g}" for value in (one.newest, one.mean, one.least, one.most)))
            for name, one in self.series.items()
        ]


def running_mean(values: Sequence[float], width: int) -> list[float]:
    """At each place the mean of the last `width` values."""
    found: list[float] = []
    total = 0.0
    for at, value in enumerate(values):
        total += value - (values[at - width] if at >= width else 0.0)
        found.append(total / min(at + 1, width))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
