"""`pasa-tui zotero`: papers into Zotero, and back what it has."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from pasa_tui.cli.context import Context

if TYPE_CHECKING:
    from pasa_tui.export.zotero.ways import Zotero

Command = TypeVar("Command", bound=Callable[..., Any])
_LISTED_FAILURES = 10


def _place_options(command: Command) -> Command:
    for option in (
        click.option(
            "--via",
            type=click.Choice(["auto", "web", "desktop"]),
            default="auto",
            show_default=True,
            help="The web API, or the running program; auto: the first if there is a key, else the other.",
        ),
        click.option("--library", metavar="user|group/ID", help="[default: zotero.library]"),
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Push papers to Zotero; mark those it has as known.

    By its web API, for which it gives keys at https://www.zotero.org/settings/keys/new (`pasa-tui config set-key
    zotero`), or by the Zotero program running on this machine, without a key.
    """


@command.command()
@click.argument("search_id", type=int)
@click.option(
    "--collection", metavar="NAME", help="Its name, path or key; made if need be. [default: zotero.collection]"
)
@click.option(
    "--only", type=click.Choice(["selected", "starred", "tagged", "all"]), default="selected", show_default=True
)
@click.option("--tag", help="Only papers with this tag of yours.")
@click.option("--mark", is_flag=True, help="Tag the new items pasa-tui.")
@_place_options
@click.pass_obj
def push(
    context: Context,
    search_id: int,
    collection: str | None,
    only: str,
    tag: str | None,
    mark: bool,
    via: str,
    library: str | None,
) -> None:
    """Put the papers of search SEARCH_ID into Zotero, with tags, and notes of score and reason.

    What Zotero has already is not made again, so that a push can be repeated. Exits with 1 where some papers could
    not be made.
    """
    from pasa_tui.records import Only, records_of

    with context.open_library() as kept:
        records = records_of(kept, search_id, cast(Only, only), tag)
    if not records:
        click.echo("No paper of this search is meant; see --only.", err=True)
        return
    zotero = _zotero(context, library)
    wanted = zotero.settings.collection if collection is None else collection
    done = asyncio.run(zotero.push(records, wanted, via=via, our_tag=mark, progress=_progress))
    facts = [f"{done.made} made", f"{done.added} added to the collection"]
    click.echo(f"{', '.join(facts)}, {done.there} there already, {len(done.failed)} failed")
    for title, reason in done.failed[:_LISTED_FAILURES]:
        click.echo(f"Not made: {title[:100]}: {reason}", err=True)
    if len(done.failed) > _LISTED_FAILURES:
        click.echo(f"… and {len(done.failed) - _LISTED_FAILURES} more.", err=True)
    click.get_current_context().exit(1 if done.failed else 0)


@command.command()
@_place_options
@click.pass_obj
def collections(context: Context, via: str, library: str | None) -> None:
    """List the collections: key, tab, and name with those it is in."""
    found = asyncio.run(_zotero(context, library).collections(via))
    for identity, name in found:
        click.echo(f"{identity}\t{name}")
    if not found:
        click.echo("There is no collection yet.", err=True)


@command.command()
@click.option("--library", metavar="user|group/ID", help="[default: zotero.library]")
@click.pass_obj
def check(context: Context, library: str | None) -> None:
    """Say whether the key and the running program can be used. Exits with 1 where neither can."""
    from pasa_tui.errors import ExportError
    from pasa_tui.export.zotero.desktop import Desktop, read_local
    from pasa_tui.export.zotero.library import check_access

    zotero = _zotero(context, library)

    async def web() -> str:
        async with zotero.web() as api:
            access = await check_access(api, zotero.library)
        notes = "" if access.can_note else ", but no notes"
        if not access.can_write:
            raise ExportError(f"the key of {access.user} may read {access.name}, not write to it.")
        return f"the key of {access.user} may read and write {access.name}{notes}."

    async def program() -> str:
        async with Desktop(zotero.settings.connector_url) as desktop, zotero.local() as api:
            count = sum(not target.is_library for target in await desktop.targets())
            known = await read_local(api)
        told = "off, so that papers it has can't be told" if known is None else f"on, {len(known.papers())} papers"
        return f"it runs, with {count} collections; its local API is {told}."

    usable = False
    checks = {"web API": web, "program": program} if zotero.key else {"program": program}
    if not zotero.key:
        click.echo("no  web API  there is no key: pasa-tui config set-key zotero, or ZOTERO_API_KEY.")
    for name, run in checks.items():
        try:
            told = asyncio.run(run())
        except ExportError as error:
            click.echo(f"no  {name:7}  {error}")
        else:
            usable = True
            click.echo(f"ok  {name:7}  {told}")
    click.get_current_context().exit(0 if usable else 1)


@command.command()
@_place_options
@click.pass_obj
def known(context: Context, via: str, library: str | None) -> None:
    """Mark the papers that Zotero has as known, in place of what it had the last time."""
    zotero = _zotero(context, library)
    papers = asyncio.run(zotero.papers(via))
    origin = "zotero" if zotero.library == "user" else f"zotero {zotero.library}"
    with context.open_library() as kept:
        count = kept.set_known(origin, papers)
    click.echo(f"{count} papers are known from {origin}")


def _zotero(context: Context, library: str | None) -> "Zotero":
    from pasa_tui.config.secrets import find_keys
    from pasa_tui.export.zotero.ways import Zotero

    settings, key = context.settings.zotero, find_keys(["zotero"]).get("zotero")
    place = settings.library if library is None else library
    return Zotero(settings, key.value if key else "", place, lambda text: click.echo(text, err=True))


def _progress(done: int, total: int) -> None:
    click.echo(f"{done} of {total} papers", err=True)
