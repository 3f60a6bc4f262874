"""`pasa-tui export`: which papers, in which format, where to; and the records that the screen exports too."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import ExportError, LibraryError
from pasa_tui.export.formats import FORMATS
from pasa_tui.library import Library
from pasa_tui.records import records_of

Invoke = Callable[..., Result]


@pytest.fixture
def searched(invoke: Invoke, small: str, paths: Paths) -> Library:
    """The library after one search, number 1, with a star, two tags, a note and a rejection."""
    done = invoke("search", "papers on dense retrieval", "--sources", "corpus", "--corpus", small, "--quiet")
    assert done.exit_code == 0, done.output
    library = Library(paths.library_file)
    first, second, *_ = (record.paper.id for record in records_of(library, 1, "all"))
    library.set_star(second, True)
    library.set_tags(first, ["to read", "survey"])
    library.set_tags(second, ["survey"])
    library.set_note(first, "Mine.")
    return library


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_records_have_what_search_and_user_said(searched: Library) -> None:
    records = records_of(searched, 1, "all")
    first = records[0]
    assert (first.tags, first.note, first.starred) == (("survey", "to read"), "Mine.", False)
    assert first.found_by.startswith("found by search “") and first.score is not None
    assert [record.score for record in records] == sorted((record.score or 0 for record in records), reverse=True)
    assert [record.paper.id for record in records_of(searched, 1, "starred")] == [records[1].paper.id]
    assert records_of(searched, 1, "tagged") == records[:2]
    assert records_of(searched, 1, "all", "to read") == records[:1]
    assert records_of(searched, 1, "starred", "to read") == []


def test_what_the_user_rejected_is_not_selected(searched: Library) -> None:
    selected = records_of(searched, 1, "selected")
    assert selected
    searched.set_rejected(selected[0].paper.id, True)
    assert records_of(searched, 1, "selected") == selected[1:]
    assert not records_of(searched, 1, "all")[0].selected


def test_an_unknown_search(searched: Library) -> None:
    with pytest.raises(LibraryError):
        records_of(searched, 7)


def test_which_papers(invoke: Invoke, searched: Library) -> None:
    def count(*words: str) -> int:
        return len(lines(invoke("export", "1", "--format", "jsonl", *words)))

    everything = len(records_of(searched, 1, "all"))
    assert count("--only", "all") == everything > 2
    assert count() == count("--only", "selected") == len(records_of(searched, 1, "selected"))
    assert (count("--only", "starred"), count("--only", "tagged"), count("--tag", "to read")) == (1, 2, 1)
    assert (count("--only", "starred", "--tag", "survey"), count("--tag", "none")) == (1, 0)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_goes_to_stdout_and_to_a_file(
    invoke: Invoke, searched: Library, tmp_path: Path, name: str
) -> None:
    done = invoke("export", "1", "--only", "all", "--format", name)
    assert done.exit_code == 0 and done.stdout.endswith("\n")
    target = tmp_path / "papers.out"
    filed = invoke("export", "1", "--only", "all", "--format", name, "-o", str(target))
    assert filed.stdout == "" and f"as {FORMATS[name].label}" in filed.stderr
    assert target.read_bytes() == done.stdout_bytes


@pytest.mark.parametrize(
    ("file", "begins"), [("a.bib", "@"), ("a.ris", "TY  - "), ("a.json", "["), ("a.csv", "\ufeffscore,"),
                         ("a.md", "1. **"), ("a.jsonl", '{"id"'), ("a.txt", "@")],
)  # fmt: skip
def test_the_suffix_tells_the_format(invoke: Invoke, searched: Library, tmp_path: Path, file: str, begins: str) -> None:
    assert invoke("export", "1", "--only", "all", "-o", str(tmp_path / file)).exit_code == 0
    assert (tmp_path / file).read_text(encoding="utf-8").startswith(begins)


def test_a_file_is_replaced_only_when_asked(invoke: Invoke, searched: Library, tmp_path: Path) -> None:
    target = tmp_path / "a.ris"
    target.write_text("mine")
    assert isinstance(invoke("export", "1", "-o", str(target)).exception, ExportError)
    assert target.read_text() == "mine"
    assert invoke("export", "1", "--only", "all", "-o", str(target), "--overwrite").exit_code == 0
    assert target.read_text().startswith("TY  - ")
