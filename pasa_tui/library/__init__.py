"""The SQLite store of past searches and papers."""

from pasa_tui.library.rows import PaperRow, SearchRow, Status
from pasa_tui.library.store import Library

__all__ = ["Library", "PaperRow", "SearchRow", "Status"]
