"""The whole journey in a real terminal, tmux: ask, read, mark, filter, export, reopen, quit."""

import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.library import Library

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A tmux session with the application in it."""

    def __init__(self, home: Path, size: tuple[int, int]) -> None:
        # A server of its own: other sessions of the machine have other sizes and settings.
        self._server = ("tmux", "-f", "/dev/null", "-L", f"pasa-{uuid.uuid4().hex[:8]}")
        # The size is the terminal's, whatever the test run's environment says of its own.
        environment = f"env -u COLUMNS -u LINES PASA_TUI_HOME={home} PASA_TUI_SEARCH__SOURCES=corpus"
        command = f"cd {home} && {environment} {sys.executable} -m pasa_tui"
        self._tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), command)

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def wait(self, condition: str | Callable[[], object]) -> str:
        """Until the text is on the screen, or the condition holds; what the screen shows then."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            shown = self.screen()
            if condition in shown if isinstance(condition, str) else condition():
                return shown
            # Each look at the screen is a process: a pause of its own.
        raise AssertionError(f"not to be seen: {condition}\n{self.screen()}")

    def is_open(self) -> bool:
        return subprocess.run([*self._server, "has-session"], capture_output=True, check=False).returncode == 0

    def wait_until_closed(self) -> None:
        deadline = time.monotonic() + 30
        while self.is_open():
            assert time.monotonic() < deadline, self.screen()

    def close(self) -> None:
        subprocess.run([*self._server, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *words: str) -> str:
        return subprocess.run([*self._server, *words], capture_output=True, check=True, text=True).stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[[tuple[int, int]], Terminal]]:
    made: list[Terminal] = []

    def start(size: tuple[int, int]) -> Terminal:
        made.append(Terminal(tmp_path, size))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_whole_journey(terminal: Callable[[tuple[int, int]], Terminal], tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    window = terminal((120, 36))
    window.wait("What is here:")
    window.type("benchmarks for web agents")
    window.press("Enter")
    shown = window.wait("✓ done")
    assert "selected of" in shown and "WebArena" in shown
    window.press("s", "j", "x", "f")
    window.type("mind2web")
    window.wait("mind2web▏")
    window.press("Enter", "t")
    window.wait("Separated by commas")
    window.type("to read")
    window.wait("to read")
    window.press("Enter")
    window.wait("Tags  to read")
    # Escape and a letter sent together are alt and the letter.
    window.press("Escape")
    window.wait(lambda: "mind2web" not in window.screen())
    window.press("p")
    window.wait("Papers met and selected")
    window.press("Escape")
    window.wait(lambda: "Papers met and selected" not in window.screen())
    window.press("e")
    window.wait("LaTeX's encoding")
    window.press("Enter")
    window.wait("papers written to")
    (file,) = tmp_path.glob("*.bib")
    assert file.read_text("utf-8").count("@") > 5
    window.press("u")
    window.wait("Undone: tags")
    window.press("C-q")
    window.wait_until_closed()
    with Library.open(paths.library_file) as library:
        marks = library.marks()
        assert len(marks.starred) == 1 and len(marks.rejected) == 1 and marks.tags == {}
    again = terminal((80, 24))
    again.wait("benchmarks for web agents")
    again.press("F4")
    again.wait("Past searches")
    again.press("Enter")
    again.wait("★")
    again.press("C-q")
    again.wait_until_closed()


def test_it_ends_where_a_terminal_is_closed(terminal: Callable[[tuple[int, int]], Terminal], tmp_path: Path) -> None:
    window = terminal((80, 24))
    window.wait("What is here:")
    window.type("dense retrieval")
    window.press("Enter")
    window.wait("selected of")
    window.close()
    with Library.open(Paths.default({"PASA_TUI_HOME": str(tmp_path)}).library_file) as library:
        assert len(library.searches()) == 1
