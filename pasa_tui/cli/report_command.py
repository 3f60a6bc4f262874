"""`pasa-tui report`: a past search as one HTML file, or its pictures."""

from pathlib import Path

import click

from pasa_tui.cli.context import Context


@click.command()
@click.argument("search_id", type=int)
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="A file. [default: stdout]")
@click.option(
    "--pictures", type=click.Path(path_type=Path), help="Write the pictures into this folder, as SVG, instead."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def command(context: Context, search_id: int, target: Path | None, pictures: Path | None, overwrite: bool) -> None:
    """Write search SEARCH_ID with plots, papers and actions as one HTML file that loads nothing."""
    from pasa_tui.events import SearchState
    from pasa_tui.export.files import write_export
    from pasa_tui.pictures.report import figures_svg, render_search
    from pasa_tui.records import records_from

    with context.open_library() as library:
        row, events, marks = library.search(search_id), library.events(search_id), library.marks()
    state = SearchState()
    for event in events:
        state.apply(event)
    threshold = context.settings.agent.threshold
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for name, svg in figures_svg(state, events, threshold).items():
            write_export(svg, pictures / f"{name}.svg", overwrite=overwrite)
        click.echo(f"4 pictures written to {pictures}", err=True)
        return
    text = render_search(row, state, events, records_from(state, marks, "all"), threshold=threshold)
    if target is None:
        click.echo(text, nl=False)
        return
    write_export(text, target, overwrite=overwrite)
    click.echo(f"Report written to {target}", err=True)
