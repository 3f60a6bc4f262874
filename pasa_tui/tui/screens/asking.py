"""The screen's small questions: which corpus, which cut-off; and what it says when something is wrong."""

from collections.abc import Callable, Sequence

from textual.screen import Screen

from pasa_tui.errors import PasaError
from pasa_tui.papers import Query
from pasa_tui.tui.screens.dialogs import CorpusDialog, CutOffDialog, ErrorDialog


def show_error(screen: Screen[None], error: Exception) -> None:
    """One message with what to do about it; a defect says so in one line."""
    if not isinstance(error, PasaError):
        screen.notify(f"{error!r}", title="Internal error", severity="error", markup=False, timeout=15)
    elif error.hint:
        screen.app.push_screen(ErrorDialog(error))
    else:
        screen.notify(error.message, title=error.title, severity="error", markup=False)


def ask_corpus(
    screen: Screen[None], corpora: Callable[[], Sequence[tuple[str, str]]], current: str, use: Callable[[str], None]
) -> None:
    """Let the user choose one of the corpora, and `use` its name."""

    def chosen(name: str | None) -> None:
        if name:
            use(name)

    try:
        screen.app.push_screen(CorpusDialog(corpora(), current), chosen)
    except PasaError as error:
        show_error(screen, error)


def ask_cut_off(screen: Screen[None], current: str, use: Callable[[str], None]) -> None:
    """Let the user write a date, and `use` it as YYYY-MM-DD, or an empty text for none."""

    def answered(text: str | None) -> None:
        if text is None:
            return
        try:
            use(str(Query.parse("any", text).before) if text else "")
        except PasaError as error:
            screen.notify(str(error), title=error.title, severity="error", markup=False)
            ask_cut_off(screen, text, use)

    screen.app.push_screen(CutOffDialog(current), answered)
