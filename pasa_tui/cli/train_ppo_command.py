"""`pasa-tui train ppo`: session-level PPO of the Crawler."""

from pathlib import Path
from typing import Any

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.training import packages_of_training, stopping
from pasa_tui.cli.training_options import all_settings
from pasa_tui.training.session_ppo.settings import PpoSettings


@click.command("ppo")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--queries", required=True, metavar="FILE|NAME", help="Questions with answers, as for eval run.")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The trained model.")
@click.option("--corpus", default="sample", show_default=True, metavar="NAME", help="Where the Crawler searches.")
@click.option("--sources", metavar="NAMES", help="Live sources instead, as for a search.")
@click.option("--dev", metavar="FILE|NAME", help="Held-out questions to follow recall on.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N questions only.")
@click.option(
    "--selector",
    default="off",
    show_default=True,
    metavar="NAME",
    help="Who else says what is worth finding: builtin, a model's profile, or off.",
)
@click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True)
@click.option("--cpu", is_flag=True, help="Leave a GPU alone.")
@click.option(
    "--vllm",
    type=click.Path(path_type=Path),
    metavar="PYTHON",
    help="Write rollouts with vLLM: the interpreter of an environment that has it.",
)
@click.option("--vllm-memory", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Its share of a GPU.")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in the output folder.")
@all_settings(PpoSettings)
@click.pass_obj
def command(
    context: Context,
    /,
    model: Path,
    queries: str,
    output: Path,
    corpus: str,
    sources: str | None,
    dev: str | None,
    limit: int | None,
    selector: str,
    dtype: str,
    cpu: bool,
    vllm: Path | None,
    vllm_memory: float,
    resume: bool,
    **values: Any,
) -> int:
    """Train the Crawler in MODEL, a folder that SFT has made, by session-level PPO.

    Several processes: torchrun --nproc_per_node N -m pasa_tui train ppo … . Ctrl-C stops after the update under way,
    with a checkpoint; --resume goes on exactly there.
    """
    settings = PpoSettings(**values)
    packages_of_training("torch", "transformers", "accelerate", *(["peft"] if settings.lora else []))
    from pasa_tui.training.ppo import run
    from pasa_tui.training.session_ppo.opening import Order

    order = Order(
        model=model,
        queries=queries,
        output=output,
        corpus=corpus,
        sources=tuple(name.strip() for name in sources.split(",")) if sources else (),
        dev=dev,
        limit=limit,
        selector=selector,
        dtype=dtype,
        cpu=cpu,
        resume=resume,
        vllm=vllm,
        vllm_memory=vllm_memory,
    )
    with stopping() as stopped:
        finished = run(order, settings, context.settings, context.paths, click.echo, stopped=stopped)
    return 0 if finished else 130
