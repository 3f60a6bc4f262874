import bz2
import gzip
import json
import lzma
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.corpus import available, open_corpus, remove_corpus
from pasa_tui.corpus.build import PROGRESS_EVERY, build_corpus
from pasa_tui.corpus.corpus import Corpus
from pasa_tui.corpus.lines import Progress
from pasa_tui.corpus.records import paper_reader
from pasa_tui.corpus.shelf import Shelf
from pasa_tui.errors import CorpusError
from pasa_tui.papers import PaperId
from tests.corpus.conftest import CITATIONS, PAPERS, json_lines

MANY = [
    {"id": f"arxiv:2001.{number:05d}", "title": f"Paper {number}", "abstract": "text " * 60} for number in range(1500)
]


def builds(paths: Paths, name: str = "small") -> list[Path]:
    """The folders that builds have left."""
    return list((paths.corpora_dir / name).glob("build-*"))


def zipped(content: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", content)
    return path.read_bytes()


def test_records_become_papers(small: Corpus) -> None:
    lantern = small.get(PaperId("arxiv:2101.00001"))
    assert lantern is not None
    assert (lantern.doi, lantern.venue, lantern.categories) == (
        "10.5555/lantern.1",
        "Journal of Lanterns",
        ("cs.IR", "cs.CL"),
    )
    assert lantern.authors == ("Ida Quill", "Tomas Berg") and lantern.date == date(2021, 1, 5)
    assert lantern.abstract_kind == "abstract"
    tidal = small.get(PaperId("venue:tidal-agents"))
    assert tidal is not None and tidal.id == "title:tidalagentsplanningwithmovinggoals"
    assert (tidal.abstract_kind, tidal.abstract) == ("summary", "Agents replan when the tide of goals moves.")
    beacon = small.get(PaperId("local:beacon"))
    assert beacon is not None and beacon.date == date(2020, 5, 15)
    assert small.get(PaperId("arxiv:2101.99999")) is None
    info = small.info
    assert (info.papers, info.citing_papers, info.citations) == (5, 2, 7)
    assert (info.dated_from, info.dated_to) == (date(2020, 5, 15), date(2023, 3, 3))
    assert info.sources == ("papers.jsonl", "citations.jsonl")


@pytest.mark.parametrize("kind", ["plain", "gzip", "xz", "bzip2", "zip"])
def test_compression_is_told_by_content(paths: Paths, tmp_path: Path, kind: str) -> None:
    content = "\n\n".join(json.dumps(record) for record in PAPERS).encode()
    compress: dict[str, Callable[[bytes], bytes]] = {
        "plain": lambda data: b"\xef\xbb\xbf" + data,
        "gzip": gzip.compress,
        "xz": lzma.compress,
        "bzip2": bz2.compress,
        "zip": lambda data: zipped(data, tmp_path / "made.zip"),
    }
    file = tmp_path / "papers.dat"
    file.write_bytes(compress[kind](content))
    assert build_corpus(paths, "small", papers=file).info.papers == len(PAPERS)


def test_bad_records_are_counted_and_the_rest_is_kept(paths: Paths, tmp_path: Path) -> None:
    lines = [
        '{"id": "a:1", "title": "A fine paper", "date": "2020-01-01"}',
        "{not json",
        '{"id": "a:2", "abstract": "no title"}',
        '{"id": "a:3", "title": "  \\u001b[31m "}',
        '{"id": "a:4", "title": 7}',
        '{"id": "arxiv:2105.00001", "title": "A paper of the 32nd", "date": "2021-05-32"}',
        "[1, 2]",
        "{" * 5,
        '{"id": "a:1", "title": "A Fine Paper!"}',
        '{"id": "a:5", "title": "' + "[" * 2000 + '", "deep": ' + "[" * 100_000 + "}",
    ]
    papers = tmp_path / "papers.jsonl"
    papers.write_text("\n".join(lines), encoding="utf-8")
    citations = json_lines(
        tmp_path / "citations.jsonl",
        [
            {"id": "a:1", "sections": {"One": ["arxiv:2105.00001"]}},
            {"id": "a:1", "sections": {"Two": ["arxiv:2105.00001"]}},
            {"id": "a:missing", "sections": {"One": ["a:1"]}},
            {"id": "a:1", "sections": {"One": "a:1"}},
        ],
    )
    report = build_corpus(paths, "small", papers=papers, citations=citations)
    assert (report.info.papers, report.duplicates, report.info.citations) == (2, 1, 1)
    found = {(problem.file, problem.kind): problem for problem in report.problems}
    not_json = found["papers.jsonl", "not JSON"]
    assert (not_json.count, not_json.places) == (3, ["line 2", "line 8", "line 10"])
    assert {kind for _, kind in found} == {
        "not JSON",
        "no title",
        "Object missing required field title",
        "Expected str, got int - at $.title",
        "Expected object, got array",
        "bad date (paper kept, taken as undated or from its arXiv id)",
        "citing paper was given before",
        "citing paper is not in the papers",
        "Expected array, got str - at $.sections[...]",
    }
    with open_corpus("small", paths) as corpus:
        kept = corpus.get(PaperId("arxiv:2105.00001"))
    assert kept is not None and kept.date == date(2021, 5, 15)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "it is blank"),
        (bytes(range(256)) * 50, "no usable record (line 1: not JSON)"),
        (b"id,title\n1,Something\n", "no usable record (line 1: not JSON)"),
        (b"<!doctype html><title>Not found</title>", "no usable record (line 1: not JSON)"),
        (b'[{"id": "a:1", "title": "In an array"}]', "no usable record (line 1: Expected object, got array)"),
        (b"nothing\n" * 1000 + b'{"id": "a:1", "title": "Too late"}\n', "no usable record"),
        (gzip.compress(b'{"id": "a:1", "title": "Cut off"}\n' * 5000)[:-20], "cut off or damaged after line"),
        (lzma.compress(b'{"id": "a:1", "title": "Cut off"}\n' * 5000)[:-40], "cut off or damaged after line"),
        (b"PK\x03\x04 this is no zip file", "cut off or damaged after line 0"),
    ],
    # Names of their own: the contents are binary, and compressed ones differ from run to run.
    ids=["empty", "blank", "binary", "csv", "html", "array", "late", "cut-gzip", "cut-xz", "no-zip"],
)
def test_a_file_of_another_kind_is_refused_and_the_old_corpus_stays(
    small: Corpus, paths: Paths, tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "other.bin"
    file.write_bytes(content)
    with pytest.raises(CorpusError) as raised:
        build_corpus(paths, "small", papers=file, replace=True)
    assert says in raised.value.message and "other.bin" in raised.value.message and raised.value.hint
    with open_corpus("small", paths) as corpus:
        assert corpus.info == small.info
    assert len(builds(paths)) == 1


def test_what_is_no_file_is_refused(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no file"):
        build_corpus(paths, "small", papers=tmp_path / "missing.jsonl")
    with pytest.raises(CorpusError, match="is a folder"):
        build_corpus(paths, "small", papers=tmp_path)
    assert not (paths.corpora_dir / "small").exists()


def test_lines_of_any_length_pass_by_in_bounded_memory(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasa_tui.corpus.lines.MAX_LINE", 1000)
    rows = [{"id": "a:1", "title": "x" * 5000}, {"id": "a:2", "title": "A short one"}, {"title": "y" * 970}]
    report = build_corpus(paths, "small", papers=json_lines(tmp_path / "papers.jsonl", rows))
    assert [str(problem) for problem in report.problems] == ["papers.jsonl: 1 × line too long (line 1)"]
    assert report.info.papers == 2


def test_records_of_the_same_paper_are_one_under_all_their_names(make: Callable[..., Corpus]) -> None:
    corpus = make(
        [
            {"id": "arxiv:2101.00001v1", "title": "First", "abstract": "kept"},
            {"id": "arxiv:2101.00001v2", "title": "First, revised", "abstract": "dropped"},
            {"id": "local:x", "title": "Second", "doi": "10.48550/arXiv.2101.00001"},
        ]
    )
    assert corpus.num_papers == corpus.info.papers == 1
    paper = corpus.get(PaperId("local:x"))
    assert paper is not None and (paper.abstract, paper.id) == ("kept", "arxiv:2101.00001")


def test_interruption_leaves_the_old_corpus_and_nothing_else(small: Corpus, paths: Paths, tmp_path: Path) -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.records >= 2 * PROGRESS_EVERY - 1:
            raise KeyboardInterrupt

    many = json_lines(tmp_path / "many.jsonl", MANY)
    for name, folders in (("small", 1), ("new", 0)):
        with pytest.raises(KeyboardInterrupt):
            build_corpus(paths, name, papers=many, replace=True, progress=interrupt)
        assert len(builds(paths, name)) == folders
    assert [info.name for info in available(paths) if info.name != "sample"] == ["small"]
    assert seen[0].file == "many.jsonl" and 0 < seen[0].read <= seen[0].total == many.stat().st_size
    with open_corpus("small", paths) as corpus:
        assert corpus.info == small.info


async def test_who_has_the_old_corpus_open_keeps_it(small: Corpus, make: Callable[..., Corpus], paths: Paths) -> None:
    new = make(MANY, replace=True)
    assert new.num_papers == len(MANY)
    assert len(builds(paths)) == 1
    found = await small.search("sparse retrieval", limit=5, before=None)
    assert [paper.id for paper in found] == ["arxiv:2101.00001", "title:anundatednoteonretrieval"]
    assert await small.read(found[0]) == []
    remove_corpus("small", paths)
    assert await new.search("paper", limit=1, before=None)


def test_an_existing_corpus_is_replaced_only_on_demand(small: Corpus, paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is a corpus 'small' already"):
        build_corpus(paths, "small", papers=tmp_path / "papers.jsonl")


def test_left_overs_of_killed_builds_go_and_running_builds_stay(paths: Paths, tmp_path: Path) -> None:
    shelf = Shelf(paths.corpora_dir)
    for name in ("killed", "running"):
        folder = paths.corpora_dir / name / "build-00000000"
        folder.mkdir(parents=True)
        (folder / "papers.db").write_bytes(b"half")
    papers = json_lines(tmp_path / "papers.jsonl", PAPERS)
    with shelf.lock("running"):
        build_corpus(paths, "small", papers=papers)
        with pytest.raises(CorpusError, match="Another process is building or removing 'running'"):
            build_corpus(paths, "running", papers=papers)
    assert not (paths.corpora_dir / "killed").exists()
    assert builds(paths, "running")
    build_corpus(paths, "running", papers=papers)
    assert len(builds(paths, "running")) == 1


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(paths: Paths, tmp_path: Path) -> None:
    # A limit on the size of files stands in for the disk: writes beyond it fail in the tables or in the index.
    script = """
import resource, signal, sys
from pathlib import Path
from pasa_tui.config import Paths
from pasa_tui.corpus.build import build_corpus
from pasa_tui.errors import CorpusError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    build_corpus(Paths.default({"PASA_TUI_HOME": sys.argv[1]}), "small", papers=Path(sys.argv[2]))
except CorpusError as error:
    print(error)
"""
    papers = json_lines(tmp_path / "many.jsonl", MANY)
    home = paths.data_dir.parent
    for limit in (2_000, 50_000):
        done = subprocess.run(
            [sys.executable, "-c", script, str(home), str(papers), str(limit)], capture_output=True, text=True
        )
        assert (done.returncode, "can't be written" in done.stdout) == (0, True), done.stdout + done.stderr
        assert not (paths.corpora_dir / "small").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "-x", ".hidden", "a b", "ä", "x" * 65, "a\x1b[31m"])
def test_names_are_plain(paths: Paths, tmp_path: Path, name: str) -> None:
    for attempt in (
        lambda: build_corpus(paths, name, papers=tmp_path / "papers.jsonl"),
        lambda: remove_corpus(name, paths),
    ):
        with pytest.raises(CorpusError, match="can't name a corpus"):
            attempt()
    with pytest.raises(CorpusError, match="There is no corpus"):
        open_corpus(name, paths)


def test_unknown_other_format_and_damaged_corpora_say_what_to_do(small: Corpus, paths: Paths) -> None:
    with pytest.raises(CorpusError) as raised:
        open_corpus("smal", paths)
    assert "Did you mean 'small'?" in raised.value.hint and "sample, small" in raised.value.hint
    file = paths.corpora_dir / "small" / "corpus.json"
    content = json.loads(file.read_text())
    for damage, says in (
        (json.dumps({**content, "version": 99}), "a newer pasa-tui"),
        (json.dumps({**content, "version": 0}), "an older pasa-tui"),
        (json.dumps({**content, "papers": "five"}), "is damaged"),
        ("{", "is damaged"),
    ):
        file.write_text(damage)
        with pytest.raises(CorpusError, match=says) as raised:
            open_corpus("small", paths)
        assert "--replace" in raised.value.hint
        assert "small" not in [info.name for info in available(paths)]
    file.write_text(json.dumps(content))
    (builds(paths)[0] / "papers.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorpusError, match="can't be opened"):
        open_corpus("small", paths)
    remove_corpus("small", paths)
    assert not (paths.corpora_dir / "small").exists()


def test_citations_that_name_no_record_id_are_kept(make: Callable[..., Corpus]) -> None:
    assert make(PAPERS, [{"id": "local:beacon", "sections": {"": [7, "arxiv:2303.00003"]}}]).info.citations == 2
    assert make(PAPERS, CITATIONS, replace=True).info.citations == 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-01-31", date(2024, 1, 31)),
        ("2024-01-31T10:00:00Z", date(2024, 1, 31)),
        ("20240131", date(2024, 1, 31)),
        (20240131, date(2024, 1, 31)),
        ("2024-02", date(2024, 2, 15)),
        (2024, date(2024, 7, 1)),
        ("", None),
        (None, None),
        ("2024-13-01", None),
        ("soon", None),
    ],
)
def test_dates_are_days_months_or_years(given: str | int | None, expected: date | None) -> None:
    record = json.dumps({"id": "a:1", "title": "Dated", "date": given}).encode()
    assert paper_reader()(record).paper.date == expected
