"""The report as plain text of 80 columns, and as Markdown."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from pasa_tui.evaluation.metrics import Judge, QueryResult
from pasa_tui.evaluation.published import CAVEAT, PublishedTable
from pasa_tui.evaluation.report import BLOCKS, LABELS, SHARES, Judged, Report, Row, heading
from pasa_tui.evaluation.statistics import Estimate
from pasa_tui.papers import clean_text

WIDTH = 80
_NAME = 14
_CELL = 11
_QID = 17
_UNKNOWN = "-"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def figure(metric: str, value: float) -> str:
    """A mean: shares with three digits, others with three that mean something."""
    if metric in SHARES:
        return f"{value:.3f}"
    size = abs(value)
    if size < 10:
        return f"{value:.2f}"
    if size < 100:
        return f"{value:.1f}"
    if size < 9_999.5:
        return f"{value:.0f}"
    return f"{value / 1e3:.0f}k" if size < 999_500 else f"{value / 1e6:.2f}M"


def interval(metric: str, estimate: Estimate) -> str:
    """The ends of an interval, as short as its mean."""
    ends = [figure(metric, end) for end in (estimate.low, estimate.high)]
    if metric in SHARES:
        ends = [end.removeprefix("0") if end != "1.000" else "1.00" for end in ends]
    return ("…" if estimate.low < 0 else "–").join(ends)


def published_figure(value: float | None) -> str:
    """A published figure with all its digits."""
    return _UNKNOWN if value is None else f"{value:.4f}"


def row_label(number: int, row: Row) -> str:
    """How tables name a folder: its number in the list, and its system or else its own name."""
    return f"{number} {row.results.run.system or PurePath(row.results.name).name}"


def facts(row: Row, judge: Judge) -> tuple[str, str, str]:
    """What a folder holds, in three lines: its run, how many questions, and the best threshold (may be empty)."""
    results, judged = row.results, row.judged[judge]
    run = results.run
    named = {"system": run.system or "unknown", "queries": run.queries, "corpus": run.corpus}
    named |= {"sources": ", ".join(run.sources), "seed": "" if run.seed is None else str(run.seed)}
    asked = f"{len(results.queries):,}" + (f" of {run.total:,}" if run.total is not None else "")
    states = {"failed": results.failed, "broken": len(results.broken), "without a result": results.missing or 0}
    extra = "".join(f", {number:,} {state}" for state, number in states.items() if number)
    lack = " in the corpus" if judge == "corpus" and results.knows_corpus else ""
    left_out = f", {judged.left_out:,} left out (no answer{lack})" if judged.left_out else ""
    return (
        "; ".join(f"{name} {value}" for name, value in named.items() if value),
        f"{asked} questions answered{extra}; {judged.questions:,} judged{left_out}",
        best_line(judged),
    )


def best_line(judged: Judged) -> str:
    """The diagnostic, in a line; empty without one."""
    best = judged.best
    return f"best F1 over thresholds: {best.f1:.3f}, papers scored {best.threshold:.3f} or more" if best else ""


def render_text(report: Report, *, per_query: bool = False) -> str:
    """The report in plain text."""
    return "\n".join(_text_lines(report, per_query)) + "\n"


def _text_lines(report: Report, per_query: bool) -> Iterator[str]:
    for number, row in enumerate(report.rows, start=1):
        yield from wrapped(row.results.name, f"{number}  ", "   ")
        for line in filter(None, facts(row, report.judge)):
            yield from wrapped(line, "   ", "     ")
    yield ""
    yield f"Measured, over {heading(report.judge)}"
    for block in BLOCKS:
        yield ""
        yield from _head("", block)
        for number, row in enumerate(report.rows, start=1):
            estimates = row.judged[report.judge].estimates
            means = [figure(name, estimates[name].mean) if estimates else _UNKNOWN for name in block]
            ends = [interval(name, estimates[name]) if estimates else "" for name in block]
            yield from _labelled(row_label(number, row), means, ends)
    for table in report.published:
        yield ""
        yield from _published(table)
    if per_query:
        for number, row in enumerate(report.rows, start=1):
            yield ""
            yield from _questions(number, row, report.judge)
    yield ""
    yield "Notes"
    for note in report.notes:
        yield from wrapped(note, "- ", "  ")


def _head(first: str, names: Iterable[str]) -> Iterator[str]:
    cells = [LABELS[name].split(" ", 1) if len(LABELS[name]) >= _CELL else [LABELS[name]] for name in names]
    if any(len(cell) > 1 for cell in cells):
        yield _line("", [cell[0] if len(cell) > 1 else "" for cell in cells])
    yield _line(first, [cell[-1] for cell in cells])


def _line(label: str, cells: Sequence[str], cell: int = _CELL) -> str:
    return (f"{label:<{_NAME}}" + "".join(f"{text:>{cell}}" for text in cells)).rstrip()


def _labelled(label: str, *lines: Sequence[str]) -> Iterator[str]:
    """Lines of cells beside a label, which takes as many of them, or more."""
    parts = textwrap.wrap(label, _NAME - 1)
    for number in range(max(len(parts), len(lines))):
        line = _line(
            ("  " if number else "") + parts[number] if number < len(parts) else "",
            lines[number] if number < len(lines) else (),
        )
        if line:
            yield line


def _published(table: PublishedTable) -> Iterator[str]:
    yield f"Published results on {table.title} ({table.source})"
    yield from wrapped(CAVEAT)
    yield ""
    yield from _head("", BLOCKS[0])
    for row in table.rows:
        yield from _labelled(
            row.system + ("*" if row.remark else ""), [published_figure(value) for value in row.values]
        )
    for row in table.rows:
        if row.remark:
            yield f"* {row.remark}"


def _questions(number: int, row: Row, judge: Judge) -> Iterator[str]:
    yield f"Questions of {row_label(number, row)}"
    heads = ("crawled", "prec.", "recall", "@100", "@50", "@20", "F1")
    yield f"{'':>5} {'':<{_QID}}" + "".join(f"{head:>7}" for head in heads)
    for query in row.results.queries:
        figures = query.metrics[judge]
        cells = [f"{getattr(figures, name):.3f}" if figures else _UNKNOWN for name in tuple(LABELS)[:7]]
        qid = clean_text(query.qid) or _UNKNOWN
        if len(qid) >= _QID:
            # Its end tells it from the others.
            qid = "…" + qid[2 - _QID :]
        yield f"{query.index:>5} {qid:<{_QID}}" + "".join(f"{cell:>7}" for cell in cells) + _mark(query)


def _mark(query: QueryResult) -> str:
    return f"  {query.ending}" if query.ending == "failed" else ""


def wrapped(text: str, first: str = "", others: str = "") -> list[str]:
    """Lines of a text, strangers' or ours, with what the first and the others begin with."""
    return textwrap.wrap(
        clean_text(text), WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False
    )


