"""The result tree of one question, as the published agent writes it: a JSON file that its tools and ours both read.

The root stands for the question; its children are what its searches found, those of a paper what its sections cite.
A paper stands where it was met first. What the published layout has no place for lies in the root's extra under
`EXTRA`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from pasa_tui.errors import EvaluationError
from pasa_tui.papers import parse_arxiv_id, title_key

EXTRA = "pasa_tui"
"""The key of the root's extra that holds a `Spent` and what else is ours."""

UNJUDGED = -1.0
"""The select_score of a paper that was not judged."""


class Node(msgspec.Struct):
    """A paper, or at the root the question. `child` maps search texts or section names to what these led to.

    `select_score` is the Selector's probability in [0, 1], `UNJUDGED` without one. `extra` may hold the `date` of a
    paper (YYYY-MM-DD). Files of the published agent have `null` for what is not known.
    """

    title: str = ""
    arxiv_id: str | None = ""
    depth: int | None = 0
    child: dict[str, list["Node"]] = msgspec.field(default_factory=dict)
    abstract: str | None = ""
    sections: Any = ""
    source: str | None = ""
    select_score: float | None = UNJUDGED
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def score(self) -> float:
        """`select_score`, `UNJUDGED` where that is unknown."""
        return UNJUDGED if self.select_score is None else self.select_score

    @property
    def published(self) -> date | None:
        """The date in `extra`, None where there is none."""
        try:
            return date.fromisoformat(str(self.extra.get("date", "")))
        except ValueError:
            return None

    @property
    def keys(self) -> tuple[str, ...]:
        """What may name the same paper elsewhere: its arXiv id first, then its title key."""
        return paper_keys(self.title, self.arxiv_id or None)

    def walk(self) -> Iterator["Node"]:
        """All papers below, breadth first, this node left out."""
        queue = [self]
        for node in queue:
            for nodes in node.child.values():
                queue.extend(nodes)
        yield from queue[1:]


class Spent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer took: requests to services, seconds from question to answer, model tokens, US dollars."""

    requests: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class Notes(msgspec.Struct, omit_defaults=True):
    """What our runner adds to the root's extra.

    `in_corpus` says for each answer whether the corpus that was searched has it, `names_in_corpus` by which of
    `paper_keys` (published title and the corpus's may differ); both are empty where no corpus was.
    `ending` and `message` tell how the search ended; `published` is the day after which no paper counts (YYYY-MM-DD).
    """

    qid: str = ""
    system: str = ""
    published: str = ""
    answer_arxiv_id: list[str | None] = []
    in_corpus: list[bool] = []
    names_in_corpus: list[list[str]] = []
    spent: Spent = Spent()
    ending: str = "done"
    message: str = ""


def paper_keys(title: str, arxiv_id: str | None) -> tuple[str, ...]:
    """The names by which papers are matched: `arxiv:` id where it is known, and the title key where it has letters."""
    parsed = parse_arxiv_id(arxiv_id) if arxiv_id else None
    key = title_key(title)
    return tuple(name for name in (f"arxiv:{parsed}" if parsed else "", f"title:{key}" if key else "") if name)


def notes_of(root: Node) -> Notes:
    """What our runner wrote beside the tree; all defaults for a tree from elsewhere."""
    try:
        return msgspec.convert(root.extra.get(EXTRA, {}), Notes)
    except msgspec.ValidationError:
        return Notes()


def read_tree(path: Path) -> Node:
    """The tree in a file. Raises EvaluationError where it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Node)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise EvaluationError(
            f"{path} is no result tree: {error}.", "Remove it and run again with --resume, or give another folder."
        ) from error


def encode_tree(root: Node) -> bytes:
    """The tree as JSON."""
    return msgspec.json.encode(root)
