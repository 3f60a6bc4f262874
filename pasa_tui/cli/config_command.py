"""`pasa-tui config`: what is set, to what, by whom; where it is kept."""

import sys

import click

from pasa_tui.cli.context import Context


@click.group()
def command() -> None:
    """Show the settings and where they are kept; store keys."""


@command.command()
@click.option("--format", "output", type=click.Choice(["toml", "json"]), default="toml", show_default=True)
@click.pass_obj
def show(context: Context, output: str) -> None:
    """Print every setting with its value, its meaning and where the value is from.

    As TOML the output is a valid settings file.
    """
    from pasa_tui.config.settings import explain

    infos = list(explain(context.settings, context.paths.config_file))
    if output == "json":
        import json

        rows = [
            {"name": info.name, "value": info.value, "description": info.description, "source": info.source}
            for info in infos
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    section = None
    for info in infos:
        head, _, name = info.name.rpartition(".")
        if head != section:
            click.echo(f"[{head}]" if section is None else f"\n[{head}]")
            section = head
        click.echo(f"# {info.description} ({info.source})")
        click.echo(f"{name} = {_toml(info.value)}")


def _toml(value: object) -> str:
    # JSON's strings, numbers and booleans are TOML's as well, but for the DEL character, which no setting holds.
    import json

    return json.dumps(value, ensure_ascii=False)


@command.command()
@click.pass_obj
def path(context: Context) -> None:
    """Print where the settings, the library, the corpora and the caches are."""
    paths = context.paths
    rows = {
        "settings": paths.config_file,
        "themes": paths.themes_dir,
        "library": paths.library_file,
        "corpora": paths.corpora_dir,
        "weights": paths.checkpoints_dir,
        "cache": paths.cache_dir,
    }
    for name, where in rows.items():
        click.echo(f"{name:<9} {where}")


@command.command(name="set-key")
@click.argument("name", metavar="serper|semantic-scholar|openalex|openai|openrouter|zotero")
def set_key(name: str) -> None:
    """Ask for the key of a source, a model or Zotero, or read it from a pipe, and put it into the system's keyring.

    Where there is no keyring, as on most servers, set the variable SERPER_API_KEY, SEMANTIC_SCHOLAR_API_KEY,
    OPENALEX_API_KEY, OPENAI_API_KEY, OPENROUTER_API_KEY or ZOTERO_API_KEY instead; a variable goes over the keyring.
    """
    from pasa_tui.config.secrets import KEYS, check_keyring, store_key

    check_keyring(name)
    if sys.stdin.isatty():
        value = click.prompt(f"Key for {name} ({KEYS[name].where})", hide_input=True, err=True)
    else:
        value = sys.stdin.readline()
    store_key(name, value)
    click.echo(f"The key for {name} is in the system's keyring. Try it: pasa-tui {KEYS[name].check}", err=True)


@command.command(name="remove-key")
@click.argument("name", metavar="serper|semantic-scholar|openalex|openai|openrouter|zotero")
def remove_key(name: str) -> None:
    """Take the key of a source, a model or Zotero out of the system's keyring."""
    from pasa_tui.config.secrets import remove_key

    said = "was removed from" if remove_key(name) else "was not in"
    click.echo(f"The key for {name} {said} the system's keyring.", err=True)
