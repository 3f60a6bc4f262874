"""The pictures as SVG: text in the reader's font, colours for light and dark, nothing loaded."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from pasa_tui.papers import clean_text
from pasa_tui.pictures.figures import BINS, CitationMap, Histogram, Timeline, Years

WIDTH, HEIGHT = 720, 300
"""Pixels of a picture; the citation map is twice as high."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 34, 40
_TICKS = 4
_ROOT = 0.5

STYLE = (
    "text{fill:#6b6b72;font:12px system-ui,sans-serif}.h{fill:#808088;font-weight:600;font-size:14px}"
    ".g{stroke:#8888;fill:none}.m{fill:#6f9fd4}.s{fill:#2f9e5b}.lm{stroke:#6f9fd4;fill:none;stroke-width:2}"
    ".ls{stroke:#2f9e5b;fill:none;stroke-width:2}.e{stroke:#888;stroke-opacity:.4;fill:none}"
)
"""Plain colours that can be read on white and on black: programs that draw SVG know no variables."""


def timeline_svg(figure: Timeline) -> str:
    """Papers met and selected over the seconds of the search."""
    last, high = max(figure.seconds[-1], 0.001), max(1, *figure.met)
    right = WIDTH - _RIGHT

    def path(counts: Sequence[int], kind: str) -> str:
        points = [
            f"{_across(at, last):.1f} {_up(count, high):.1f}" for at, count in zip(figure.seconds, counts, strict=True)
        ]
        # A step: the number holds until the next paper comes.
        steps = " ".join(f"H{point.split()[0]} V{point.split()[1]}" for point in points[1:])
        return f'<path class="{kind}" d="M{points[0]} {steps} H{right}"/>'

    body = [
        *_axes(high),
        *_marks([(0.0, "0"), (last / 2, f"{last / 2:.3g}"), (last, f"{last:.3g} s")], last),
        path(figure.met, "lm"),
        path(figure.selected, "ls"),
        *_legend(("m", "met"), ("s", "selected")),
    ]
    return _svg("Papers over time", HEIGHT, body)


def histogram_svg(figure: Histogram, threshold: float = 0.5) -> str:
    """Papers by score; those of bins above the threshold in the colour of the selected.

    Heights are square roots: most papers have next to no score, and the others are what one looks for.
    """
    high = max(1, *figure.counts)
    kinds = ["s" if number / BINS >= threshold else "m" for number in range(BINS)]
    body = [
        *_axes(high, _ROOT),
        *_bars([(count, kind) for count, kind in zip(figure.counts, kinds, strict=True)], high, _ROOT),
        *_marks([(0.0, "0"), (0.5, "0.5"), (1.0, "1")], 1.0),
    ]
    return _svg("Papers by score (root scale)", HEIGHT, body)


def years_svg(figure: Years) -> str:
    """Papers by year of publication, the selected in front of those met."""
    if not figure.years:
        return _svg("Papers by year", HEIGHT, ['<text x="56" y="150">No paper has a date.</text>'])
    high = max(1, *figure.met)
    step = max(1, len(figure.years) // 10)
    slot = (WIDTH - _LEFT - _RIGHT) / len(figure.years)
    labels = [
        f'<text x="{_LEFT + (at + 0.5) * slot:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{year}</text>'
        for at, year in enumerate(figure.years)
        if at % step == 0
    ]
    body = [
        *_axes(high),
        *_bars([(count, "m") for count in figure.met], high),
        *_bars([(count, "s") for count in figure.selected], high),
        *labels,
        *_legend(("m", "met"), ("s", "selected")),
    ]
    return _svg("Papers by year", HEIGHT, body)


def citation_map_svg(figure: CitationMap) -> str:
    """The best papers at their time, a line from each to what it cites; the size of a dot is its score."""
    height = 2 * HEIGHT
    if not figure.nodes:
        return _svg("Citations among the best papers", HEIGHT, ['<text x="56" y="150">No paper has a date.</text>'])
    places = [(_LEFT + node.x * (WIDTH - _LEFT - 90), _TOP + 16 + node.y * (height - 100)) for node in figure.nodes]
    lines = []
    for citing, cited in figure.edges:
        (x, y), (to_x, to_y) = places[citing], places[cited]
        middle = (x + to_x) / 2
        lines.append(
            f'<path class="e" d="M{x:.1f} {y:.1f} Q{middle:.1f} {min(y, to_y) - 18:.1f} {to_x:.1f} {to_y:.1f}"/>'
        )
    dots = [
        f'<circle class="{"s" if node.selected else "m"}" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 5 * node.score:.1f}">'
        f'<title>{safe(node.title)}</title></circle><text x="{x + 10:.1f}" y="{y + 4:.1f}">{safe(node.label)}</text>'
        for node, (x, y) in zip(figure.nodes, places, strict=True)
    ]
    ends = [
        f'<path class="g" d="M{_LEFT + x * (WIDTH - _LEFT - 90):.1f} {_TOP} V{height - 30}"/>'
        f'<text x="{_LEFT + x * (WIDTH - _LEFT - 90):.1f}" y="{height - 12}" text-anchor="middle">{year}</text>'
        for year, x in figure.years
    ]
    body = [*ends, *lines, *dots, *_legend(("m", "met"), ("s", "selected"))]
    return _svg("Citations among the best papers", height, body)


def safe(text: str) -> str:
    """A stranger's words as text of XML and HTML: no markup, no control characters."""
    return escape(clean_text(text))


def _svg(title: str, height: int, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="{safe(title)}"><style>{STYLE}</style>'
        f'<text class="h" x="{_LEFT}" y="20">{safe(title)}</text>' + "".join(body) + "</svg>"
    )


def _across(value: float, most: float) -> float:
    return _LEFT + value / most * (WIDTH - _LEFT - _RIGHT)


def _up(count: float, high: float, power: float = 1.0) -> float:
    return HEIGHT - _BOTTOM - math.pow(count / high, power) * (HEIGHT - _TOP - _BOTTOM)


def _axes(high: int, power: float = 1.0) -> Iterator[str]:
    for count in sorted({round(high * (part / _TICKS) ** (1 / power)) for part in range(_TICKS + 1)}):
        y = _up(count, high, power)
        yield f'<path class="g" d="M{_LEFT} {y:.1f} H{WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{count:,}</text>'


def _marks(marks: Sequence[tuple[float, str]], most: float) -> Iterator[str]:
    for value, label in marks:
        yield f'<text x="{_across(value, most):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{label}</text>'


def _bars(bars: Sequence[tuple[int, str]], high: int, power: float = 1.0) -> Iterator[str]:
    slot = (WIDTH - _LEFT - _RIGHT) / len(bars)
    for at, (count, kind) in enumerate(bars):
        if count:
            top = _up(count, high, power)
            yield (
                f'<rect class="{kind}" x="{_LEFT + at * slot + slot * 0.1:.1f}" y="{top:.1f}" width="{slot * 0.8:.1f}"'
                f' height="{HEIGHT - _BOTTOM - top:.1f}"/>'
            )


def _legend(*entries: tuple[str, str]) -> Iterator[str]:
    x = WIDTH - _RIGHT - 90 * len(entries)
    for at, (kind, label) in enumerate(entries):
        yield f'<rect class="{kind}" x="{x + at * 90}" y="11" width="10" height="10"/>'
        yield f'<text x="{x + at * 90 + 16}" y="20">{label}</text>'
