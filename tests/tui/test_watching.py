"""The live screen of a training: figures that come in, keys, plots, and the command without a terminal."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot
from textual.widgets import DataTable, Static
from textual_plotext import PlotextPlot

from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths
from pasa_tui.training.output import METRICS, MetricsTail, write_settings
from pasa_tui.tui.watch.app import HelpScreen, News, WatchApp
from pasa_tui.tui.watch.series import Figures, running_mean
from tests.tui.conftest import until


def line(step: int, **more: float) -> dict[str, float]:
    return {
        "step": step,
        "seconds": 2.0 * step,
        "reward": step / 10,
        "[b]kl[/b]": 0.5 - step / 100,
        "value_loss": 1 / step,
    } | more


def add(folder: Path, lines: Sequence[Mapping[str, float]]) -> None:
    with (folder / METRICS).open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    output = tmp_path / "run"
    output.mkdir()
    write_settings(output, {"stage": "ppo"})
    add(output, [line(step) for step in range(1, 31)])
    return output


@asynccontextmanager
async def watching(
    folder: Path, size: tuple[int, int] = (120, 36), *, ended: bool = False, theme: str = "pasa-night"
) -> AsyncIterator[Pilot[None]]:
    tail = MetricsTail(folder)

    def look() -> News:
        lines, anew = tail.news()
        return News("ppo", lines, anew, 0.0, ended)

    app = WatchApp(Path("run"), look, theme=theme)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.query_one(DataTable).row_count == 3)
        yield pilot


def app_of(pilot: Pilot[None]) -> WatchApp:
    assert isinstance(pilot.app, WatchApp)
    return pilot.app


def where(pilot: Pilot[None]) -> str:
    return str(pilot.app.query_one("#where", Static).content)


def shown(pilot: Pilot[None]) -> list[str]:
    """The titles of the plots that are seen."""
    return [plot.plt.build().splitlines()[0] for plot in pilot.app.query(PlotextPlot) if plot.display]


async def test_figures_come_in_while_it_runs(folder: Path) -> None:
    async with watching(folder) as pilot:
        table = pilot.app.query_one(DataTable)
        assert [str(cell) for cell in table.get_row_at(0)] == ["reward", "3", "2.05"]
        assert str(table.get_row_at(1)[0]) == "[b]kl[/b]", "a name is data"
        assert where(pilot).startswith("ppo · step 30 · 0:01:00 · 30.0 steps/min · running · run")
        add(folder, [{"step": 31, "reward": 9.5, "new one": 1.0}])
        await until(pilot, lambda: table.row_count == 4)
        assert [str(cell) for cell in table.get_row_at(0)][:2] == ["reward", "9.5"]
        # A training that is gone on with has dropped lines.
        (folder / METRICS).write_text("")
        add(folder, [line(1)])
        await until(pilot, lambda: app_of(pilot).figures.step == 1)
        assert table.row_count == 3


async def test_keys_change_the_plot_smooth_it_help_and_quit(folder: Path) -> None:
    async with watching(folder) as pilot:
        await until(pilot, lambda: len(shown(pilot)) == 2)
        assert "reward" in shown(pilot)[0] and "kl" in shown(pilot)[1]
        await pilot.press("j")
        await until(pilot, lambda: "kl" in shown(pilot)[0])
        await pilot.press("left", "shift+tab", "tab", "k", "tab", "right", "down")
        await until(pilot, lambda: "value_loss" in shown(pilot)[0])
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: "value_loss" in shown(pilot)[0])
        await pilot.press("m")
        await until(pilot, lambda: "(smoothed)" in shown(pilot)[0])
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)


@pytest.mark.parametrize(("size", "plots"), [((80, 24), 1), ((120, 36), 2), ((200, 50), 3)])
async def test_as_many_plots_as_there_is_room_for(folder: Path, size: tuple[int, int], plots: int) -> None:
    async with watching(folder, size, ended=True) as pilot:
        await until(pilot, lambda: len(shown(pilot)) == plots)
        assert "ended" in where(pilot)


@pytest.mark.parametrize("theme", ["pasa-night", "pasa-day"])
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_what_it_looks_like(folder: Path, snap_compare: Callable[..., bool], size: tuple[int, int], theme: str) -> None:
    tail = MetricsTail(folder)

    def look() -> News:
        lines, anew = tail.news()
        return News("ppo", lines, anew, 0.0, True)

    async def settle(pilot: Pilot[None]) -> None:
        plots = 1 if size[0] < 100 else 2
        await until(pilot, lambda: len(shown(pilot)) == plots and all(map(str.strip, shown(pilot))))
        # The plots that are not shown leave their room to the others in the next layout.
        await until(pilot, lambda: sum(plot.size.height for plot in pilot.app.query(PlotextPlot) if plot.display) > 10)
        app_of(pilot)._drawn = None
        app_of(pilot)._draw_plots()
        await pilot.pause()

    assert snap_compare(WatchApp(Path("run"), look, theme=theme), terminal_size=size, run_before=settle)


def test_without_a_terminal_the_newest_figures_are_printed(folder: Path, tmp_path: Path) -> None:
    context = Context(Paths.default({"PASA_TUI_HOME": str(tmp_path)}))
    done = CliRunner().invoke(cli, ["train", "watch", str(folder)], obj=context, standalone_mode=False)
    assert "step 30" in done.output and "reward" in done.output and done.exit_code == 0
    done = CliRunner().invoke(
        cli, ["train", "watch", str(folder), "--format", "json"], obj=context, standalone_mode=False
    )
    assert json.loads(done.output)["figures"]["reward"] == 3.0
    done = CliRunner().invoke(cli, ["train", "watch", str(tmp_path)], obj=context, standalone_mode=False)
    assert "holds no training" in str(done.exception)


def test_many_values_are_drawn_as_means_and_odd_ones_left_out() -> None:
    figures = Figures()
    figures.add([{"step": float(n), "loss": float(n % 2)} for n in range(1, 100_001)])
    figures.add([{"step": 100_001.0, "loss": float("nan")}])
    steps, values = figures.series["loss"].points(smooth=False)
    assert (
        len(steps) == len(values) == 400 and steps[-1] == 100_000 and all(abs(value - 0.5) < 0.01 for value in values)
    )
    assert running_mean([1, 2, 3, 4], 2) == [1, 1.5, 2.5, 3.5]


def test_half_a_line_is_left_until_it_is_whole(folder: Path) -> None:
    tail = MetricsTail(folder)
    assert len(tail.news()[0]) == 30 and tail.news() == ([], False)
    with (folder / METRICS).open("a") as file:
        file.write('{"step": 31, "rew')
    assert tail.news() == ([], False)
    with (folder / METRICS).open("a") as file:
        file.write('ard": 9.5}\nnonsense\n')
    assert tail.news() == ([{"step": 31.0, "reward": 9.5}], False)
    (folder / METRICS).write_text("")
    assert tail.news() == ([], True)


async def test_a_long_file_is_taken_in_without_keeping_keys_waiting(folder: Path) -> None:
    add(folder, [{"step": step, "seconds": 2.0 * step, "reward": 1.0} for step in range(31, 5_031)])
    taken: list[int] = []
    async with watching(folder) as pilot:
        take = app_of(pilot)._take
        app_of(pilot)._take = lambda news, *, draw: (taken.append(len(news.lines)), take(news, draw=draw))  # type: ignore[method-assign]
        add(folder, [{"step": step, "reward": 2.0} for step in range(5_031, 7_031)])
        await until(pilot, lambda: app_of(pilot).figures.step == 7_030)
        assert max(taken) <= 500
        assert len(app_of(pilot).figures.series["reward"].values) == 7_030, "each line once"


async def test_a_figure_that_is_no_number_costs_only_itself_and_silence_is_told(folder: Path) -> None:
    add(folder, [{"step": 31, "reward": None, "value_loss": 0.5}])  # type: ignore[dict-item]
    tail = MetricsTail(folder)

    def look() -> News:
        lines, anew = tail.news()
        return News("ppo", lines, anew, 75.0, False)

    app = WatchApp(Path("run"), look, theme="pasa-night")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.figures.step == 31)
        assert app.figures.series["reward"].newest == 3.0 and app.figures.series["value_loss"].newest == 0.5
        await until(pilot, lambda: "no news for 75 s" in where(pilot))


def test_a_name_moves_no_terminal_and_a_broken_record_is_told(folder: Path, tmp_path: Path) -> None:
    add(folder, [{"step": 31, "\x1b]0;mine\x07": 1.0}])
    context = Context(Paths.default({"PASA_TUI_HOME": str(tmp_path)}))
    done = CliRunner().invoke(cli, ["train", "watch", str(folder)], obj=context, standalone_mode=False)
    assert "\x1b" not in done.output and "ppo: step 31" in done.output
    (folder / "training.json").write_text("{")
    done = CliRunner().invoke(cli, ["train", "watch", str(folder)], obj=context, standalone_mode=False)
    assert "can't be read" in str(done.exception)
