"""`pasa-tui search`: the main job without a screen."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.options import output_options

if TYPE_CHECKING:
    from pasa_tui.library import Library
    from pasa_tui.session import SearchRequest


@click.command()
@click.argument("question")
@click.option(
    "--sources", metavar="NAME,…", help="Which sources to ask: arxiv,semantic-scholar,… [default: search.sources]"
)
@click.option("--corpus", metavar="NAME", help="Search this corpus, and no other source unless --sources says so.")
@click.option("--before", metavar="YYYY-MM-DD", help="Only papers up to this day.")
@click.option("--model", metavar="NAME", help="builtin, pasa-7b, or a profile. [default: models.default]")
@click.option("--planner", type=click.Choice(["single", "iterative"]), help="[default: agent.planner]")
@click.option("--ensemble", type=click.IntRange(1, 10), metavar="K", help="Runs of the Crawler.")
@click.option(
    "--max-cost", type=click.FloatRange(min=0, min_open=True), metavar="DOLLARS", help="Spend no more on the model."
)
@click.option("-y", "--yes", is_flag=True, help="Don't ask before a model that costs money.")
@click.option("--schedule", type=click.Choice(["best-first", "layered"]), help="[default: agent.schedule]")
@output_options
@click.pass_obj
def command(
    context: Context,
    question: str,
    sources: str | None,
    corpus: str | None,
    before: str | None,
    model: str | None,
    planner: Literal["single", "iterative"] | None,
    ensemble: int | None,
    max_cost: float | None,
    yes: bool,
    schedule: Literal["best-first", "layered"] | None,
    output: str,
    limit: int | None,
    only: str | None,
    events: bool,
    latex: bool | None,
    quiet: bool,
) -> None:
    """Search for the papers that meet QUESTION; "-" reads it from stdin.

    Results go to stdout, narration to stderr. The search is kept in the library.
    """
    from pasa_tui.cli.run_search import run_search
    from pasa_tui.papers import Query
    from pasa_tui.session import SearchRequest
    from pasa_tui.sources.catalogue import CORPUS, split_names

    query = Query.parse((sys.stdin.read() if sys.stdin else "") if question == "-" else question, before)
    settings = context.settings
    said: dict[str, Any] = {"schedule": schedule, "planner": planner, "ensemble": ensemble, "max_cost": max_cost}
    agent = replace(settings.agent, **{name: value for name, value in said.items() if value is not None})
    names = sources if sources is not None else CORPUS if corpus else settings.search.sources
    chosen = model or settings.models.default
    request = SearchRequest(query, corpus or settings.search.corpus, agent, split_names(names), chosen)
    with context.open_library() as library:
        _tell_cost(context, request, library, quiet=quiet, yes=yes)
        code = run_search(
            # Who names sources wants these and no corpus instead.
            context.open_session(library, falls_back=sources is None).start(request),
            output=output,
            events=events,
            only=only,
            limit=limit,
            latex=settings.export.latex if latex is None else latex,
            quiet=quiet,
        )
    click.get_current_context().exit(code)


def _tell_cost(context: Context, request: "SearchRequest", library: "Library", *, quiet: bool, yes: bool) -> None:
    """Say what the search is likely to cost; ask a person first where that is money without a limit."""
    from pasa_tui.assembly import expect

    expected = expect(request, context.settings, context.paths, library)
    if expected is None:
        return
    limit = f", at most ${expected.limit:g}" if expected.is_paid and expected.limit else ""
    if not quiet:
        click.echo(f"{request.model}: {expected.text}{limit}", err=True)
    if expected.asks and not yes and sys.stdin.isatty():
        click.confirm("Search?", abort=True, err=True, default=True)
