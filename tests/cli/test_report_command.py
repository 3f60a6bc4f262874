"""`pasa-tui report`: a page and pictures."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import ExportError, LibraryError
from pasa_tui.library import Library
from tests.library.builders import kept


def test_a_report_and_pictures_are_written(invoke: Callable[..., Result], paths: Paths, tmp_path: Path) -> None:
    with Library.open(paths.library_file) as library:
        kept(library, 1, 2, 3)
    page = invoke("report", "1").stdout
    assert page.startswith("<!doctype html>") and page.count("<svg") == 4 and "Paper number 3" in page
    target = tmp_path / "report.html"
    assert invoke("report", "1", "-o", str(target)).exit_code == 0 and target.read_text("utf-8") == page
    assert isinstance(invoke("report", "1", "-o", str(target)).exception, ExportError)
    assert invoke("report", "1", "--pictures", str(tmp_path / "pictures")).exit_code == 0
    assert len(list((tmp_path / "pictures").glob("*.svg"))) == 4
    assert isinstance(invoke("report", "7").exception, LibraryError)
