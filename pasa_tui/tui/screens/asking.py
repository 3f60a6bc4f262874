"""The screen's small questions: where to search, which cut-off; and what it says when something is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from pasa_tui.errors import PasaError
from pasa_tui.papers import Query
from pasa_tui.tui.places import Place
from pasa_tui.tui.screens.dialogs import ChoiceDialog, CutOffDialog, ErrorDialog
from pasa_tui.tui.screens.sources import SourcesDialog

if TYPE_CHECKING:
    from pasa_tui.assembly import Expectation
    from pasa_tui.library import Library
    from pasa_tui.tui.screens.history import HistoryChoice

_SOME = "some of the sources…"
_PLACES_HINT = "pasa-tui corpus build … makes more corpora; pasa-tui doctor checks the sources."
_MODELS_HINT = "A section [profiles.NAME] of the settings adds a model; pasa-tui models check NAME tries it."


def show_error(screen: Screen[None], error: Exception) -> None:
    """One message with what to do about it; a defect says so in one line."""
    if not isinstance(error, PasaError):
        screen.notify(f"{error!r}", title="Internal error", severity="error", markup=False, timeout=15)
    elif error.hint:
        screen.app.push_screen(ErrorDialog(error))
    else:
        screen.notify(error.message, title=error.title, severity="error", markup=False)


def ask_place(
    screen: Screen[None], current: Place, corpora: Callable[[], Sequence[tuple[str, str]]], use: Callable[[Place], None]
) -> None:
    """Let the user choose the live sources or one of the corpora, and `use` the choice."""

    def chosen(name: str | None) -> None:
        if name == _SOME:
            screen.app.push_screen(SourcesDialog(current.named), named)
        elif name:
            use(current.chosen(name))

    def named(names: Sequence[str] | None) -> None:
        if names:
            use(replace(current, sources=",".join(names)))

    try:
        some = (_SOME, "choose one by one")
        screen.app.push_screen(
            ChoiceDialog("Where to search", [*current.choices(corpora()), some], current.label, _PLACES_HINT), chosen
        )
    except PasaError as error:
        show_error(screen, error)


def ask_model(
    screen: Screen[None], current: str, models: Callable[[], Sequence[tuple[str, str]]], use: Callable[[str], None]
) -> None:
    """Let the user choose the builtin agent or a language model, and `use` its name."""

    def chosen(name: str | None) -> None:
        if name:
            use(name)

    try:
        screen.app.push_screen(ChoiceDialog("Which model searches", models(), current, _MODELS_HINT), chosen)
    except PasaError as error:
        show_error(screen, error)


def ask_expected(screen: Screen[None], model: str, expected: "Expectation", begin: Callable[[], None]) -> None:
    """Say what a search is likely to take, and `begin` it if the user wants that."""
    from pasa_tui.tui.screens.dialogs import ConfirmDialog

    limit = f"It stops at ${expected.limit:g}." if expected.limit else "No limit is set (agent.max_cost)."
    question = f"{model}: {expected.text}." + (f"\n{limit}" if expected.is_paid else "")

    def answered(yes: bool | None) -> None:
        if yes:
            begin()

    screen.app.push_screen(ConfirmDialog(question, "Search", title="What this is likely to take"), answered)


def ask_history(
    screen: Screen[None], library: "Library", keys: "Mapping[str, str]", use: "Callable[[HistoryChoice], None]"
) -> None:
    """Let the user choose a past search, and `use` the choice. `keys` are the user's own, by the names of actions."""
    from pasa_tui.tui.screens.history import HistoryScreen

    def chosen(choice: "HistoryChoice | None") -> None:
        if choice is not None:
            use(choice)

    screen.app.push_screen(HistoryScreen(library, keys), chosen)


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
