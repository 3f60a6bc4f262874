"""Searches put away, copied, merged and compared; backups, imports, tidying and checks."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import LibraryError
from pasa_tui.events import PaperFound, PaperJudged, SearchEnded, SearchStarted
from pasa_tui.library import Library
from pasa_tui.papers import Paper, Provenance, names_of
from tests.helpers import paper
from tests.library.builders import QUERY, WAY, kept, whole


def found_in(library: Library, text: str = "paper") -> set[str]:
    return {row.paper.id for row in library.find_papers(text)}


def test_those_deleted_are_listed_from_the_last_one(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [library.create_search(QUERY, {}) for _ in range(3)]
    days = iter(f"2026-01-0{day}T00:00:00.000+00:00" for day in (1, 2, 3))
    monkeypatch.setattr("pasa_tui.library.searches.now", lambda: next(days))
    for at in (2, 0, 1):
        library.delete_search(numbers[at])
    assert [row.id for row in library.searches(deleted=True)] == [numbers[1], numbers[0], numbers[2]]


def test_a_deleted_search_comes_back_until_it_is_forgotten(library: Library) -> None:
    one, two = kept(library, 1, 2), kept(library, 2, 3)
    library.delete_search(one)
    assert [row.id for row in library.searches()] == [two]
    assert [row.id for row in library.searches(deleted=True)] == [one]
    assert found_in(library) == {paper(2).id, paper(3).id}
    assert library.purge(older_than=dt.timedelta(days=1)) == 0
    library.restore_search(one)
    assert [row.id for row in library.searches()] == [two, one] and library.events(one) == whole(1, 2)
    library.delete_search(one)
    assert library.purge() == 1
    with pytest.raises(LibraryError, match="no search"):
        library.restore_search(one)
    assert library.papers([paper(1).id, paper(2).id]).keys() == {paper(2).id}


def test_a_rejected_paper_outlives_its_search(library: Library) -> None:
    search = kept(library, 1, 2)
    library.set_rejected(paper(1).id, True)
    library.set_star(paper(2).id, True)
    library.set_tags(paper(2).id, ["read"])
    library.set_note(paper(2).id, "good")
    marks = library.marks()
    assert marks.rejected == {paper(1).id} and marks.starred == {paper(2).id}
    assert marks.tags == {paper(2).id: ("read",)} and marks.notes == {paper(2).id: "good"}
    library.delete_search(search)
    library.purge()
    assert found_in(library) == {paper(1).id, paper(2).id}
    library.set_rejected(paper(1).id, False)
    assert library.marks().rejected == frozenset()


def test_a_search_is_found_by_its_title(library: Library) -> None:
    one, two = kept(library, 1), kept(library, 2)
    library.rename_search(one, " Chapter\x1b[1m 3 \n")
    assert library.search(one).name == "Chapter 3" and library.search(two).name == QUERY.text
    assert [row.id for row in library.searches("chap")] == [one]
    library.rename_search(one, "")
    assert library.searches("chap") == [] and library.search(one).name == QUERY.text


def test_what_only_one_search_has(library: Library) -> None:
    one, two = kept(library, 1, 2, 3), kept(library, 3, 4, 5)
    chosen = library.compare_searches(one, two)
    everything = library.compare_searches(one, two, selected_only=False)
    ids = [[it.paper.id for it in part] for part in (chosen.only_first, chosen.only_second, chosen.both)]
    assert ids == [[paper(1).id], [paper(5).id], [paper(3).id]]
    assert {it.paper.id for it in everything.only_first} == {paper(1).id, paper(2).id}
    assert [(it.first, it.second) for it in everything.both] == [(0.9, 0.9)]
    with pytest.raises(LibraryError):
        library.compare_searches(one, 99)


def test_a_copy_has_everything_and_a_life_of_its_own(library: Library) -> None:
    one = kept(library, 1, 2)
    library.rename_search(one, "first")
    copy = library.duplicate_search(one)
    assert library.events(copy) == library.events(one)
    row = library.search(copy)
    assert (row.parent, row.title, row.met, row.selected, row.status) == (one, "first", 2, 1, "done")
    library.delete_search(one)
    library.purge()
    assert len(library.state(copy).papers) == 2


def test_merged_searches_have_each_paper_once_with_its_best_judgement(library: Library) -> None:
    one, two = kept(library, 1, 2), library.create_search(QUERY, {})
    library.record(
        two,
        [
            SearchStarted(query=QUERY.text),
            *(PaperFound(paper=paper(n), provenance=WAY, depth=0, action=1) for n in (2, 3)),
            PaperJudged(paper_id=paper(2).id, score=0.8, selected=True, reason="better"),
            SearchEnded(ending="done"),
        ],
    )
    state = library.state(library.merge_searches([one, two]))
    scores = {found.paper.id: (found.score, found.reason) for found in state.papers.values()}
    assert scores == {
        paper(1).id: (0.9, "because"),
        paper(2).id: (0.8, "better"),
        paper(3).id: (None, ""),
    }
    assert state.ending == "done"
    with pytest.raises(LibraryError, match="can't be merged"):
        library.merge_searches([one, one])


def test_a_backup_is_the_whole_library_while_it_is_written_to(library: Library, tmp_path: Path) -> None:
    kept(library, 1, 2)
    target = tmp_path / "backup.db"
    running = library.create_search(QUERY, {})
    library.record(running, whole(5)[:-1])
    assert library.backup(target) == target.stat().st_size and target.stat().st_mode & 0o777 == 0o600
    kept(library, 9)
    assert not list(tmp_path.glob("*-wal")) and not list(tmp_path.glob(".*.part"))
    with Library.open(target) as copy:
        assert len(copy.searches()) == 2 and found_in(copy) == {paper(n).id for n in (1, 2, 5)}
        assert copy.check() == []
    with pytest.raises(LibraryError, match="exists already"):
        library.backup(target)
    library.backup(target, overwrite=True)
    with pytest.raises(LibraryError, match="exists already"):
        library.backup(library.path, overwrite=True)
    with pytest.raises(LibraryError, match="does not exist"):
        library.backup(tmp_path / "nowhere" / "backup.db")


def test_another_library_is_merged_in_once(library: Library, tmp_path: Path) -> None:
    mine = kept(library, 1, 2)
    library.set_note(paper(1).id, "mine")
    with Library.open(tmp_path / "other" / "library.db") as other:
        kept(other, 2, 3)
        child = other.create_search(QUERY, {}, parent=1)
        other.record(child, whole(4))
        other.delete_search(kept(other, 7))
        other.set_star(paper(3).id, True)
        other.set_tags(paper(2).id, ["theirs"])
        other.set_note(paper(3).id, "theirs")
        other.set_known("zotero", [paper(8)])
        path = other.path
    first = library.import_library(path)
    assert (first.searches, first.papers) == (2, 3)
    rows = library.searches()
    assert [row.parent for row in rows] == [rows[1].id, None, None] and rows[2].id == mine
    assert library.events(rows[1].id) == whole(2, 3)
    assert library.starred() == {paper(3).id} and library.tags(paper(2).id) == ("theirs",)
    assert library.known_origins() == {"zotero": 1}
    with Library.open(path) as other:
        kept(other, 1)
        other.set_note(paper(1).id, "theirs")
    again = library.import_library(path)
    assert (again.searches, again.papers) == (1, 0)
    assert library.note(paper(1).id) == "mine\n\ntheirs"
    assert library.import_library(path).searches == 0 and library.note(paper(1).id) == "mine\n\ntheirs"
    assert library.check() == []


def test_what_is_no_library_is_not_imported(library: Library, tmp_path: Path) -> None:
    kept(library, 1)
    other = tmp_path / "notes.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (id)")
    (tmp_path / "text.db").write_text("no database " * 100)
    for path in (other, tmp_path / "text.db", tmp_path / "missing.db", library.path):
        with pytest.raises(LibraryError):
            library.import_library(path)
    assert len(library.searches()) == 1 and library.check() == []


def test_vacuum_forgets_and_shrinks(library: Library) -> None:
    searches = [kept(library, *range(number, number + 200)) for number in range(1, 1000, 200)]
    for search in searches[1:]:
        library.delete_search(search)
    before, after = library.vacuum()
    assert after < before / 2 and library.stats().deleted == 0
    assert len(library.searches()) == 1 and library.check() == []


def test_a_damaged_log_and_a_broken_index_are_reported(library: Library) -> None:
    search = kept(library, 1)
    assert library.check() == []
    with sqlite3.connect(library.path) as connection:
        connection.execute("UPDATE events SET payload = '{' WHERE search_id = ? AND seq = 1", [search])
        connection.execute("DELETE FROM papers_fts_data WHERE id > 10")
    problems = library.check()
    assert any(f"log of search {search}" in problem for problem in problems)
    assert any("papers_fts" in problem or "damaged" in problem for problem in problems)


def test_the_numbers_of_a_library(library: Library) -> None:
    kept(library, 1, 2, 3)
    library.set_star(paper(1).id, True)
    library.set_known("mine.bib", [paper(1), paper(2)])
    stats = library.stats()
    assert (stats.searches, stats.papers, stats.selected, stats.starred, stats.known) == (1, 3, 2, 1, {"mine.bib": 2})
    assert stats.bytes >= library.path.stat().st_size


def test_papers_known_from_elsewhere(library: Library) -> None:
    assert library.set_known("a.bib", [paper(1), paper(1), Paper("", source_id="x")]) == 2 - 1
    library.set_known("b.bib", [Paper("A title that is long enough to tell")])
    assert set(names_of(paper(1))) <= library.known_names()
    assert library.set_known("a.bib", []) == 0 and library.known_origins() == {"b.bib": 1}
    library.forget_known("b.bib")
    with pytest.raises(LibraryError, match="No papers are known"):
        library.forget_known("b.bib")


@given(
    title=st.text(max_size=40),
    arxiv=st.sampled_from([None, "2001.00001"]),
    doi=st.sampled_from([None, "10.1/ABC", "10.48550/arXiv.2001.00001"]),
)
def test_names_are_distinct_and_of_one_kind_each(title: str, arxiv: str | None, doi: str | None) -> None:
    names = names_of(Paper(title, arxiv_id=arxiv, doi=doi))
    kinds = [name.partition(":")[0] for name in names]
    assert len(set(kinds)) == len(kinds) and all(name == name.lower() for name in names if name.startswith("doi:"))
    assert "arxiv:2001.00001" in names or not (arxiv or (doi and "arXiv" in doi))


def test_papers_of_a_tag(library: Library) -> None:
    kept(library, 1, 2, 3)
    library.set_tags(paper(1).id, ["read"])
    library.set_star(paper(2).id, True)
    assert [row.paper.id for row in library.find_papers(tag="read")] == [paper(1).id]
    assert [row.paper.id for row in library.find_papers(starred=True)] == [paper(2).id]
    assert library.find_papers("paper", tag="read", starred=True) == [] == library.find_papers()
    assert library.paper_row(paper(1).id).tags == ("read",)
    assert library.searches_of(paper(1).id) == [(1, 0.9, True)]


def test_who_cites_a_paper_over_all_searches(library: Library) -> None:
    section = Provenance("section", "Related", paper(1).id, 1)
    for _ in range(2):
        search = kept(library, 1, 2)
        library.record(search, [PaperFound(paper=paper(3), provenance=section, depth=1, action=2)])
    assert library.citers(paper(3).id) == [paper(1)] and library.citers(paper(1).id) == []
