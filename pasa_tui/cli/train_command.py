"""`pasa-tui train`: make the models that the agent decides with."""

import click

from pasa_tui.cli.lazy import LazyGroup

# name -> (module, one line for the list)
COMMANDS = {
    "make-sft": ("train_make_sft_command", "Files for SFT, from questions with answers and a corpus."),
    "selector": ("train_selector_command", "The Selector by SFT, from judged pairs."),
    "crawler": ("train_crawler_command", "The Crawler by SFT, from search and expand sessions."),
    "ppo": ("train_ppo_command", "The Crawler by session-level PPO, from what SFT made."),
    "watch": ("train_watch_command", "Figures and plots of a training, live."),
    "builtin": ("train_builtin_command", "The builtin Selector's model, from searches on a corpus."),
}


@click.group(cls=LazyGroup, listed=COMMANDS)
def command() -> None:
    """Train the models that search and judge."""
