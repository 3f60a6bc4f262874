"""What the commands that fetch from the hub show of it."""

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pasa_tui.models.fetching import FetchPlan


def agree(plan: "FetchPlan", ask_from: int, *, yes: bool) -> None:
    """Say what a fetch takes; from `ask_from` bytes on ask a person first, unless `yes`.

    Raises click's Abort for a no, and UsageError where there is nobody to ask.
    """
    size, remaining = gigabytes(plan.size), gigabytes(plan.remaining)
    click.echo(f"{plan.name}: {size} into {plan.folder}, {remaining} to fetch", err=True)
    if replaced := [name for repository in plan.repositories for name in repository.replaced]:
        click.echo(f"These are there in another size and will be replaced: {', '.join(replaced)}", err=True)
    if plan.remaining >= ask_from and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"That is {remaining}. Say --yes to fetch it without being asked.")
        click.confirm("Fetch it?", abort=True, err=True)


class FetchBar:
    """A bar of bytes on stderr."""

    def __init__(self, plan: "FetchPlan") -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
        )
        self._task = self._progress.add_task(plan.name, total=plan.size)

    def __enter__(self) -> "FetchBar":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def tell(self, progress: Any) -> None:
        """Show how far it is."""
        if progress.work == "wrong":
            self._progress.console.print(f"{progress.file} arrived damaged; fetching it once more")
        said = f"{progress.work} {progress.file}"
        self._progress.update(self._task, description=said, completed=progress.done, total=progress.total)


def gigabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
