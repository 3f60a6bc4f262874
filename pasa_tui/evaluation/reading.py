"""Reading result folders: what their questions are worth, one tree at a time."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.metrics import Judge, Metrics, QueryResult, answers_of, query_result, ranked
from pasa_tui.evaluation.statistics import Curve, curve_of
from pasa_tui.evaluation.tree import Node, notes_of, read_tree
from pasa_tui.papers import clean_text

JUDGES: tuple[Judge, ...] = ("corpus", "all")
CORPUS_KEYS = ("corpus", "corpus_key")
"""What of the run file tells one corpus from another."""
RUN_FILE = Path(".pasa-tui") / "run.json"
"""Where our run file lies in a result folder."""

_RESULT = re.compile(r"(0|[1-9][0-9]{0,8})\.json")


@dataclass(frozen=True, slots=True)
class Run:
    """What a folder says of the run that made it; empty, or None, where it does not. `raw` is the whole run file."""

    system: str = ""
    queries: str = ""
    corpus: str = ""
    sources: tuple[str, ...] = ()
    seed: int | None = None
    total: int | None = None
    raw: Mapping[str, Any] | None = None

    def key(self, *names: str) -> tuple[str, ...]:
        """What the run file has under `names`, to tell whether two runs have the same."""
        return tuple(str((self.raw or {}).get(name, "")) for name in names)


@dataclass(frozen=True, slots=True)
class Results:
    """A result folder as read, or the union of several.

    `queries` and `curves` are in the order of the questions; a question's curves are None for a judge that leaves it no
    answer. `broken` says of each file that is no result tree what is wrong with it.
    """

    name: str
    run: Run
    queries: tuple[QueryResult, ...]
    curves: tuple[Mapping[Judge, Curve | None], ...]
    broken: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Questions whose search failed. They count with what was found before that."""
        return sum(query.ending == "failed" for query in self.queries)

    @property
    def missing(self) -> int | None:
        """Questions of the run that have no result yet, after it was killed say. None where its size is unknown."""
        if self.run.total is None:
            return None
        return max(0, self.run.total - len(self.queries) - len(self.broken))

    @property
    def knows_corpus(self) -> bool:
        """Whether it says which answers the corpus has."""
        return any(query.answers_in_corpus is not None for query in self.queries)

    def judged(self, judge: Judge) -> list[tuple[QueryResult, Metrics]]:
        """The questions that have an answer which counts, with their figures."""
        return [(query, figures) for query in self.queries if (figures := query.metrics[judge]) is not None]


def result_files(folder: Path) -> dict[int, Path]:
    """The result files of a folder by their question. Raises EvaluationError where it is none or has none."""
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError as error:
        raise EvaluationError(f"There is no folder {folder}.", "Give the --output of pasa-tui eval run.") from error
    except NotADirectoryError as error:
        raise EvaluationError(f"{folder} is no folder.", "Give the folder that holds the results.") from error
    except OSError as error:
        raise EvaluationError(f"{folder} can't be read: {error.strerror}.", "Check its permissions.") from error
    found = {int(match[1]): path for path in paths if (match := _RESULT.fullmatch(path.name))}
    if not found:
        raise EvaluationError(
            f"{folder} holds no results.", "They are files 0.json, 1.json, … as pasa-tui eval run writes them."
        )
    return dict(sorted(found.items()))


def read_results(folder: Path, tell: Callable[[int, int], None] | None = None) -> Results:
    """A result folder; `tell` hears how many of how many questions are read.

    Raises EvaluationError where it is none, or all of its results are broken.
    """
    files = result_files(folder)

    def questions() -> Iterator[tuple[int, Callable[[], Node]]]:
        for number, (index, path) in enumerate(files.items(), start=1):
            yield index, partial(read_result, path)
            if tell is not None:
                tell(number, len(files))

    return gather(str(folder), read_run(folder), questions())


def read_result(path: Path) -> Node:
    """The tree in a result file. Raises EvaluationError where it is none."""
    root = read_tree(path)
    if not isinstance(root.extra.get("answer", []), list):
        raise EvaluationError(f"{path} is no result tree: its answers are no list.", "Remove it and run again.")
    return root


def read_run(folder: Path) -> Run:
    """What the run file says. All unknown without one, as in folders of the published agent, or in a damaged one."""
    try:
        raw = json.loads((folder / RUN_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return Run()
    if not isinstance(raw, dict):
        return Run()
    sources = raw.get("sources")
    return Run(
        system=_text(raw.get("system")),
        queries=_text(raw.get("queries")),
        corpus=_text(raw.get("corpus")),
        sources=tuple(map(_text, sources)) if isinstance(sources, list) else (),
        seed=_number(raw.get("seed")),
        total=_number(raw.get("total")),
        raw=raw,
    )


def gather(
    name: str, run: Run, questions: Iterable[tuple[int, Callable[[], Node]]], remarks: Sequence[str] = ()
) -> Results:
    """The results of questions, each with what loads its tree; one tree is in memory at a time.

    Raises EvaluationError where none can be loaded.
    """
    queries: list[QueryResult] = []
    curves: list[Mapping[Judge, Curve | None]] = []
    broken: list[str] = []
    system = ""
    for index, load in questions:
        try:
            root = load()
        except EvaluationError as error:
            broken.append(error.message)
            continue
        system = system or notes_of(root).system
        papers = ranked(root)
        queries.append(query_result(index, root, papers))
        answers = {judge: answers_of(root, judge) for judge in JUDGES}
        curves.append({judge: curve_of(papers, answers[judge]) if answers[judge] else None for judge in JUDGES})
    if not queries:
        raise EvaluationError(f"No result in {name} can be read: {broken[0]}", "Give another folder.")
    if not run.system and system:
        run = replace(run, system=clean_text(system))
    return Results(name, run, tuple(queries), tuple(curves), tuple(broken), tuple(remarks))


def default_judge(folders: Sequence[Results]) -> Judge:
    """Answers in the corpus where all folders say what those are and have searched the same corpus, else all."""
    corpora = {folder.run.key(*CORPUS_KEYS) for folder in folders}
    return "corpus" if all(folder.knows_corpus for folder in folders) and len(corpora) == 1 else "all"


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
