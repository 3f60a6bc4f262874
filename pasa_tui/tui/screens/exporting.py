"""From the papers on the screen to a file: ask which and where, never overwrite unasked, say where it went."""

from datetime import date
from pathlib import Path

from textual.screen import Screen

from pasa_tui.errors import ExportError
from pasa_tui.events import FoundPaper, SearchState
from pasa_tui.papers import PaperId
from pasa_tui.tui.screens.dialogs import ConfirmDialog, ErrorDialog, ExportChoice, ExportDialog
from pasa_tui.tui.text import plural, subject_words


def export_papers(screen: Screen[None], state: SearchState, starred: set[PaperId], *, latex: bool) -> None:
    """Ask, write, and tell."""
    ranked = state.ranked()
    kinds: dict[str, list[FoundPaper]] = {
        "selected": [found for found in ranked if found.selected],
        "starred": [found for found in ranked if found.paper.id in starred],
        "all": ranked,
    }

    def chosen(choice: ExportChoice | None) -> None:
        if choice is not None:
            _write(screen, kinds[choice.only], choice, overwrite=False)

    counts = {kind: len(papers) for kind, papers in kinds.items()}
    screen.app.push_screen(ExportDialog(counts, Path.cwd() / _file_name(state.query), latex=latex), chosen)


def _file_name(query: str) -> str:
    words = [word for word in subject_words(query) if word.isascii()]
    return f"{'-'.join(words[:4]) or 'papers'}-{date.today().isoformat()}.bib"


def _write(screen: Screen[None], papers: list[FoundPaper], choice: ExportChoice, *, overwrite: bool) -> None:
    # Imported when something is exported: the BibTeX library takes longer to load than a first frame may.
    from pasa_tui.export.bibtex import to_bibtex
    from pasa_tui.export.files import write_export

    def replaced(yes: bool | None) -> None:
        if yes:
            _write(screen, papers, choice, overwrite=True)

    if choice.path.is_file() and not overwrite:
        screen.app.push_screen(ConfirmDialog(f"{choice.path} is there already. Replace it?", "Replace"), replaced)
        return
    try:
        write_export(to_bibtex((found.paper for found in papers), latex=choice.latex), choice.path, overwrite=overwrite)
    except ExportError as error:
        screen.app.push_screen(ErrorDialog(error))
    else:
        screen.notify(f"{plural(len(papers), 'paper')} written to {choice.path}", markup=False)
