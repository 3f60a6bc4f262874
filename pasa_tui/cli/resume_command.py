"""`pasa-tui resume`: go on with a search that was interrupted."""

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.options import output_options


@click.command()
@click.argument("search_id", type=int)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DOLLARS",
    help="Another limit for what the model may cost, earlier runs included.",
)
@output_options
@click.pass_obj
def command(
    context: Context,
    search_id: int,
    max_cost: float | None,
    output: str,
    limit: int | None,
    only: str | None,
    events: bool,
    latex: bool | None,
    quiet: bool,
) -> None:
    """Go on with search SEARCH_ID where it stopped; `pasa-tui history` lists them."""
    from pasa_tui.cli.run_search import run_search

    with context.open_library() as library:
        code = run_search(
            context.open_session(library).resume(search_id, max_cost=max_cost),
            output=output,
            events=events,
            only=only,
            limit=limit,
            latex=context.settings.export.latex if latex is None else latex,
            quiet=quiet,
        )
    click.get_current_context().exit(code)
