"""Versions of the file, and what can be wrong with it."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlite_utils

from pasa_tui.errors import LibraryError
from pasa_tui.library import Library
from pasa_tui.library.migrations import MIGRATIONS, migration_set
from tests.library.builders import QUERY, found, kept, whole

NAMES = [migration.__name__ for migration in MIGRATIONS]

# What a library of the first version could hold.
OLD_ROWS = (
    "INSERT INTO searches (query, settings, status, owner, started_at, updated_at, met, selected) VALUES"
    " ('an old question', '{}', 'done', 'h:1:2', '2020-01-01T00:00:00+00:00', '2020-01-01T00:00:00+00:00', 1, 1)",
    "INSERT INTO papers (id, title, abstract, abstract_kind, authors, arxiv_id, categories) VALUES"
    " ('arxiv:1901.00001', 'Old', 'ancient words', 'abstract', '[\"Ann Old\"]', '1901.00001', '[]')",
    "INSERT INTO found (search_id, paper_id, rank, depth, kind, text) VALUES"
    " (1, 'arxiv:1901.00001', 1, 0, 'search', 'ancient')",
    'INSERT INTO events VALUES (1, 1, 0.5, \'SearchPlanned\', \'{"action": 1, "text": "ancient"}\')',
    "INSERT INTO notes VALUES ('arxiv:1901.00001', 'keep me')",
)


@pytest.mark.parametrize("stop_before", NAMES[1:])
def test_a_library_of_an_earlier_version_is_migrated_with_its_rows(path: Path, stop_before: str) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite_utils.Database(path)
    migration_set().apply(old, stop_before=stop_before)
    with old.conn:
        for statement in OLD_ROWS:
            old.execute(statement)
    old.close()
    for _ in range(2):
        with Library.open(path) as library:
            (search,) = library.searches("old question")
            assert (search.status, search.met) == ("done", 1)
            assert [action.text for action in library.state(search.id).actions.values()] == ["ancient"]
            (row,) = library.find_papers("ancient ann")
            assert (row.paper.authors, row.searches, row.note) == (("Ann Old",), 1, "keep me")
    with Library.open(path) as library:
        assert kept(library, 1) == 2


@pytest.mark.parametrize("failing", range(len(MIGRATIONS)))
def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    def broken(db: sqlite_utils.Database) -> None:
        MIGRATIONS[failing](db)
        db.execute("CREATE TABLE searches (id)")

    broken.__name__ = NAMES[failing]
    monkeypatch.setattr("pasa_tui.library.migrations.MIGRATIONS", (*MIGRATIONS[:failing], broken))
    with pytest.raises(LibraryError, match="already exists"):
        Library.open(path)
    monkeypatch.undo()
    with Library.open(path) as library:
        kept(library, 1)
        assert len(library.searches("dense")) == 1


def test_a_newer_library_is_refused_and_untouched(path: Path) -> None:
    with Library.open(path) as library:
        kept(library, 1)
    newer = sqlite3.connect(path)
    newer.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('library', 'm999', 'now')")
    newer.commit()
    newer.close()
    content, changed = path.read_bytes(), path.stat().st_mtime_ns
    with pytest.raises(LibraryError, match="newer pasa-tui") as caught:
        Library.open(path)
    assert "Update" in caught.value.hint
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, changed)


def test_another_programs_database_is_refused_and_untouched(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="another program"):
        Library.open(path)
    assert path.read_bytes() == content


def test_files_are_private(path: Path) -> None:
    Library.open(path).close()
    path.chmod(0o644)
    with Library.open(path) as library:
        kept(library, 1)
        for name in ("library.db", "library.db-wal", "library.db-shm"):
            assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_no_database_is_one_clear_error_and_stays(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    content = path.read_bytes()
    with pytest.raises(LibraryError, match="damaged or not a library") as caught:
        Library.open(path)
    assert caught.value.hint and path.read_bytes() == content


def test_a_library_cut_short_is_one_clear_error(path: Path) -> None:
    with Library.open(path) as library:
        kept(library, *range(200))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(LibraryError, match="damaged or not a library"), Library.open(path) as library:
        library.state(1)


def test_a_folder_in_its_place_is_one_clear_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(LibraryError, match="is a folder"):
        Library.open(path)


def test_a_file_where_its_folder_should_be_is_one_clear_error(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(LibraryError, match="can't be made"):
        Library.open(path)


@pytest.mark.parametrize(
    ("folder_mode", "file_mode"), [(0o500, None), (0o700, 0o400), (0o500, 0o400), (0o500, 0o600), (0o000, 0o600)]
)
def test_without_permission_one_clear_error(path: Path, folder_mode: int, file_mode: int | None) -> None:
    path.parent.mkdir()
    if file_mode is not None:
        Library.open(path).close()
        path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    try:
        if os.access(path.parent if folder_mode != 0o700 else path, os.W_OK):
            pytest.skip("permissions don't bind this user")
        with pytest.raises(LibraryError) as caught, Library.open(path) as library:
            library.create_search(QUERY, {})
        assert "PASA_TUI_HOME" in caught.value.hint
    finally:
        path.parent.chmod(0o700)


def test_a_library_that_becomes_read_only_is_one_clear_error_and_can_be_read(library: Library) -> None:
    search_id = kept(library, 1)
    library._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LibraryError, match="can't be written") as caught:
        library.record(search_id, [found(2)])
    assert "writable" in caught.value.hint and library.events(search_id) == whole(1)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(library: Library) -> None:
    search_id = kept(library, 1)
    (pages,) = library._connection.execute("PRAGMA page_count").fetchone()
    library._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="disk is full"):
        library.record(search_id, [found(n, abstract="long " * 2_000) for n in range(2, 40)])
    assert library.events(search_id) == whole(1)
    library._connection.execute("PRAGMA max_page_count = 1000000")
    library.record(search_id, [found(2)])
    assert library.search(search_id).met == 2


def test_another_programs_lock_is_waited_for_and_then_told_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pasa_tui.library.database._BUSY_SECONDS", 0.05)
    with Library.open(path) as library:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="locked") as caught:
            library.create_search(QUERY, {})
        assert "try again" in caught.value.hint and library.searches() == []
        other.execute("COMMIT")
        other.close()
        kept(library, 1)
