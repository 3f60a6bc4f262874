"""Transactions on a connection that has none of its own (`isolation_level=None`)."""

import contextlib
import sqlite3
from collections.abc import Iterator


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Take the write lock at once, commit at the end, or roll back on any error.

    Raises sqlite3.OperationalError where another process holds the lock beyond the connection's timeout.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself rolls back on some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
