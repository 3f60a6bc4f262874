"""Searches beside each other: what only one of them has, copies, and several as one."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pasa_tui.errors import LibraryError
from pasa_tui.events import SearchEnded, SearchStarted, carried
from pasa_tui.library.connection import now
from pasa_tui.library.ownership import this_process
from pasa_tui.library.rows import paper_of
from pasa_tui.library.searches import Searches
from pasa_tui.papers import Paper, Query


@dataclass(frozen=True, slots=True)
class Compared:
    """A paper and its scores in two searches; None where a search did not judge it or does not have it."""

    paper: Paper
    first: float | None
    second: float | None

    @property
    def best(self) -> float:
        """The higher of the scores; -1 for none."""
        return max(-1.0 if score is None else score for score in (self.first, self.second))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The papers of two searches, each list best score first."""

    only_first: tuple[Compared, ...]
    only_second: tuple[Compared, ...]
    both: tuple[Compared, ...]


class Comparing(Searches):
    """The part of the library that sets searches against each other."""

    def compare_searches(self, first: int, second: int, *, selected_only: bool = True) -> Comparison:
        """What each of two searches has that the other lacks, and what both have.

        With `selected_only` a search has what it selected, else all that it met.
        """
        rows: dict[int, dict[str, sqlite3.Row]] = {}
        with self._reading() as connection:
            for search_id in (first, second):
                self._search_row(connection, search_id)
                rows[search_id] = {
                    row["id"]: row
                    for row in connection.execute(
                        "SELECT papers.*, score, selected FROM found JOIN papers ON papers.id = paper_id"
                        " WHERE search_id = ?",
                        [search_id],
                    )
                }
        ours, theirs = rows[first], rows[second]

        def has(papers: dict[str, sqlite3.Row], paper_id: str) -> bool:
            return paper_id in papers and bool(papers[paper_id]["selected"] or not selected_only)

        lists: dict[tuple[bool, bool], list[Compared]] = {(True, False): [], (False, True): [], (True, True): []}
        for paper_id in ours | theirs:
            where = has(ours, paper_id), has(theirs, paper_id)
            if any(where):
                scores = (row["score"] if row else None for row in (ours.get(paper_id), theirs.get(paper_id)))
                lists[where].append(Compared(paper_of(ours.get(paper_id) or theirs[paper_id]), *scores))
        ordered = {where: tuple(sorted(found, key=lambda it: -it.best)) for where, found in lists.items()}
        return Comparison(ordered[True, False], ordered[False, True], ordered[True, True])

    def duplicate_search(self, search_id: int) -> int:
        """Keep a copy of a search, with all its events; its number. A copy of one that runs has been stopped."""
        with self._writing() as connection:
            row = self._search_row(connection, search_id)
            status = "cancelled" if row["status"] == "running" else row["status"]
            cursor = connection.execute(
                "INSERT INTO searches (query, before, settings, status, owner, started_at, updated_at, ended_at, met,"
                " selected, title, parent)"
                " SELECT query, before, settings, ?, ?, started_at, ?, ended_at, met, selected, title, id"
                " FROM searches WHERE id = ?",
                (status, this_process(), now(), search_id),
            )
            copy = cursor.lastrowid
            assert copy is not None
            for table, columns in (
                ("events", "seq, at, type, payload"),
                ("found", "paper_id, rank, depth, kind, text, parent, score, selected, reason"),
            ):
                connection.execute(
                    f"INSERT INTO {table} (search_id, {columns}) SELECT ?, {columns} FROM {table} WHERE search_id = ?",
                    (copy, search_id),
                )
            return copy

    def merge_searches(self, search_ids: Sequence[int]) -> int:
        """Keep all papers of several searches as one more search, each with its best judgement; its number.

        The question and settings are those of the first. Raises LibraryError for fewer than two.
        """
        if len(set(search_ids)) < 2:
            raise LibraryError("One search can't be merged.", "Name two or more.")
        rows = [self.search(search_id) for search_id in search_ids]
        states = [self.state(search_id) for search_id in search_ids]
        first, state = rows[0], states[0]
        merged = self.create_search(Query(first.query, first.before), first.settings, parent=first.id)
        self.rename_search(merged, " + ".join(row.title or f"search {row.id}" for row in rows))
        started = SearchStarted(query=first.query, before=first.before, sources=state.sources, model=state.model)
        self.record(merged, [started, *carried(states), SearchEnded(ending="done")])
        return merged
