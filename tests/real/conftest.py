"""The interpreters with vLLM and llama.cpp, the tiny model in both their formats, and servers of it on loopback."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.tiny import tiny_model_once

ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 300


def _interpreter(variable: str) -> str:
    python = os.environ.get(variable, "")
    if not python:
        pytest.skip(f"{variable} names no interpreter (see tests/real/README.md)")
    return python


@pytest.fixture(scope="session")
def vllm_python() -> str:
    return _interpreter("PASA_TUI_VLLM_PYTHON")


@pytest.fixture(scope="session")
def llama_python() -> str:
    return _interpreter("PASA_TUI_LLAMA_PYTHON")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="the tiny model is trained with PyTorch")
    return tiny_model_once(tmp_path_factory.getbasetemp().parent)


@pytest.fixture(scope="session")
def vllm_server(vllm_python: str, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    options = "--dtype float32 --enforce-eager --max-model-len 2048 --kv-cache-memory-bytes 268435456".split()
    module = "vllm.entrypoints.openai.api_server"
    log = tmp_path_factory.mktemp("vllm") / "log"
    with serving(
        [vllm_python, "-m", module, "--model", str(tiny), "--served-model-name", "tiny", *options], log
    ) as url:
        yield url


@pytest.fixture(scope="session")
def llama_server(llama_python: str, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("llama")
    gguf = folder / "tiny.gguf"
    subprocess.run([llama_python, str(Path(__file__).with_name("write_gguf.py")), str(tiny), str(gguf)], check=True)
    # Keys and values in float32, as the weights: 0 is the number of that type.
    options = "--n_ctx 2048 --logits_all true --type_k 0 --type_v 0 --model_alias tiny".split()
    with serving([llama_python, "-m", "llama_cpp.server", "--model", str(gguf), *options], folder / "log") as url:
        yield url


@contextmanager
def serving(command: Sequence[str], log: Path, *, ready: str = "/v1/models") -> Iterator[str]:
    """Runs a server on a free port of loopback; gives its URL with /v1 once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        command = [*command, "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        try:
            wait_for(lambda: _answers(f"http://127.0.0.1:{port}{ready}", server, log))
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(condition: Callable[[], bool], seconds: float = _SECONDS_TO_START) -> None:
    """Until the condition holds; a failure after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.1)


def _answers(url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, log.read_text(errors="replace")[-3000:]
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def run_in_process(python: str, folder: Path, what: str) -> subprocess.Popen[str]:
    """Starts tests/real/in_process.py."""
    command = [python, "-m", "tests.real.in_process", str(folder), what]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
