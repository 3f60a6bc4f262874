"""`pasa-tui search`: the main job without a screen."""

import sys
from dataclasses import replace
from typing import Literal

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.options import output_options


@click.command()
@click.argument("question")
@click.option(
    "--sources", metavar="NAME,…", help="Which sources to ask: arxiv,semantic-scholar,… [default: search.sources]"
)
@click.option("--corpus", metavar="NAME", help="Search this corpus, and no other source unless --sources says so.")
@click.option("--before", metavar="YYYY-MM-DD", help="Only papers up to this day.")
@click.option("--schedule", type=click.Choice(["best-first", "layered"]), help="[default: agent.schedule]")
@output_options
@click.pass_obj
def command(
    context: Context,
    question: str,
    sources: str | None,
    corpus: str | None,
    before: str | None,
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
    agent = replace(settings.agent, schedule=schedule) if schedule else settings.agent
    names = sources if sources is not None else CORPUS if corpus else settings.search.sources
    request = SearchRequest(query, corpus or settings.search.corpus, agent, split_names(names))
    with context.open_library() as library:
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
