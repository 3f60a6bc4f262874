"""What the library answers with, and how values stand in its columns."""

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from pasa_tui.papers import Paper, PaperId, clean_text

Status = Literal["running", "interrupted", "done", "cancelled", "budget", "failed"]
"""How a search stands. "interrupted" was running in a process that is gone."""

PAPER_COLUMNS = (
    "id",
    "title",
    "abstract",
    "abstract_kind",
    "authors",
    "date",
    "arxiv_id",
    "doi",
    "venue",
    "categories",
    "source_id",
)


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One past search. Times are UTC; `met` and `selected` count papers.

    `title` is the name the user gave it, else empty; `parent` the search it goes on from.
    """

    id: int
    query: str
    before: dt.date | None
    settings: Mapping[str, Any]
    status: Status
    started_at: dt.datetime
    ended_at: dt.datetime | None
    met: int
    selected: int
    title: str = ""
    parent: int | None = None

    @property
    def name(self) -> str:
        """What to call it, on one line."""
        return self.title or " ".join(self.query.split())


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper of the library, in how many searches it was found, and what the user made of it."""

    paper: Paper
    searches: int
    starred: bool
    tags: tuple[str, ...]
    note: str
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What the user made of papers: all stars, rejections, tags and notes there are."""

    starred: frozenset[PaperId] = frozenset()
    rejected: frozenset[PaperId] = frozenset()
    tags: Mapping[PaperId, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[PaperId, str] = field(default_factory=dict)


def paper_values(paper: Paper) -> tuple[Any, ...]:
    """The values of `PAPER_COLUMNS`."""
    return (
        paper.id,
        paper.title,
        paper.abstract,
        paper.abstract_kind,
        json.dumps(paper.authors, ensure_ascii=False),
        paper.date.isoformat() if paper.date else None,
        paper.arxiv_id,
        paper.doi,
        paper.venue,
        json.dumps(paper.categories, ensure_ascii=False),
        paper.source_id,
    )


def paper_of(row: sqlite3.Row) -> Paper:
    """The paper in a row that has `PAPER_COLUMNS`."""
    return paper_of_values(*(row[name] for name in PAPER_COLUMNS))


def paper_of_values(
    _id: str,
    title: str,
    abstract: str,
    abstract_kind: str,
    authors: str,
    date: str | None,
    arxiv_id: str | None,
    doi: str | None,
    venue: str | None,
    categories: str,
    source_id: str | None,
) -> Paper:
    """The paper that `paper_values` gave these values of."""
    return Paper(
        title,
        abstract,
        tuple(msgspec.json.decode(authors)),
        dt.date.fromisoformat(date) if date else None,
        arxiv_id,
        doi,
        venue,
        # Most papers of most sources have none, and thousands are read at once.
        () if categories == "[]" else tuple(msgspec.json.decode(categories)),
        source_id,
        "summary" if abstract_kind == "summary" else "abstract",
    )


def search_of(row: sqlite3.Row, status: Status) -> SearchRow:
    """The search in a row of the table `searches`."""
    return SearchRow(
        id=row["id"],
        query=row["query"],
        before=dt.date.fromisoformat(row["before"]) if row["before"] else None,
        settings=json.loads(row["settings"]),
        status=status,
        started_at=dt.datetime.fromisoformat(row["started_at"]),
        ended_at=dt.datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
        met=row["met"],
        selected=row["selected"],
        title=row["title"],
        parent=row["parent"],
    )


def match_expression(text: str, *, shortest: int = 1) -> str:
    """A user's words as an FTS5 expression: rows that have a word with each of these beginnings; empty for none.

    ASCII words of fewer than `shortest` letters must be there as they are: very many words begin with one letter.

    Each word is a string of FTS5 (https://www.sqlite.org/fts5.html#full_text_query_syntax), so that AND, NEAR,
    column names and punctuation are never syntax. One without a letter or digit ("—") is passed over there.
    """
    return " ".join(
        '"' + word.replace('"', '""') + ('"' if word.isascii() and len(word) < shortest else '"*')
        for word in clean_text(text).split()
    )
