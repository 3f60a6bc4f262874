import subprocess
import sys

import pytest

# What each entry may not load: the heavy libraries, and the screen where there is none.
SCREEN = {"textual", "rich"}
HEAVY = {"tantivy", "sqlite_utils", "bibtexparser", "httpx", "torch", "transformers"}
ROOMS = "pasa_tui.corpus, pasa_tui.models.builtin, pasa_tui.library, pasa_tui.export"


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("from pasa_tui.cli.main import cli; cli(['--help'], standalone_mode=False)", {*SCREEN, *HEAVY, "msgspec"}),
        ("import pasa_tui.papers, pasa_tui.config, pasa_tui.errors", {*SCREEN, *HEAVY, "msgspec"}),
        ("import pasa_tui.session", SCREEN | HEAVY),
        (f"import {ROOMS}", SCREEN | HEAVY),
        ("import pasa_tui.tui.app", HEAVY),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, forbidden: set[str]) -> None:
    script = f"import sys\n{code}\nprint('LOADED', *sorted({forbidden!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"
