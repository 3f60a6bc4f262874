"""`pasa-tui zotero`: papers into Zotero, and back what it has."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import click

from pasa_tui.cli.context import Context

if TYPE_CHECKING:
    from pasa_tui.config.settings import ZoteroSettings
    from pasa_tui.export.record import Record
    from pasa_tui.export.zotero.api import ZoteroApi
    from pasa_tui.export.zotero.push import Pushed
    from pasa_tui.papers import Paper

Via = Literal["web", "desktop"]
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
    settings, key = context.settings.zotero, _find_key()
    wanted = settings.collection if collection is None else collection
    place = settings.library if library is None else library

    async def run() -> "Pushed":
        if await _chosen(via, settings, key, place) == "web":
            return await _push_to_web(settings, key, place, records, wanted, mark)
        return await _push_to_desktop(settings, records, wanted, mark)

    done = asyncio.run(run())
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
    settings, key = context.settings.zotero, _find_key()
    place = settings.library if library is None else library

    async def run() -> list[tuple[str, str]]:
        if await _chosen(via, settings, key, place) == "web":
            from pasa_tui.export.zotero.library import check_access, read_collections

            async with _web(settings, key) as api:
                access = await check_access(api, place)
                return [(found.key, found.path) for found in await read_collections(api, access.path)]
        from pasa_tui.export.zotero.desktop import Desktop

        async with Desktop(settings.connector_url) as desktop:
            return [(target.id, target.name) for target in await desktop.targets() if not target.is_library]

    found = asyncio.run(run())
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

    settings, key = context.settings.zotero, _find_key()
    place = settings.library if library is None else library

    async def web() -> str:
        async with _web(settings, key) as api:
            access = await check_access(api, place)
        notes = "" if access.can_note else ", but no notes"
        if not access.can_write:
            raise ExportError(f"the key of {access.user} may read {access.name}, not write to it.")
        return f"the key of {access.user} may read and write {access.name}{notes}."

    async def program() -> str:
        async with Desktop(settings.connector_url) as desktop, _local(settings) as api:
            count = sum(not target.is_library for target in await desktop.targets())
            known = await read_local(api)
        told = "off, so that papers it has can't be told" if known is None else f"on, {len(known.papers())} papers"
        return f"it runs, with {count} collections; its local API is {told}."

    usable = False
    checks = {"web API": web, "program": program} if key else {"program": program}
    if not key:
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
    settings, key = context.settings.zotero, _find_key()
    place = settings.library if library is None else library

    async def run() -> "list[Paper]":
        if await _chosen(via, settings, key, place) == "web":
            from pasa_tui.export.zotero.library import read_library

            async with _web(settings, key) as api:
                return await read_library(api, place)
        from pasa_tui.errors import ExportError
        from pasa_tui.export.zotero.desktop import read_local

        async with _local(settings) as api:
            holdings = await read_local(api)
        if holdings is None:
            raise ExportError("Zotero's local API is switched off.", _LOCAL_API_HINT)
        return holdings.papers()

    papers = asyncio.run(run())
    origin = "zotero" if place == "user" else f"zotero {place}"
    with context.open_library() as kept:
        count = kept.set_known(origin, papers)
    click.echo(f"{count} papers are known from {origin}")


_LOCAL_API_HINT = (
    "Allow other applications to communicate with Zotero in its settings under Advanced, or use a key (--via web)."
)


def _find_key() -> str:
    from pasa_tui.config.secrets import find_keys

    found = find_keys(["zotero"]).get("zotero")
    return found.value if found else ""


def _web(settings: "ZoteroSettings", key: str) -> "ZoteroApi":
    from pasa_tui.export.zotero.api import ZoteroApi

    return ZoteroApi(settings.url, key, narrate=lambda text: click.echo(text, err=True))


def _local(settings: "ZoteroSettings") -> "ZoteroApi":
    from pasa_tui.export.zotero.api import ZoteroApi

    return ZoteroApi(settings.connector_url, name="The running Zotero")


async def _chosen(via: str, settings: "ZoteroSettings", key: str, place: str) -> Via:
    """The way to take. Raises ExportError where there is none."""
    from pasa_tui.errors import ExportError
    from pasa_tui.export.zotero.desktop import Desktop

    key_hint = "Get a key at https://www.zotero.org/settings/keys/new, then: pasa-tui config set-key zotero"
    if via == "web" and not key:
        raise ExportError("There is no key for Zotero's web API.", key_hint)
    if via == "web" or (via == "auto" and key):
        return "web"
    if place != "user":
        raise ExportError("The running program takes papers for your own library alone.", key_hint)
    if via == "auto":
        async with Desktop(settings.connector_url) as desktop:
            if not await desktop.is_running():
                raise ExportError(
                    "There is neither a key for Zotero's web API nor a Zotero running on this machine.",
                    f"Start Zotero. Or: {key_hint}",
                )
    return "desktop"


def _progress(done: int, total: int) -> None:
    click.echo(f"{done} of {total} papers", err=True)


async def _push_to_web(
    settings: "ZoteroSettings", key: str, place: str, records: "list[Record]", collection: str, mark: bool
) -> "Pushed":
    from pasa_tui.export.zotero.library import check_access
    from pasa_tui.export.zotero.push import push

    async with _web(settings, key) as api:
        access = await check_access(api, place)
        if not access.can_note:
            click.echo("The key gives no access to notes: score and reason stay here.", err=True)
        return await push(api, access, records, collection=collection, our_tag=mark, progress=_progress)


async def _push_to_desktop(
    settings: "ZoteroSettings", records: "list[Record]", collection: str, mark: bool
) -> "Pushed":
    from pasa_tui.export.zotero.desktop import Desktop, push_to_desktop, read_local

    async with Desktop(settings.connector_url) as desktop, _local(settings) as api:
        holdings = await read_local(api)
        if holdings is None:
            click.echo(f"What Zotero has can't be told, so papers may be doubled. {_LOCAL_API_HINT}", err=True)
        return await push_to_desktop(
            desktop, records, known=holdings, collection=collection, our_tag=mark, progress=_progress
        )
