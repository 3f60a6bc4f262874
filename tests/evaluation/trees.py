"""Result trees and folders for tests of what reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pasa_tui.evaluation.tree import EXTRA, Node, encode_tree

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def name(number: int) -> str:
    """A title of letters only for each number: digits don't tell titles apart."""
    return f"Paper {LETTERS[number // 26 % 26]}{LETTERS[number % 26]}"


def paper(number: int, score: float | None = 0.0, arxiv_id: str = "", **more: Any) -> Node:
    return Node(title=name(number), arxiv_id=arxiv_id, select_score=score, **more)


def tree(
    papers: Sequence[tuple[int, float]],
    answers: Sequence[int],
    *,
    in_corpus: Sequence[bool] = (),
    question: str = "Which papers?",
    search: str = "a search",
    **notes: Any,
) -> Node:
    """A tree of one search, of papers by number and score; answers by number."""
    ours = {"in_corpus": list(in_corpus), **notes}
    return Node(
        title=question,
        child={search: [paper(number, score) for number, score in papers]} if papers else {},
        extra={"answer": [name(number) for number in answers], EXTRA: ours},
    )


def write_folder(
    folder: Path, trees: Mapping[int, Node] | Sequence[Node], run: Mapping[str, Any] | None = None
) -> Path:
    """A result folder with a file a tree, and a run file where `run` is given."""
    folder.mkdir(parents=True, exist_ok=True)
    by_index = trees if isinstance(trees, Mapping) else dict(enumerate(trees))
    for index, root in by_index.items():
        (folder / f"{index}.json").write_bytes(encode_tree(root))
    if run is not None:
        (folder / ".pasa-tui").mkdir(exist_ok=True)
        (folder / ".pasa-tui" / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


def run_file(**changes: Any) -> dict[str, Any]:
    """What our runner writes, in short."""
    return {
        "system": "bm25",
        "queries": "autoscholar-dev",
        "queries_sha256": "ab",
        "corpus": "bench",
        "corpus_key": "20 papers",
        "sources": [],
        "seed": 0,
        "total": 2,
        **changes,
    }
