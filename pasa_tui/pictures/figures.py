"""What the pictures of a search show, as numbers. Whoever draws them decides how."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pasa_tui.events import Event, FoundPaper, PaperFound, PaperJudged, SearchState
from pasa_tui.papers import PaperId

BINS = 20
"""Bars of the histogram of scores, each 1/BINS wide."""

_POINTS = 200
_NODES = 40
# The share of the width that the label of a year takes.
_LABEL = 0.1


@dataclass(frozen=True, slots=True)
class Timeline:
    """How many papers were met and selected by each of `seconds`, which only grow."""

    seconds: tuple[float, ...]
    met: tuple[int, ...]
    selected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many papers have a score in each of BINS bins from 0 to 1; a score of 1 counts in the last."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Years:
    """Papers met and selected by year of publication; every year from the first to the last stands in it."""

    years: tuple[int, ...]
    met: tuple[int, ...]
    selected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A paper of the citation map. `x` is its place in the order of time, `y` keeps labels apart, both in 0 to 1."""

    paper_id: PaperId
    label: str
    title: str
    score: float
    selected: bool
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class CitationMap:
    """The best papers and the citations between them that the search saw: `edges` are (citing, cited) node numbers.

    `years` are (year, x) of the first paper of every year shown that has room for its label.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    years: tuple[tuple[int, float], ...]


def timeline(events: Sequence[Event]) -> Timeline:
    """The growth of a search, thinned to at most a few hundred points; its last one is always there."""
    met, selected = 0, set[PaperId]()
    points: list[tuple[float, int, int]] = [(0.0, 0, 0)]
    for event in events:
        if isinstance(event, PaperFound):
            met += 1
        elif isinstance(event, PaperJudged):
            (selected.add if event.selected else selected.discard)(event.paper_id)
        else:
            continue
        point = (max(event.at, points[-1][0]), met, len(selected))
        if point[0] == points[-1][0]:
            points[-1] = point
        else:
            points.append(point)
    step = max(1, math.ceil(len(points) / _POINTS))
    thinned = points[::step] + ([points[-1]] if (len(points) - 1) % step else [])
    seconds, found, taken = zip(*thinned, strict=True)
    return Timeline(seconds, found, taken)


def histogram(state: SearchState) -> Histogram:
    """The scores of all judged papers."""
    counts = Counter(
        min(BINS - 1, max(0, int(found.score * BINS))) for found in state.papers.values() if found.score is not None
    )
    return Histogram(tuple(counts[number] for number in range(BINS)))


def by_year(state: SearchState) -> Years:
    """Papers by year; those without a date are in none."""
    dated = [(found.paper.date.year, found.selected) for found in state.papers.values() if found.paper.date]
    if not dated:
        return Years((), (), ())
    met, selected = Counter(year for year, _ in dated), Counter(year for year, taken in dated if taken)
    years = tuple(range(min(met), max(met) + 1))
    return Years(years, tuple(met[year] for year in years), tuple(selected[year] for year in years))


def citation_map(state: SearchState, most: int = _NODES) -> CitationMap:
    """The best dated papers, at most `most`, and who of them cites whom, as far as the search followed citations.

    Papers stand in the order of time, evenly, since most are of the latest years.
    """
    ranked = [found for found in state.ranked() if found.paper.date and found.score is not None][:most]
    if not ranked:
        return CitationMap((), (), ())
    in_time = sorted(ranked, key=lambda found: (found.paper.date, found.order))
    places = {found.id: at for at, found in enumerate(in_time)}
    last = max(1, len(ranked) - 1)
    nodes = tuple(
        Node(
            found.id,
            _label(found),
            found.paper.title,
            found.score or 0.0,
            found.selected,
            places[found.id] / last,
            # The golden ratio's multiples, taken without their whole part, are spread evenly however many there are.
            (0.5 + places[found.id] * 0.618033988749895) % 1,
        )
        for found in ranked
    )
    number = {node.paper_id: at for at, node in enumerate(nodes)}
    edges = tuple(
        (number[citing], number[found.id])
        for found in ranked
        for citing in found.cited_by
        if citing in number and citing != found.id
    )
    years: list[tuple[int, float]] = []
    for found in in_time:
        x = places[found.id] / last
        if found.paper.date and all(found.paper.date.year != year and x - at >= _LABEL for year, at in years):
            years.append((found.paper.date.year, x))
    return CitationMap(nodes, edges, tuple(years))


def _label(found: FoundPaper) -> str:
    name = found.paper.authors[0].partition(",")[0].split()[-1:] if found.paper.authors else []
    year = found.paper.date.year if found.paper.date else ""
    return f"{name[0] if name else found.paper.title[:12]} {year}"
