"""`pasa-tui library` and what it prints."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import LibraryError
from pasa_tui.library import Library
from tests.helpers import paper
from tests.library.builders import kept

Invoke = Callable[..., Result]


@pytest.fixture
def filled(paths: Paths) -> Library:
    library = Library.open(paths.library_file)
    kept(library, 1, 2, 3)
    library.set_star(paper(1).id, True)
    library.set_tags(paper(2).id, ["to read"])
    library.set_note(paper(1).id, "a note")
    return library


def test_papers_are_found_by_words_tag_and_star(invoke: Invoke, filled: Library) -> None:
    assert "Paper number 1" in invoke("library", "search", "number 1").stdout
    found = invoke("library", "search", "--tag", "to read").stdout
    assert "Paper number 2" in found and "#to read" in found and "number 1" not in found
    rows = json.loads(invoke("library", "search", "--starred", "--format", "json").stdout)
    assert [row["id"] for row in rows] == [paper(1).id] and rows[0]["starred"] is True
    nothing = invoke("library", "search", "zzz")
    assert nothing.exit_code == 0 and nothing.stdout == "" and "No paper" in nothing.stderr
    assert invoke("library", "search").exit_code == 2


def test_a_paper_is_shown_with_its_searches(invoke: Invoke, filled: Library) -> None:
    shown = invoke("library", "show", "https://arxiv.org/abs/2001.00001v2").stdout
    assert "★ Paper number 1" in shown and "a note" in shown and "0.90  selected" in shown
    data = json.loads(invoke("library", "show", "2001.00002", "--format", "json").stdout)
    assert data["tags"] == ["to read"] and data["found_by"][0]["selected"] is False
    missing = invoke("library", "show", "9999.99999")
    assert isinstance(missing.exception, LibraryError) and "no paper" in missing.exception.message


def test_tags_and_stats(invoke: Invoke, filled: Library) -> None:
    assert "1  to read" in invoke("library", "tags").stdout
    assert json.loads(invoke("library", "stats", "--format", "json").stdout)["papers"] == 3
    assert "3  papers" in invoke("library", "stats").stdout


def test_backup_and_import(invoke: Invoke, filled: Library, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    assert invoke("library", "backup", str(target)).exit_code == 0
    assert isinstance(invoke("library", "backup", str(target)).exception, LibraryError)
    filled.delete_search(1)
    assert invoke("library", "vacuum").exit_code == 0
    done = invoke("library", "import", str(target))
    assert "1 searches and 1 papers were new" in done.stderr
    assert isinstance(invoke("library", "import", str(tmp_path / "missing.db")).exception, LibraryError)
    assert invoke("library", "check").exit_code == 0


def test_references_are_read_in_as_known(invoke: Invoke, filled: Library, tmp_path: Path) -> None:
    file = tmp_path / "mine.bib"
    assert invoke("export", "1", "--only", "all", "-o", str(file)).exit_code == 0
    assert "3  mine.bib" in invoke("library", "known", str(file)).stdout
    assert set(filled.known_names()) >= {f"arxiv:2001.0000{number}" for number in (1, 2, 3)}
    assert invoke("library", "known", "--forget", "mine.bib").stdout == ""
    assert isinstance(invoke("library", "known", "--forget", "mine.bib").exception, LibraryError)
