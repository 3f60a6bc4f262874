"""vLLM in process and as a server, and llama.cpp's server, give the scores and texts of the transformers engine."""

import asyncio
import json
from pathlib import Path

import pytest

from pasa_tui.models.engines.openai import OpenAIEngine
from pasa_tui.models.engines.protocol import Scoring
from pasa_tui.models.engines.transformers import TransformersEngine
from tests.real.conftest import run_in_process
from tests.real.questions import CHATS, DECISIONS, HOSTILE, WRITING, Answers, ask

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def reference(tiny: Path) -> Answers:
    async def answers() -> Answers:
        engine = TransformersEngine(tiny, name="tiny", device="cpu")
        try:
            await engine.start(lambda progress: None)
            return await ask(engine, hostile=True)
        finally:
            await engine.close()

    return asyncio.run(answers())


def server_answers(url: str) -> tuple[Answers, Scoring]:
    async def answers() -> tuple[Answers, Scoring]:
        engine = OpenAIEngine(url, "tiny", name="tiny", api="completions")
        try:
            await engine.start(lambda progress: None)
            return await ask(engine, hostile=False), engine.scoring
        finally:
            await engine.close()

    return asyncio.run(answers())


def test_the_questions_tell_papers_and_texts_apart(reference: Answers) -> None:
    assert min(reference.scores) < 0.2 and max(reference.scores) > 0.8
    assert len(set(reference.texts[0])) >= 4
    assert any("[StopSearch]" in text for text in reference.texts[0])
    assert not any("[Stop" in text for text in reference.texts[1])
    assert [len(scores) for scores in (reference.scores, reference.hostile)] == [len(DECISIONS), len(HOSTILE)]


def test_vllm_in_process(reference: Answers, vllm_python: str, tiny: Path) -> None:
    out, err = run_in_process(vllm_python, tiny, "answers").communicate(timeout=300)
    started, answers, usage, closed = map(json.loads, out.splitlines())
    assert err == "", "nothing may reach the screen"
    assert started["stages"][0] == "Loading vLLM" and "Loading the weights" in started["stages"]
    assert started["stages"][-1] == "Ready"
    assert answers["scores"] == pytest.approx(reference.scores, abs=1e-3)
    assert answers["hostile"] == pytest.approx(reference.hostile, abs=1e-3)
    assert answers["texts"] == reference.texts
    assert usage["scored"] == len(DECISIONS) + len(HOSTILE) and usage["generated"] == len(CHATS) * len(WRITING)
    assert 0 < usage["batches"] < usage["scored"]
    assert closed["seconds"] < 15


def test_vllm_as_a_server(reference: Answers, vllm_server: str) -> None:
    answers, scoring = server_answers(vllm_server)
    assert scoring == "exact"
    assert answers.scores == pytest.approx(reference.scores, abs=1e-3)
    assert answers.texts == reference.texts


def test_llama_cpp_as_a_server(reference: Answers, llama_server: str) -> None:
    answers, scoring = server_answers(llama_server)
    assert scoring == "top"
    assert answers.scores == pytest.approx(reference.scores, abs=1e-3)
    assert answers.texts == reference.texts
