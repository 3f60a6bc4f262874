"""`pasa-tui train make-sft`: SFT files from questions with answers and a corpus."""

from pathlib import Path

import click

from pasa_tui.cli.context import Context
from pasa_tui.cli.training import stopping
from pasa_tui.errors import TrainingError


@click.command("make-sft")
@click.option("--queries", required=True, metavar="FILE|NAME", help="Questions with answers, as for eval run.")
@click.option("--corpus", required=True, metavar="NAME", help="The paper database that is searched.")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="A new folder.")
@click.option("--model", default="builtin", show_default=True, metavar="NAME", help="Proposes searches, gives reasons.")
@click.option(
    "--prompts", type=click.Path(path_type=Path), metavar="FILE", help="An agent_prompt.json; else our own prompts."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N questions only.")
@click.option("--expansions", type=click.IntRange(min=0), default=6, show_default=True, help="Per question, at most.")
@click.option("--empty-share", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="Of them, stops.")
@click.option("--judged", type=click.IntRange(min=0), default=4, show_default=True, help="Answers judged a question.")
@click.option("--hard", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Near misses per answer.")
@click.option("--easy", type=click.FloatRange(min=0), default=0.5, show_default=True, help="Strangers per answer.")
@click.option("--test-share", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Questions for tests.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with a folder that was stopped at.")
@click.pass_obj
def command(
    context: Context,
    queries: str,
    corpus: str,
    output: Path,
    model: str,
    prompts: Path | None,
    limit: int | None,
    expansions: int,
    empty_share: float,
    judged: int,
    hard: float,
    easy: float,
    test_share: float,
    seed: int,
    resume: bool,
) -> int:
    """SFT files for `train crawler` and `train selector`, from QUERIES and what a corpus has.

    Writes sft_crawler/ and sft_selector/, each with train.jsonl and test.jsonl. Ctrl-C stops after a whole question.
    """
    from pasa_tui.training.demonstrations import Amounts
    from pasa_tui.training.make_sft import MakeOrder, make, summary

    amounts = Amounts(expansions, empty_share, judged, hard, easy)
    order = MakeOrder(queries, corpus, output, model, prompts, limit, test_share, seed, resume, amounts)
    with stopping() as stopped:
        made = make(order, context.settings, context.paths, lambda text: click.echo(text, err=True), stopped=stopped)
    if made is None:
        return 130
    click.echo(f"{made.done:,} questions: {summary(made)}.")
    if not made.counts.get("answers"):
        raise TrainingError(
            f"None of the answers is in the corpus {corpus!r}: there is nothing to learn from.",
            "Build one that has them (pasa-tui corpus build), or fetch PaSa's: pasa-tui data fetch paper-database.",
        )
    return 0
