"""`pasa-tui train crawler`: SFT of the Crawler."""

from typing import Any

import click

from pasa_tui.cli.train_sft import sft_options, train


@click.command("crawler")
@sft_options
def command(**values: Any) -> int:
    """Fine-tune MODEL, a folder with a chat model's weights, to write search and expand sessions.

    Rows are JSON lines of messages, or of prompt and response, whose answers are [Search]…[StopSearch] or
    [Expand]…[StopExpand]: PaSa's sft_crawler/train.jsonl, or what `train make-sft` writes. On several GPUs:
    accelerate launch --config_file FILE -m pasa_tui train crawler … . Ctrl-C leaves a checkpoint for --resume.
    """
    return train("crawler", values)
