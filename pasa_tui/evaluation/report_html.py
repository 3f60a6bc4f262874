"""The report as one HTML file: no scripts, nothing loaded, light or dark as the reader has it."""

from collections.abc import Iterator, Sequence
from html import escape

from pasa_tui.evaluation.metrics import Judge, QueryResult
from pasa_tui.evaluation.published import CAVEAT, PublishedTable
from pasa_tui.evaluation.report import BLOCKS, LABELS, SHARES, Report, Row, heading
from pasa_tui.evaluation.report_text import facts, figure, interval, published_figure, row_label
from pasa_tui.evaluation.statistics import Estimate
from pasa_tui.papers import clean_text

_BAR = 80
"""Width in pixels of the bar of a share of 1."""

_STYLE = """
:root { color-scheme: light dark; --text: #1c1c1e; --back: #fff; --dim: #636369; --line: #d8d8dd; --bar: #7aa7d9;
  --whisker: #1c1c1e; --mark: #fff6df; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8ea; --back: #18181b; --dim: #a3a3ab; --line: #3b3b41;
  --bar: #3f6ea3; --whisker: #e8e8ea; --mark: #3a3113; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 75rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child, td.words, th.words { text-align: left; }
td.words { min-width: 18rem; overflow-wrap: anywhere; }
thead th { color: var(--dim); font-weight: 600; }
small, .dim { color: var(--dim); }
td small { display: block; white-space: nowrap; }
svg { display: block; margin-left: auto; }
svg rect { fill: var(--line); } svg rect + rect { fill: var(--bar); } svg path { stroke: var(--whisker); fill: none; }
.published { background: var(--mark); padding: .2rem 1rem .8rem; border-radius: .4rem; }
summary { cursor: pointer; }
"""


def render_html(report: Report) -> str:
    """The report as a page that stands for itself."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield "<h1>Evaluation</h1>"
    yield "<ol>"
    for row in report.rows:
        run, questions, best = facts(row, report.judge)
        lines = "<br>".join(safe(line) for line in (run, questions, best) if line)
        yield f'<li><strong>{safe(row.results.name)}</strong><br><span class="dim">{lines}</span></li>'
    yield "</ol>"
    yield f"<h2>Measured, over {safe(heading(report.judge))}</h2>"
    for block in BLOCKS:
        yield from _table(
            ["", *(LABELS[name] for name in block)], [_cells(n, row, report, block) for n, row in _all(report)]
        )
    for table in report.published:
        yield from _published(table)
    yield "<h2>Notes</h2>"
    yield "<ul>"
    for note in report.notes:
        yield f"<li>{safe(note)}</li>"
    yield "</ul>"
    yield "<h2>Questions</h2>"
    for number, row in _all(report):
        yield f"<details><summary>{safe(row_label(number, row))}: {safe(row.results.name)}</summary>"
        heads = ["", "question", "answers", *(LABELS[name] for name in tuple(LABELS)[:7]), "ending"]
        yield from _table(heads, [_question(query, report.judge) for query in row.results.queries], words=1)
        yield "</details>"
    yield "</body></html>"


def safe(text: str) -> str:
    """A text, strangers' or ours, as HTML that shows it and nothing else."""
    return escape(clean_text(text), quote=True)


def _all(report: Report) -> Sequence[tuple[int, Row]]:
    return list(enumerate(report.rows, start=1))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int | None = None) -> Iterator[str]:
    """A table; its cells are HTML already. Column `words` holds sentences."""
    kinds = [' class="words"' if position == words else "" for position in range(len(heads))]
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f"<th{kind}>{safe(head)}</th>" for kind, head in zip(kinds, heads, strict=True))
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
    yield "</tbody></table></div>"


def _cells(number: int, row: Row, report: Report, block: Sequence[str]) -> list[str]:
    estimates = row.judged[report.judge].estimates
    label = safe(row_label(number, row))
    return [label, *(_measured(name, estimates[name]) if estimates else "-" for name in block)]


def _measured(metric: str, estimate: Estimate) -> str:
    bar = _bar(estimate) if metric in SHARES else ""
    return f"{figure(metric, estimate.mean)}<small>{interval(metric, estimate)}</small>{bar}"


def _bar(estimate: Estimate) -> str:
    mean, low, high = (round(value * _BAR, 1) for value in (estimate.mean, estimate.low, estimate.high))
    return (
        f'<svg width="{_BAR}" height="10" viewBox="0 0 {_BAR} 10" aria-hidden="true">'
        f'<rect y="2" width="{_BAR}" height="6"/><rect y="2" width="{mean}" height="6"/>'
        f'<path d="M{low} 5H{high}M{low} 3V7M{high} 3V7"/></svg>'
    )


def _published(table: PublishedTable) -> Iterator[str]:
    yield f'<section class="published"><h2>Published results on {safe(table.title)}</h2>'
    yield f"<p>{safe(table.source)}. {safe(CAVEAT)}</p>"
    rows = [
        [
            safe(row.system) + (f"<small>{safe(row.remark)}</small>" if row.remark else ""),
            *(published_figure(value) for value in row.values),
        ]
        for row in table.rows
    ]
    yield from _table(["", *(LABELS[name] for name in BLOCKS[0])], rows)
    yield "</section>"


def _question(query: QueryResult, judge: Judge) -> list[str]:
    figures = query.metrics[judge]
    counted = query.answers_in_corpus if judge == "corpus" and query.answers_in_corpus is not None else query.answers
    ending = query.ending + (f": {query.message}" if query.message else "")
    return [
        str(query.index),
        safe(query.question),
        str(counted),
        *(f"{getattr(figures, name):.3f}" if figures else "-" for name in tuple(LABELS)[:7]),
        safe(ending),
    ]
