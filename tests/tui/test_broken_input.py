"""Bytes that are no UTF-8 from the terminal itself; tmux would not pass them on."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path


def read_until(terminal: int, condition: Callable[[bytes], bool]) -> bytes:
    seen, deadline = b"", time.monotonic() + 30
    while not condition(seen):
        assert time.monotonic() < deadline, seen[-2_000:]
        if select.select([terminal], [], [], 0.1)[0]:
            # Raises OSError where the application has ended.
            seen += os.read(terminal, 65_536)
    return seen


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    terminal, inside = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "PASA_TUI_HOME": str(tmp_path), "PASA_TUI_SEARCH__SOURCES": "corpus", "TERM": "xterm"}
    command = [sys.executable, "-m", "pasa_tui"]
    process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment, close_fds=True)
    os.close(inside)
    try:
        read_until(terminal, lambda seen: b"What is here:" in seen)
        os.write(terminal, b"\xe4\xff\xc3")
        read_until(terminal, lambda seen: "\ufffd".encode() in seen)
        os.write(terminal, b"zzagentszz")
        read_until(terminal, lambda seen: b"z" in seen)
        os.write(terminal, b"\x11")
        with contextlib.suppress(OSError):
            read_until(terminal, lambda seen: process.poll() is not None)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
