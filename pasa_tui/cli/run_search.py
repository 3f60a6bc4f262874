"""Running a search for the commands `search` and `resume`: narration to stderr, results to stdout."""

import asyncio
import json

import click

from pasa_tui.cli.narration import Narrator, funnel_lines, model_lines, usage_line
from pasa_tui.cli.results import ranked_papers, render
from pasa_tui.events import event_to_json
from pasa_tui.session import RunningSearch


def run_search(
    running: RunningSearch, *, output: str, events: bool, only: str | None, limit: int | None, latex: bool, quiet: bool
) -> int:
    """Run it to its end, print the papers, and return the exit code.

    0 for a search that ended of itself or by its budget, 1 for one that failed, 130 for one cancelled by
    ctrl-C; what was found until then is printed in every case.
    """
    with Narrator(running.request.settings, quiet=quiet) as narrator:
        narrator.say(f"search {running.search_id}: {' '.join(running.request.query.text.split())}")
        if running.state.ending == "done" and not running.state.warnings:
            narrator.say("This search was complete already; whatever is new since is added.")
        try:
            asyncio.run(_follow(running, narrator, events=events))
        except KeyboardInterrupt:
            narrator.warn(f"Cancelled. What was found is kept; go on with: pasa-tui resume {running.search_id}")
    state = running.state
    for line in (*funnel_lines(state.funnel), usage_line(state.usage), *model_lines(state)):
        if line:
            narrator.say(line)
    if state.ending in ("failed", "budget"):
        narrator.warn(state.message)
    if not events:
        # JSON says of each paper whether it is selected; the other formats can't, so they hold only those.
        rows = ranked_papers(state, only=only or ("all" if output in ("json", "jsonl") else "selected"), limit=limit)
        if not rows and state.papers and output in ("text", "bibtex"):
            narrator.warn("No paper was selected. The best of the others: --only all --limit 20")
        text = render(state, rows, output, search_id=running.search_id, corpus=running.request.corpus, latex=latex)
        click.echo(text, nl=False)
    return {"cancelled": 130, "failed": 1}.get(state.ending or "cancelled", 0)


async def _follow(running: RunningSearch, narrator: Narrator, *, events: bool) -> None:
    async for event in running.events():
        if events:
            click.echo(json.dumps(event_to_json(event), ensure_ascii=False))
        narrator.tell(event, running.state)
