import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import sqlite_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.errors import LibraryError
from pasa_tui.events import (
    Event,
    PaperFound,
    PaperJudged,
    PaperMetAgain,
    SearchEnded,
    SearchPlanned,
    SearchStarted,
    SearchState,
    Warned,
)
from pasa_tui.library import Library
from pasa_tui.library.migrations import migrations
from pasa_tui.papers import Provenance, Query
from tests.helpers import paper

QUERY = Query("which papers use dense retrieval?", date(2024, 5, 1))
WAY = Provenance("search", "dense", None, 1)


def found(number: int, **changes: object) -> PaperFound:
    return PaperFound(paper=paper(number, **changes), provenance=WAY, depth=0, action=1)


def judged(number: int, score: float) -> PaperJudged:
    return PaperJudged(paper_id=paper(number).id, score=score, selected=score > 0.5, reason="because")


def whole(*numbers: int) -> list[Event]:
    """The events of a search that found these papers and selected the odd ones."""
    events: list[Event] = [SearchStarted(query=QUERY.text), SearchPlanned(action=1, text="dense")]
    for number in numbers:
        events += [found(number), judged(number, 0.9 if number % 2 else 0.1)]
    return [*events, SearchEnded(at=1.0, ending="done")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "library.db"


@pytest.fixture
def library(path: Path) -> Iterator[Library]:
    with Library.open(path) as library:
        yield library


def kept(library: Library, *numbers: int, query: Query = QUERY) -> int:
    search_id = library.create_search(query, {"corpus": "sample"})
    library.record(search_id, whole(*numbers))
    return search_id


def test_what_is_recorded_comes_back(library: Library, path: Path) -> None:
    search_id = kept(library, 1, 2, 3)
    with Library.open(path) as again:
        assert again.events(search_id) == whole(1, 2, 3)
        row = again.search(search_id)
    assert (row.query, row.before, row.settings) == (QUERY.text, QUERY.before, {"corpus": "sample"})
    assert (row.status, row.met, row.selected) == ("done", 3, 2)
    assert row.ended_at is not None and row.ended_at >= row.started_at


NUMBERS = st.integers(1, 6)
EVENTS = st.lists(
    st.one_of(
        st.builds(found, NUMBERS),
        st.builds(judged, NUMBERS, st.floats(0, 1)),
        st.builds(
            PaperMetAgain,
            paper_id=NUMBERS.map(lambda number: paper(number).id),
            provenance=st.just(WAY),
            depth=st.integers(0, 3),
            action=st.just(1),
        ),
        st.builds(SearchPlanned, action=st.integers(1, 3), text=st.text(max_size=5)),
        st.builds(Warned, stage=st.just("x"), message=st.text(max_size=5)),
        st.builds(SearchEnded, ending=st.sampled_from(["done", "failed"])),
    ),
    max_size=25,
)


@given(EVENTS, st.lists(st.integers(0, 25), max_size=4))
@settings(deadline=None, max_examples=60)
def test_in_whatever_batches_the_state_is_the_fold(events: Sequence[Event], cuts: Sequence[int]) -> None:
    expected = SearchState()
    for event in events:
        expected.apply(event)
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        search_id = library.create_search(QUERY, {})
        bounds = sorted({0, *[min(cut, len(events)) for cut in cuts], len(events)})
        for start, end in pairwise(bounds):
            library.record(search_id, events[start:end])
        assert library.state(search_id) == expected
        row = library.search(search_id)
        assert (row.met, row.selected) == (len(expected.papers), expected.selected)


def test_one_row_per_paper_filled_in_by_later_meetings(library: Library) -> None:
    first, second = library.create_search(QUERY, {}), library.create_search(QUERY, {})
    library.record(first, [found(1, abstract="", venue=None, authors=())])
    library.record(second, [found(1, abstract="Ours.", abstract_kind="summary", venue="ICLR", authors=("A B",))])
    library.record(first, [found(1, abstract="Theirs.", venue="", authors=())])
    library.record(second, [found(1, abstract="", venue="NeurIPS")])
    (row,) = library.find_papers("paper number")
    assert (row.paper.abstract, row.paper.abstract_kind) == ("Theirs.", "abstract")
    assert (row.paper.venue, row.paper.authors, row.searches) == ("ICLR", ("A B",), 2)


def test_searches_are_found_by_raw_words(library: Library) -> None:
    one = kept(library, 1)
    two = kept(library, 2, query=Query("agents that plan"))
    assert [row.id for row in library.searches()] == [two, one]
    assert [row.id for row in library.searches("dense retr")] == [one]
    assert [row.id for row in library.searches("planning")] == [two]
    for text in ('"dense', "dense AND", "query:dense*", "NEAR(dense", "-dense ^"):
        assert [row.id for row in library.searches(text)] in ([one], []), text
    assert library.searches("?!") == []


def test_stars_tags_and_notes_outlive_their_search(library: Library) -> None:
    search_id = kept(library, 1, 2, 3, 4)
    library.set_star(paper(1).id, True)
    library.set_tags(paper(2).id, ["to read", " to  read ", "", "a\x1b[1mb"])
    library.set_note(paper(3).id, "line one\nline two\x00")
    library.delete_search(search_id)
    assert {row.paper.id for row in library.find_papers("paper")} == {paper(n).id for n in (1, 2, 3)}
    assert library.starred() == {paper(1).id}
    assert library.tags(paper(2).id) == ("ab", "to read") and library.all_tags() == {"ab": 1, "to read": 1}
    assert library.note(paper(3).id) == "line one\nline two"
    library.set_star(paper(1).id, False)
    library.set_note(paper(3).id, " ")
    assert library.starred() == set() and library.note(paper(3).id) == ""


def test_papers_of_other_searches_stay(library: Library) -> None:
    one, two = kept(library, 1, 2), kept(library, 2, 3)
    library.delete_search(one)
    assert {row.paper.id for row in library.find_papers("paper")} == {paper(2).id, paper(3).id}
    assert library.events(two) == whole(2, 3)
    with pytest.raises(LibraryError, match=f"no search {one}"):
        library.events(one)


def test_a_star_for_an_unknown_paper_is_refused(library: Library) -> None:
    with pytest.raises(LibraryError, match="no paper"):
        library.set_star(paper(9).id, True)


def test_a_failed_batch_leaves_no_trace(library: Library) -> None:
    search_id = kept(library, 1)
    before = library.events(search_id)
    broken = replace(judged(1, 0.5), reason=object())  # type: ignore[arg-type]
    with pytest.raises(LibraryError):
        library.record(search_id, [found(2), broken])
    assert library.events(search_id) == before and len(library.find_papers("paper")) == 1


# -- versions -------------------------------------------------------------------------------------------


NAMES = [migration.name for migration in migrations._migrations]


@pytest.mark.parametrize("stop_before", NAMES[1:])
def test_a_library_of_an_earlier_version_is_migrated_with_its_rows(path: Path, stop_before: str) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite_utils.Database(path)
    migrations.apply(old, stop_before=stop_before)
    with old.conn:
        old.execute(
            "INSERT INTO searches (query, settings, status, owner, started_at, updated_at)"
            " VALUES ('an old question', '{}', 'done', 'h:1:2', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z')"
        )
        old.execute(
            "INSERT INTO papers (id, title, abstract, abstract_kind, authors, categories)"
            " VALUES ('title:old', 'Old', 'ancient words', 'abstract', '[\"Ann Old\"]', '[]')"
        )
    old.close()
    with Library.open(path) as library:
        assert [row.query for row in library.searches("old")] == ["an old question"]
        assert [row.paper.authors for row in library.find_papers("ancient")] == [("Ann Old",)]
        kept(library, 1)


def test_a_newer_library_is_refused_and_untouched(path: Path) -> None:
    Library.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('library', 'm999_later', 'x')"
        )
    connection.close()
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="newer pasa-tui") as caught:
        Library.open(path)
    assert "Update" in caught.value.hint and path.read_bytes() == content


