"""`pasa-tui corpus`: build, import, list and remove local paper collections."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pasa_tui.cli.context import Context

if TYPE_CHECKING:
    from pasa_tui.corpus.build import BuildReport
    from pasa_tui.corpus.lines import Progress

INTERRUPTED = 130
"""The exit code of a command that ctrl-C ended, as shells give it."""

_FILE = click.Path(path_type=Path)
_REPLACE = click.option("--replace", "--force", is_flag=True, help="Take the place of the corpus of that name.")
_FORMAT = click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group()
def command() -> None:
    """Build, list and remove local paper collections."""


@command.command()
@click.argument("name")
@click.option("--papers", type=_FILE, required=True, help="JSON lines: id, title, abstract, date, …")
@click.option("--citations", type=_FILE, help="JSON lines: id, sections {name: [ids]}.")
@_REPLACE
@click.pass_obj
def build(context: Context, name: str, papers: Path, citations: Path | None, replace: bool) -> None:
    """Build a corpus from JSON lines.

    The files may be plain or compressed (gzip, xz, bzip2, zip). Until the new corpus is complete, one that has
    the NAME stays as it was.
    """
    from pasa_tui.corpus.build import build_corpus

    _run(
        name,
        lambda progress: build_corpus(
            context.paths, name, papers=papers, citations=citations, replace=replace, progress=progress
        ),
    )


@command.command("import-pasa")
@click.argument("name")
@click.option("--zip", "zip_file", type=_FILE, required=True, help="cs_paper_2nd.zip of PaSa's published data.")
@click.option("--ids", "ids_file", type=_FILE, required=True, help="id2paper.json of PaSa's published data.")
@_REPLACE
@click.pass_obj
def import_pasa_command(context: Context, name: str, zip_file: Path, ids_file: Path, replace: bool) -> None:
    """Build one from PaSa's own paper database."""
    from pasa_tui.corpus.pasa import import_pasa

    _run(
        name,
        lambda progress: import_pasa(
            context.paths, name, zip_file=zip_file, ids_file=ids_file, replace=replace, progress=progress
        ),
    )


@command.command("import-arxiv")
@click.argument("name")
@click.option("--file", type=_FILE, required=True, help="The snapshot, plain or compressed (gzip, xz, bzip2, zip).")
@_REPLACE
@click.pass_obj
def import_arxiv_command(context: Context, name: str, file: Path, replace: bool) -> None:
    """Build one from arXiv's metadata snapshot.

    The public snapshot has titles and abstracts of all of arXiv, and no citations.
    """
    from pasa_tui.corpus.build import import_arxiv

    _run(name, lambda progress: import_arxiv(context.paths, name, file=file, replace=replace, progress=progress))


@command.command("list")
@_FORMAT
@click.pass_obj
def list_command(context: Context, output: str) -> None:
    """List all corpora."""
    from pasa_tui.corpus import survey

    infos, unusable = survey(context.paths)
    if output == "json":
        _echo_json(infos)
    else:
        width = max((len(info.name) for info in infos), default=0)
        for info in infos:
            click.echo(f"{info.name:<{width}}  {info.papers:>9,} papers  {info.citing_papers:>9,} with citations")
    for error in unusable:
        click.echo(str(error), err=True)


@command.command()
@click.argument("name")
@_FORMAT
@click.pass_obj
def info(context: Context, name: str, output: str) -> None:
    """Show what the corpus NAME holds and where it is from."""
    from pasa_tui.corpus import corpus_info

    found = corpus_info(name, context.paths)
    if output == "json":
        _echo_json(found)
        return
    rows = {
        "name": found.name,
        "papers": f"{found.papers:,}",
        "dated": f"{found.dated_from} to {found.dated_to}" if found.dated_from else "none",
        "citations": f"{found.citations:,} in {_count(found.citing_papers, 'paper')}",
        "built": f"{found.built_at:%Y-%m-%d %H:%M} UTC",
        "from": ", ".join(found.sources),
    }
    for label, value in rows.items():
        click.echo(f"{label:<10} {value}")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(context: Context, name: str, yes: bool) -> None:
    """Remove the corpus NAME from the disk. Searches made in it stay in the library."""
    from pasa_tui.corpus import check_removable, remove_corpus

    check_removable(name, context.paths)
    if not yes:
        click.confirm(f"Remove the corpus {name}?", abort=True, err=True)
    remove_corpus(name, context.paths)
    click.echo(f"Removed {name}.", err=True)


def _run(name: str, build_it: "Callable[[Callable[[Progress], None]], BuildReport]") -> None:
    line = _ProgressLine(show=sys.stderr.isatty())
    try:
        report = build_it(line.update)
    except KeyboardInterrupt:
        line.clear()
        click.echo("Interrupted: nothing was built, and nothing that was there has changed.", err=True)
        sys.exit(INTERRUPTED)
    finally:
        line.clear()
    for problem in report.problems:
        click.echo(str(problem), err=True)
    if report.duplicates:
        click.echo(f"{_count(report.duplicates, 'duplicate record')}: the first of each was kept.", err=True)
    built = report.info
    citations = f"{_count(built.citations, 'citation')} in {built.citing_papers:,} of them"
    click.echo(f"Built {name}: {_count(built.papers, 'paper')}, {citations}.", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class _ProgressLine:
    """One line on stderr that is written over, at most ten times a second; nothing where stderr is no terminal."""

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self._last = 0.0

    def update(self, progress: "Progress") -> None:
        """Show how far it is."""
        now = time.monotonic()
        if not self._show or now - self._last < 0.1:
            return
        self._last = now
        share = f"{progress.read / progress.total:4.0%} " if progress.total else ""
        click.echo(f"\r\x1b[K{share}{progress.file}: {progress.records:,} records", nl=False, err=True)

    def clear(self) -> None:
        """Leave an empty line."""
        if self._show and self._last:
            click.echo("\r\x1b[K", nl=False, err=True)


def _echo_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value)))
