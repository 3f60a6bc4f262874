"""`pasa-tui history`: past searches."""

import json

import click

from pasa_tui.cli.context import Context


@click.command()
@click.argument("text", default="")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Print at most this many.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(context: Context, text: str, limit: int, output: str) -> None:
    """List past searches, newest first; with TEXT, those whose question or title has its words."""
    with context.open_library() as library:
        rows = library.searches(text, limit)
    if output == "json":
        data = [
            {
                "id": row.id,
                "query": row.query,
                "title": row.title,
                "parent": row.parent,
                "before": row.before.isoformat() if row.before else None,
                "corpus": row.settings.get("corpus"),
                "sources": row.settings.get("sources", ["corpus"]),
                "model": row.settings.get("models", {"profile": row.settings.get("model", "builtin")}),
                "settings": row.settings.get("agent", {}),
                "status": row.status,
                "started_at": row.started_at.isoformat(),
                "ended_at": row.ended_at.isoformat() if row.ended_at else None,
                "met": row.met,
                "selected": row.selected,
            }
            for row in rows
        ]
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for row in rows:
        started = row.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(f"{row.id:>4}  {started}  {row.status:<11}  {row.selected:>4} of {row.met:<5}  {row.name}")
    if not rows:
        click.echo("No search is kept yet." if not text else "No past search has these words.", err=True)