# -- what can be wrong with the file ----------------------------------------------------------------------


def test_files_are_private(library: Library, path: Path) -> None:
    kept(library, 1)
    for name in ("library.db", "library.db-wal", "library.db-shm"):
        assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_one_clear_error_and_stays(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="damaged or not a library") as caught:
        Library.open(path)
    assert caught.value.hint and path.read_bytes() == content


def test_a_folder_in_its_place_is_one_clear_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(LibraryError, match="is a folder"):
        Library.open(path)


def test_a_file_where_its_folder_should_be_is_one_clear_error(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(LibraryError, match="can't be made"):
        Library.open(path)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(library: Library) -> None:
    search_id = kept(library, 1)
    (pages,) = library._db.conn.execute("PRAGMA page_count").fetchone()
    library._db.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="disk is full"):
        library.record(search_id, [found(n, abstract="long " * 2_000) for n in range(2, 40)])
    assert library.events(search_id) == whole(1)
    library._db.conn.execute("PRAGMA max_page_count = 1000000")
    library.record(search_id, [found(2)])
    assert library.search(search_id).met == 2


def test_a_write_waits_for_another_ones_lock_and_then_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pasa_tui.library.database._BUSY_SECONDS", 0.05)
    with Library.open(path) as library:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="locked"):
            library.create_search(QUERY, {})
        other.execute("COMMIT")
        other.close()
        kept(library, 1)


