import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.corpus.build import build_corpus
from pasa_tui.corpus.corpus import Corpus

Record = Mapping[str, object]

PAPERS: list[Record] = [
    {
        "id": "arxiv:2101.00001",
        "title": "Lanterns for Sparse Retrieval",
        "abstract": "We light the path of sparse retrieval with learned term weights.",
        "date": "2021-01-05",
        "authors": ["Ida Quill", "Tomas Berg"],
        "categories": ["cs.IR", "cs.CL"],
        "doi": "10.5555/lantern.1",
        "venue": "Journal of Lanterns",
    },
    {
        "id": "venue:tidal-agents",
        "title": "Tidal Agents: Planning with Moving Goals",
        "summary": "Agents replan when the tide of goals moves.",
        "date": "2022-06-30",
        "authors": ["Noor Haddad"],
    },
    {"id": "arxiv:2303.00003", "title": "Kelp2 Technical Report", "abstract": "Kelp is a model.", "date": "2023-03-03"},
    {"id": "local:undated", "title": "An Undated Note on Retrieval", "abstract": "Nobody wrote down when."},
    {"id": "local:beacon", "title": "Beacon", "abstract": "A short title.", "date": "2020-05", "authors": ["Ana Ruiz"]},
]
CITATIONS: list[Record] = [
    {
        "id": "venue:tidal-agents",
        "sections": {
            "1 Introduction": ["arxiv:2101.00001", "s2:nowhere", "arxiv:1999.99999"],
            "2 Related  Work": ["2101.00001v3", "arxiv:2303.00003"],
            "2 Related Work": ["arxiv:2303.00003", "local:beacon"],
            "3 Empty": [],
        },
    },
    {"id": "arxiv:2303.00003", "sections": {"Background": ["https://doi.org/10.5555/LANTERN.1"]}},
]


def json_lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.default({"PASA_TUI_HOME": str(tmp_path / "home")})


@pytest.fixture
def make(paths: Paths, tmp_path: Path) -> Callable[..., Corpus]:
    """Build a corpus called `small` from records and open it."""

    def build(papers: Iterable[Record], citations: Iterable[Record] = (), *, replace: bool = False) -> Corpus:
        cited = list(citations)
        build_corpus(
            paths,
            "small",
            papers=json_lines(tmp_path / "papers.jsonl", papers),
            citations=json_lines(tmp_path / "citations.jsonl", cited) if cited else None,
            replace=replace,
        )
        return open_corpus("small", paths)

    return build


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The records above as a corpus that no test changes."""
    folder = tmp_path_factory.mktemp("reference")
    paths = Paths.default({"PASA_TUI_HOME": str(folder / "home")})
    files = json_lines(folder / "papers.jsonl", PAPERS), json_lines(folder / "citations.jsonl", CITATIONS)
    build_corpus(paths, "reference", papers=files[0], citations=files[1])
    return open_corpus("reference", paths)


@pytest.fixture
def small(make: Callable[..., Corpus]) -> Corpus:
    return make(PAPERS, CITATIONS)
