"""`data fetch` from a loopback hub, and `data check` over whole and broken files."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.errors import EvaluationError, ModelError
from pasa_tui.evaluation.data import BENCHMARKS, PARTS, REPOSITORY, files_of
from pasa_tui.evaluation.queries import NAMED_SETS
from tests.models.hub_server import Fault, HubServer

Invoke = Callable[..., Result]


def query(number: int, **changes: object) -> dict[str, object]:
    return {
        "question": f"Which papers study topic {number}?",
        "answer": [f"Topic Number {chr(65 + number)}"],
        "answer_arxiv_id": [f"2101.0000{number}"],
        "source_meta": {"published_time": "20240101"},
        "qid": f"q{number}",
        **changes,
    }


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


SETS = {path: lines(*(query(number) for number in range(8))) for path in NAMED_SETS.values()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    server = HubServer()
    server.repositories[REPOSITORY] = {**SETS, "README.md": b"# data", "../evil.jsonl": b"{}"}
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield server
    server.close()


def test_the_benchmarks_are_fetched_checked_and_not_fetched_twice(
    hub: HubServer, invoke: Invoke, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    result = invoke("data", "fetch", "--to", str(to))
    assert result.exit_code == 0, result.output
    for name in BENCHMARKS:
        assert (to / NAMED_SETS[name]).read_bytes() == SETS[NAMED_SETS[name]]
    assert not (to / NAMED_SETS["autoscholar-train"]).exists() and not (tmp_path / "evil.jsonl").exists()
    hub.requests.clear()
    assert invoke("data", "fetch", "--to", str(to)).exit_code == 0
    assert not hub.content_requests("test.jsonl")
    assert invoke("data", "fetch", "autoscholar-train", "--to", str(to)).exit_code == 0
    found = {
        row["file"]: row for row in json.loads(invoke("data", "check", "--to", str(to), "--format", "json").stdout)
    }
    assert all(found[path]["status"] == "ok" for path in SETS)
    assert found["paper_database/cs_paper_2nd.zip"]["status"] == "missing"


def test_a_fetch_that_broke_off_goes_on_and_a_wrong_checksum_is_fetched_again(
    hub: HubServer, invoke: Invoke, tmp_path: Path
) -> None:
    hub.faults["dev.jsonl"] = [Fault(cut=100), Fault(body=b"x" * len(SETS[NAMED_SETS["autoscholar-dev"]]))]
    result = invoke("data", "fetch", "autoscholar-dev", "--to", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert (tmp_path / NAMED_SETS["autoscholar-dev"]).read_bytes() == SETS[NAMED_SETS["autoscholar-dev"]]


def test_data_behind_terms_says_how_to_get_it(hub: HubServer, invoke: Invoke, tmp_path: Path) -> None:
    hub.gated.add(REPOSITORY)
    error = invoke("data", "fetch", "--to", str(tmp_path)).exception
    assert isinstance(error, ModelError) and "HF_TOKEN" in error.hint


def test_what_is_not_there_is_said(hub: HubServer, invoke: Invoke, tmp_path: Path) -> None:
    error = invoke("data", "fetch", "sft-crawler", "--to", str(tmp_path)).exception
    assert isinstance(error, ModelError) and "sft_crawler/train.jsonl" in error.message
    for words in (("fetch", "nothing"), ("check", "nothing")):
        assert isinstance(invoke("data", *words, "--to", str(tmp_path)).exception, EvaluationError)


def test_parts_have_files() -> None:
    assert files_of(["all"]) == [file for files in PARTS.values() for file in files]
    assert files_of([]) == [NAMED_SETS[name] for name in BENCHMARKS]
    assert files_of(["realscholar", "realscholar"]) == ["RealScholarQuery/test.jsonl"]


def put(folder: Path, file: str, content: bytes) -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(content)


def checked(invoke: Invoke, folder: Path, *names: str) -> tuple[int, dict[str, dict[str, object]]]:
    result = invoke("data", "check", *names, "--to", str(folder), "--format", "json")
    return result.exit_code, {row["file"]: row for row in json.loads(result.stdout)}


def test_broken_lines_are_named_and_odd_ones_told(invoke: Invoke, tmp_path: Path) -> None:
    file = NAMED_SETS["autoscholar-dev"]
    content = (
        lines(query(1))
        + b"{ no json\n"
        + b"\xff\xfe\n"
        + lines(
            query(2, answer=[], answer_arxiv_id=[]), query(1), query(3, source_meta={}), query(4, answer_arxiv_id=["?"])
        )
    )
    put(tmp_path, file, content)
    code, found = checked(invoke, tmp_path, "autoscholar-dev")
    assert code == 1 and found[file]["status"] == "broken"
    assert found[file]["holds"] == {"questions": 5, "answers": 4}
    assert found[file]["faults"] == [
        "no query: lines 2, 3",
        "without an answer: line 4",
        "without published_time: line 6",
        "an answer without an arXiv id that can be read: line 7",
        "the question of an earlier line: line 5",
    ]
    text = invoke("data", "check", "autoscholar-dev", "--to", str(tmp_path))
    assert "broken" in text.stdout and "no query: lines 2, 3" in text.stdout


def archive(path: Path, papers: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in papers.items():
            opened.writestr(name, content)


def test_the_paper_database_is_read_whole_and_bombs_are_not_unpacked(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasa_tui.evaluation.data_checks._LARGEST_ENTRY", 100_000)
    good = {f"topicnumber{letter}": json.dumps({"title": f"Topic Number {letter.upper()}"}).encode() for letter in "ab"}
    place = tmp_path / "paper_database" / "cs_paper_2nd.zip"
    archive(place, {**good, "bomb": b" " * 5_000_000, "list": b"[]", "text": b"no json"})
    put(tmp_path, "paper_database/id2paper.json", json.dumps({"2101.00002": "Topic Number C", "odd": "x"}).encode())
    code, found = checked(invoke, tmp_path, "paper-database")
    assert code == 1
    assert found["paper_database/cs_paper_2nd.zip"]["holds"] == {"papers": 5}
    (fault,) = found["paper_database/cs_paper_2nd.zip"]["faults"]  # type: ignore[misc]
    assert fault == "3 entries hold no paper: 'bomb', 'list', 'text'"
    assert found["paper_database/id2paper.json"]["faults"] == ["1 ids are no arXiv ids"]
    place.write_bytes(place.read_bytes()[:-40])
    _, found = checked(invoke, tmp_path, "paper-database")
    assert "no zip archive" in str(found["paper_database/cs_paper_2nd.zip"]["faults"])


def test_how_many_answers_of_realscholar_the_database_has_is_counted(invoke: Invoke, tmp_path: Path) -> None:
    put(tmp_path, NAMED_SETS["realscholar"], lines(*(query(number) for number in range(4))))
    archive(
        tmp_path / "paper_database" / "cs_paper_2nd.zip",
        {name: json.dumps({"title": name}).encode() for name in ("topicnumberb", "topicnumberd", "another")},
    )
    put(tmp_path, "paper_database/id2paper.json", json.dumps({"2101.00002": "Another"}).encode())
    code, found = checked(invoke, tmp_path)
    assert code == 0
    assert found[NAMED_SETS["realscholar"]]["holds"] == {
        "questions": 4,
        "answers": 4,
        "answers in the paper database": 3,
    }


@pytest.mark.parametrize("content", [b"", b"<html>login</html>\n", b"\n\n"])
def test_files_that_hold_nothing_are_broken(invoke: Invoke, tmp_path: Path, content: bytes) -> None:
    for file in ("sft_crawler/train.jsonl", NAMED_SETS["realscholar"]):
        put(tmp_path, file, content)
    code, found = checked(invoke, tmp_path, "sft-crawler", "realscholar")
    assert code == 1 and {row["status"] for row in found.values()} == {"broken"}


def test_a_file_of_another_size_than_fetched_is_broken(hub: HubServer, invoke: Invoke, tmp_path: Path) -> None:
    invoke("data", "fetch", "realscholar", "--to", str(tmp_path))
    path = tmp_path / NAMED_SETS["realscholar"]
    path.write_bytes(path.read_bytes() + lines(query(9)))
    code, found = checked(invoke, tmp_path, "realscholar")
    assert code == 1 and "fetch it again" in str(found[NAMED_SETS["realscholar"]]["faults"])
