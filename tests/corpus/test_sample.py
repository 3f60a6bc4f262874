import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.corpus import available, open_corpus, remove_corpus
from pasa_tui.corpus.build import build_corpus
from pasa_tui.errors import CorpusError
from pasa_tui.papers import PaperId
from tests.corpus.conftest import CITATIONS, PAPERS, json_lines


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    json_lines(folder / "papers.jsonl", PAPERS)
    json_lines(folder / "citations.jsonl", CITATIONS)
    monkeypatch.setattr("pasa_tui.corpus.shipped_dir", lambda name: folder)
    return folder


def test_the_sample_is_there_without_any_step_before(shipped: Path, paths: Paths) -> None:
    with open_corpus("sample", paths) as corpus:
        first = corpus.info
        assert corpus.num_papers == len(PAPERS) and corpus.cited_by(PaperId("arxiv:2101.00001"))
    assert not paths.corpora_dir.exists()
    assert available(paths) == [first]
    assert open_corpus("sample", paths).info == first


def test_it_is_built_again_when_the_shipped_files_change_or_the_cache_is_cleared(shipped: Path, paths: Paths) -> None:
    first = open_corpus("sample", paths).info
    json_lines(shipped / "papers.jsonl", PAPERS[:3])
    assert open_corpus("sample", paths).num_papers == 3
    folder = paths.cache_dir / "corpora" / "sample"
    assert len(list(folder.glob("build-*"))) == 1
    next(folder.glob("build-*/papers.db")).unlink()
    again = open_corpus("sample", paths)
    assert again.num_papers == 3 and again.info.folder != first.folder


def test_several_may_open_it_at_once(shipped: Path, paths: Paths) -> None:
    with ThreadPoolExecutor(8) as pool:
        infos = list(pool.map(lambda _: open_corpus("sample", paths).info, range(8)))
    assert len(set(infos)) == 1


def test_its_name_is_taken_and_it_stays(shipped: Path, paths: Paths) -> None:
    with pytest.raises(CorpusError, match="ships with pasa-tui"):
        remove_corpus("sample", paths)
    with pytest.raises(CorpusError, match="ships with pasa-tui"):
        build_corpus(paths, "sample", papers=shipped / "papers.jsonl", replace=True)


def test_an_installation_without_it_says_so(shipped: Path, paths: Paths) -> None:
    (shipped / "citations.jsonl").unlink()
    with pytest.raises(CorpusError, match="missing from this installation"):
        open_corpus("sample", paths)
    assert available(paths) == []


def test_400_papers_are_built_within_a_second(shipped: Path, paths: Paths) -> None:
    rows = [
        {"id": f"arxiv:2001.{number:05d}", "title": f"Paper {number}", "abstract": "words of an abstract " * 60}
        for number in range(400)
    ]
    json_lines(shipped / "papers.jsonl", rows)
    json_lines(shipped / "citations.jsonl", [{"id": row["id"], "sections": {"One": [rows[0]["id"]]}} for row in rows])
    seconds = []
    for _ in range(3):
        began = time.process_time()
        open_corpus("sample", paths).close()
        seconds.append(time.process_time() - began)
    assert seconds[0] < 1 and min(seconds[1:]) < 0.2


def test_what_is_built_is_private(shipped: Path, paths: Paths) -> None:
    open_corpus("sample", paths).close()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths.cache_dir.rglob("*")}
    assert modes and all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
