"""The one screen that everything happens on: question, log, papers, paper."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from pasa_tui.errors import PasaError
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.layout import Layout
from pasa_tui.tui.marks import Marks
from pasa_tui.tui.panes.query import HowItWorks, QueryEditor, SearchOptions
from pasa_tui.tui.panes.status import StatusLine
from pasa_tui.tui.places import Place
from pasa_tui.tui.runs import (
    SearchFinished,
    SearchGlimpsed,
    SearchNotOpened,
    SearchOpened,
    SearchProgressed,
    SearchRuns,
    SearchView,
    What,
)
from pasa_tui.tui.screens.choosing import Choices
from pasa_tui.tui.screens.taking import Taking
from pasa_tui.tui.text import plural

# What the first frame does not show is imported after it: the session with the loop and the library, the panes
# that are empty as yet, and the dialogs. Together they cost as much as all of Textual.
if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widgets import Tabs

    from pasa_tui.assembly import Surroundings
    from pasa_tui.config import Paths
    from pasa_tui.config.settings import Settings
    from pasa_tui.events import Event, SearchState
    from pasa_tui.papers import PaperId
    from pasa_tui.session import Session
    from pasa_tui.tui.panes.log import ActionLog
    from pasa_tui.tui.panes.welcome import Welcome
    from pasa_tui.tui.screens.history import HistoryChoice

# Seconds between two rankings of the list while papers stream in: the eye follows no faster.
_DRAW_SECONDS = 0.2
# Seconds that the cursor rests on a paper before it is shown: laying out an abstract takes longer than moving.
_REST_SECONDS = 0.06
# Seconds between the letters of somebody who types, and how long papers that arrive may wait for that.
_TYPING_SECONDS, _UNDRAWN_SECONDS = 0.15, 1.0


class SearchScreen(Taking):
    """Panes that collapse into tabs on a narrow terminal. Workers post messages; handlers change widgets."""

    BINDINGS = bindings("search")
    AUTO_FOCUS = "#query"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012  # an instance variable of Screen

    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-high")]  # noqa: RUF012  # an instance variable of Screen

    def __init__(
        self,
        settings: "Settings",
        choices: Choices,
        *,
        paths: "Paths",
        completed: Callable[[], None],
    ) -> None:
        """Search as `settings` say. `completed` is called once, after the first frame."""
        super().__init__(classes="-empty")
        self._place = Place.of(settings.search)
        self._model = settings.models.default
        self._settings = settings.agent
        self._choices = choices
        self._latex = settings.export.latex
        self._notify_after = settings.interface.notify_after
        self._zotero = settings.zotero
        self._paths = paths
        self._keys = settings.keys
        self._layout = Layout(self, paths.panes_file)
        self._completed = completed
        self._online = True
        self._session: Session | None = None
        self._no_session: PasaError | None = None
        self._early: QueryEditor.Submitted | None = None
        self._view: SearchView | None = None
        self._glimpsed: int | None = None
        self._marks = Marks()
        self._undrawn: list[Event] = []
        self._drawn_at = 0.0
        self._resting: Timer | None = None
        self._runs = SearchRuns(self)

    def compose(self) -> ComposeResult:
        """Where to type, at once. `_complete` adds the rest a moment later."""
        with Container(id="body"):
            with Vertical(id="left"):
                yield QueryEditor()
                yield SearchOptions(self._place.label, self._model)
                yield HowItWorks()
            yield Container(id="reading")
        yield StatusLine(self._place.label)

    def on_mount(self) -> None:
        """Go on once there is something to see."""
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        from textual.widgets import Footer, Tab, Tabs

        from pasa_tui.tui.panes.log import ActionLog
        from pasa_tui.tui.panes.paper import PaperPane
        from pasa_tui.tui.panes.results import ResultsList
        from pasa_tui.tui.panes.welcome import Welcome

        self._tabs = Tabs(Tab("Log", id="tab-log"), Tab("Papers", id="tab-results"), Tab("Paper", id="tab-paper"))
        self._log, self._results, self._paper = ActionLog(), ResultsList(), PaperPane()
        left = self.query_one("#left")
        if not left.is_attached:
            # The user has quit already.
            return
        self._welcome = Welcome()
        await self.mount(Footer(show_command_palette=False))
        await self.query_one("#reading").mount(self._welcome, self._results, self._paper)
        await left.mount(self._tabs, self._log)
        self._tabs.active = "tab-results"
        self._layout.apply()
        # The footer has missed the news of what has the focus.
        self.refresh_bindings()
        self.set_interval(_DRAW_SECONDS, self._draw_if_needed)
        self._completed()

    def on_unmount(self) -> None:
        """Let a running search record that it was cancelled."""
        self.action_stop()

    def session_opened(self, session: "Session") -> None:
        """The library is open: show what is in it."""
        self._session = session
        self._marks.open(session.library)
        rows = session.library.searches()
        self._welcome.show(rows[:5])
        self.query_one(QueryEditor).past = tuple(dict.fromkeys(row.query for row in rows))
        if self._early is not None:
            early, self._early = self._early, None
            self.search_for(early)

    def session_failed(self, error: PasaError) -> None:
        """The library can't be opened: say so, now and whenever it is needed."""
        self._no_session = error
        self.show_error(error)

    @property
    def is_new_here(self) -> bool:
        """Whether the library is open and no search was ever made."""
        return self._session is not None and self._view is None and not self._session.library.searches(limit=1)

    def surroundings_known(self, around: "Surroundings") -> None:
        """Tell a newcomer what there is to search with."""
        if self.is_new_here:
            self._welcome.show((), around)

    def on_welcome_model_picked(self, message: "Welcome.ModelPicked") -> None:
        """Keep the model as a profile, the one that searches."""
        self.use_ollama(message.name)

    @property
    def ready(self) -> bool:
        """Whether the library is open."""
        return self._session is not None

    @property
    def state(self) -> "SearchState | None":
        """The state of the search shown."""
        return self._view.state if self._view else None

    def action_stop(self) -> None:
        """Stop the search; its thread records that."""
        if self._view is not None and self._view.follower is not None:
            self._view.follower.stop()

    async def stop_and_wait(self) -> None:
        """Stop the search and wait until it has recorded that; before the application ends."""
        self.action_stop()
        await self._runs.wait()

    def on_search_progressed(self, message: SearchProgressed) -> None:
        """Take in events; what costs more than that is done by the next drawing."""
        view = self._view
        if view is None or view.follower is not message.follower:
            return
        from pasa_tui.events import Warned

        view.search_id = message.search_id
        for event in message.events:
            view.state.apply(event)
            if isinstance(event, Warned) and event.stage == "library":
                self.notify(f"{event.message} {event.hint}".strip(), severity="warning", markup=False, timeout=8)
        self._undrawn += message.events

    def on_search_finished(self, message: SearchFinished) -> None:
        """Say how it ended."""
        view = self._view
        if message.error is not None:
            self.show_error(message.error)
        if view is None or view.follower is not message.follower:
            return
        view.follower = None
        self.refresh_bindings()
        if view.state.ending is None:
            # The last event of a cancelled search is recorded, but no longer handed on.
            view.state.ending = "cancelled" if message.error is None else "failed"
        if view.search_id is None:
            self.action_new_search()
            self.query_one(QueryEditor).text = view.request.query.text
        if self._notify_after and view.state.elapsed >= self._notify_after and view.state.ending != "cancelled":
            # A terminal tells its user of a bell in a window that has not the focus.
            self.app.bell()
            found = plural(view.state.selected, "paper")
            self.notify(f"The search has ended: {found} selected.", markup=False, timeout=15)
        self._draw()

    def _show(self, view: SearchView, *, glimpsed: bool = False) -> None:
        self._view, self._glimpsed = view, None
        self._arrange("-show-results")
        self.query_one(QueryEditor).text = view.request.query.text
        if not glimpsed:
            # Else the user may have moved in it by now.
            self._results.clear()
        self._log.show(view.state)
        self._undrawn = []
        self._draw()

    def _draw_if_needed(self) -> None:
        now = time.monotonic()
        # Keys come first: what arrives waits while a filter is being typed.
        is_typed = now - self._results.typed_at < _TYPING_SECONDS
        if self._undrawn and (not is_typed or now - self._drawn_at > _UNDRAWN_SECONDS):
            self._draw()

    def _draw(self) -> None:
        undrawn, self._undrawn, self._drawn_at = self._undrawn, [], time.monotonic()
        view, status = self._view, self.query_one(StatusLine)
        status.running = view is not None and view.follower is not None
        status.show(view.state if view else None, self._place_of(view))
        if view is not None:
            self._log.update_from(undrawn, view.state)
            self._results.explain(view.state)
            self._results.show(view.state.ranked(), self._marks.all, self._marks.is_known)
            if self._resting is None:
                self._show_paper()

    def on_results_list_highlighted(self) -> None:
        """Show the paper that the cursor is on, once it rests there."""
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST_SECONDS, self._show_paper)

    def _show_paper(self) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if self._view is None:
            return
        paper_id = self._results.cursor
        found = self._view.state.papers.get(paper_id) if paper_id else None
        known = found is not None and self._marks.is_known(found.paper)
        self._paper.show(self._view.state, found, self._marks.all, known=known, citers=self._marks.citers)

    def on_action_log_paper_wanted(self, message: "ActionLog.PaperWanted") -> None:
        """Go to the paper in the results."""
        if self._results.go_to(message.paper_id):
            self.action_show_pane("results")
        else:
            self.notify("The list leaves this paper out; a shows all.", severity="warning", markup=False)

    def on_results_list_read_requested(self) -> None:
        """To the abstract."""
        self.action_show_pane("paper")

    def on_welcome_question_picked(self, message: "Welcome.QuestionPicked") -> None:
        """Search for the example."""
        self.query_one(QueryEditor).text = message.text
        self.search_for(QueryEditor.Submitted(message.text))

    def on_welcome_search_picked(self, message: "Welcome.SearchPicked") -> None:
        """Show the past search."""
        self.open_search(message.search_id)

    def open_search(self, search_id: int, what: "What" = "open", paper_id: "PaperId | None" = None) -> None:
        """Show a past search, read from the library in a thread; and go on with it, make it again, or go to a paper."""
        if session := self._require_session():
            self._runs.open(session, search_id, what=what, paper_id=paper_id)

    def on_search_glimpsed(self, message: SearchGlimpsed) -> None:
        """Show the best papers of a search that is still being read. There is nothing to be done with it yet."""
        self.action_stop()
        self._view, self._glimpsed, self._undrawn = None, message.search_id, []
        self._arrange("-show-results")
        self.query_one(QueryEditor).text = message.question
        self._results.clear()
        self._results.show(message.best, self._marks.all, self._marks.is_known)
        self._results.border_subtitle = "…"

    def on_search_not_opened(self, message: SearchNotOpened) -> None:
        """Say why."""
        if self._glimpsed is not None:
            self.action_new_search()
        self.show_error(message.error)

    def on_search_opened(self, message: SearchOpened) -> None:
        """Show a past search as it was."""
        self.action_stop()
        self._show(message.view, glimpsed=self._glimpsed == message.view.search_id)
        before = message.view.request.query.before
        self._use_cut_off(before.isoformat() if before else "")
        self._use_place(Place.of_request(message.view.request, self._place.settled))
        self._use_model(message.view.request.model)
        self.action_show_pane("results")
        if message.paper_id is not None:
            self._results.go_to(message.paper_id)
        if message.what == "resume":
            self.action_resume()
        elif message.what == "rerun":
            self._search_again(message.view.request, keeps_papers=False)

    def action_edit_query(self) -> None:
        """To the editor."""
        self.query_one(QueryEditor).focus()

    @on(QueryEditor.Left)
    def _leave_editor(self) -> None:
        if self._session is not None:
            (self._welcome if self._view is None else self._results).focus()

    def action_new_search(self) -> None:
        """An empty question; a running search is stopped and kept."""
        self.action_stop()
        self._view = self._glimpsed = None
        self._arrange("-empty")
        self.query_one(QueryEditor).text = ""
        self._draw()
        if self._session:
            self.session_opened(self._session)
        self.query_one(QueryEditor).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what runs, and to resume only what does not."""
        if action == "stop":
            return not self.idle
        return self._view is not None and self.idle if action in ("resume", "refine") else True

    def action_show_pane(self, name: str) -> None:
        """Focus a pane; on a narrow terminal, bring its tab to the front."""
        if self._view is None:
            return
        self._tabs.active = f"tab-{name}"
        self._arrange(f"-show-{name}")
        self.query_one(f"#{name}").focus()

    def on_tabs_tab_activated(self, message: "Tabs.TabActivated") -> None:
        """Show the pane of the tab."""
        if self._view is not None:
            self._arrange(f"-show-{(message.tab.id or 'tab-results').removeprefix('tab-')}")

    def _arrange(self, arrangement: str) -> None:
        """`-empty`, or `-show-` and the pane that a narrow terminal shows."""
        classes = {name for name in self.classes if not name.startswith(("-show-", "-empty"))} | {arrangement}
        if classes != self.classes:
            # All at once: each change of a screen's class has every pane look up its styles again.
            self.set_classes(classes)
            self._layout.apply()

    def action_history(self) -> None:
        """Past searches."""
        from pasa_tui.tui.screens.asking import ask_history

        def use(chosen: "HistoryChoice") -> None:
            self.open_search(chosen.search_id, chosen.what, chosen.paper_id)

        if session := self._require_session():
            ask_history(self, session.library, self._keys, use)

    def action_help(self) -> None:
        """All keys."""
        from pasa_tui.tui.screens.help import HelpScreen

        focused = self.focused.id if self.focused is not None else None
        self.app.push_screen(HelpScreen(focused or "", self._keys))

    def _require_session(self) -> "Session | None":
        if self._no_session is not None:
            self.show_error(self._no_session)
        elif self._session is None:
            self.notify("The library is being opened…", markup=False)
        return self._session
