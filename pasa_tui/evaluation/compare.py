"""Two result folders question by question: paired differences, and which questions moved most."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.metrics import Judge, Metrics, QueryResult
from pasa_tui.evaluation.reading import CORPUS_KEYS, JUDGES, Results, default_judge
from pasa_tui.evaluation.report import LABELS, count, heading, query_data
from pasa_tui.evaluation.report_text import WIDTH, escaped, figure, markdown_table, wrapped
from pasa_tui.evaluation.statistics import RESAMPLES, Estimate, estimate
from pasa_tui.papers import clean_text, title_key

_EQUAL = 1e-12


@dataclass(frozen=True, slots=True)
class Pair:
    """A question that both folders have, with the figures of each; `index` is its place in the query set."""

    query: QueryResult
    first: Metrics
    second: Metrics

    def difference(self, metric: str) -> float:
        """The second's figure less the first's."""
        return float(getattr(self.second, metric) - getattr(self.first, metric))


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric over all pairs: both means, the mean difference with its interval, and in how many pairs the second's
    is higher, equal and lower. Whether higher is better depends on the metric."""

    first: float
    second: float
    change: Estimate
    higher: int
    equal: int
    lower: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What one judge says: the pairs whose question has an answer that counts, and each metric's difference."""

    pairs: tuple[Pair, ...]
    differences: Mapping[str, Difference]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two folders compared; `judge` is the one whose figures tables show. `warnings` say what makes them differ."""

    first: Results
    second: Results
    judge: Judge
    judged: Mapping[Judge, Compared]
    warnings: tuple[str, ...]


def build_comparison(first: Results, second: Results, *, judge: Judge | None = None, both: bool = False) -> Comparison:
    """The second folder against the first, to the `judge` or else `default_judge`; with `both`, to either.

    Raises EvaluationError where they share no question.
    """
    chosen = judge or default_judge([first, second])
    theirs = {query.index: query for query in second.queries}
    shared = [(query, theirs[query.index]) for query in first.queries if query.index in theirs]
    same = [(mine, other) for mine, other in shared if title_key(mine.question) == title_key(other.question)]
    if not same:
        raise EvaluationError(
            f"{first.name} and {second.name} share no question.", "Compare runs over the same query set."
        )
    judges: Sequence[Judge] = JUDGES if both else (chosen,)
    judged = {name: _compared(same, name) for name in judges}
    warnings = [*_warnings(first, second, len(shared) - len(same))]
    if not judged[chosen].pairs:
        warnings.append("No question that both have has an answer which counts.")
    return Comparison(first, second, chosen, judged, tuple(warnings))


def _compared(same: Sequence[tuple[QueryResult, QueryResult]], judge: Judge) -> Compared:
    pairs = [
        Pair(mine, before, after)
        for mine, other in same
        if (before := mine.metrics[judge]) is not None and (after := other.metrics[judge]) is not None
    ]
    changes = estimate([{name: pair.difference(name) for name in LABELS} for pair in pairs])
    return Compared(tuple(pairs), {name: _difference(pairs, name, change) for name, change in changes.items()})


def _difference(pairs: Sequence[Pair], metric: str, change: Estimate) -> Difference:
    moves = [pair.difference(metric) for pair in pairs]
    higher = sum(move > _EQUAL for move in moves)
    lower = sum(move < -_EQUAL for move in moves)
    means = [
        sum(getattr(side, metric) for side in sides) / len(pairs)
        for sides in zip(*((p.first, p.second) for p in pairs), strict=True)
    ]
    return Difference(means[0], means[1], change, higher, len(moves) - higher - lower, lower)


def _warnings(first: Results, second: Results, other_questions: int) -> Iterator[str]:
    mine, theirs = first.run, second.run
    if _differ(mine.queries, theirs.queries) or _differ(*(run.key("queries_sha256")[0] for run in (mine, theirs))):
        yield f"The query sets differ: {mine.queries or 'unknown'} and {theirs.queries or 'unknown'}."
    if None not in (mine.raw, theirs.raw) and mine.key(*CORPUS_KEYS) != theirs.key(*CORPUS_KEYS):
        yield f"The corpora differ: {mine.corpus or 'none'} and {theirs.corpus or 'none'}."
    if other_questions:
        yield f"{count(other_questions, 'question')} of the same number ask something else; they are left out."
    for side, other in ((first, second), (second, first)):
        if only := {query.index for query in side.queries} - {query.index for query in other.queries}:
            yield f"{count(len(only), 'question')} that {side.name} alone has: left out."
    for side in (first, second):
        if side.missing:
            yield f"{side.name}: {count(side.missing, 'question')} of its run without a result."
        if side.broken:
            yield f"{side.name}: {count(len(side.broken), 'broken file')} left out: {side.broken[0]}"
        if side.failed:
            yield f"{side.name}: {count(side.failed, 'failed question')}, counted with what was found before."


def _differ(mine: str, theirs: str) -> bool:
    return bool(mine and theirs and mine != theirs)


def movers(compared: Compared, top: int) -> list[Pair]:
    """The questions that moved most, by recall@20, then recall; those that moved in neither are none."""
    moved = [pair for pair in compared.pairs if any(abs(move) > _EQUAL for move in _moves(pair))]
    return sorted(moved, key=lambda pair: ([-abs(move) for move in _moves(pair)], pair.query.index))[:top]


def _moves(pair: Pair) -> tuple[float, float]:
    return pair.difference("recall_at_20"), pair.difference("recall")


def comparison_data(comparison: Comparison, top: int) -> dict[str, Any]:
    """The comparison as JSON data, to either judge."""
    return {
        "first": comparison.first.name,
        "second": comparison.second.name,
        "judge": comparison.judge,
        "warnings": list(comparison.warnings),
        "judges": {
            judge: {
                "questions": len(compared.pairs),
                "metrics": {name: asdict(difference) for name, difference in compared.differences.items()},
                "moved_most": [_pair_data(pair) for pair in movers(compared, top)],
            }
            for judge, compared in comparison.judged.items()
        },
    }


def _pair_data(pair: Pair) -> dict[str, Any]:
    known = query_data(pair.query)
    return {
        **{name: known[name] for name in ("index", "qid", "question")},
        "first": asdict(pair.first),
        "second": asdict(pair.second),
    }


def _signed(metric: str, value: float) -> str:
    text = figure(metric, abs(value))
    if not text.strip("0."):
        return text
    return f"-{text}" if value < 0 else f"+{text}"


def _rows(compared: Compared) -> Iterator[list[str]]:
    for name, d in compared.differences.items():
        ends = f"{_signed(name, d.change.low)} to {_signed(name, d.change.high)}"
        yield [
            LABELS[name],
            figure(name, d.first),
            figure(name, d.second),
            _signed(name, d.change.mean) + ("*" if d.change.is_clear else " "),
            ends,
            f"{d.higher:,}",
            f"{d.equal:,}",
            f"{d.lower:,}",
        ]


_HEADS = ("", "A", "B", "B - A", "95 % interval", "higher", "equal", "lower")
_WIDTHS = (14, 8, 8, 9, 19, 7, 7, 7)


def _legend(comparison: Comparison) -> str:
    pairs = comparison.judged[comparison.judge].pairs
    return (
        f"{count(len(pairs), 'question')} that both have, over {heading(comparison.judge)}. Intervals: percentile "
        f"bootstrap of the paired differences, {RESAMPLES:,} resamples; * leaves out zero. Higher, equal, lower: in "
        "how many questions B's figure is that."
    )


def render_text(comparison: Comparison, top: int) -> str:
    """The comparison in plain text of 80 columns. Its warnings are not in it."""
    compared = comparison.judged[comparison.judge]
    lines = [
        *wrapped(comparison.first.name + _system(comparison.first), "A  ", "   "),
        *wrapped(comparison.second.name + _system(comparison.second), "B  ", "   "),
        *wrapped(_legend(comparison)),
        "",
    ]
    for cells in (_HEADS, *_rows(compared)):
        first, *others = zip(cells, _WIDTHS, strict=True)
        lines.append((f"{first[0]:<{first[1]}}" + "".join(f"{text:>{width}}" for text, width in others)).rstrip())
    if moved := movers(compared, top):
        lines += ["", "Moved most", f"{'':>5}{'recall@20':>16}{'recall':>16}  question"]
        lines += [_moved(pair) for pair in moved]
    return "\n".join(lines) + "\n"


def _system(results: Results) -> str:
    return f" ({results.run.system})" if results.run.system else ""


def _moved(pair: Pair) -> str:
    changes = [f"{getattr(pair.first, n):.3f} → {getattr(pair.second, n):.3f}" for n in ("recall_at_20", "recall")]
    start = f"{pair.query.index:>5}" + "".join(f"{change:>16}" for change in changes) + "  "
    return start + textwrap.shorten(clean_text(pair.query.question), WIDTH - len(start), placeholder="…")


def render_markdown(comparison: Comparison, top: int) -> str:
    """The comparison in Markdown, its warnings too."""
    compared = comparison.judged[comparison.judge]
    lines = [
        "# Comparison",
        "",
        f"- A: {escaped(comparison.first.name + _system(comparison.first))}",
        f"- B: {escaped(comparison.second.name + _system(comparison.second))}",
        "",
        escaped(_legend(comparison)),
        "",
        *markdown_table(_HEADS, ([escaped(cell) for cell in cells] for cells in _rows(compared))),
    ]
    if moved := movers(compared, top):
        heads = ("", "question", "recall@20 of A", "of B", "recall of A", "of B")
        lines += ["", "## Moved most", "", *markdown_table(heads, map(_moved_cells, moved), words=2)]
    if comparison.warnings:
        lines += ["", "## Warnings", "", *(f"- {escaped(warning)}" for warning in comparison.warnings)]
    return "\n".join(lines) + "\n"


def _moved_cells(pair: Pair) -> list[str]:
    figures = [getattr(side, n) for n in ("recall_at_20", "recall") for side in (pair.first, pair.second)]
    return [str(pair.query.index), escaped(pair.query.question), *(f"{value:.3f}" for value in figures)]
