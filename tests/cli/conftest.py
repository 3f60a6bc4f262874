import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths

TOPICS = ("dense retrieval", "tool use", "reward models", "web agents")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.default({"PASA_TUI_HOME": str(tmp_path / "home")})


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands search corpora alone, unless a test says otherwise."""
    monkeypatch.setenv("PASA_TUI_SEARCH__SOURCES", "corpus")


@pytest.fixture
def invoke(paths: Paths) -> Callable[..., Result]:
    """Run `pasa-tui` with these words in a home of its own."""

    def run(*words: str, text: str | None = None) -> Result:
        return CliRunner().invoke(cli, words, obj=Context(paths), input=text)

    return run


def write_corpus(folder: Path, *, extra: Sequence[dict[str, object]] = ()) -> tuple[Path, Path]:
    """Twenty invented papers, five to a topic; the first of each topic cites the others in two sections."""
    papers = [
        {
            "id": f"arxiv:2001.{number:05d}",
            "title": f"{TOPICS[number // 5].title()} in the style of school {number}",
            "abstract": f"We study {TOPICS[number // 5]} and report what changes with the size of setting {number}.",
            "authors": [f"Ada Author{number}", "Bo Beta"],
            "date": f"2020-0{1 + number % 9}-15",
            "categories": ["cs.IR"],
        }
        for number in range(20)
    ]
    citations = [
        {
            "id": f"arxiv:2001.{first:05d}",
            "sections": {
                "Introduction": [f"arxiv:2001.{first + 1:05d}"],
                "Related Work": [f"arxiv:2001.{first + k:05d}" for k in (2, 3, 4)],
            },
        }
        for first in (0, 5, 10, 15)
    ]
    files = folder / "papers.jsonl", folder / "citations.jsonl"
    for path, rows in zip(files, ([*papers, *extra], citations), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return files


@pytest.fixture
def small(invoke: Callable[..., Result], tmp_path: Path) -> str:
    """The name of a corpus built from `write_corpus`, with one hostile paper."""
    hostile = {
        "id": "arxiv:2002.00001",
        "title": "Dense retrieval [red]of[/red] \x1b[31m100% \\input{x} {braces\u202e",
        "abstract": "Dense retrieval with $ and \x1b]0;title\x07 inside.",
        "date": "2020-02-02",
    }
    papers, citations = write_corpus(tmp_path, extra=[hostile])
    done = invoke("corpus", "build", "small", "--papers", str(papers), "--citations", str(citations))
    assert done.exit_code == 0, done.output
    return "small"
