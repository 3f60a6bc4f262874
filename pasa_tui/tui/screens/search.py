"""The one screen that everything happens on: question, log, papers, paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static, Tab, Tabs

from pasa_tui.errors import PasaError
from pasa_tui.events import Event, SearchState, Warned
from pasa_tui.papers import PaperId, Query
from pasa_tui.session import SearchRequest, Session
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.follow import Follower, Running
from pasa_tui.tui.panes.log import ActionLog
from pasa_tui.tui.panes.paper import PaperPane
from pasa_tui.tui.panes.query import QueryEditor, SearchOptions
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.panes.status import StatusLine
from pasa_tui.tui.panes.welcome import Welcome
from pasa_tui.tui.screens.dialogs import CorpusDialog, CutOffDialog, ErrorDialog
from pasa_tui.tui.screens.exporting import export_papers
from pasa_tui.tui.screens.help import HelpScreen
from pasa_tui.tui.screens.history import HistoryChoice, HistoryScreen

if TYPE_CHECKING:
    from textual.worker import Worker

# Seconds between two rankings of the list while papers stream in: the eye follows no faster.
_DRAW_SECONDS = 0.15
_HOW = """A Crawler plans several searches, reads the papers they bring and follows the citations of promising \
sections. A Selector judges every paper it meets.

