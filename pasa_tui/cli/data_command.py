"""`pasa-tui data`: PaSa's published query sets and papers."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.fetching import FetchBar, agree, gigabytes

_ASK_FROM = 1_000_000_000
"""Bytes from which on a fetch asks first: the paper database is more than that."""
_TO = click.option("--to", type=click.Path(path_type=Path), metavar="DIR", help="This folder, not the data folder.")


@click.group()
def command() -> None:
    """Fetch and check PaSa's published query sets and papers."""


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@_TO
@click.option("-y", "--yes", is_flag=True, help="Don't ask before many gigabytes.")
@click.pass_obj
def fetch(context: Context, names: tuple[str, ...], to: Path | None, yes: bool) -> None:
    """Take parts of PaSa's data from the Hugging Face hub; without NAME the query sets that are evaluated on.

    NAME is autoscholar-train, -dev, -test, realscholar, paper-database, sft-crawler, sft-selector or all. What an
    interruption left is gone on with, and every file is verified. The hub gives the data to those who have accepted
    its terms there: put an access token into HF_TOKEN.
    """
    from pasa_tui.evaluation.data import data_folders, plan_data
    from pasa_tui.models.fetching import fetch

    plan = plan_data(names, to or data_folders(context.paths)[0])
    agree(plan, _ASK_FROM, yes=yes)
    with FetchBar(plan) as bar:
        fetch(plan, bar.tell)
    click.echo("It is there. See what it holds: pasa-tui data check", err=True)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@_TO
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def check(context: Context, names: tuple[str, ...], to: Path | None, output: str) -> None:
    """Say which parts of PaSa's data are here, what they hold, and what is broken. Exits with 1 if any is."""
    from pasa_tui.evaluation.data import data_folders
    from pasa_tui.evaluation.data_checks import check_data

    folders = [to] if to else data_folders(context.paths)
    findings = check_data(names, folders, lambda file: click.echo(f"reading {file}", err=True))
    if output == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            holds = ", ".join(f"{count:,} {what}" for what, count in finding.holds.items())
            size = gigabytes(finding.size) if finding.size else ""
            click.echo(f"{finding.status:<8} {finding.file:<32} {size:>9}  {holds}".rstrip())
            for fault in finding.faults:
                click.echo(f"         {fault}")
    click.get_current_context().exit(1 if any(finding.status == "broken" for finding in findings) else 0)
