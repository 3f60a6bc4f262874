"""Beginning searches on the search screen: for a question, once more, or going on from what was found."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual import on
from textual.app import SuspendNotSupported

from pasa_tui.errors import PasaError
from pasa_tui.tui.follow import Running
from pasa_tui.tui.panes.query import QueryEditor, SearchOptions
from pasa_tui.tui.runs import SearchRuns, SearchView
from pasa_tui.tui.screens.marking import Marking

if TYPE_CHECKING:
    from pasa_tui.config.settings import AgentSettings
    from pasa_tui.session import SearchRequest


class Starting(Marking):
    """The part of the search screen that begins searches."""

    _settings: "AgentSettings"
    _no_session: PasaError | None
    _early: QueryEditor.Submitted | None
    _runs: SearchRuns

    @property
    def idle(self) -> bool:
        """Whether no search runs."""
        return self._view is None or self._view.follower is None

    def action_stop(self) -> None:
        """Stop the search; its thread records that."""
        raise NotImplementedError

    def action_show_pane(self, name: str) -> None:
        """Focus a pane."""
        raise NotImplementedError

    def _show(self, view: SearchView) -> None:
        raise NotImplementedError

    _unsent = ""

    @on(QueryEditor.Submitted)
    def search_for(self, message: QueryEditor.Submitted) -> None:
        """Begin a search for what is in the editor."""
        from pasa_tui.papers import Query

        try:
            query = Query.parse(message.text, self.query_one(SearchOptions).before or None)
        except PasaError as error:
            self.show_error(error)
            return
        if self._require_session():
            self._start(self._place.request(query, self._settings, self._model))
        elif self._no_session is None:
            self._early = message

    def _start(self, request: "SearchRequest", *, parent: int | None = None, keeps_papers: bool = False) -> None:
        """Begin a search, once its cost is agreed; `parent` and `keeps_papers` as in `Session.start`."""
        from pasa_tui.events import SearchState

        if session := self._require_session():

            def begin() -> None:
                self._begin(
                    SearchView(request, SearchState(), parent=parent),
                    lambda: session.start(request, parent=parent, keeps_papers=keeps_papers),
                )

            self.ask_cost(request, session.library, begin)

    def action_refine(self) -> None:
        """Search for the question as it now reads, going on from the papers of the search shown."""
        from pasa_tui.papers import Query

        try:
            query = Query.parse(self.query_one(QueryEditor).text, self.query_one(SearchOptions).before or None)
        except PasaError as error:
            self.show_error(error)
            return
        self._search_again(self._place.request(query, self._settings, self._model), keeps_papers=True)

    def _search_again(self, request: "SearchRequest", *, keeps_papers: bool) -> None:
        if self._view is not None and self._view.search_id is not None:
            self._start(request, parent=self._view.search_id, keeps_papers=keeps_papers)

    def action_resume(self) -> None:
        """Go on with the search shown."""
        view, session = self._view, self._require_session()
        if session is None or view is None or view.search_id is None:
            return
        search_id = view.search_id
        # A limit that was reached and has been raised in the settings since.
        raised = self._settings.max_cost if self._settings.max_cost > view.request.settings.max_cost else None
        self._begin(view, lambda: session.resume(search_id, max_cost=raised))

    def _begin(self, view: SearchView, start: Callable[[], Running]) -> None:
        self.action_stop()
        self._runs.begin(view, start)
        self.refresh_bindings()
        self._show(view)
        self.action_show_pane("results")

    def action_hand_step(self, kind: Literal["expand", "similar"]) -> None:
        """Go on from the papers picked, or the one under the cursor: all their citations, or papers like them."""
        from pasa_tui.session import HandStep

        view, session = self._view, self._require_session()
        if session is None or view is None or view.search_id is None or not self.idle:
            self.notify("Wait until the search has ended.", severity="warning", markup=False)
            return
        search_id = view.search_id
        if steps := [HandStep(kind, paper_id) for paper_id in self._results.chosen]:
            self._results.drop_picks()
            self._runs.begin(view, lambda: session.resume(search_id, steps=steps))
            self.refresh_bindings()

    @on(QueryEditor.PastWanted)
    def _recall(self, message: QueryEditor.PastWanted) -> None:
        """Put the question of an earlier or later search into the editor."""
        if (session := self._require_session()) is None:
            return
        editor = self.query_one(QueryEditor)
        try:
            asked = list(dict.fromkeys(row.query for row in session.library.searches(limit=_QUESTIONS)))
        except PasaError as error:
            self.show_error(error)
            return
        if editor.text not in asked:
            # What is being written is the latest of all, and comes back when one steps forward again.
            self._unsent = editor.text
        asked.insert(0, self._unsent)
        at = asked.index(editor.text) if editor.text in asked else 0
        editor.text = asked[max(0, min(at - message.step, len(asked) - 1))]
        editor.move_cursor(editor.document.end)

    @on(QueryEditor.EditorWanted)
    def _edit_outside(self) -> None:
        """Write the question in the editor that $VISUAL or $EDITOR names."""
        import shlex
        import subprocess
        import tempfile

        command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not command:
            self.notify("Set the variable EDITOR to your editor, such as vim.", severity="warning", markup=False)
            return
        editor = self.query_one(QueryEditor)
        try:
            with tempfile.TemporaryDirectory(prefix="pasa-tui-") as folder:
                file = Path(folder) / "question.md"
                file.write_text(editor.text, encoding="utf-8")
                with self.app.suspend():
                    subprocess.run([*shlex.split(command), str(file)], check=True)
                editor.text = file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except SuspendNotSupported:
            self.notify("This terminal can't be handed to an editor.", severity="warning", markup=False)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            self.notify(f"{command} could not be run: {error}", severity="error", markup=False)
        editor.focus()


# Past questions that the editor steps through.
_QUESTIONS = 500
