"""`pasa-tui serve` answers a browser on this machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from pasa_tui.errors import ConfigError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_browser_gets_the_page(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pasa_tui", "serve", "--port", str(port)],
        env={**os.environ, "PASA_TUI_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < deadline
            try:
                page = httpx.get(f"http://localhost:{port}/", trust_env=False)
                break
            except httpx.ConnectError:
                continue
        assert page.status_code == 200 and "pasa-tui" in page.text
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_what_serving_needs_is_said(invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    done = invoke("serve")
    assert isinstance(done.exception, ConfigError) and "textual-serve" in str(done.exception)
