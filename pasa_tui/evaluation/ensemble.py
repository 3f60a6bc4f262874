"""The union of several result folders: what an agent finds that runs more than once.

As the published evaluation has it, with two differences: that one orders a paper which several runs met by its score in
the first, where here the best counts, and gives the first run's actions and score alone, where here all runs' count.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.reading import Results, Run, gather, read_result, read_run, result_files
from pasa_tui.evaluation.tree import EXTRA, Node, Spent, notes_of
from pasa_tui.papers import title_key

Value = TypeVar("Value")

_ENDINGS = ("done", "budget", "failed")


def read_ensemble(folders: Sequence[Path]) -> Results:
    """The union of folders over the questions that all have.

    Raises EvaluationError where they are fewer than two, share no question, or one is no result folder.
    """
    if len(folders) < 2:
        raise EvaluationError("An ensemble needs two result folders or more.", "Give them one after the other.")
    files = [result_files(folder) for folder in folders]
    shared = sorted(set(files[0]).intersection(*files[1:]))
    names = ", ".join(map(str, folders))
    if not shared:
        raise EvaluationError(f"The folders {names} share no question.", "Give runs over the same query set.")
    left = len(set().union(*files)) - len(shared)
    remarks = [f"{left:,} that not all of its folders have left out."] if left else []
    run = _union([read_run(folder) for folder in folders])
    return gather(f"union of {names}", run, ((index, _loader(files, index)) for index in shared), remarks)


def _union(runs: Sequence[Run]) -> Run:
    """What is true of all runs."""
    raw = {
        name: value
        for name, value in (runs[0].raw or {}).items()
        if all((run.raw or {}).get(name) == value for run in runs)
    }
    return Run(
        system=" + ".join(dict.fromkeys(run.system for run in runs if run.system)),
        queries=runs[0].queries if len({run.queries for run in runs}) == 1 else "",
        corpus=" + ".join(dict.fromkeys(run.corpus for run in runs if run.corpus)),
        sources=runs[0].sources if len({run.sources for run in runs}) == 1 else (),
        seed=runs[0].seed if len({run.seed for run in runs}) == 1 else None,
        total=max((run.total for run in runs if run.total is not None), default=None),
        raw=raw,
    )


def _loader(files: Sequence[dict[int, Path]], index: int) -> Callable[[], Node]:
    return partial(_load, [of_folder[index] for of_folder in files])


def _load(paths: Sequence[Path]) -> Node:
    roots = [read_result(path) for path in paths]
    for path, root in zip(paths, roots, strict=True):
        if title_key(root.title) != title_key(roots[0].title):
            raise EvaluationError(f"{path} answers another question than {paths[0]}.", "Give runs over the same set.")
    return joined(roots)


def joined(roots: Sequence[Node]) -> Node:
    """One tree with everything that the trees of one question hold; their searches stand side by side.

    Each paper so counts once with its best score, and actions and what the runs spent add up; `score` is over the
    papers of all trees. The answers are those of the first, in the corpus where one of the corpora has them. The ending
    is the worst.
    """
    first = roots[0]
    notes = [notes_of(root) for root in roots]
    child: dict[str, list[Node]] = {}
    for number, root in enumerate(roots, start=1):
        for text, nodes in root.child.items():
            # The same search made by two runs is two actions.
            key = text
            while key in child:
                key = f"{key} ({number})"
            child[key] = nodes
    spent = [note.spent for note in notes]
    merged = msgspec.structs.replace(
        notes[0],
        in_corpus=[any(flags) for flags in _by_answer(first, [note.in_corpus for note in notes])],
        names_in_corpus=[
            list(dict.fromkeys(name for names in of_corpora for name in names))
            for of_corpora in _by_answer(first, [note.names_in_corpus for note in notes])
        ],
        spent=Spent(
            requests=sum(part.requests for part in spent),
            seconds=sum(part.seconds for part in spent),
            prompt_tokens=sum(part.prompt_tokens for part in spent),
            output_tokens=sum(part.output_tokens for part in spent),
            cost=sum(part.cost for part in spent),
        ),
        ending=max((note.ending for note in notes), key=lambda end: _ENDINGS.index(end) if end in _ENDINGS else 0),
        message=" ".join(dict.fromkeys(note.message for note in notes if note.message)),
    )
    extra = {**first.extra, EXTRA: msgspec.to_builtins(merged)}
    return msgspec.structs.replace(first, child=child, extra=extra)


def _by_answer(root: Node, lists: Sequence[Sequence[Value]]) -> list[tuple[Value, ...]]:
    """What each run that says something of the root's answers says of each."""
    answers = len(root.extra.get("answer", ()))
    return list(zip(*(values for values in lists if values and len(values) == answers), strict=True))
