"""`pasa-tui eval`: systems over query sets, and what their results are worth."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.corpus_command import INTERRUPTED
from pasa_tui.cli.eval_report import compare, report

if TYPE_CHECKING:
    from pasa_tui.evaluation.folder import ResultFolder
    from pasa_tui.evaluation.queries import BenchmarkQuery
    from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo

_POLL_SECONDS = 0.5


@click.group()
def command() -> None:
    """Evaluate systems on query sets: run them, report, compare."""


command.add_command(report)
command.add_command(compare)


@command.command()
@click.option("--queries", required=True, metavar="FILE|NAME", help="autoscholar-dev, …-test, realscholar, or a file.")
@click.option("--system", required=True, metavar="NAME", help="See `pasa-tui eval systems`.")
@click.option("--corpus", metavar="NAME", help="Search this corpus. [default: search.corpus]")
@click.option("--sources", metavar="NAME,…", help="Ask these sources instead: arxiv,semantic-scholar,…")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The result folder.")
@click.option("--model", default="", metavar="NAME", help="The profile, or OpenAI's model, of systems that prompt one.")
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="DIR", help="The folder of dense's or rerank's model."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N questions only.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, metavar="N", help="Questions at once."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of whatever a system samples.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; failed questions are asked again.")
@click.option("-q", "--quiet", is_flag=True, help="No narration on stderr.")
@click.option("--join", is_flag=True, hidden=True)
@click.pass_obj
def run(
    context: Context,
    queries: str,
    system: str,
    corpus: str | None,
    sources: str | None,
    output: Path,
    model: str,
    weights: Path | None,
    limit: int | None,
    workers: int,
    seed: int,
    resume: bool,
    quiet: bool,
    join: bool,
) -> None:
    """Answer a query set with a system, one result file per question.

    A run that was interrupted goes on with --resume. Several machines may work on one folder: start the same command
    with --resume on each.
    """
    from pasa_tui.evaluation.data import data_folders
    from pasa_tui.evaluation.folder import ResultFolder
    from pasa_tui.evaluation.queries import find_queries, read_queries
    from pasa_tui.evaluation.runner import describe_run
    from pasa_tui.evaluation.systems.catalogue import find_system
    from pasa_tui.evaluation.systems.protocol import Place
    from pasa_tui.sources.catalogue import split_names

    info = find_system(system)
    settings = context.settings
    place = Place(
        paths=context.paths,
        settings=settings,
        # A search that stops after minutes would be another one on a slower machine.
        agent=replace(settings.agent, max_seconds=0.0),
        corpus=corpus or settings.search.corpus,
        sources=split_names(sources) if sources else (),
        model=model,
        weights=weights,
        seed=seed,
    )
    path = find_queries(queries, data_folders(context.paths))
    chosen = read_queries(path, limit)
    folder = ResultFolder(output)
    described = describe_run(system, path, queries, chosen, place)
    if missing := info.missing(place):
        click.echo(f"{system} lacks {missing}", err=True)
    if join:
        _work(info, place, folder, chosen, workers, _Told(folder, len(chosen), quiet=True))
        return
    folder.begin(described, resume=resume)
    told = _Told(folder, len(chosen), quiet=quiet)
    # Whether it waits or computes is known when there is one.
    computes = workers > 1 and _computes(info, place)
    code = _share(folder, chosen, workers, told) if computes else _work(info, place, folder, chosen, workers, told)
    told.finish()
    click.get_current_context().exit(code)


@command.command()
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def systems(context: Context, output: str) -> None:
    """List the systems, and what each lacks here."""
    import json

    from pasa_tui.evaluation.systems.catalogue import SYSTEMS
    from pasa_tui.evaluation.systems.protocol import Place

    place = Place(context.paths, context.settings, context.settings.agent, corpus=context.settings.search.corpus)
    rows = [
        {"system": info.name, "summary": info.summary, "needs": info.needs, "missing": info.missing(place)}
        for info in SYSTEMS.values()
    ]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["system"]) for row in rows)
    for row in rows:
        click.echo(f"{row['system']:<{width}}  {row['summary']}")
        if row["missing"]:
            click.echo(f"{'':<{width}}  lacks {row['missing']}")


class _Told:
    """What a person hears of a run: how far it is, and each question that failed, on stderr."""

    def __init__(self, folder: "ResultFolder", total: int, *, quiet: bool) -> None:
        self._folder = folder
        self._total = total
        self._quiet = quiet
        self._began = time.monotonic()
        self._at_first = self._done = len(folder.done())
        self._failed: list[str] = []

    def tell(self, query: "BenchmarkQuery", outcome: "Outcome") -> None:
        """One question is answered."""
        if outcome.ending == "failed":
            self._failed.append(query.qid)
            self._say(f"{query.qid}: {outcome.message}")
        self.look()

    def look(self) -> None:
        """Say how many are answered, where that is news: every twentieth of them."""
        before, self._done = self._done, len(self._folder.done())
        step = max(1, self._total // 20)
        if self._done // step > before // step:
            seconds = time.monotonic() - self._began
            pace = seconds / max(1, self._done - self._at_first)
            left = f", about {pace * (self._total - self._done):,.0f} s left" if self._done < self._total else ""
            self._say(f"{self._done:,} of {self._total:,} questions{left}")

    def finish(self) -> None:
        """Say how it ended."""
        done = len(self._folder.done())
        self._say(f"{done:,} of {self._total:,} questions answered; see: pasa-tui eval report {self._folder.path}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)


def _computes(info: "SystemInfo", place: "Place") -> bool:
    system = info.make(place)
    asyncio.run(system.close())
    return not system.waits


def _work(
    info: "SystemInfo",
    place: "Place",
    folder: "ResultFolder",
    chosen: "Sequence[BenchmarkQuery]",
    parallel: int,
    told: _Told,
) -> int:
    from pasa_tui.evaluation.runner import Worker

    async def work() -> None:
        system = info.make(place)
        try:
            await Worker(system, chosen, folder, place, parallel=parallel).work(told.tell)
        finally:
            await system.close()

    try:
        asyncio.run(work())
    except BaseExceptionGroup as group:
        raise _first(group) from None
    except KeyboardInterrupt:
        click.echo("Interrupted. Go on with --resume.", err=True)
        return INTERRUPTED
    return 0


def _share(folder: "ResultFolder", chosen: "Sequence[Any]", workers: int, told: _Told) -> int:
    """Start worker processes and wait for them. One that dies leaves its question to the others."""
    parameters = click.get_current_context().params
    again = [
        f"--{name}={value}"
        for name, value in parameters.items()
        if value not in (None, "") and name not in ("workers", "resume", "quiet", "join")
    ]
    processes = [
        subprocess.Popen([sys.executable, "-m", "pasa_tui", "eval", "run", *again, "--join"]) for _ in range(workers)
    ]
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(_POLL_SECONDS)
            told.look()
    except KeyboardInterrupt:
        for process in processes:
            process.terminate()
        click.echo("Interrupted. Go on with --resume.", err=True)
        return INTERRUPTED
    finally:
        for process in processes:
            process.wait()
    left = len(chosen) - len(folder.done())
    return 1 if left else 0


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
