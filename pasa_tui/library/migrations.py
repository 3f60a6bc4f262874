"""The library's schema, as named migrations that are only ever appended to.

They are plain functions, so that opening a library that is up to date needs no more than their names;
`sqlite_utils.migrations` applies those that are missing, each in a transaction with the note that it was.
"""

import sqlite3
from typing import TYPE_CHECKING

from pasa_tui.library.transactions import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

_SET = "library"


def m001_tables(db: "Database") -> None:
    """Searches with their events; papers, one row per identity; which search found which paper, and how."""
    _execute_all(
        db,
        # Numbers of deleted searches are not given out again: people write them down.
        """CREATE TABLE searches (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            query TEXT NOT NULL,
            before TEXT,
            settings TEXT NOT NULL,
            status TEXT NOT NULL,
            owner TEXT NOT NULL,
            started_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            ended_at TEXT,
            met INTEGER NOT NULL DEFAULT 0,
            selected INTEGER NOT NULL DEFAULT 0
        )""",
        """CREATE TABLE events (
            search_id INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at REAL NOT NULL,
            type TEXT NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (search_id, seq)
        ) WITHOUT ROWID""",
        """CREATE TABLE papers (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            abstract TEXT NOT NULL,
            abstract_kind TEXT NOT NULL,
            authors TEXT NOT NULL,
            date TEXT,
            arxiv_id TEXT,
            doi TEXT,
            venue TEXT,
            categories TEXT NOT NULL,
            source_id TEXT
        )""",
        """CREATE TABLE found (
            search_id INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
            paper_id TEXT NOT NULL REFERENCES papers(id),
            rank INTEGER NOT NULL,
            depth INTEGER NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL,
            parent TEXT,
            score REAL,
            selected INTEGER NOT NULL DEFAULT 0,
            reason TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (search_id, paper_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX found_by_paper ON found(paper_id)",
        "CREATE TABLE stars (paper_id TEXT PRIMARY KEY REFERENCES papers(id), starred_at TEXT NOT NULL)",
        """CREATE TABLE tags (
            paper_id TEXT NOT NULL REFERENCES papers(id), tag TEXT NOT NULL, PRIMARY KEY (paper_id, tag)
        )""",
        "CREATE TABLE notes (paper_id TEXT PRIMARY KEY REFERENCES papers(id), text TEXT NOT NULL)",
    )


def m002_full_text(db: "Database") -> None:
    """Full-text search over the questions asked and the papers met.

    Words are kept unstemmed, so that every beginning of a word finds it while it is being typed. The
    triggers are written out because sqlite-utils' own index a row again whenever any column changes, and a
    running search changes every 100 ms.
    """
    _index_words(db, "searches", "id", ("query",))
    _index_words(db, "papers", "number", ("title", "abstract", "authors"))


def m003_names_and_rejections(db: "Database") -> None:
    """Searches get a name, a parent and a day they were put away; papers can be rejected, or known from elsewhere.

    `known` has a row for every name (`arxiv:…`, `doi:…`, `title:…`) of a paper that the user has elsewhere.
    """
    _execute_all(
        db,
        "ALTER TABLE searches ADD COLUMN title TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE searches ADD COLUMN parent INTEGER",
        "ALTER TABLE searches ADD COLUMN deleted_at TEXT",
        "CREATE TABLE rejections (paper_id TEXT PRIMARY KEY REFERENCES papers(id), rejected_at TEXT NOT NULL)",
        """CREATE TABLE known (
            origin TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (origin, name)
        ) WITHOUT ROWID""",
        *(f"DROP TRIGGER searches_fts_{event}" for event in ("insert", "delete", "update")),
        "DROP TABLE searches_fts",
    )
    _index_words(db, "searches", "id", ("query", "title"))


MIGRATIONS = (m001_tables, m002_full_text, m003_names_and_rejections)
"""All migrations in the order in which they are applied."""


def migration_set() -> "Migrations":
    """`MIGRATIONS` as sqlite-utils wants them."""
    from sqlite_utils import Migrations

    migrations = Migrations(_SET)
    for migration in MIGRATIONS:
        migrations()(migration)
    return migrations


def names_applied(connection: sqlite3.Connection) -> set[str] | None:
    """The names of the migrations a database has been through; None if it is a database of something else.

    Reads only, and without sqlite-utils, whose import takes longer than opening a library.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" in tables:
        query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
        names = {name for (name,) in connection.execute(query, [_SET])}
    else:
        names = set()
    return names if names or not tables - {"_sqlite_migrations"} else None


def apply_missing(connection: sqlite3.Connection) -> None:
    """Bring a database up to `MIGRATIONS`, as a whole or not at all."""
    import sqlite_utils

    # Taken before looking at what is missing, so that of two processes one migrates and the other finds it done.
    with transaction(connection):
        migration_set().apply(sqlite_utils.Database(connection, execute_plugins=False))


def _execute_all(db: "Database", *statements: str) -> None:
    for statement in statements:
        db.execute(statement)


def _index_words(db: "Database", table: str, key: str, columns: tuple[str, ...]) -> None:
    """A full-text index of these columns of a table, kept up to date by triggers."""
    names = ", ".join(columns)
    old, new = (", ".join(f"{which}.{column}" for column in columns) for which in ("old", "new"))
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    remove = f"INSERT INTO {table}_fts ({table}_fts, rowid, {names}) VALUES ('delete', old.{key}, {old});"
    insert = f"INSERT INTO {table}_fts (rowid, {names}) VALUES (new.{key}, {new});"
    _execute_all(
        db,
        f"CREATE VIRTUAL TABLE {table}_fts USING fts5({names}, content='{table}', content_rowid='{key}',"
        " tokenize='unicode61 remove_diacritics 2')",
        f"INSERT INTO {table}_fts ({table}_fts) VALUES ('rebuild')",
        f"CREATE TRIGGER {table}_fts_insert AFTER INSERT ON {table} BEGIN {insert} END",
        f"CREATE TRIGGER {table}_fts_delete AFTER DELETE ON {table} BEGIN {remove} END",
        f"CREATE TRIGGER {table}_fts_update AFTER UPDATE OF {names} ON {table}"
        f" WHEN {changed} BEGIN {remove} {insert} END",
    )
