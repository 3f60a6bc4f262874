"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pasa_tui.cli.results import FORMATS

Command = TypeVar("Command", bound=Callable[..., Any])


def output_options(command: Command) -> Command:
    """--format, --events, --only, --limit, --latex and --quiet, as `run_search` takes them."""
    for option in reversed(
        [
            click.option("--format", "output", type=click.Choice(FORMATS), default="text", show_default=True),
            click.option("--limit", type=click.IntRange(min=1), help="Print at most this many papers."),
            click.option(
                "--only",
                type=click.Choice(["selected", "all"]),
                help="Which papers to print. [default: all in JSON, which says of each; else selected]",
            ),
            click.option("--events", is_flag=True, help="Stream the events as JSON lines instead of the papers."),
            click.option("--latex/--utf8", default=None, help="BibTeX in LaTeX's encoding. [default: export.latex]"),
            click.option("-q", "--quiet", is_flag=True, help="On stderr only warnings and failures."),
        ]
    ):
        command = option(command)
    return command