def render_markdown(report: Report, *, per_query: bool = False) -> str:
    """The report in Markdown, with pipe tables."""
    return "\n".join(_markdown_lines(report, per_query)) + "\n"


def _markdown_lines(report: Report, per_query: bool) -> Iterator[str]:
    yield "# Evaluation"
    yield ""
    for number, row in enumerate(report.rows, start=1):
        run, questions, best = facts(row, report.judge)
        yield f"{number}. **{escaped(row.results.name)}**: " + escaped("; ".join(filter(None, (run, questions, best))))
    yield ""
    yield f"## Measured, over {heading(report.judge)}"
    for block in BLOCKS:
        yield ""
        yield from markdown_table(
            ["folder", *(LABELS[name] for name in block)],
            (_markdown_row(row_label(number, row), row, report.judge, block) for number, row in _numbered(report)),
        )
    for table in report.published:
        yield ""
        yield f"## Published results on {table.title}"
        yield ""
        yield f"{table.source}. {CAVEAT}"
        yield ""
        yield from markdown_table(
            ["system", *(LABELS[name] for name in BLOCKS[0])],
            (
                [row.system + (f" ({row.remark})" if row.remark else ""), *map(published_figure, row.values)]
                for row in table.rows
            ),
        )
    for number, row in _numbered(report) if per_query else ():
        yield ""
        yield f"## Questions of {escaped(row_label(number, row))}"
        yield ""
        yield from markdown_table(
            ["", "question", *(LABELS[name] for name in tuple(LABELS)[:7]), "ending"],
            (_markdown_question(query, report.judge) for query in row.results.queries),
            words=2,
        )
    yield ""
    yield "## Notes"
    yield ""
    for note in report.notes:
        yield f"- {escaped(note)}"


def _numbered(report: Report) -> Iterable[tuple[int, Row]]:
    return enumerate(report.rows, start=1)


def _markdown_row(label: str, row: Row, judge: Judge, block: Sequence[str]) -> list[str]:
    estimates = row.judged[judge].estimates
    if not estimates:
        return [escaped(label), *(_UNKNOWN for _ in block)]
    return [escaped(label), *(f"{figure(n, estimates[n].mean)} ({interval(n, estimates[n])})" for n in block)]


def _markdown_question(query: QueryResult, judge: Judge) -> list[str]:
    figures = query.metrics[judge]
    cells = [f"{getattr(figures, name):.3f}" if figures else _UNKNOWN for name in tuple(LABELS)[:7]]
    return [str(query.index), escaped(query.question), *cells, escaped(query.ending)]


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> Iterator[str]:
    """A pipe table; its first `words` columns hold words, the others figures. Cells are escaped by the caller."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * words + " ---: |" * (len(heads) - words)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def escaped(text: str) -> str:
    """A stranger's text as Markdown shows it: on one line, and none of it as markup."""
    return _MARKUP.sub(r"\\\1", clean_text(text))
