"""From the papers on the screen to a file or the clipboard: ask which, how and where, never overwrite unasked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Button, Checkbox, Input, RadioButton, RadioSet, Select

from pasa_tui.errors import ExportError, PasaError
from pasa_tui.events import Event, SearchState
from pasa_tui.export.formats import FORMATS, format_of, render
from pasa_tui.library import Library, Marks
from pasa_tui.papers import PaperId
from pasa_tui.records import records_from
from pasa_tui.tui.screens.dialogs import ConfirmDialog, Dialog, ErrorDialog
from pasa_tui.tui.text import plural, subject_words

if TYPE_CHECKING:
    from pasa_tui.export.record import Record


class Radio(RadioButton):
    """A radio button whose state can be told without colour."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # Textual's name
        """A full dot where it is on, an empty one where it is off."""
        return "●" if self.value else "○"


class Check(Checkbox):
    """A checkbox whose state can be told without colour."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # Textual's name
        """A cross where it is on, nothing where it is off."""
        return "X" if self.value else " "


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """Which papers, in which format and encoding, into which file; None: to the clipboard."""

    only: str
    output: str
    latex: bool
    path: Path | None


class ExportDialog(Dialog[ExportChoice | None]):
    """Ask what to export. The answer is None if nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, counts: Mapping[str, int], path: Path, *, latex: bool) -> None:
        """`counts` says how many papers each kind has; `path` is the file to offer, its suffix following the format."""
        super().__init__()
        self._counts = counts
        self._path = path
        self._latex = latex

    def compose(self) -> ComposeResult:
        """Which papers; the format; the file; the encoding."""
        first = next((kind for kind, count in self._counts.items() if count), "all")
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Export"
            with RadioSet():
                for kind, count in self._counts.items():
                    yield Radio(f"{kind} ({count:,})", value=kind == first, id=f"kind-{kind}")
            formats = [(known.label, name) for name, known in FORMATS.items()]
            yield Select(formats, value="bibtex", allow_blank=False, compact=True)
            yield Input(str(self._path), placeholder="File")
            yield Check("LaTeX's encoding instead of UTF-8", self._latex)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Clipboard", id="clipboard")
                yield Button("Export", id="export", variant="primary")

    def on_mount(self) -> None:
        """Enter exports at once: the file has the focus."""
        self.query_one(Input).focus()

    def on_select_changed(self, event: "Select.Changed") -> None:
        """The file's suffix and the encoding follow the format."""
        chosen = FORMATS[str(event.value)]
        field = self.query_one(Input)
        path = Path(field.value.strip() or self._path)
        if path.suffix.lower() != chosen.suffix and format_of(path):
            field.value = str(path.with_suffix(chosen.suffix))
        self.query_one(Checkbox).display = chosen.encodes

    def on_input_changed(self, event: Input.Changed) -> None:
        """The format follows the file's suffix, where that is another's."""
        path, chosen = Path(event.value.strip()), self.query_one(Select)
        wanted = format_of(path)
        if wanted and path.suffix.lower() != FORMATS[str(chosen.value)].suffix:
            chosen.value = wanted

    @on(Input.Submitted)
    @on(Button.Pressed, "#export")
    def export(self) -> None:
        """Answer with what is filled in."""
        text = self.query_one(Input).value.strip()
        if text:
            self.dismiss(self._choice(Path(text).expanduser()))

    @on(Button.Pressed, "#clipboard")
    def copy(self) -> None:
        """Answer with what is filled in, for the clipboard."""
        self.dismiss(self._choice(None))

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Answer None."""
        self.dismiss(None)

    def _choice(self, path: Path | None) -> ExportChoice:
        pressed = self.query_one(RadioSet).pressed_button
        only = (pressed.id or "kind-all").removeprefix("kind-") if pressed else "all"
        output = str(self.query_one(Select).value)
        return ExportChoice(only, output, self.query_one(Checkbox).value and FORMATS[output].encodes, path)


def export_papers(
    screen: Screen[None], state: SearchState, marks: Marks, picked: Sequence[PaperId], *, latex: bool
) -> None:
    """Ask, write, and tell. `picked` are the papers picked in the list, if any."""
    every = records_from(state, marks, "all")
    kinds: dict[str, list[Record]] = {
        "picked": [record for record in every if record.paper.id in set(picked)],
        "selected": [record for record in every if record.selected],
        "starred": [record for record in every if record.starred],
        "tagged": [record for record in every if record.tags],
        "all": every,
    }
    if not picked:
        del kinds["picked"]

    def chosen(choice: ExportChoice | None) -> None:
        if choice is not None:
            _write(screen, kinds[choice.only], choice, overwrite=False)

    counts = {kind: len(records) for kind, records in kinds.items()}
    screen.app.push_screen(ExportDialog(counts, Path.cwd() / _file_name(state.query), latex=latex), chosen)


def show_pictures(screen: Screen[None], library: Library, search_id: int, threshold: float) -> None:
    """Show the plots of a search, as the library has it by now."""
    from pasa_tui.tui.screens.pictures import PicturesScreen

    try:
        events = library.events(search_id)
    except PasaError as error:
        screen.app.push_screen(ErrorDialog(error))
        return
    screen.app.push_screen(PicturesScreen(_state_of(events), events, threshold))


def export_report(screen: Screen[None], library: Library, search_id: int, threshold: float) -> None:
    """Ask for a file, and write the search there as one HTML page."""
    from pasa_tui.export.files import write_export
    from pasa_tui.pictures.report import render_search
    from pasa_tui.tui.screens.labelling import LineDialog

    def answered(text: str | None) -> None:
        if not text or not text.strip():
            return
        path = Path(text.strip()).expanduser()
        try:
            row, events = library.search(search_id), library.events(search_id)
            state = _state_of(events)
            records = records_from(state, library.marks(), "all")
            write_export(render_search(row, state, events, records, threshold=threshold), path)
        except PasaError as error:
            screen.app.push_screen(ErrorDialog(error))
        else:
            screen.notify(f"Report written to {path}", markup=False)

    try:
        name = _file_name(library.search(search_id).name, ".html")
    except PasaError as error:
        screen.app.push_screen(ErrorDialog(error))
        return
    screen.app.push_screen(LineDialog("Report", "File:", str(Path.cwd() / name)), answered)


def _state_of(events: Sequence[Event]) -> SearchState:
    state = SearchState()
    for event in events:
        state.apply(event)
    return state


def _file_name(query: str, suffix: str = ".bib") -> str:
    words = [word for word in subject_words(query) if word.isascii()]
    return f"{'-'.join(words[:4]) or 'papers'}-{date.today().isoformat()}{suffix}"


def _write(screen: Screen[None], records: "list[Record]", choice: ExportChoice, *, overwrite: bool) -> None:
    from pasa_tui.export.files import write_export

    def replaced(yes: bool | None) -> None:
        if yes:
            _write(screen, records, choice, overwrite=True)

    path = choice.path
    if path is not None and path.is_file() and not overwrite:
        screen.app.push_screen(ConfirmDialog(f"{path} is there already. Replace it?", "Replace"), replaced)
        return
    text = render(records, choice.output, latex=choice.latex)
    if path is None:
        screen.app.copy_to_clipboard(text)
        screen.notify(f"{plural(len(records), 'paper')} copied as {FORMATS[choice.output].label}", markup=False)
        return
    try:
        write_export(text, path, overwrite=overwrite)
    except ExportError as error:
        screen.app.push_screen(ErrorDialog(error))
    else:
        screen.notify(f"{plural(len(records), 'paper')} written to {path}", markup=False)