You see each step as it happens, and the papers as they are selected. All of it is kept."""


@dataclass
class SearchView:
    """What the screen shows: a search of the library, its state, and the thread that runs it, if one does."""

    request: SearchRequest
    search_id: int | None = None
    state: SearchState = field(default_factory=SearchState)
    follower: Follower | None = None


class SearchScreen(Screen[None]):
    """Panes that collapse into tabs on a narrow terminal. Workers post messages; handlers change widgets."""

    BINDINGS = bindings("search")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012  # an instance variable of Screen

    @dataclass
    class Progressed(Message):
        """Events of a search that runs."""

        follower: Follower
        search_id: int
        events: Sequence[Event]

    @dataclass
    class Finished(Message):
        """A search's thread has ended; `error` if it could not begin or broke."""

        follower: Follower
        error: Exception | None

    @dataclass
    class Opened(Message):
        """A past search was read from the library; with `resume` the user wants to go on with it."""

        view: SearchView
        resume: bool

    def __init__(
        self, request: SearchRequest, corpora: Callable[[], Sequence[tuple[str, str]]], *, latex: bool
    ) -> None:
        """`request` holds the corpus and settings of searches to come; its query is not used."""
        super().__init__()
        self._defaults = request
        self._corpora = corpora
        self._latex = latex
        self._session: Session | None = None
        self._view: SearchView | None = None
        self._starred: set[PaperId] = set()
        self._dirty = False
        self._workers: list[Worker[None]] = []

    def compose(self) -> ComposeResult:
        """Left: question and log. Right: papers and paper, or what to begin with."""
        with Container(id="body"):
            with Vertical(id="left"):
                yield QueryEditor()
                yield SearchOptions(id="options")
                yield Static(_HOW, id="how", markup=False)
                yield Tabs(Tab("Log", id="tab-log"), Tab("Papers", id="tab-results"), Tab("Paper", id="tab-paper"))
                yield ActionLog()
            with Container(id="reading"):
                yield Welcome()
                yield ResultsList()
                yield PaperPane()
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the empty state; the list of papers is drawn at most every `_DRAW_SECONDS`."""
        self.set_class(True, "-empty")
        self.query_one(SearchOptions).corpus = self._defaults.corpus
        self.query_one(StatusLine).show(None, self._defaults.corpus)
        self.query_one(Tabs).active = "tab-results"
        self.query_one(QueryEditor).focus()
        self.set_interval(_DRAW_SECONDS, self._draw_if_dirty)

    def on_unmount(self) -> None:
        """Let a running search record that it was cancelled."""
        self._stop()

    def session_opened(self, session: Session) -> None:
        """The library is open: show what is in it."""
        self._session = session
        self._starred = session.library.starred()
        self.query_one(Welcome).show(session.library.searches(limit=5))

    @property
    def ready(self) -> bool:
        """Whether the library is open."""
        return self._session is not None

    @property
    def idle(self) -> bool:
        """Whether no search runs."""
        return self._view is None or self._view.follower is None

    @property
    def state(self) -> SearchState | None:
        """The state of the search shown."""
        return self._view.state if self._view else None

    # -- running a search ---------------------------------------------------------------------------------

    @on(QueryEditor.Submitted)
    def search_for(self, message: QueryEditor.Submitted) -> None:
        """Begin a search for what is in the editor."""
        try:
            query = Query.parse(message.text, self.query_one(SearchOptions).before or None)
        except PasaError as error:
            self.show_error(error)
            return
        if session := self._require_session():
            request = replace(self._defaults, query=query)
            self._begin(SearchView(request), lambda: session.start(request))

    def action_resume(self) -> None:
        """Go on with the search shown."""
        view, session = self._view, self._require_session()
        if session is None or view is None or view.search_id is None:
            return
        if view.follower is not None:
            self.notify("This search is running.", markup=False)
            return
        search_id = view.search_id
        self._begin(view, lambda: session.resume(search_id))

    def _begin(self, view: SearchView, start: Callable[[], Running]) -> None:
        self._stop()
        follower = Follower(start)
        view.follower = follower
        self._show(view)

        def work() -> None:
            failure: Exception | None = None
            try:
                follower.follow(lambda search_id, events: self._post_progress(follower, search_id, events))
            except Exception as error:
                # Also a defect must reach the screen: it would otherwise look like a search that goes on.
                failure = error
            self.post_message(self.Finished(follower, failure))

        self._workers = [worker for worker in self._workers if not worker.is_finished]
        self._workers.append(self.app.run_worker(work, thread=True, exit_on_error=False, group="search"))
        self.action_show_pane("results")

    def _post_progress(self, follower: Follower, search_id: int, events: Sequence[Event]) -> None:
        self.post_message(self.Progressed(follower, search_id, events))

    def _stop(self) -> None:
        if self._view is not None and self._view.follower is not None:
            self._view.follower.stop()

    async def stop_and_wait(self) -> None:
        """Stop the search and wait until it has recorded that; before the application ends."""
        self._stop()
        if self._workers:
            await self.app.workers.wait_for_complete(self._workers)

    def on_search_screen_progressed(self, message: Progressed) -> None:
        """Take in events; what costs more than that is done by the next drawing."""
        view = self._view
        if view is None or view.follower is not message.follower:
            return
        view.search_id = message.search_id
        for event in message.events:
            view.state.apply(event)
            if isinstance(event, Warned):
                self.notify(f"{event.message} {event.hint}".strip(), severity="warning", markup=False, timeout=8)
        self.query_one(ActionLog).update_from(message.events, view.state)
        self._dirty = True

    def on_search_screen_finished(self, message: Finished) -> None:
        """Say how it ended."""
        view = self._view
        if message.error is not None:
            self.show_error(message.error)
        if view is None or view.follower is not message.follower:
            return
        view.follower = None
        if view.state.ending is None:
            # The last event of a cancelled search is recorded, but no longer handed on.
            view.state.ending = "cancelled" if message.error is None else "failed"
        if view.search_id is None:
            self.action_new_search()
            self.query_one(QueryEditor).text = view.request.query.text
        self._draw()

    # -- showing one --------------------------------------------------------------------------------------

    def _show(self, view: SearchView) -> None:
        self._view = view
        self.set_class(False, "-empty")
        self.query_one(QueryEditor).text = view.request.query.text
        self.query_one(ResultsList).clear()
        self.query_one(ActionLog).show(view.state)
        self._draw()

    def _draw_if_dirty(self) -> None:
        if self._dirty:
            self._draw()

    def _draw(self) -> None:
        self._dirty = False
        view, status = self._view, self.query_one(StatusLine)
        status.running = view is not None and view.follower is not None
        status.show(view.state if view else None, view.request.corpus if view else self._defaults.corpus)
        if view is not None:
            self.query_one(ResultsList).show(view.state.ranked(), self._starred)
            self._show_paper()

    @on(ResultsList.Highlighted)
    def _show_paper(self) -> None:
        if self._view is None:
            return
        paper_id = self.query_one(ResultsList).cursor
        found = self._view.state.papers.get(paper_id) if paper_id else None
        library = self._session.library if self._session else None
        try:
            tags, note = (library.tags(paper_id), library.note(paper_id)) if library and paper_id else ((), "")
        except PasaError:
            # Shown again ten times a second while a search runs; a toast each time would bury the screen.
            tags, note = (), ""
        self.query_one(PaperPane).show(self._view.state, found, starred=paper_id in self._starred, tags=tags, note=note)

    @on(ResultsList.ReadRequested)
    def _read(self) -> None:
        self.action_show_pane("paper")

    @on(ResultsList.StarToggled)
    def _toggle_star(self, message: ResultsList.StarToggled) -> None:
        if session := self._require_session():
            on_now = message.paper_id not in self._starred
            try:
                session.library.set_star(message.paper_id, on_now)
            except PasaError as error:
                self.show_error(error)
                return
            (self._starred.add if on_now else self._starred.discard)(message.paper_id)
            self._draw()

    @on(Welcome.QuestionPicked)
    def _try_example(self, message: Welcome.QuestionPicked) -> None:
        self.query_one(QueryEditor).text = message.text
        self.search_for(QueryEditor.Submitted(message.text))

    @on(Welcome.SearchPicked)
    def _open_picked(self, message: Welcome.SearchPicked) -> None:
        self.open_search(message.search_id)

    def open_search(self, search_id: int, *, resume: bool = False) -> None:
        """Show a past search, read from the library in a thread; `resume`: and go on with it."""
        session = self._require_session()
        if session is None:
            return

        def work() -> None:
            try:
                row = session.library.search(search_id)
                request = SearchRequest.from_json(Query(row.query, row.before), dict(row.settings))
                view = SearchView(request, search_id, session.library.state(search_id))
            except PasaError as error:
                self.app.call_from_thread(self.show_error, error)
            else:
                if view.state.ending is None and row.status != "running":
                    view.state.ending = "cancelled"
                self.post_message(self.Opened(view, resume))

        self.app.run_worker(work, thread=True, group="open", exclusive=True)

    def on_search_screen_opened(self, message: Opened) -> None:
        """Show a past search as it was."""
        self._stop()
        self._show(message.view)
        before = message.view.request.query.before
        self.query_one(SearchOptions).before = before.isoformat() if before else ""
        self._use_corpus(message.view.request.corpus)
        self.action_show_pane("results")
        if message.resume:
            self.action_resume()

    # -- the other actions --------------------------------------------------------------------------------

    def action_edit_query(self) -> None:
        """To the editor."""
        self.query_one(QueryEditor).focus()

    @on(QueryEditor.Left)
    def _leave_editor(self) -> None:
        self.query_one(Welcome if self._view is None else ResultsList).focus()

    def action_new_search(self) -> None:
        """An empty question; a running search is stopped and kept."""
        self._stop()
        self._view = None
        self.set_class(True, "-empty")
        self.query_one(QueryEditor).text = ""
        self._draw()
        if self._session:
            self.session_opened(self._session)
        self.query_one(QueryEditor).focus()

    def action_stop(self) -> None:
        """Stop the search."""
        self._stop()

    def action_show_pane(self, name: str) -> None:
        """Focus a pane; on a narrow terminal, bring its tab to the front."""
        if self._view is None:
            return
        self.query_one(Tabs).active = f"tab-{name}"
        self._bring_forward(name)
        self.query_one(f"#{name}").focus()

    @on(Tabs.TabActivated)
    def _tab_activated(self, message: Tabs.TabActivated) -> None:
        self._bring_forward((message.tab.id or "tab-results").removeprefix("tab-"))

    def _bring_forward(self, name: str) -> None:
        for pane in ("log", "results", "paper"):
            self.set_class(pane == name, f"-show-{pane}")

    def action_corpus(self) -> None:
        """Choose where the next search looks."""
        try:
            corpora = self._corpora()
        except PasaError as error:
            self.show_error(error)
            return

        def chosen(name: str | None) -> None:
            if name:
                self._use_corpus(name)

        self.app.push_screen(CorpusDialog(corpora, self._defaults.corpus), chosen)

    def _use_corpus(self, name: str) -> None:
        self._defaults = replace(self._defaults, corpus=name)
        self.query_one(SearchOptions).corpus = name
        if self._view is None:
            self.query_one(StatusLine).show(None, name)

    def action_cut_off(self) -> None:
        """Ask for the last day papers may date from."""
        options = self.query_one(SearchOptions)

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                options.before = str(Query.parse("any", text).before) if text else ""
            except PasaError as error:
                self.show_error(error)

        self.app.push_screen(CutOffDialog(options.before), answered)

    def action_history(self) -> None:
        """Past searches."""

        def chosen(choice: HistoryChoice | None) -> None:
            if choice is not None:
                self.open_search(choice.search_id, resume=choice.what == "resume")

        if session := self._require_session():
            self.app.push_screen(HistoryScreen(session.library), chosen)

    def action_export(self) -> None:
        """Papers to a file."""
        if self._view is None or not self._view.state.papers:
            self.notify("There is no paper to export yet.", severity="warning", markup=False)
            return
        export_papers(self, self._view.state, self._starred, latex=self._latex)

    def action_help(self) -> None:
        """All keys."""
        self.app.push_screen(HelpScreen())

    def _require_session(self) -> Session | None:
        if self._session is None:
            self.notify("The library is still being opened.", severity="warning", markup=False)
        return self._session

    def show_error(self, error: Exception) -> None:
        """One message with what to do; a defect says so in one line."""
        if isinstance(error, PasaError):
            if error.hint:
                self.app.push_screen(ErrorDialog(error))
            else:
                self.notify(error.message, title=error.title, severity="error", markup=False)
        else:
            self.notify(f"{error!r}", title="Internal error", severity="error", markup=False, timeout=15)
