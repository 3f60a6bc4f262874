"""What the user does to papers on the search screen: star, reject, tag, note, copy, open; and undo."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pasa_tui.errors import PasaError
from pasa_tui.tui.listing import VIEWS
from pasa_tui.tui.screens.choosing import Choosing
from pasa_tui.tui.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pasa_tui.papers import Paper, PaperId
    from pasa_tui.session import Session
    from pasa_tui.tui.marks import Marks
    from pasa_tui.tui.panes.results import ResultsList


class Marking(Choosing):
    """The part of the search screen that marks papers."""

    _marks: "Marks"
    _results: "ResultsList"

    def _require_session(self) -> "Session | None":
        raise NotImplementedError

    def _draw(self) -> None:
        raise NotImplementedError

    def on_results_list_mark_requested(self, message: "ResultsList.MarkRequested") -> None:
        """Mark the papers, or ask how."""
        if self._view is None or self._require_session() is None:
            return
        ids = message.paper_ids
        match message.what:
            case "star":
                on = not all(paper_id in self._marks.all.starred for paper_id in ids)
                self._change(lambda: self._marks.set_stars(ids, on))
            case "reject":
                on = not all(paper_id in self._marks.all.rejected for paper_id in ids)
                self._change(lambda: self._marks.set_rejected(ids, on))
                self.notify(f"{plural(len(ids), 'paper')} {'rejected' if on else 'taken back'}; u undoes it.")
            case "tag":
                self._ask_tags(ids)
            case "note":
                self._ask_note(ids[0])
            case "copy":
                self._copy(self._papers_of(ids))
            case "open":
                self._open(self._papers_of(ids))

    def action_undo(self) -> None:
        """Take the last change back."""
        try:
            what = self._marks.undo()
        except PasaError as error:
            self.show_error(error)
            return
        self.notify(f"Undone: {what}" if what else "There is nothing to undo.", markup=False)
        self._draw()

    def show_error(self, error: Exception) -> None:
        """One message with what to do about it."""
        from pasa_tui.tui.screens.asking import show_error

        show_error(self, error)

    def _change(self, change: "Callable[[], None]") -> None:
        try:
            change()
        except PasaError as error:
            self.show_error(error)
        self._results.drop_picks()
        self._draw()

    def _papers_of(self, ids: "Sequence[PaperId]") -> "list[Paper]":
        state = self._view.state if self._view else None
        return [found.paper for paper_id in ids if state and (found := state.papers.get(paper_id))]

    def _ask_tags(self, ids: "Sequence[PaperId]") -> None:
        from pasa_tui.tui.screens.labelling import TagChange, TagDialog

        def answered(change: TagChange | None) -> None:
            if change is not None:
                self._change(lambda: self._marks.change_tags(ids, change.add, change.remove))

        tags = [set(self._marks.all.tags.get(paper_id, ())) for paper_id in ids]
        common = sorted(set.intersection(*tags))
        self.app.push_screen(TagDialog(len(ids), common, self._marks.all_tags()), answered)

    def _ask_note(self, paper_id: "PaperId") -> None:
        from pasa_tui.tui.screens.labelling import NoteDialog

        def answered(text: str | None) -> None:
            if text is not None:
                self._change(lambda: self._marks.set_note(paper_id, text))

        title = "".join(paper.title for paper in self._papers_of([paper_id]))
        self.app.push_screen(NoteDialog(title, self._marks.all.notes.get(paper_id, "")), answered)

    def _copy(self, papers: "Sequence[Paper]") -> None:
        """Links to the clipboard of the user's terminal (OSC 52), which works over SSH; titles where there is none."""
        self.app.copy_to_clipboard("\n".join(paper.url or paper.title for paper in papers))
        self.notify(f"{plural(len(papers), 'link')} copied", markup=False)

    def _open(self, papers: "Sequence[Paper]") -> None:
        """In the user's browser; over SSH there is none, and the links are copied instead."""
        links = [paper.url for paper in papers if paper.url]
        if not links:
            self.notify("No link is known.", severity="warning", markup=False)
        elif len(links) > _TABS:
            self.notify(f"At most {_TABS} papers are opened at once.", severity="warning", markup=False)
        elif self.app.is_headless or self.app.is_web or not _has_browser():
            self._copy(papers)
        else:
            for link in links:
                self.app.open_url(link)

    def on_results_list_view_requested(self) -> None:
        """Ask which papers to list."""
        from pasa_tui.tui.screens.dialogs import ChoiceDialog

        results = self._results

        def chosen(view: str | None) -> None:
            if view:
                if view == "new":
                    self._find_old()
                results.list_as(replace(results.arrangement, view=view))

        hint = "a shows all again; o sorts by something else; f filters as you type."
        self.app.push_screen(ChoiceDialog("Show", list(VIEWS.items()), results.arrangement.view, hint), chosen)

    def _find_old(self) -> None:
        session, view = self._require_session(), self._view
        if session is not None and view is not None and view.search_id is not None:
            try:
                self._results.set_old(session.library.met_before(view.search_id))
            except PasaError as error:
                self.show_error(error)


# More would bury the user's browser.
_TABS = 10


def _has_browser() -> bool:
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
