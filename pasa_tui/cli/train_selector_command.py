"""`pasa-tui train selector`: SFT of the Selector."""

from typing import Any

import click

from pasa_tui.cli.train_sft import sft_options, train


@click.command("selector")
@sft_options
def command(**values: Any) -> int:
    """Fine-tune MODEL, a folder with a model's weights, to say whether a paper meets a question, and why.

    Rows are JSON lines of prompt and response, or of messages, whose answers begin with True or False: PaSa's
    sft_selector/train.jsonl, or what `train make-sft` writes. A prompt without messages is taken as raw text. On
    several GPUs: accelerate launch --config_file FILE -m pasa_tui train selector … . Ctrl-C leaves a checkpoint for
    --resume.
    """
    return train("selector", values)
