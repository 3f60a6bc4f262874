"""`pasa-tui doctor`: does what a search needs work?"""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pasa_tui.cli.context import Context
from pasa_tui.errors import ModelError, PasaError

if TYPE_CHECKING:
    from pasa_tui.sources.checking import Check

_OTHER_MODEL = "A search would work with another model: --model builtin, which needs nothing."
_NO_EMBEDDINGS = "A search would work without it: take models.embeddings out of the settings."


@click.command()
@click.option("--sources", metavar="NAME,…", help="Which sources to check. [default: search.sources]")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(context: Context, sources: str | None, output: str) -> None:
    """Check each source: can it be reached, is the key accepted, how fast does it answer. And the default model.

    Exits with 1 where a search as the settings ask for would not work: no source answers that searches, or none that
    knows what papers cite.
    """
    from pasa_tui.config.profiles import BUILTIN
    from pasa_tui.config.secrets import find_keys
    from pasa_tui.corpus import survey
    from pasa_tui.sources.catalogue import CORPUS, SOURCES, parse_sources
    from pasa_tui.sources.checking import check_sources

    settings = context.settings
    found_keys = find_keys()
    # Those named without their key are in the table, which says so.
    wanted = sources if sources is not None else settings.search.sources
    chosen = parse_sources(wanted, lambda name: sources is not None or name in found_keys)
    names = [name for name in chosen if name != CORPUS]
    # Those that only want a key are told of as well; they decide nothing.
    others = [] if sources else [name for name, info in SOURCES.items() if info.needs_key and name not in names]
    keys = {name: key.value for name, key in found_keys.items()}
    checks = asyncio.run(check_sources([*names, *others], settings.sources, keys, context.paths.cache_dir))
    corpora, damaged = survey(context.paths)
    found = [info.name for info in corpora]
    ok = _is_enough([check for check in checks if check.name in names]) if names else settings.search.corpus in found
    model = _check_model(context)
    if output == "json":
        report = {
            "ok": ok and not model,
            "sources": [asdict(check) for check in checks],
            "corpora": found,
            "model": {"name": settings.models.default, "problem": model},
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for line in _table(checks):
            click.echo(line)
        click.echo(f"\ncorpora: {', '.join(found) or 'none'}")
        for error in damaged:
            click.echo(f"  {error}")
        instead = _NO_EMBEDDINGS if settings.models.default == BUILTIN else _OTHER_MODEL
        click.echo(f"model: {settings.models.default}{f' can not be used. {model}' if model else ''}")
        click.echo(_verdict(ok=ok, live=bool(names), corpora=bool(found)) if not model or not ok else instead)
    click.get_current_context().exit(0 if ok and not model else 1)


def _check_model(context: Context) -> str:
    """What is wrong with the model that searches, as far as that shows without loading it; empty for nothing."""
    from pasa_tui.assembly import load_models
    from pasa_tui.config.profiles import BUILTIN

    name = context.settings.models.default
    if name == BUILTIN:
        return _check_embeddings(context.settings.models.embeddings)

    async def ask() -> None:
        models = load_models(name, context.settings.agent, context.settings, context.paths, context.pool)
        try:
            for engine in models.remote:
                await engine.start(lambda progress: None)
        finally:
            await models.close()

    try:
        asyncio.run(ask())
    except PasaError as error:
        return str(error)
    return ""


def _check_embeddings(folder: str) -> str:
    from pasa_tui.models.embedding_ranker import check_embeddings

    try:
        if folder:
            check_embeddings(Path(folder).expanduser())
    except ModelError as error:
        return str(error)
    return ""


def _is_enough(checks: "list[Check]") -> bool:
    from pasa_tui.sources.catalogue import SOURCES

    working = {check.name for check in checks if check.ok}
    searching = any(SOURCES[name].searches for name in working)
    asked = {check.name for check in checks}
    reading = {"ar5iv", "arxiv-html", "semantic-scholar", "openalex"}
    return searching and (bool(working & reading) or not asked & reading)


def _verdict(*, ok: bool, live: bool, corpora: bool) -> str:
    if ok:
        return "A search will work."
    if not live:
        return "The corpus of the settings is not there: pasa-tui corpus list names those that are."
    instead = " Where no host can be reached at all, a search takes the corpora instead." if corpora else ""
    return f"A search of the live sources can't work now: check the network, or a proxy (HTTPS_PROXY).{instead}"


def _table(checks: "list[Check]") -> list[str]:
    width = max((len(check.name) for check in checks), default=6)
    lines = [f"   {'source':<{width}}  {'answer':>8}  {'key':<6}  "]
    for check in checks:
        sign = "ok" if check.ok else "--"
        took = f"{check.seconds * 1000:,.0f} ms" if check.ok else "-"
        lines.append(f"{sign} {check.name:<{width}}  {took:>8}  {check.key:<6}  {check.said}")
    return [line.rstrip() for line in lines]
