"""The library's schema, as migrations that are only ever appended to.

Each runs in a transaction of its own; `sqlite_utils.migrations` keeps the names of those applied.
"""

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("library")


@migrations()
def m001_searches_and_papers(db: "Database") -> None:
    """Searches with their events; papers, one row per identity; which search found which paper, and how."""
    for statement in (
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
            data TEXT NOT NULL,
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
    ):
        db.execute(statement)


@migrations()
def m002_full_text(db: "Database") -> None:
    """Full-text search over the questions asked and the papers met."""
    db.table("searches").enable_fts(["query"], tokenize="porter", create_triggers=True)
    db.table("papers").enable_fts(["title", "abstract", "authors"], tokenize="porter", create_triggers=True)
