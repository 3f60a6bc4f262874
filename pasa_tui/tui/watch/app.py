"""The live screen of a training that runs, or has run, in another process."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.coordinate import Coordinate
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static
from textual_plotext import PlotextPlot

from pasa_tui.config import shipped_dir
from pasa_tui.papers import clean_text
from pasa_tui.tui.themes import FALLBACK_THEME, load_themes
from pasa_tui.tui.watch.series import Figures

_SECONDS = 1.0
"""Between two looks at the folder."""
_QUIET = 60.0
"""Seconds without a line from which on the screen says so."""
_PLOTS = ((0, 1), (100, 2), (160, 4))
"""Columns of the terminal from which on so many plots are shown."""
_SLICE = 500
"""Lines taken in between two keys: some 20 ms."""
_TICKS = 4
_COLUMNS = ("figure", "newest", "mean of 20")

HELP = """A training, as its folder tells it.

up, k / down, j    the figure before, or after (tab too): its plot is the first
m                  plots smoothed by a running mean, or as they are
?, f1              this help
q, ctrl+q          close; the training goes on
"""


@dataclass(frozen=True, slots=True)
class News:
    """What a look at the folder brought.

    `lines` are new lines of metrics, which take the place of all before where they are `anew`. `age` is in seconds
    since the last was written, None where there is none.
    """

    stage: str
    lines: Sequence[Mapping[str, float]]
    anew: bool
    age: float | None
    ended: bool


class HelpScreen(Screen[None]):
    """What the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll():
            yield Static(Content(HELP))
        yield Footer(show_command_palette=False)


class WatchApp(App[None]):
    """Figures on the left, plots on the right; under 100 columns the figures stand above one plot."""

    TITLE = "pasa-tui train watch"
    CSS_PATH = "watch.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012  # an instance variable
    BINDINGS: ClassVar[list[BindingType]] = [
        ("j,down,right", "step(1)", "Next"),
        ("k,up,left", "step(-1)", "Previous"),
        Binding("tab", "step(1)", "Next", show=False, priority=True),
        Binding("shift+tab", "step(-1)", "Previous", show=False, priority=True),
        ("m", "smooth", "Smooth"),
        ("question_mark,f1", "help", "Help"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, folder: Path, look: Callable[[], News], *, theme: str, themes: Sequence[Path] = ()) -> None:
        """`look` is called in a thread, once a second. `themes` are folders with themes beside ours."""
        super().__init__()
        for each in load_themes((shipped_dir("themes"), *themes))[0]:
            self.register_theme(each)
        self.theme = theme if theme in self.available_themes else FALLBACK_THEME
        self._folder = folder
        self._look = look
        self._news: News | None = None
        self._drawn: object = None
        self._enough = threading.Event()
        self.figures = Figures()
        self.smooth = False

    def compose(self) -> ComposeResult:
        """The line on top, the figures, as many plots as there may be."""
        yield Static(id="where")
        with Horizontal(id="body"):
            table: DataTable[str | Text] = DataTable(id="figures", cursor_type="row", zebra_stripes=True)
            yield table
            with Grid(id="plots"):
                for number in range(max(count for _, count in _PLOTS)):
                    yield PlotextPlot(id=f"plot-{number}")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look."""
        table = self.query_one(DataTable)
        table.add_columns(*_COLUMNS)
        table.focus()
        self._look_again_and_again()

    def on_unmount(self) -> None:
        """Look no more."""
        self._enough.set()

    def on_resize(self) -> None:
        """Show as many plots as there is room for."""
        self.call_after_refresh(self._draw_plots)

    @work(thread=True, group="look", exit_on_error=False)
    def _look_again_and_again(self) -> None:
        # One thread alone: two looks at once would bring the same lines twice.
        while not self._enough.is_set():
            news = self._look()
            # In slices: keys are answered between them.
            for start in range(0, max(1, len(news.lines)), _SLICE):
                lines = news.lines[start : start + _SLICE]
                part = replace(news, lines=lines, anew=news.anew and start == 0)
                if self._enough.is_set():
                    return
                self.call_from_thread(self._take, part, draw=start + _SLICE >= len(news.lines))
            self._enough.wait(_SECONDS)

    def _take(self, news: News, *, draw: bool) -> None:
        if not self.is_attached or self._enough.is_set():
            return
        if news.anew:
            self.figures = Figures()
        self._news = news
        self.figures.add(news.lines)
        self.query_one("#where", Static).update(Content(self._where()))
        if draw and (news.lines or news.anew):
            self._draw()

    def _where(self) -> str:
        news, figures = self._news, self.figures
        assert news is not None
        parts = [clean_text(news.stage) or "training", f"step {figures.step:,}" if figures.series else "no figures yet"]
        if figures.series:
            minutes, seconds = divmod(int(figures.seconds), 60)
            parts.append(f"{minutes // 60}:{minutes % 60:02}:{seconds:02}")
        if figures.pace is not None:
            parts.append(f"{figures.pace:.1f} steps/min")
        if news.ended:
            parts.append("ended")
        elif news.age is not None:
            parts.append("running" if news.age < _QUIET else f"no news for {int(news.age):,} s")
        parts.append(clean_text(str(self._folder)))
        return " · ".join(parts)

    def _draw(self) -> None:
        table, rows = self.query_one(DataTable), self.figures.rows()
        shown = [str(table.get_cell_at(Coordinate(row, 0))) for row in range(table.row_count)]
        names = [clean_text(name) for name, *_ in rows]
        if shown != names:
            at = table.cursor_row
            table.clear()
            for name, values in zip(names, rows, strict=True):
                # Not a string, which would be read as markup: a name is data.
                table.add_row(Text(name), *values[1 : len(_COLUMNS)])
            table.move_cursor(row=at)
        else:
            for row, values in enumerate(rows):
                for column, value in enumerate(values[1 : len(_COLUMNS)], start=1):
                    table.update_cell_at(Coordinate(row, column), value)
        self._draw_plots()

    def _draw_plots(self) -> None:
        if self._enough.is_set():
            return
        names = list(self.figures.series)
        count = next(count for columns, count in reversed(_PLOTS) if self.size.width >= columns)
        first = self.query_one(DataTable).cursor_row
        chosen = [names[(first + number) % len(names)] for number in range(min(count, len(names)))]
        state = (chosen, self.smooth, self.size, self.figures.step, self.theme)
        if state == self._drawn:
            return
        self._drawn = state
        for number, plot in enumerate(self.query(PlotextPlot)):
            plot.display = number < len(chosen)
            if plot.display:
                self._plot(plot, chosen[number])

    def _plot(self, plot: PlotextPlot, name: str) -> None:
        steps, values = self.figures.series[name].points(smooth=self.smooth)
        drawn: Any = plot.plt
        drawn.clear_data()
        drawn.xlabel("step")
        drawn.xticks(sorted({steps[round(part * (len(steps) - 1) / _TICKS)] for part in range(_TICKS + 1)}))
        drawn.title(clean_text(name) + (" (smoothed)" if self.smooth else ""))
        drawn.plot(steps, values, marker="braille")
        plot.refresh()

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._draw_plots()

    def action_step(self, step: int) -> None:
        """To the next figure, or the one before."""
        table = self.query_one(DataTable)
        if table.row_count:
            table.move_cursor(row=(table.cursor_row + step) % table.row_count)

    def action_smooth(self) -> None:
        """Smooth the plots, or show them as they are."""
        self.smooth = not self.smooth
        self._draw_plots()

    def action_help(self) -> None:
        """What the keys do."""
        self.push_screen(HelpScreen())
