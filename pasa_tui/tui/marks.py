"""What the user made of papers: stars, tags and notes, as the screen needs them."""

from typing import TYPE_CHECKING

from pasa_tui.errors import PasaError

if TYPE_CHECKING:
    from pasa_tui.library import Library
    from pasa_tui.papers import PaperId


class Marks:
    """Reads them from a library and keeps the stars at hand. Before one is open there are none."""

    def __init__(self) -> None:
        self.starred: set[PaperId] = set()
        self._library: Library | None = None

    def open(self, library: "Library") -> None:
        """Take the marks of this library. Raises LibraryError."""
        self._library = library
        self.starred = library.starred()

    def toggle_star(self, paper_id: "PaperId") -> None:
        """Star a paper, or take its star away. Raises LibraryError; then nothing has changed."""
        if self._library is None:
            return
        on_now = paper_id not in self.starred
        self._library.set_star(paper_id, on_now)
        (self.starred.add if on_now else self.starred.discard)(paper_id)

    def tags_and_note(self, paper_id: "PaperId | None") -> tuple[tuple[str, ...], str]:
        """A paper's tags and note; none where the library can't be read.

        They are shown at every drawing while a search runs; a message each time would bury the screen.
        """
        if self._library is None or paper_id is None:
            return (), ""
        try:
            return self._library.tags(paper_id), self._library.note(paper_id)
        except PasaError:
            return (), ""
