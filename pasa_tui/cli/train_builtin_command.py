"""`pasa-tui train builtin`: the builtin Selector's model."""

from collections.abc import Callable
from pathlib import Path

import click

from pasa_tui.cli.context import Context


@click.command("builtin")
@click.option("--queries", required=True, metavar="FILE|NAME", help="Questions with answers, as for eval run.")
@click.option("--corpus", required=True, metavar="NAME", help="Where they are searched for.")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The model, as JSON.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N questions only.")
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True, help="Of the cross-validation.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.pass_obj
def command(
    context: Context, queries: str, corpus: str, output: Path, limit: int | None, folds: int, seed: int
) -> None:
    """The builtin Selector's model, from searches for QUERIES in a corpus.

    Prints the cross-validated figures. Point `models.builtin` to the file to search with it.
    """
    from pasa_tui.corpus import open_corpus
    from pasa_tui.evaluation.data import data_folders
    from pasa_tui.evaluation.queries import find_queries, read_queries
    from pasa_tui.training.builtin import collect, cross_validated, exported, fit, write_model

    def tell(text: str) -> None:
        click.echo(text, err=True)

    def count(what: str, total: int) -> "Counter":
        return Counter(what, total, tell)

    chosen = read_queries(find_queries(queries, data_folders(context.paths)), limit)
    broad = collect(chosen, corpus, context.paths, broad=True, tell=count("broad searches", len(chosen)))
    narrow = collect(chosen, corpus, context.paths, broad=False, tell=count("narrow searches", len(chosen)))
    figures = cross_validated(broad, narrow, folds, seed, tell)
    with open_corpus(corpus, context.paths) as opened:
        papers = opened.info.papers
    made = {
        "questions": len(broad),
        "papers_in_corpus": papers,
        "papers_met": sum(len(example.rows) for example in broad),
        "seed": seed,
        "folds": folds,
        **{name: round(getattr(figures, name), 4) for name in figures.__slots__},
    }
    write_model(exported(fit([*broad, *narrow], seed), figures.offset, made), output)
    for name in figures.__slots__:
        click.echo(f"{name:<15} {getattr(figures, name):.4f}")


class Counter:
    """Says every tenth of the way how far it is."""

    def __init__(self, what: str, total: int, tell: Callable[[str], None]) -> None:
        self._what, self._total, self._tell = what, total, tell

    def __call__(self, done: int) -> None:
        """So many are done."""
        step = max(1, self._total // 10)
        if done % step == 0:
            self._tell(f"{self._what}: {done:,} of {self._total:,} questions")
