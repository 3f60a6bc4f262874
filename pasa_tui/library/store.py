"""The library: past searches with all their events, every paper met, and what the user made of them."""

from pasa_tui.library.care import Care
from pasa_tui.library.comparing import Comparing
from pasa_tui.library.marks import MarkedPapers


class Library(Comparing, MarkedPapers, Care):
    """One library file. Several threads may share an instance and several processes a file.

    Every method raises LibraryError where the file cannot be read or written, or the library is closed; a
    write either happens whole or not at all.
    """
