"""`pasa-tui eval report` and `pasa-tui eval compare`: what result folders are worth, and how two of them differ."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pasa_tui.evaluation.metrics import Judge
    from pasa_tui.evaluation.reading import Results

_FOLDER = click.Path(path_type=Path)
_JUDGE = click.option(
    "--judge",
    type=click.Choice(["corpus", "all"]),
    help="Which answers count: those that the corpus has, or all. [default: corpus, where the folders say what it has]",
)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDER, metavar="DIR…")
@click.option(
    "--format", "output", type=click.Choice(["text", "md", "json", "html"]), default="text", show_default=True
)
@_JUDGE
@click.option("--per-query", is_flag=True, help="Each question's figures too; json and html always have them.")
@click.option("--ensemble", is_flag=True, help="Add the union of all DIRs, question by question, as one more row.")
@click.option("--published", is_flag=True, help="Show the published tables of all query sets beside.")
def report(
    folders: tuple[Path, ...], output: str, judge: "Judge | None", per_query: bool, ensemble: bool, published: bool
) -> None:
    """Show what result folders are worth: each metric's mean with its 95 % interval.

    The published tables of the query set stand below, in a block of their own. The folders may also be those of the
    published agent.
    """
    import msgspec

    from pasa_tui.evaluation.ensemble import read_ensemble
    from pasa_tui.evaluation.report import build_report, report_data
    from pasa_tui.evaluation.report_html import render_html
    from pasa_tui.evaluation.report_text import render_markdown, render_text

    results = [_read(folder) for folder in folders]
    if ensemble:
        results.append(read_ensemble(folders))
    built = build_report(results, judge=judge, published=published, both=output == "json")
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(report_data(built))))
    elif output == "html":
        click.echo(render_html(built), nl=False)
    elif output == "md":
        click.echo(render_markdown(built, per_query=per_query), nl=False)
    else:
        click.echo(render_text(built, per_query=per_query), nl=False)


@click.command()
@click.argument("first", type=_FOLDER, metavar="A")
@click.argument("second", type=_FOLDER, metavar="B")
@click.option("--format", "output", type=click.Choice(["text", "md", "json"]), default="text", show_default=True)
@_JUDGE
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="Questions that moved most.")
def compare(first: Path, second: Path, output: str, judge: "Judge | None", top: int) -> None:
    """Show how the results in B differ from those in A over the questions that both have.

    Differences are B less A, paired by question, with 95 % intervals: one that leaves out zero is marked *.
    """
    import msgspec

    from pasa_tui.evaluation.compare import build_comparison, comparison_data, render_markdown, render_text

    built = build_comparison(_read(first), _read(second), judge=judge, both=output == "json")
    for warning in built.warnings:
        click.echo(warning, err=True)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(comparison_data(built, top))))
    elif output == "md":
        click.echo(render_markdown(built, top), nl=False)
    else:
        click.echo(render_text(built, top), nl=False)


def _read(folder: Path) -> "Results":
    """A result folder, with a bar on stderr where that is a terminal: a thousand trees take a while."""
    from pasa_tui.evaluation.reading import read_results

    with click.progressbar(
        length=1, label=f"Reading {folder}", file=sys.stderr, hidden=not sys.stderr.isatty(), show_eta=False
    ) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        return read_results(folder, tell)
