"""Query sets in the published format: a question a line, with the papers that answer it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.errors import EvaluationError
from pasa_tui.papers import Query, clean_text, parse_arxiv_id

CUT_OFF_DAYS = 7
"""A question's cut-off lies this many days before its `published_time` (design: as the published runner has it)."""

NAMED_SETS: Mapping[str, str] = {
    "autoscholar-train": "AutoScholarQuery/train.jsonl",
    "autoscholar-dev": "AutoScholarQuery/dev.jsonl",
    "autoscholar-test": "AutoScholarQuery/test.jsonl",
    "realscholar": "RealScholarQuery/test.jsonl",
}
"""Query sets that go by a name, and where `pasa-tui data fetch` puts them below a data folder."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A paper that answers a question. `source_id` names it in a corpus, where the query set says so."""

    title: str
    arxiv_id: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkQuery:
    """A question of a query set. `index` is its line, from 0, which also names its result file."""

    index: int
    qid: str
    question: str
    answers: tuple[Answer, ...]
    published: date | None = None

    @property
    def query(self) -> Query:
        """The question as a search takes it, with its cut-off. Raises QueryError."""
        cut_off = self.published - timedelta(days=CUT_OFF_DAYS) if self.published else None
        return Query.parse(self.question, cut_off)


class _Meta(msgspec.Struct):
    published_time: str | int | None = None


class _Line(msgspec.Struct):
    question: str
    answer: Sequence[str] = ()
    answer_arxiv_id: Sequence[str | None] = ()
    corpus_id: Sequence[str | None] = ()
    source_meta: _Meta = msgspec.field(default_factory=_Meta)
    qid: str | int | None = None


def read_queries(path: Path, limit: int | None = None) -> list[BenchmarkQuery]:
    """The first `limit` questions of a file, all without it. Raises EvaluationError, which names the line at fault."""
    queries: list[BenchmarkQuery] = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    queries.append(parse_line(line, number, len(queries), path))
                if limit is not None and len(queries) >= limit:
                    break
    except OSError as error:
        raise EvaluationError(
            f"The query set {path} can't be read: {error.strerror}.",
            f"Give a JSON-lines file or one of: {', '.join(NAMED_SETS)} (fetched with pasa-tui data fetch).",
        ) from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"The query set {path} is not UTF-8.", "Save it as UTF-8.") from error
    if not queries:
        raise EvaluationError(f"The query set {path} holds no question.", "It needs one JSON object a line.")
    return queries


def find_queries(name: str, folders: Sequence[Path]) -> Path:
    """The file of a query set given by name, looked for below `folders` in order, or by path.

    Raises EvaluationError where a named set was not fetched.
    """
    if name not in NAMED_SETS:
        return Path(name).expanduser()
    for folder in folders:
        if (folder / NAMED_SETS[name]).is_file():
            return folder / NAMED_SETS[name]
    raise EvaluationError(f"The query set {name} is not on this machine.", f"Fetch it: pasa-tui data fetch {name}")


def parse_line(line: str, number: int, index: int, path: Path) -> BenchmarkQuery:
    """The question in a line of a query set. Raises EvaluationError, which names the line and the file."""
    try:
        row = msgspec.convert(json.loads(line), _Line)
        published = _date(row.source_meta.published_time)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise EvaluationError(
            f"Line {number} of {path} is no query: {error}.",
            'A query is {"question": …, "answer": [titles], "answer_arxiv_id": [ids], '
            '"source_meta": {"published_time": "YYYYMMDD"}}.',
        ) from error
    if not clean_text(row.question):
        raise EvaluationError(f"Line {number} of {path} has an empty question.", "Fill it in or leave the line out.")
    return BenchmarkQuery(
        index=index,
        qid=clean_text(str(row.qid)) if row.qid is not None else str(index),
        question=row.question,
        answers=tuple(_answers(row)),
        published=published,
    )


def _answers(row: _Line) -> Iterator[Answer]:
    for position in range(max(len(row.answer), len(row.answer_arxiv_id))):
        title = _at(row.answer, position) or ""
        arxiv_id = _at(row.answer_arxiv_id, position) or ""
        yield Answer(clean_text(title), parse_arxiv_id(arxiv_id), _at(row.corpus_id, position))


def _at(values: Sequence[str | None], position: int) -> str | None:
    return values[position] if position < len(values) else None


def _date(text: Any) -> date | None:
    if text is None or text == "":
        return None
    return datetime.strptime(str(text).replace("-", ""), "%Y%m%d").date()
