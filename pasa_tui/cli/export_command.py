"""`pasa-tui export`: the papers of a past search, as a file or on stdout."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pasa_tui.cli.context import Context
from pasa_tui.export.formats import FORMATS, format_of

if TYPE_CHECKING:
    from pasa_tui.records import Only


@click.command()
@click.argument("search_id", type=int)
@click.option(
    "--format", "output", type=click.Choice(list(FORMATS)), help="[default: as the file's suffix says, else bibtex]"
)
@click.option(
    "--only",
    type=click.Choice(["selected", "starred", "tagged", "all"]),
    help="Which papers. [default: selected; tagged where --tag is given]",
)
@click.option("--tag", help="Of these, those with this tag.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="A file. [default: stdout]")
@click.option("--latex/--utf8", default=None, help="BibTeX and BibLaTeX in LaTeX's encoding. [default: export.latex]")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def command(
    context: Context,
    search_id: int,
    output: str | None,
    only: "Only | None",
    tag: str | None,
    target: Path | None,
    latex: bool | None,
    overwrite: bool,
) -> None:
    """Write the papers of search SEARCH_ID; `pasa-tui history` lists searches.

    What is the same paper is written once. Formats: BibTeX, BibLaTeX, RIS, CSL-JSON, CSV, Markdown, JSON lines.
    """
    from pasa_tui.export.files import write_export
    from pasa_tui.export.formats import render
    from pasa_tui.export.record import merged
    from pasa_tui.records import records_of

    with context.open_library() as library:
        records = merged(records_of(library, search_id, only or ("tagged" if tag else "selected"), tag))
    chosen = output or (format_of(target) if target else None) or "bibtex"
    text = render(records, chosen, latex=context.settings.export.latex if latex is None else latex)
    if target is None:
        click.echo(text, nl=False)
        return
    write_export(text, target, overwrite=overwrite)
    count = "1 paper" if len(records) == 1 else f"{len(records):,} papers"
    click.echo(f"{count} written to {target} as {FORMATS[chosen].label}", err=True)
