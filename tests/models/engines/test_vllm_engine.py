"""The vLLM engine around a scripted model; with vLLM itself it is run in tests/real."""

import asyncio
import math
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.engines import vllm_loading
from pasa_tui.models.engines.loop_thread import LoopClosed, LoopThread
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling
from pasa_tui.models.engines.vllm import VllmEngine
from pasa_tui.models.engines.vllm_loading import LoadedModel, VllmSettings
from pasa_tui.models.engines.vllm_log import EngineLog

TRUE_TOKEN = 7


class Dead(Exception):
    pass


class ScriptedModel:
    """What AsyncLLM does, in the event loop it is first used in. A prompt's first token scripts the answer."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.running: set[str] = set()
        self.aborted: list[str] = []
        self.shut = 0
        self.errored = False
        self.step = 0.0
        self.failure: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    async def generate(self, prompt: Any, sampling_params: Any, request_id: str) -> AsyncGenerator[Any, None]:
        assert self.loop in (None, asyncio.get_running_loop()), "one loop"
        self.loop = asyncio.get_running_loop()
        self.running.add(request_id)
        try:
            if self.failure:
                raise self.failure
            self.step += 1
            step = self.step // 4
            if sampling_params == ("score", TRUE_TOKEN):
                await self._held()
                yield _scored(prompt[0] / 100, step)
                return
            for word in ("one ", "", "two ", "three"):
                yield SimpleNamespace(outputs=[SimpleNamespace(text=word, token_ids=[1])])
                await self._held()
        except (asyncio.CancelledError, GeneratorExit):
            self.aborted.append(request_id)
            raise
        finally:
            self.running.discard(request_id)

    async def _held(self) -> None:
        await asyncio.sleep(0)
        await until(self.go_on.is_set)

    def shutdown(self) -> None:
        self.shut += 1


def _scored(probability: float, step: float) -> Any:
    logprobs = [{TRUE_TOKEN: SimpleNamespace(logprob=math.log(probability))}]
    return SimpleNamespace(outputs=[SimpleNamespace(logprobs=logprobs)], metrics=SimpleNamespace(first_token_ts=step))


class LengthEncoder:
    """As many tokens as the text has characters, all of them that number."""

    def encode(self, prompt: Prompt, limit: int) -> list[int]:
        if not prompt.text:
            raise ModelError("An empty prompt.")
        return ([len(prompt.text)] * len(prompt.text))[:limit]


def loaded(model: ScriptedModel, *, true: int | None = TRUE_TOKEN) -> LoadedModel:
    return LoadedModel(
        model=model,
        encoder=LengthEncoder(),
        true=true,
        max_length=64,
        prompt=lambda ids: ids,
        writing=lambda sampling: ("write", sampling),
        scoring=lambda token: ("score", token),
        dead=Dead,
    )


def engine_of(model: ScriptedModel, **changes: Any) -> VllmEngine:
    return VllmEngine(Path("weights"), name="scripted", loader=lambda *_: loaded(model, **changes), log=EngineLog)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for is in other threads
            await asyncio.sleep(0.001)


@pytest.fixture
async def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def engine(model: ScriptedModel) -> AsyncGenerator[VllmEngine, None]:
    engine = engine_of(model)
    await engine.start(lambda progress: None)
    yield engine
    await engine.close()


def prompts(*lengths: int) -> list[Prompt]:
    return [Prompt("x" * length, raw=True) for length in lengths]


async def test_scores_are_in_order_and_counted(engine: VllmEngine) -> None:
    assert await engine.score(prompts(10, 50, 20)) == pytest.approx([0.1, 0.5, 0.2])
    assert await engine.score([]) == []
    usage = engine.usage()
    assert (usage.scored, usage.batches, usage.prompt_tokens, usage.completion_tokens) == (3, 1, 80, 3)
    assert usage.seconds > 0 and engine.scoring == "exact"


async def test_more_prompts_than_are_encoded_at_a_time(engine: VllmEngine) -> None:
    lengths = [1 + number % 60 for number in range(100)]
    assert await engine.score(prompts(*lengths)) == pytest.approx([length / 100 for length in lengths])
    assert engine.usage().batches == 26


async def test_a_prompt_leaves_room_for_the_answer(engine: VllmEngine) -> None:
    text = [piece async for piece in engine.generate(Prompt("y" * 60), Sampling(max_tokens=10))]
    assert text == ["one ", "two ", "three"], "pieces without text are left out"
    usage = engine.usage()
    assert (usage.generated, usage.prompt_tokens, usage.completion_tokens) == (1, 54, 4)


async def test_many_threads_with_loops_of_their_own(engine: VllmEngine) -> None:
    scores: dict[int, float] = {}
    texts: list[str] = []

    async def ask(length: int) -> None:
        scores[length] = (await engine.score(prompts(length)))[0]
        texts.append("".join([piece async for piece in engine.generate(Prompt("q"), Sampling())]))

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, ask(length)) for length in range(1, 9)))
    assert scores == pytest.approx({length: length / 100 for length in range(1, 9)})
    assert texts == ["one two three"] * 8


async def test_cancelled_scores_are_aborted(engine: VllmEngine, model: ScriptedModel) -> None:
    model.go_on.clear()
    asking = asyncio.create_task(engine.score(prompts(1, 2, 3)))
    await until(lambda: len(model.running) == 3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: not model.running)
    assert len(model.aborted) == 3
    model.go_on.set()
    assert await engine.score(prompts(4)) == pytest.approx([0.04])


async def test_a_closed_generator_is_aborted(engine: VllmEngine, model: ScriptedModel) -> None:
    model.go_on.clear()
    pieces = engine.generate(Prompt("q"), Sampling())
    assert await anext(pieces) == "one "
    await pieces.aclose()
    await until(lambda: not model.running)
    assert len(model.aborted) == 1 and engine.usage().generated == 0


async def test_a_cancelled_reader_aborts(engine: VllmEngine, model: ScriptedModel) -> None:
    model.go_on.clear()

    async def read() -> None:
        async for _ in engine.generate(Prompt("q"), Sampling()):
            pass

    reading = asyncio.create_task(read())
    await until(lambda: bool(model.running))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: not model.running)
    assert len(model.aborted) == 1


async def test_closing_ends_what_is_under_way(engine: VllmEngine, model: ScriptedModel) -> None:
    model.go_on.clear()
    asking = asyncio.create_task(engine.score(prompts(1)))
    await until(lambda: bool(model.running))
    await engine.close()
    with pytest.raises(ModelError, match="was closed"):
        await asking
    await engine.close()
    assert model.shut == 1 and model.aborted and not model.running
    with pytest.raises(ModelError, match="not loaded"):
        await engine.score(prompts(1))


async def test_it_can_be_started_again(engine: VllmEngine, model: ScriptedModel) -> None:
    await engine.close()
    model.loop = None
    await engine.start(lambda progress: None)
    assert await engine.score(prompts(5)) == pytest.approx([0.05])
    model.errored, model.loop = True, None
    await engine.start(lambda progress: None)
    assert model.shut == 2, "what has stopped is loaded anew"


async def test_errors_are_told(engine: VllmEngine, model: ScriptedModel) -> None:
    with pytest.raises(ModelError, match="An empty prompt"):
        await engine.score([*prompts(1), Prompt("", raw=True)])
    model.failure = Dead("see above")
    with pytest.raises(ModelError, match=r"vLLM's engine has stopped"):
        await engine.score(prompts(1, 2))
    model.failure = ValueError("too long\nsecond line")
    with pytest.raises(ModelError, match="vLLM could not answer: too long") as error:
        [piece async for piece in engine.generate(Prompt("q"), Sampling())]
    assert "second line" not in str(error.value)


async def test_a_vocabulary_without_true_can_write_only(model: ScriptedModel) -> None:
    engine = engine_of(model, true=None)
    await engine.start(lambda progress: None)
    with pytest.raises(ModelError, match="no single token 'True'"):
        await engine.score(prompts(1))
    assert [piece async for piece in engine.generate(Prompt("q"), Sampling())]
    await engine.close()


async def test_several_starts_load_once_and_all_are_told() -> None:
    told: list[list[Progress]] = [[], []]
    go_on, loads = threading.Event(), []

    def load(settings: VllmSettings, log: EngineLog, is_cancelled: Callable[[], bool]) -> LoadedModel:
        loads.append(settings)
        with log.path.open("a") as file:
            file.write("INFO Loading safetensors checkpoint shards:  50% Completed | 2/4\n")
        go_on.wait(20)
        return loaded(ScriptedModel())

    engine = VllmEngine(Path("weights"), name="scripted", gpu_memory=0.4, loader=load, log=EngineLog)
    starts = [asyncio.create_task(engine.start(one.append)) for one in told]
    half = Progress("Loading the weights", 0.5)
    await until(lambda: all(half in one for one in told))
    go_on.set()
    await asyncio.gather(*starts)
    await engine.start(told[0].append)
    assert all(one[-1] == Progress("Ready", 1.0) for one in told)
    assert [settings.gpu_memory for settings in loads] == [0.4]
    await engine.close()


async def test_closing_while_loading_ends_it_and_shuts_down_what_was_loaded() -> None:
    model, go_on, cancelled = ScriptedModel(), threading.Event(), []

    def load(settings: VllmSettings, log: EngineLog, is_cancelled: Callable[[], bool]) -> LoadedModel:
        cancelled.append(is_cancelled())
        go_on.wait(20)
        cancelled.append(is_cancelled())
        return loaded(model)

    engine = VllmEngine(Path("weights"), name="scripted", loader=load, log=EngineLog)
    starting = asyncio.create_task(engine.start(lambda progress: None))
    await until(lambda: bool(cancelled))
    await engine.close()
    with pytest.raises(ModelError, match="was closed"):
        await starting
    go_on.set()
    await until(lambda: model.shut == 1)
    assert cancelled == [False, True]


async def test_a_failed_start_can_be_tried_again(model: ScriptedModel) -> None:
    outcomes: list[Any] = [ModelError("No memory."), loaded(model)]

    def load(*_: Any) -> LoadedModel:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    engine = VllmEngine(Path("weights"), name="scripted", loader=load, log=EngineLog)
    with pytest.raises(ModelError, match="No memory"):
        await engine.start(lambda progress: None)
    await engine.start(lambda progress: None)
    assert await engine.score(prompts(3)) == pytest.approx([0.03])
    await engine.close()


@pytest.mark.skipif(vllm_loading.importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
async def test_without_the_package_the_message_says_how_to_install_it(tmp_path: Path) -> None:
    engine = VllmEngine(tmp_path, name="pasa-7b-selector")
    with pytest.raises(ModelError) as error:
        await engine.start(lambda progress: None)
    assert "vllm is not installed" in error.value.message and "pip install -e '.[vllm]'" in error.value.hint
    await engine.close()


def test_nothing_heavy_is_imported() -> None:
    heavy = "('torch', 'vllm', 'transformers', 'numpy')"
    code = f"import sys, pasa_tui.models.engines.vllm; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_closed_loop_says_so() -> None:
    thread = LoopThread("test")
    await thread.close()
    await thread.close()
    with pytest.raises(LoopClosed):
        await thread.run(asyncio.sleep(0))
