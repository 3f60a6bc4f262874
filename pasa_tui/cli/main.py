"""`pasa-tui`: without a command it opens the application; each command is imported when it is used."""

import signal
import sys

import click

from pasa_tui import __version__
from pasa_tui.cli.context import Context
from pasa_tui.cli.lazy import LazyGroup
from pasa_tui.config import Paths
from pasa_tui.errors import PasaError

# name -> (module, one line for the list). The line stands here so that `--help` imports no command.
COMMANDS = {
    "search": ("search_command", "Search without a screen; results go to stdout."),
    "resume": ("resume_command", "Go on with a search that was interrupted."),
    "history": ("history_command", "List past searches."),
    "export": ("export_command", "Write the papers of a past search."),
    "zotero": ("zotero_command", "Push papers to Zotero; mark those it has as known."),
    "report": ("report_command", "Write a past search as one HTML file with plots."),
    "library": ("library_command", "Search, back up, merge and check all that is kept."),
    "corpus": ("corpus_command", "Build, list and remove local paper collections."),
    "models": ("models_command", "List, fetch and check language models; choose one."),
    "doctor": ("doctor_command", "Check what a search needs: sources, keys, network."),
    "data": ("data_command", "Fetch and check PaSa's published query sets and papers."),
    "eval": ("eval_command", "Answer query sets with systems; report and compare."),
    "train": ("train_command", "Make the models that the agent decides with."),
    "serve": ("serve_command", "Show the application in a browser."),
    "config": ("config_command", "Show the settings and where they are kept; store keys."),
}


@click.group(
    cls=LazyGroup,
    listed=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", prog_name="pasa-tui")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Find all the papers that meet a precise research question.

    Without a command, the application opens. Everything it finds is kept in a library. No key and no
    language model is needed; without a network, it searches the corpora at hand.
    """
    ctx.obj = ctx.obj or Context(Paths.default())
    ctx.call_on_close(ctx.obj.close)
    if ctx.invoked_subcommand is None:
        _open_application(ctx.obj)


def _open_application(context: Context) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "The application needs a terminal. Without one, use a command: pasa-tui search “…” (see pasa-tui --help)."
        )
    from pasa_tui.cli.application import run_application

    run_application(context)


def main() -> None:
    """The console script: runs the group and exits.

    A PasaError or a usage error is a message on stderr and its exit code; ctrl-C at any moment exits with 130.
    """
    try:
        code = _run()
    except KeyboardInterrupt:
        # A second ctrl-C, while the first was being answered.
        code = 130
    # From here on there is nothing to interrupt, and a late ctrl-C must not change how it ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _run() -> int:
    try:
        result = cli.main(standalone_mode=False)
    except PasaError as error:
        click.echo(f"{error.title}: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:
        # What a command itself reads and writes has errors of its own; this is stdout, a full disk for one.
        click.echo(f"The output can't be written: {error.strerror or error}.", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("Cancelled.", err=True)
        return 130
    return result if isinstance(result, int) else 0
