"""`pasa-tui models`: which language models there are, whether they work, and which one searches."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.fetching import FetchBar, agree

if TYPE_CHECKING:
    from pasa_tui.config.profiles import Profile
    from pasa_tui.models.engines.protocol import Progress

_ASK_FROM = 30_000_000_000
"""Bytes from which on a fetch asks first: both of PaSa's checkpoints are about that."""


@click.group()
def command() -> None:
    """List, fetch and check language models; choose one.

    A model is `builtin`, which needs nothing; `pasa-7b`, PaSa's own checkpoints; or a profile: a section
    [profiles.NAME] of the settings that names a server or a folder of weights.
    """


@command.command(name="list")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def list_(context: Context, output: str) -> None:
    """Print each model, what runs it, and whether it is ready."""
    from pasa_tui.config.profiles import BUILTIN, KNOWN

    settings = context.settings
    profiles = {**KNOWN, **settings.profiles}
    rows = [{"name": BUILTIN, "engine": BUILTIN, "model": "no language model", "status": "ready", "paid": False}]
    rows += [_row(context, name, profile) for name, profile in profiles.items()]
    for row in rows:
        row["default"] = row["name"] == settings.models.default
    if output == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        sign = "*" if row["default"] else " "
        click.echo(f"{sign} {row['name']:<{width}}  {row['engine']:<12}  {row['model']}  ({row['status']})")


def _row(context: Context, name: str, profile: "Profile") -> dict[str, Any]:
    from pasa_tui.assembly import weight_folders
    from pasa_tui.config.profiles import KNOWN
    from pasa_tui.models.fetching import installed

    models = list(dict.fromkeys((profile.crawler_model, profile.selector_model)))
    if profile.engine == "openai":
        status = profile.address
    else:
        # PaSa's own are more than their weights: the prompts belong to them.
        parts = [name] if profile == KNOWN.get(name) else models
        folders = weight_folders(context.settings, context.paths)
        found = [installed(folder, part) for part in parts for folder in folders]
        complete = sum(one.status == "complete" for one in found)
        partial = next((one.lacks for one in found if one.status == "partial"), "")
        status = "ready" if complete >= len(parts) else f"incomplete: {partial}" if partial else "not fetched"
    return {
        "name": name,
        "engine": profile.engine,
        "model": " and ".join(models),
        "status": status,
        "paid": profile.is_paid,
    }


@command.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Don't ask before many gigabytes.")
@click.pass_obj
def fetch(context: Context, name: str, yes: bool) -> None:
    """Take the weights of NAME from the hub: pasa-7b, or any repository as owner/name.

    For pasa-7b the prompts come along, from PaSa's own repository. What an interruption left is gone on with, and
    every file is verified. HF_ENDPOINT names another hub, HF_TOKEN is sent to it.
    """
    from pasa_tui.assembly import weight_folders
    from pasa_tui.models.fetching import fetch, plan_fetch

    plan = plan_fetch(name, weight_folders(context.settings, context.paths)[0])
    agree(plan, _ASK_FROM, yes=yes)
    with FetchBar(plan) as bar:
        fetch(plan, bar.tell)
    click.echo(f"{name} is there. Try it: pasa-tui models check {_checked_name(name)}", err=True)


def _checked_name(name: str) -> str:
    return name if "/" not in name else "NAME, once a profile names it"


@command.command()
@click.argument("name", required=False)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def check(context: Context, name: str | None, output: str) -> None:
    """Load NAME (or the default), score two papers, and say how fast it reads and writes.

    Exits with 1 where a search with it would be of no use. What is measured is used to tell beforehand how long a
    search takes.
    """
    from pasa_tui.assembly import load_models
    from pasa_tui.config.profiles import BUILTIN
    from pasa_tui.models.checking import check_model, remember_speed

    name = name or context.settings.models.default
    if name == BUILTIN:
        click.echo("The builtin agent needs no model: there is nothing to check.")
        return

    async def run() -> Any:
        models = load_models(name, context.settings.agent, context.settings, context.paths, context.pool)
        try:
            return await check_model(*models.engines, models.prompts, _teller())
        finally:
            await models.close()

    found = asyncio.run(run())
    remember_speed(context.paths.speeds_file, name, found)
    if output == "json":
        from dataclasses import asdict

        click.echo(json.dumps({"ok": found.works, "verdict": found.verdict, **asdict(found)}, indent=2))
    else:
        click.echo(found.verdict)
        click.echo(
            f"scores       {found.meets:.3f} for a paper that meets the question, {found.misses:.3f} for another"
        )
        click.echo(f"searches     {len(found.searches)}: {'; '.join(found.searches)}")
        click.echo(f"reads        {found.reading:,.0f} tokens/s, {found.papers:,.1f} papers/s")
        click.echo(f"writes       {found.writing:,.0f} tokens/s")
        click.echo(f"was ready in {found.loading:.1f} s")
    click.get_current_context().exit(0 if found.works else 1)


@command.command(name="set-default")
@click.argument("name")
@click.pass_obj
def set_default(context: Context, name: str) -> None:
    """Let NAME search from now on, where nothing else is said."""
    from pasa_tui.config.editing import change_setting
    from pasa_tui.config.profiles import BUILTIN, find_profile

    if name != BUILTIN:
        find_profile(name, context.settings.profiles)
    change_setting(context.paths.config_file, "models", "default", name)
    click.echo(f"{name} searches from now on; it stands in {context.paths.config_file}.", err=True)


def _teller() -> Any:
    """Prints each step of loading once; its share is too fast to be read in lines."""
    said: set[str] = set()

    def tell(progress: "Progress") -> None:
        if progress.message not in said:
            said.add(progress.message)
            click.echo(progress.message, err=True)

    return tell
