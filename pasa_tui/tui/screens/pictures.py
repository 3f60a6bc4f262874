"""Pictures of the search shown, in the terminal: growth, scores, years, and who cites whom among the best."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.widgets import TabbedContent, TabPane
from textual_plotext import PlotextPlot

from pasa_tui.errors import ExportError
from pasa_tui.events import Event, SearchState
from pasa_tui.export.files import write_export
from pasa_tui.papers import clean_text
from pasa_tui.pictures.figures import BINS, by_year, citation_map, histogram, timeline
from pasa_tui.pictures.report import figures_svg
from pasa_tui.tui.screens.dialogs import Dialog, ErrorDialog
from pasa_tui.tui.screens.labelling import LineDialog

_NAMES = {"growth": "Over time", "scores": "Scores", "years": "Years", "citations": "Citations"}
_ROOT = 0.5
# Cells that the label of a paper takes, about.
_LABEL = 20
# What plotext takes for the frame, and above and below it for the title and the years.
_FRAME_CELLS, _FRAME_LINES = 2, 4
# Steps of a scale of papers, which are whole.
_TICKS = 6


class PicturesScreen(Dialog[None]):
    """Four pictures in tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,p", "dismiss", "Close"),
        ("h,left", "step(-1)", "Left"),
        ("l,right", "step(1)", "Right"),
        ("e", "export", "Export"),
    ]

    def __init__(self, state: SearchState, events: Sequence[Event], threshold: float) -> None:
        super().__init__()
        self._state = state
        self._events = events
        self._threshold = threshold

    def compose(self) -> ComposeResult:
        """A tab for each picture."""
        with Vertical(classes="dialog pictures") as dialog:
            dialog.border_title = "Pictures"
            dialog.border_subtitle = "arrows change the picture, e writes all as SVG or PNG, escape closes"
            with TabbedContent():
                for name, label in _NAMES.items():
                    with TabPane(label, id=name):
                        yield PlotextPlot(id=f"plot-{name}")

    def on_mount(self) -> None:
        """Draw them."""
        drawing: dict[str, Callable[[Any], None]] = {
            "growth": self._growth,
            "scores": self._scores,
            "years": self._years,
        }
        for name, draw in drawing.items():
            draw(self.query_one(f"#plot-{name}", PlotextPlot).plt)
        self.call_after_refresh(self._draw_citations)

    def on_resize(self) -> None:
        """What has room for a label depends on the size."""
        self.call_after_refresh(self._draw_citations)

    def _draw_citations(self) -> None:
        # The plot of a tab that is not shown has no size of its own.
        size = self.query_one(f"#plot-{self.query_one(TabbedContent).active}", PlotextPlot).size
        widget = self.query_one("#plot-citations", PlotextPlot)
        widget.plt.clear_figure()
        self._citations(widget.plt, size)
        widget.refresh()

    def action_step(self, step: int) -> None:
        """To the next picture, or the previous one."""
        tabs, names = self.query_one(TabbedContent), list(_NAMES)
        tabs.active = names[(names.index(tabs.active) + step) % len(names)]

    def action_export(self) -> None:
        """Ask for a folder, and write all four there."""

        def answered(folder: str | None) -> None:
            if folder and folder.strip():
                self._write(Path(folder.strip()).expanduser())

        hint = "As SVG, and as PNG too where rsvg-convert is installed. Files that are there are not replaced."
        self.app.push_screen(LineDialog("Export the pictures", "Folder:", str(Path.cwd() / "pictures"), hint), answered)

    def _write(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pictures = figures_svg(self._state, self._events, self._threshold)
            for name, svg in pictures.items():
                write_export(svg, folder / f"{name}.svg")
            kinds = "SVG and PNG" if _to_png([folder / f"{name}.svg" for name in pictures]) else "SVG"
        except ExportError as error:
            self.app.push_screen(ErrorDialog(error))
        except OSError as error:
            self.app.push_screen(ErrorDialog(ExportError(f"{folder}: {error.strerror}.", "Choose another folder.")))
        else:
            self.notify(f"4 pictures written to {folder} as {kinds}", markup=False)

    def _growth(self, plot: Any) -> None:
        figure = timeline(self._events)
        plot.title("Papers met and selected over the seconds of the search")
        plot.plot(figure.seconds, figure.met, label="met", marker="braille")
        plot.plot(figure.seconds, figure.selected, label="selected", marker="braille")
        high = max(1, *figure.met)
        step = max(1, -(-high // _TICKS))
        ticks = list(range(0, high + 1, step))
        plot.ylim(0, high)
        plot.yticks(ticks, [f"{tick:,}" for tick in ticks])

    def _scores(self, plot: Any) -> None:
        counts = histogram(self._state).counts
        plot.title("Papers by score (root scale)")
        plot.bar([f"{number / BINS:.2f}" for number in range(BINS)], [count**_ROOT for count in counts], width=0.8)
        high = max(1, *counts)
        ticks = sorted({round(high * (part / 4) ** 2) for part in range(5)})
        plot.yticks([tick**_ROOT for tick in ticks], [f"{tick:,}" for tick in ticks])

    def _years(self, plot: Any) -> None:
        figure = by_year(self._state)
        plot.title("Papers met and selected by year")
        if figure.years:
            others = [met - taken for met, taken in zip(figure.met, figure.selected, strict=True)]
            plot.stacked_bar(
                [str(year) for year in figure.years],
                [list(figure.selected), others],
                labels=["selected", "others"],
                width=0.8,
            )

    def _citations(self, plot: Any, size: Size) -> None:
        figure = citation_map(self._state)
        plot.title("Citations among the best papers, in the order of time; green: selected")
        for citing, cited in figure.edges:
            ends = figure.nodes[citing], figure.nodes[cited]
            plot.plot([node.x for node in ends], [node.y for node in ends], marker="braille", color="gray")
        # Room for the label of the last one.
        right = 1 + _LABEL / max(_LABEL, size.width)
        wide, high = size.width - _FRAME_CELLS - 1, size.height - _FRAME_LINES - 1
        places = [(round(node.y * high), round(node.x / right * wide)) for node in figure.nodes]
        taken = set(places)
        for node, (row, column) in zip(figure.nodes, places, strict=True):
            label = clean_text(node.label)
            cells = {(row, column + at) for at in range(1, cell_len(label) + 4)}
            is_free = not cells & taken
            taken |= cells if is_free else set()
            colour = "green" if node.selected else "default"
            text = f"● {label}" if is_free else "●"
            plot.text(text, node.x, node.y, alignment="left", color=colour, background="default")
        plot.xlim(0, right)
        plot.ylim(0, 1)
        plot.xticks([x for _, x in figure.years], [str(year) for year, _ in figure.years])
        plot.yticks([])


def _to_png(files: Sequence[Path]) -> bool:
    """Whether each file has a PNG beside it now; needs rsvg-convert."""
    program = shutil.which("rsvg-convert")
    if program is None or any(file.with_suffix(".png").exists() for file in files):
        return False
    for file in files:
        command = [program, "--background-color", "white", "-o", str(file.with_suffix(".png")), str(file)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            return False
    return True
