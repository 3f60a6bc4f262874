"""Events into tables and back. Papers stand once, in their own table; the events refer to them."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from pasa_tui.events import (
    Event,
    PaperFound,
    PaperJudged,
    PaperMetAgain,
    PaperNearer,
    SearchEnded,
    SearchStarted,
    event_from_json,
    event_to_json,
)
from pasa_tui.library.rows import PAPER_COLUMNS, paper_of_values, paper_values

# A later meeting fills in what was missing and puts an abstract in place of a summary; it never blanks.
_FILLED = {"title": "''", "authors": "'[]'", "categories": "'[]'"} | dict.fromkeys(
    ("date", "arxiv_id", "doi", "venue", "source_id"), "''"
)
_MERGED = {
    name: f"coalesce(nullif(papers.{name}, {missing}), excluded.{name})" for name, missing in _FILLED.items()
} | {
    name: "iif(excluded.abstract != '' AND (papers.abstract = ''"
    " OR (papers.abstract_kind = 'summary' AND excluded.abstract_kind = 'abstract')),"
    f" excluded.{name}, papers.{name})"
    for name in ("abstract", "abstract_kind")
}


def merge_clause() -> str:
    """The end of an INSERT into `papers`: what becomes of a paper that is there already."""
    return (
        f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = {value}' for name, value in _MERGED.items())}"
        # Most papers that are met again bring nothing new, and nothing need be written for them.
        f" WHERE {' OR '.join(f'papers.{name} IS NOT {value}' for name, value in _MERGED.items())}"
    )


_PUT_PAPER = (
    f"INSERT INTO papers ({', '.join(PAPER_COLUMNS)}) VALUES ({', '.join('?' * len(PAPER_COLUMNS))}) {merge_clause()}"
)
_PUT_FOUND = (
    "INSERT OR IGNORE INTO found (search_id, paper_id, rank, depth, kind, text, parent) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PUT_SCORE = "UPDATE found SET score = ?, selected = ?, reason = ? WHERE search_id = ? AND paper_id = ?"


def record_events(connection: sqlite3.Connection, search_id: int, events: Sequence[Event], now: str) -> None:
    """Write events and what follows from them, inside the caller's transaction. `now` is ISO 8601, in UTC."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events WHERE search_id = ?", [search_id]).fetchone()
    for event in events:
        _apply(connection, search_id, event, now)
    connection.executemany(
        "INSERT INTO events (search_id, seq, at, type, payload) VALUES (?, ?, ?, ?, ?)",
        [(search_id, last + number, *_encode(event)) for number, event in enumerate(events, start=1)],
    )
    connection.execute(
        "UPDATE searches SET updated_at = ?,"
        " met = (SELECT count(*) FROM found WHERE search_id = searches.id),"
        " selected = (SELECT count(*) FROM found WHERE search_id = searches.id AND selected) WHERE id = ?",
        (now, search_id),
    )


def read_events(connection: sqlite3.Connection, search_id: int) -> list[Event]:
    """The recorded events in order, papers put back in as the library knows them by now.

    Types that this version doesn't know are passed over. Raises ValueError where an event can't be read.
    """
    columns = ", ".join(f"papers.{name}" for name in PAPER_COLUMNS)
    papers = {
        row[0]: paper_of_values(*row)
        for row in connection.execute(
            f"SELECT {columns} FROM found JOIN papers ON papers.id = found.paper_id WHERE search_id = ?", [search_id]
        )
    }
    events: list[Event] = []
    decode, found = msgspec.json.Decoder(dict[str, Any]).decode, PaperFound.__name__
    for at, name, payload in connection.execute(
        "SELECT at, type, payload FROM events WHERE search_id = ? ORDER BY seq", [search_id]
    ):
        values = decode(payload)
        values["type"], values["at"] = name, at
        if name == found:
            values["paper"] = papers.get(values["paper"])
        if event := event_from_json(values):
            events.append(event)
    return events


def _encode(event: Event) -> tuple[float, str, str]:
    """The columns at, type and payload: what is left of the event's JSON, the paper's id for the paper."""
    values = event_to_json(event)
    if isinstance(event, PaperFound):
        values["paper"] = event.paper.id
    return values.pop("at"), values.pop("type"), msgspec.json.encode(values).decode()


def _apply(connection: sqlite3.Connection, search_id: int, event: Event, now: str) -> None:
    match event:
        case PaperFound():
            way = event.provenance
            connection.execute(_PUT_PAPER, paper_values(event.paper))
            connection.execute(
                _PUT_FOUND,
                (search_id, event.paper.id, way.rank, event.depth, way.kind, way.text, way.parent),
            )
        case PaperMetAgain() | PaperNearer():
            connection.execute(
                "UPDATE found SET depth = min(depth, ?) WHERE search_id = ? AND paper_id = ?",
                (event.depth, search_id, event.paper_id),
            )
        case PaperJudged():
            connection.execute(
                _PUT_SCORE,
                (event.score, event.selected, event.reason, search_id, event.paper_id),
            )
        case SearchStarted():
            connection.execute("UPDATE searches SET status = 'running', ended_at = NULL WHERE id = ?", [search_id])
        case SearchEnded():
            connection.execute(
                "UPDATE searches SET status = ?, ended_at = ? WHERE id = ?", (event.ending, now, search_id)
            )
