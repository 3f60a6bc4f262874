"""Searches in threads, for a screen: it is told by messages what happens, and never waits for a search."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message
from textual.screen import Screen

from pasa_tui.errors import PasaError
from pasa_tui.tui.follow import Follower, Running

# Imported when a search begins or is opened: they hold up the first frame otherwise.
if TYPE_CHECKING:
    from textual.worker import Worker

    from pasa_tui.events import Event, FoundPaper, SearchState
    from pasa_tui.papers import PaperId
    from pasa_tui.session import SearchRequest, Session


# Papers of a search, the log of which takes longer to read than a user takes for an instant.
_LARGE = 500

What = Literal["open", "resume", "rerun"]
"""What to do with a past search: show it, go on with it, or search for the same once more."""


@dataclass
class SearchView:
    """What the screen shows: a search of the library, its state, and the thread that runs it, if one does."""

    request: "SearchRequest"
    state: "SearchState"
    search_id: int | None = None
    follower: Follower | None = None
    parent: int | None = None


@dataclass
class SearchProgressed(Message):
    """Events of a search that runs."""

    follower: Follower
    search_id: int
    events: "Sequence[Event]"


@dataclass
class SearchFinished(Message):
    """A search's thread has ended; `error` if it could not begin or broke."""

    follower: Follower
    error: Exception | None


@dataclass
class SearchOpened(Message):
    """A past search was read from the library; `what` is to be done with it."""

    view: SearchView
    what: What
    paper_id: "PaperId | None"


@dataclass
class SearchGlimpsed(Message):
    """A large past search is being read: the best of its papers meanwhile, as many as a screen shows."""

    search_id: int
    question: str
    best: "Sequence[FoundPaper]"


@dataclass
class SearchNotOpened(Message):
    """A past search could not be read."""

    error: PasaError


class SearchRuns:
    """Begins, stops and opens searches; posts the messages above to its screen."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._workers: list[Worker[None]] = []

    def begin(self, view: SearchView, start: Callable[[], Running]) -> None:
        """Run what `start` gives, as the search of `view`."""
        follower = view.follower = Follower(start)

        def deliver(search_id: int, events: "Sequence[Event]") -> None:
            self._screen.post_message(SearchProgressed(follower, search_id, events))

        def work() -> None:
            failure: Exception | None = None
            try:
                follower.follow(deliver)
            except Exception as error:
                # Also a defect must reach the screen: it would otherwise look like a search that goes on.
                failure = error
            self._screen.post_message(SearchFinished(follower, failure))

        self._workers = [worker for worker in self._workers if not worker.is_finished]
        self._workers.append(self._screen.app.run_worker(work, thread=True, exit_on_error=False, group="search"))

    async def wait(self) -> None:
        """Wait until every search that was stopped has recorded that."""
        if self._workers:
            await self._screen.app.workers.wait_for_complete(self._workers)

    def open(self, session: "Session", search_id: int, *, what: What, paper_id: "PaperId | None") -> None:
        """Read a past search in a thread."""

        def work() -> None:
            try:
                row = session.library.search(search_id)
                if row.met > _LARGE:
                    best = session.library.best_papers(search_id, self._screen.size.height)
                    self._screen.post_message(SearchGlimpsed(search_id, row.query, best))
                view = _read(session, search_id)
                if row.met > _LARGE:
                    # Thousands of papers without a cycle: the garbage collector's full rounds over them, in which no
                    # key is shown, would find nothing.
                    gc.freeze()
                self._screen.post_message(SearchOpened(view, what, paper_id))
            except PasaError as error:
                self._screen.post_message(SearchNotOpened(error))

        self._screen.app.run_worker(work, thread=True, exit_on_error=False, group="open", exclusive=True)


def _read(session: "Session", search_id: int) -> SearchView:
    from pasa_tui.papers import Query
    from pasa_tui.session import SearchRequest

    row = session.library.search(search_id)
    request = SearchRequest.from_json(Query(row.query, row.before), dict(row.settings))
    view = SearchView(request, session.library.state(search_id), search_id, parent=row.parent)
    if view.state.ending is None and row.status == "interrupted":
        view.state.ending = "cancelled"
    return view