# -- several at once --------------------------------------------------------------------------------------


def test_two_libraries_on_one_file_lose_nothing(path: Path) -> None:
    def work(numbers: range) -> None:
        with Library.open(path) as library:
            search_id = library.create_search(QUERY, {})
            for number in numbers:
                library.record(search_id, [found(number), judged(number, 0.9)])

    threads = [threading.Thread(target=work, args=(range(k, 100, 2),)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Library.open(path) as library:
        assert [(row.met, row.selected) for row in library.searches()] == [(50, 50), (50, 50)]


def test_threads_share_one_library(library: Library) -> None:
    search_id = library.create_search(QUERY, {})
    threads = [threading.Thread(target=library.record, args=(search_id, [found(n)])) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.search(search_id).met == 20


CHILD = """
import sys
from itertools import pairwise
from pathlib import Path
from pasa_tui.library import Library
from tests.library.test_library import QUERY, found, judged
library = Library.open(Path(sys.argv[1]))
search_id = library.create_search(QUERY, {})
for number in range(1, 10**6):
    library.record(search_id, [found(number), judged(number, 0.9)])
    print(number, flush=True)
"""


def test_after_kill_9_everything_committed_is_there(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == 25:
            break
    with Library.open(path) as library:
        assert library.searches()[0].status == "running"
        with pytest.raises(LibraryError, match="running in another"):
            library.claim(1)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        row = library.search(1)
        assert row.status == "interrupted" and row.met >= 25
        assert len(library.state(1).papers) == row.met
        library.claim(1)
        assert library.search(1).status == "running"
        library.record(1, [SearchStarted(query="q", resumed=True), SearchEnded(ending="done")])
        assert library.search(1).status == "done"


def test_a_reused_process_number_is_not_the_owner(library: Library) -> None:
    search_id = library.create_search(QUERY, {})
    host = library._db.conn.execute("SELECT owner FROM searches").fetchone()[0].split(":")[0]
    library._db.conn.execute("UPDATE searches SET owner = ?", [f"{host}:{os.getpid()}:1"])
    assert library.search(search_id).status == "interrupted"


def test_another_machines_search_is_running_while_it_records(library: Library) -> None:
    search_id = library.create_search(QUERY, {})
    library._db.conn.execute("UPDATE searches SET owner = 'elsewhere:1:1'")
    assert library.search(search_id).status == "running"
    library._db.conn.execute("UPDATE searches SET updated_at = '2020-01-01T00:00:00+00:00'")
    assert library.search(search_id).status == "interrupted"
