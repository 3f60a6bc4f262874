"""The SQLite store of past searches and papers."""

from pasa_tui.library.comparing import Comparison
from pasa_tui.library.rows import Marks, PaperRow, SearchRow, Status
from pasa_tui.library.store import Library

__all__ = ["Comparison", "Library", "Marks", "PaperRow", "SearchRow", "Status"]
