"""The report on result folders: what each is worth, what is published for its query set, and what to keep in mind."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pasa_tui.evaluation.metrics import THRESHOLD, Judge, QueryResult
from pasa_tui.evaluation.published import CAVEAT, COLUMNS, PUBLISHED, PublishedTable, published_for
from pasa_tui.evaluation.reading import CORPUS_KEYS, JUDGES, Results, default_judge
from pasa_tui.evaluation.statistics import RESAMPLES, BestThreshold, Estimate, best_threshold, estimate

LABELS: Mapping[str, str] = {
    "crawler_recall": "crawler recall",
    "precision": "precision",
    "recall": "recall",
    "recall_at_100": "recall@100",
    "recall_at_50": "recall@50",
    "recall_at_20": "recall@20",
    "f1": "F1",
    "ndcg_at_20": "nDCG@20",
    "actions": "actions",
    "score": "score",
    "papers_met": "papers met",
    "papers_selected": "selected",
    "requests": "requests",
    "seconds": "seconds",
    "tokens": "tokens",
}
"""What each metric is called in a report, in the order in which reports show them."""

BLOCKS = (tuple(LABELS)[:6], tuple(LABELS)[6:12], tuple(LABELS)[12:])
"""The metrics as tables show them: the published ones, others of what was found, what it took."""
SHARES = frozenset(tuple(LABELS)[:8])
"""The metrics that lie in [0, 1]."""

_F1_NOTE = (
    "F1 is the mean over questions of the harmonic mean of precision and recall, both of the papers selected "
    f"(score above {THRESHOLD}). Crawler recall is of all papers met, and no F1 may be made of it and that precision."
)
_RUNNER_NOTE = (
    "The published runner passes expand_papers (20) where it means search_queries (5): runs of it, unlike ours, may "
    "make up to 20 searches for a question."
)
_REALSCHOLAR_NOTE = (
    "RealScholarQuery has 791 answers, of which 739 are in the public paper database: against that database, recall "
    "over all answers cannot reach 1. Judge by the corpus where this matters."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a folder is worth to one judge.

    `estimates` are over the `questions` with an answer that counts; the `left_out` have none. `best` is a diagnostic.
    """

    questions: int
    left_out: int
    estimates: Mapping[str, Estimate]
    best: BestThreshold | None


