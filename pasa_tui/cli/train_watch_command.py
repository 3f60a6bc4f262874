"""`pasa-tui train watch`: a training's figures and plots, live."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import click

from pasa_tui.cli.context import Context
from pasa_tui.errors import TrainingError
from pasa_tui.papers import clean_text


@click.command("watch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["screen", "text", "json"]), help="Default: a screen on a terminal."
)
@click.pass_obj
def command(context: Context, folder: Path, form: str | None) -> None:
    """Watch the training that writes FOLDER, in this process or another; it may have ended.

    Without a terminal, or as text or JSON, the newest figures are printed once.
    """
    from pasa_tui.training.output import SETTINGS, MetricsTail, read_settings
    from pasa_tui.tui.watch.series import Figures

    if not (folder / SETTINGS).is_file():
        raise TrainingError(f"{folder} holds no training.", "Name the --output folder of a `pasa-tui train …`.")
    record = read_settings(folder)
    stage = clean_text(str(record.get("stage", "")))
    tail = MetricsTail(folder)
    form = form or ("screen" if sys.stdin.isatty() and sys.stdout.isatty() else "text")
    if form == "screen":
        from pasa_tui.tui.watch.app import News, WatchApp

        def look() -> News:
            lines, anew = tail.news()
            ended = False
            with suppress(TrainingError):
                ended = "ended" in read_settings(folder)
            return News(stage, lines, anew, tail.age, ended)

        WatchApp(folder, look, theme=context.settings.interface.theme, themes=[context.paths.themes_dir]).run()
        return
    figures = Figures()
    figures.add(tail.news()[0])
    if form == "json":
        newest = {name: series.newest for name, series in figures.series.items()}
        click.echo(json.dumps({"step": figures.step, "seconds": figures.seconds, "figures": newest}))
        return
    ended = ", ended" if "ended" in record else ""
    click.echo(f"{stage}: step {figures.step:,}, {figures.seconds:,.0f} s{ended}")
    for name, *values in [("", "newest", "mean of 20", "least", "most"), *figures.rows()]:
        click.echo(f"{clean_text(name):<28} " + " ".join(f"{value:>11}" for value in values))
