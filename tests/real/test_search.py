"""A whole search finds the same papers with the same scores, whatever runs the model."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.models.engines.openai import OpenAIEngine
from pasa_tui.models.engines.protocol import Engine
from pasa_tui.models.engines.transformers import TransformersEngine
from tests.real.conftest import run_in_process
from tests.real.searching import search

pytestmark = pytest.mark.engines


def found_by(engine: Engine, folder: Path) -> dict[str, Any]:
    async def found() -> dict[str, Any]:
        try:
            await engine.start(lambda progress: None)
            return await search(engine, folder)
        finally:
            await engine.close()

    return asyncio.run(found())


@pytest.fixture(scope="module")
def reference(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    engine = TransformersEngine(tiny, name="tiny", device="cpu")
    return found_by(engine, tmp_path_factory.mktemp("transformers"))


def the_same(found: dict[str, Any], reference: dict[str, Any]) -> None:
    assert (found["ending"], found["message"]) == (reference["ending"], reference["message"])
    assert list(found["papers"]) and set(found["papers"]) == set(reference["papers"])
    assert found["papers"] == pytest.approx(reference["papers"], abs=1e-3)


def test_the_search_finds_and_tells_apart(reference: dict[str, Any]) -> None:
    scores = list(reference["papers"].values())
    assert len(scores) >= 20 and None not in scores
    assert min(scores) < 0.4 and max(scores) > 0.6


def test_vllm_in_process(reference: dict[str, Any], vllm_python: str, tiny: Path) -> None:
    out, err = run_in_process(vllm_python, tiny, "search").communicate(timeout=400)
    assert err == ""
    the_same(json.loads(out.splitlines()[1]), reference)


def test_vllm_as_a_server(reference: dict[str, Any], vllm_server: str, tmp_path: Path) -> None:
    the_same(found_by(_server(vllm_server), tmp_path), reference)


def test_llama_cpp_as_a_server(reference: dict[str, Any], llama_server: str, tmp_path: Path) -> None:
    the_same(found_by(_server(llama_server), tmp_path), reference)


def _server(url: str) -> Engine:
    return OpenAIEngine(url, "tiny", name="tiny", api="completions")
