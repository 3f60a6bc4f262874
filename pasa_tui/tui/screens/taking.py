"""Taking away what a search found: files, Zotero, pictures, a report."""

from typing import TYPE_CHECKING

from pasa_tui.tui.screens.arranging import Arranging

if TYPE_CHECKING:
    from pasa_tui.config.settings import ZoteroSettings


class Taking(Arranging):
    """The part of the search screen from which papers leave."""

    _zotero: "ZoteroSettings"

    def action_export(self) -> None:
        """Papers to a file."""
        from pasa_tui.tui.screens.exporting import export_papers

        if self._view is None or not self._view.state.papers:
            self.notify("There is no paper to export yet.", severity="warning", markup=False)
            return
        export_papers(self, self._view.state, self._marks.all, self._results.picked, latex=self._latex)

    def action_pictures(self) -> None:
        """Plots of the search shown."""
        from pasa_tui.tui.screens.exporting import show_pictures

        view, session = self._view, self._require_session()
        if session is not None and view is not None and view.search_id is not None:
            show_pictures(self, session.library, view.search_id, view.request.settings.threshold)

    def action_zotero(self) -> None:
        """The papers picked, or those selected, into Zotero."""
        from pasa_tui.records import records_from
        from pasa_tui.tui.screens.zotero import push_to_zotero

        if self._view is None or not self._view.state.papers:
            self.notify("There is no paper to push yet.", severity="warning", markup=False)
            return
        picked = set(self._results.picked)
        records = records_from(self._view.state, self._marks.all, "all" if picked else "selected")
        push_to_zotero(self, [it for it in records if not picked or it.paper.id in picked], self._zotero)

    def action_report(self) -> None:
        """The search shown as a page."""
        from pasa_tui.tui.screens.exporting import export_report

        view, session = self._view, self._require_session()
        if session is not None and view is not None and view.search_id is not None:
            export_report(self, session.library, view.search_id, view.request.settings.threshold)