@dataclass(frozen=True, slots=True)
class Row:
    """A folder and what it is worth to each judge that was asked."""

    results: Results
    judged: Mapping[Judge, Judged]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says; `judge` is the one whose figures its tables show."""

    judge: Judge
    rows: tuple[Row, ...]
    published: tuple[PublishedTable, ...]
    notes: tuple[str, ...]


def build_report(
    folders: Sequence[Results], *, judge: Judge | None = None, published: bool = False, both: bool = False
) -> Report:
    """The report on folders, in the order given, to the `judge` or else `default_judge`; with `both`, to either.

    `published` adds the published tables of all query sets, not only of those that were run.
    """
    chosen = judge or default_judge(folders)
    judges: Sequence[Judge] = JUDGES if both else (chosen,)
    rows = tuple(Row(folder, {name: _judged(folder, name) for name in judges}) for folder in folders)
    of_runs = [table for folder in folders if (table := published_for(folder.run.queries))]
    tables = tuple(PUBLISHED.values()) if published else tuple(dict.fromkeys(of_runs))
    return Report(chosen, rows, tables, tuple(_notes(rows, chosen, tables)))


def _judged(results: Results, judge: Judge) -> Judged:
    judged = results.judged(judge)
    curves = [curve for of_question in results.curves if (curve := of_question[judge]) is not None]
    return Judged(
        questions=len(judged),
        left_out=len(results.queries) - len(judged),
        estimates=estimate([{name: getattr(figures, name) for name in LABELS} for _, figures in judged]),
        best=best_threshold(curves),
    )


def _notes(rows: Sequence[Row], judge: Judge, tables: Sequence[PublishedTable]) -> list[str]:
    notes = [
        f"Means over questions with 95 % intervals (percentile bootstrap, {RESAMPLES:,} resamples of questions).",
        _F1_NOTE,
    ]
    if any(row.judged[judge].best for row in rows):
        notes.append(
            "Best F1 is a diagnostic: the one threshold on the score that gives the best mean F1, chosen on these "
            "questions themselves."
        )
    if any(row.results.missing for row in rows):
        notes.append("Questions without a result are in no mean: their run was killed, or still goes on.")
    if any(row.results.failed for row in rows):
        notes.append("Failed questions count with what was found before they failed.")
    for row in rows:
        notes += [f"{row.results.name}: {note}" for note in _folder_notes(row, judge)]
    notes += _differences(rows, judge)
    if tables:
        notes.append(_RUNNER_NOTE)
    if any(table.query_set == "realscholar" for table in tables):
        notes.append(_REALSCHOLAR_NOTE)
    return notes


def _folder_notes(row: Row, judge: Judge) -> list[str]:
    results = row.results
    notes = list(results.remarks)
    if results.broken:
        more = f" (and {len(results.broken) - 1} more)" if len(results.broken) > 1 else ""
        notes.append(f"left out as broken: {results.broken[0]}{more}")
    if judge == "corpus" and not results.knows_corpus:
        notes.append("it does not say which answers its corpus has: all its answers count.")
    return notes


def _differences(rows: Sequence[Row], judge: Judge) -> list[str]:
    notes = []
    asked = [{query.index: query.question for query, _ in row.results.judged(judge)} for row in rows]
    if any(questions != asked[0] for questions in asked):
        notes.append(
            "The rows are not over the same questions. Compare two over those they share: pasa-tui eval compare A B."
        )
    if len({row.results.run.key(*CORPUS_KEYS) for row in rows}) > 1:
        notes.append("The folders' corpora differ, or are not known: not all papers can be found in each.")
    return notes


def count(number: int, noun: str) -> str:
    """A number and its noun, in the plural where that is due."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def heading(judge: Judge) -> str:
    """What the figures are over, in a few words."""
    return "answers that the corpus has" if judge == "corpus" else "all published answers"


def report_data(report: Report) -> dict[str, Any]:
    """The report as JSON data: each folder to both judges, with its questions one by one."""
    return {
        "judge": report.judge,
        "folders": [_row_data(row) for row in report.rows],
        "published": [
            {
                "query_set": table.query_set,
                "title": table.title,
                "source": table.source,
                "caveat": CAVEAT,
                "systems": [
                    {"system": row.system, **dict(zip(COLUMNS, row.values, strict=True)), "remark": row.remark}
                    for row in table.rows
                ],
            }
            for table in report.published
        ],
        "notes": list(report.notes),
    }


def _row_data(row: Row) -> dict[str, Any]:
    results = row.results
    return {
        "folder": results.name,
        "system": results.run.system,
        "queries": results.run.queries,
        "corpus": results.run.corpus,
        "run": results.run.raw,
        "answered": len(results.queries),
        "total": results.run.total,
        "missing": results.missing,
        "failed": results.failed,
        "broken": list(results.broken),
        "judges": {
            judge: {
                "questions": judged.questions,
                "left_out": judged.left_out,
                "metrics": {name: asdict(value) for name, value in judged.estimates.items()},
                "best_f1": asdict(judged.best) if judged.best else None,
            }
            for judge, judged in row.judged.items()
        },
        "per_query": [query_data(query) for query in results.queries],
    }


def query_data(query: QueryResult) -> dict[str, Any]:
    """One question's figures as JSON data, to either judge."""
    return {
        "index": query.index,
        "qid": query.qid,
        "question": query.question,
        "answers": query.answers,
        "answers_in_corpus": query.answers_in_corpus,
        "ending": query.ending,
        "message": query.message,
        **{judge: asdict(figures) if figures else None for judge, figures in query.metrics.items()},
    }
