"""What there is to search with, as it is told to newcomers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pasa_tui.assembly import look_around
from pasa_tui.config.settings import ModelSettings, Settings
from pasa_tui.models.ollama import installed_models


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if self.path == "/api/tags" else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_models_of_an_ollama_are_listed() -> None:
    with serving(b'{"models": [{"name": "qwen3:8b", "size": 1}, {"name": "llama3:latest"}]}') as address:
        assert installed_models(address) == ("qwen3:8b", "llama3:latest")


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), (b'{"models": 5}', 200), (b"{}", 500)])
def test_what_is_no_ollama_has_no_models(body: bytes, status: int) -> None:
    with serving(body, status) as address:
        assert installed_models(address) is None
    assert installed_models(address) is None and installed_models("nonsense") is None


def test_what_is_found_is_told_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERPER_API_KEY", "x" * 20)
    gpu = tmp_path / "gpus" / "0000:01:00.0" / "information"
    gpu.parent.mkdir(parents=True)
    gpu.write_text("Model: \t\t NVIDIA H200\nIRQ: 5\n")
    around = look_around(Settings(), online=True, ollama=lambda: ("a", "b"), gpus=tmp_path / "gpus")
    assert around.facts == "network · NVIDIA H200 · Ollama with 2 models · keys: serper"
    assert "live sources" in around.advice and "pasa-7b" in around.advice
    nothing = look_around(Settings(), online=False, ollama=lambda: None, gpus=tmp_path / "none")
    assert nothing.facts.startswith("no network") and "no Ollama" in nothing.facts
    assert "collections at hand" in nothing.advice
    mine = look_around(Settings(models=ModelSettings(default="mine")), online=True, ollama=lambda: None)
    assert mine.advice.startswith("mine searches")
