"""Events into tables and back. Papers stand once, in their own table; the events refer to them."""

import sqlite3
from collections.abc import Sequence

import msgspec

from pasa_tui.events import (
    Event,
    PaperFound,
    PaperJudged,
    PaperMetAgain,
    SearchEnded,
    SearchStarted,
    event_from_json,
    event_to_json,
)
from pasa_tui.library.rows import PAPER_COLUMNS, paper_of, paper_values

# A later meeting fills in what was missing and puts an abstract in place of a summary; it never blanks.
_FILLED = ("authors", "date", "arxiv_id", "doi", "venue", "categories", "source_id")
_MERGED = ", ".join(
    f"{name} = iif(papers.{name} IS NULL OR papers.{name} IN ('', '[]'), excluded.{name}, papers.{name})"
    for name in _FILLED
)
_BETTER_ABSTRACT = (
    "(excluded.abstract != '' AND (papers.abstract = ''"
    " OR (papers.abstract_kind = 'summary' AND excluded.abstract_kind = 'abstract')))"
)
_LEARNS = " OR ".join(
    f"((papers.{name} IS NULL OR papers.{name} IN ('', '[]')) AND excluded.{name} IS NOT NULL"
    f" AND excluded.{name} NOT IN ('', '[]'))"
    for name in _FILLED
)
_PUT_PAPER = (
    f"INSERT INTO papers ({', '.join(PAPER_COLUMNS)}) VALUES ({', '.join('?' * len(PAPER_COLUMNS))})"
    f" ON CONFLICT (id) DO UPDATE SET {_MERGED},"
    f" abstract = iif({_BETTER_ABSTRACT}, excluded.abstract, papers.abstract),"
    f" abstract_kind = iif({_BETTER_ABSTRACT}, excluded.abstract_kind, papers.abstract_kind)"
    # Without this, every paper met again would be written to the full-text index again.
    f" WHERE {_BETTER_ABSTRACT} OR {_LEARNS}"
)
_PUT_FOUND = (
    "INSERT OR IGNORE INTO found (search_id, paper_id, rank, depth, kind, text, parent) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_SCORE = (
    "UPDATE found SET score = ?, selected = ?, reason = ? WHERE search_id = ? AND paper_id = ?"
    " AND (score IS NULL OR score <= ?)"
)


def record_events(connection: sqlite3.Connection, search_id: int, events: Sequence[Event], now: str) -> None:
    """Write events and what follows from them, inside the caller's transaction."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events WHERE search_id = ?", [search_id]).fetchone()
    for event in events:
        _apply(connection, search_id, event, now)
    connection.executemany(
        "INSERT INTO events (search_id, seq, data) VALUES (?, ?, ?)",
        [(search_id, last + number, _encode(event)) for number, event in enumerate(events, start=1)],
    )
    connection.execute(
        "UPDATE searches SET updated_at = ?,"
        " met = (SELECT count(*) FROM found WHERE search_id = searches.id),"
        " selected = (SELECT count(*) FROM found WHERE search_id = searches.id AND selected) WHERE id = ?",
        (now, search_id),
    )


def read_events(connection: sqlite3.Connection, search_id: int) -> list[Event]:
    """The recorded events in order, papers put back in."""
    papers = {
        row["id"]: msgspec.to_builtins(paper_of(row))
        for row in connection.execute(
            "SELECT papers.* FROM found JOIN papers ON papers.id = found.paper_id WHERE search_id = ?", [search_id]
        )
    }
    events: list[Event] = []
    for (data,) in connection.execute("SELECT data FROM events WHERE search_id = ? ORDER BY seq", [search_id]):
        values = msgspec.json.decode(data)
        if "paper" in values:
            values["paper"] = papers[values["paper"]]
        if event := event_from_json(values):
            events.append(event)
    return events


def _encode(event: Event) -> str:
    values = event_to_json(event)
    if isinstance(event, PaperFound):
        values["paper"] = event.paper.id
    return msgspec.json.encode(values).decode()


def _apply(connection: sqlite3.Connection, search_id: int, event: Event, now: str) -> None:
    match event:
        case PaperFound():
            way = event.provenance
            connection.execute(_PUT_PAPER, paper_values(event.paper))
            connection.execute(
                _PUT_FOUND,
                (search_id, event.paper.id, way.rank, event.depth, way.kind, way.text, way.parent),
            )
        case PaperMetAgain():
            connection.execute(
                "UPDATE found SET depth = min(depth, ?) WHERE search_id = ? AND paper_id = ?",
                (event.depth, search_id, event.paper_id),
            )
        case PaperJudged():
            connection.execute(
                _PUT_SCORE,
                (event.score, event.selected, event.reason, search_id, event.paper_id, event.score),
            )
        case SearchStarted():
            connection.execute("UPDATE searches SET status = 'running', ended_at = NULL WHERE id = ?", [search_id])
        case SearchEnded():
            connection.execute(
                "UPDATE searches SET status = ?, ended_at = ? WHERE id = ?", (event.ending, now, search_id)
            )
