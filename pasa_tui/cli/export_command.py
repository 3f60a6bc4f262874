"""`pasa-tui export`: the papers of a past search, as a file or on stdout."""

from pathlib import Path

import click

from pasa_tui.cli.context import Context


@click.command()
@click.argument("search_id", type=int)
@click.option("--format", "output", type=click.Choice(["bibtex"]), default="bibtex", show_default=True)
@click.option("--only", type=click.Choice(["selected", "starred", "all"]), default="selected", show_default=True)
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="A file. [default: stdout]")
@click.option("--latex/--utf8", default=None, help="BibTeX in LaTeX's encoding. [default: export.latex]")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def command(
    context: Context, search_id: int, output: str, only: str, target: Path | None, latex: bool | None, overwrite: bool
) -> None:
    """Write the papers of search SEARCH_ID; `pasa-tui history` lists searches."""
    from pasa_tui.export.bibtex import to_bibtex
    from pasa_tui.export.files import write_export

    with context.open_library() as library:
        library.search(search_id)
        state = library.state(search_id)
        starred = library.starred()
    papers = [
        found.paper
        for found in state.ranked()
        if only == "all" or (found.selected if only == "selected" else found.paper.id in starred)
    ]
    text = to_bibtex(papers, latex=context.settings.export.latex if latex is None else latex)
    if target is None:
        click.echo(text, nl=False)
        return
    write_export(text, target, overwrite=overwrite)
    click.echo(f"{len(papers)} papers written to {target}", err=True)
