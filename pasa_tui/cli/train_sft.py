"""What `train crawler` and `train selector` have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pasa_tui.cli.training import packages_of_training, stopping
from pasa_tui.cli.training_options import Decorated, all_settings
from pasa_tui.training.sft_settings import SftOrder, SftSettings

if TYPE_CHECKING:
    pass

Run = Callable[..., bool]


def sft_options(function: Decorated) -> Decorated:
    """The argument and the options of both commands."""
    folder = click.Path(path_type=Path)
    decorators: list[Callable[[Decorated], Decorated]] = [
        click.argument("model", type=folder),
        click.option("--data", required=True, type=folder, metavar="FILE", help="Rows to learn from."),
        click.option("--output", required=True, type=folder, metavar="FOLDER", help="The trained model."),
        click.option("--held-out", type=folder, metavar="FILE", help="Rows for figures before and after."),
        click.option(
            "--prompts", type=folder, metavar="FILE", help="The agent_prompt.json that the rows are made with."
        ),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only."),
        click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True),
        click.option("--cpu", is_flag=True, help="Leave a GPU alone."),
        click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in the output folder."),
        all_settings(SftSettings),
    ]
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def train(stage: Literal["crawler", "selector"], values: dict[str, Any]) -> int:
    """Run the stage with what the command line says; its exit code."""
    names = set(SftOrder.__dataclass_fields__)
    settings = SftSettings(**{name: value for name, value in values.items() if name not in names})
    packages_of_training("torch", "transformers", "accelerate", "trl", *(["peft"] if settings.lora else []))
    order = SftOrder(**{name: value for name, value in values.items() if name in names})
    run: Run
    if stage == "crawler":
        from pasa_tui.training.crawler import run
    else:
        from pasa_tui.training.selector import run
    with stopping() as stopped:
        return 0 if run(order, settings, click.echo, stopped=stopped) else 130
