"""The engine over a server of ours on loopback; over real ones it is run in tests/real."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pasa_tui.errors import ModelError, SpentError
from pasa_tui.models.engines.openai import OpenAIEngine
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling
from pasa_tui.models.engines.purse import Purse
from tests.models.engines.openai_faults import Fault
from tests.models.engines.openai_server import MODES, ModelServer

CHAT = Prompt("Is it so? True or False", system="You judge.")
RAW = Prompt("It is so.\nDecision:", raw=True)
LONG = "[Search]one thing[Search]another[StopSearch]and so on"
PROBABILITIES = {"True": 0.6, "False": 0.3, " True": 0.05, "true": 0.01}


def serving(mode: str = "vllm", **settings: Any) -> ModelServer:
    settings.setdefault("probabilities", lambda prompt: PROBABILITIES)
    return ModelServer(mode, **settings)


@asynccontextmanager
async def engine_for(server: ModelServer, **settings: Any) -> AsyncIterator[OpenAIEngine]:
    settings = {"name": "tiny", "api": "completions", "jitter": 0.01, **settings}
    engine = OpenAIEngine(settings.pop("url", server.url), settings.pop("model", "tiny"), **settings)
    try:
        yield engine
    finally:
        await engine.close()


async def text_from(engine: OpenAIEngine, prompt: Prompt = CHAT, **sampling: Any) -> str:
    return "".join([piece async for piece in engine.generate(prompt, Sampling(**sampling))])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def silent(progress: Progress) -> None:
    return None


# -- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("prompt", [CHAT, RAW], ids=["chat", "raw"])
async def test_every_server_writes_the_same_text(mode: str, prompt: Prompt) -> None:
    async with serving(mode, answer=lambda text: LONG) as server, engine_for(server) as engine:
        await engine.start(silent)
        assert await text_from(engine, prompt) == LONG
        assert await text_from(engine, prompt, stop=("[StopSearch]",)) == "[Search]one thing[Search]another"
        assert await text_from(engine, prompt, max_tokens=4) == "[Search]one"
        usage = engine.usage()
        assert (usage.name, usage.generated, usage.scored) == ("tiny", 3, 0)
        assert usage.prompt_tokens > 0 and usage.completion_tokens > 10


@pytest.mark.parametrize("cut", [1, 2, 7, 64])
async def test_text_is_whole_however_the_stream_is_cut(cut: int) -> None:
    text = "naïve Σ-models, 漢字 and 🙂\n[Search]x"
    async with serving(answer=lambda prompt: text) as server, engine_for(server) as engine:
        server.cut = cut
        assert await text_from(engine) == text


async def test_stop_strings_are_kept_to_where_the_server_doesnt() -> None:
    async with serving("openai", answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.honours_stop = False
        stop = ("never 1", "never 2", "never 3", "never 4", "[StopSearch]")
        assert await text_from(engine, stop=stop) == "[Search]one thing[Search]another"
        assert len(server.asked()[0]["stop"]) == 4


async def test_a_chat_is_asked_as_one_and_sampling_is_passed_on() -> None:
    async with serving() as server, engine_for(server) as engine:
        await engine.start(silent)
        await text_from(engine, temperature=2.0, top_p=0.8, max_tokens=7)
        body = server.asked("/chat/completions")[0]
        assert body["messages"] == [
            {"role": "system", "content": "You judge."},
            {"role": "user", "content": "Is it so? True or False"},
        ]
        assert (body["temperature"], body["top_p"], body["max_tokens"]) == (2.0, 0.8, 7)
        # Else vLLM's server takes from the model's files what no other engine does.
        assert body["repetition_penalty"] == 1.0


async def test_a_raw_prompt_over_a_chat_only_profile_says_what_to_do() -> None:
    async with serving() as server, engine_for(server, api="chat") as engine:
        with pytest.raises(ModelError) as caught:
            await engine.score([RAW])
        assert 'api = "completions"' in caught.value.hint
        with pytest.raises(ModelError):
            await text_from(engine, RAW)
        assert not server.requests


@pytest.mark.parametrize("thinks", ["tags", "field", "hidden"])
async def test_thoughts_are_no_part_of_the_answer_and_have_room(thinks: str) -> None:
    mode = "openai" if thinks == "hidden" else "vllm"
    async with serving(mode, thinks=thinks, answer=lambda prompt: "an answer") as server, engine_for(server) as engine:
        assert await text_from(engine, max_tokens=5) == "an answer"
        asked = len(server.asked())
        assert await text_from(engine, max_tokens=5) == "an answer"
        assert len(server.asked()) == asked + 1, "what was learnt is kept"


async def test_thoughts_without_end_are_told() -> None:
    thoughts = "<think>" + "hm " * 6000
    async with serving(answer=lambda prompt: thoughts) as server, engine_for(server) as engine:
        with pytest.raises(ModelError, match="used up its tokens"):
            await text_from(engine, max_tokens=5)


async def test_a_server_that_takes_no_system_role_gets_it_in_the_users_turn() -> None:
    async with serving(answer=lambda prompt: prompt) as server, engine_for(server) as engine:
        server.faults = [Fault("status", detail={"status": 400, "body": {"error": "System role not supported"}})]
        assert await text_from(engine) == "You judge.\n\nIs it so? True or False"


async def test_llama_cpp_pythons_server_is_not_asked_for_streams_which_it_would_break_off() -> None:
    async with serving("llama-cpp-python", answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        await engine.start(silent)
        assert await asyncio.gather(*(text_from(engine) for _ in range(3))) == [LONG] * 3
        assert not any("stream" in body for body in server.asked())


async def test_a_server_that_breaks_off_streams_is_not_asked_for_more() -> None:
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.faults = [Fault("interrupted", detail={"after": 1})]
        assert await text_from(engine) == LONG
        assert ["stream" in body for body in server.asked()] == [True, False]


async def test_a_server_that_doesnt_stream_is_read_all_the_same() -> None:
    whole = {"choices": [{"message": {"content": "all at once"}, "finish_reason": "stop"}]}
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("status", detail={"status": 200, "body": whole})]
        assert await text_from(engine) == "all at once"


# -- many at once -----------------------------------------------------------------------------------------


async def test_no_more_requests_at_once_than_allowed() -> None:
    async with serving() as server, engine_for(server, concurrency=3) as engine:
        server.open.clear()
        texts = [asyncio.create_task(text_from(engine)) for _ in range(8)]
        scores = asyncio.create_task(engine.score([RAW, CHAT]))
        await until(lambda: server.in_flight == 3)
        server.open.set()
        await asyncio.gather(*texts, scores)
        assert server.most_in_flight == 3


async def test_two_event_loops_in_two_threads_share_an_engine() -> None:
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server, concurrency=2) as engine:
        results: list[tuple[str, float]] = []

        async def work() -> None:
            text, scores = await asyncio.gather(text_from(engine), engine.score([RAW] * 5))
            results.append((text, scores[-1]))

        threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(2)]
        for thread in threads:
            thread.start()
        await asyncio.gather(work(), *(asyncio.to_thread(thread.join, 60) for thread in threads))
        assert results == [(LONG, pytest.approx(0.6))] * 3
        assert server.most_in_flight <= 2
        assert engine.usage().scored == 15


async def test_closing_the_text_ends_the_request_on_the_server() -> None:
    async with serving(answer=lambda prompt: "word " * 5000) as server, engine_for(server, concurrency=1) as engine:
        pieces = engine.generate(CHAT, Sampling(max_tokens=6000))
        assert await anext(pieces)
        server.open.clear()
        await pieces.aclose()
        await until(lambda: server.left == 1 and server.in_flight == 0)
        assert server.pieces_sent < 5000
        server.open.set()
        assert await engine.score([CHAT]), "its turn was given back"


async def test_cancelling_scores_ends_their_requests_on_the_server() -> None:
    async with serving() as server, engine_for(server, concurrency=4) as engine:
        await engine.score([CHAT])
        server.open.clear()
        scoring = asyncio.create_task(engine.score([CHAT] * 20))
        await until(lambda: server.in_flight == 4)
        scoring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scoring
        await until(lambda: server.left == 4 and server.in_flight == 0)


async def test_whoever_was_finding_out_may_be_cancelled() -> None:
    async with serving() as server, engine_for(server) as engine:
        server.open.clear()
        first = asyncio.create_task(engine.score([CHAT]))
        await until(lambda: server.in_flight == 1)
        second = asyncio.create_task(engine.score([CHAT]))
        first.cancel()
        await until(lambda: server.left == 1)
        server.open.set()
        assert list(await second) == pytest.approx([0.66])


async def test_one_failure_ends_all_scores_of_a_call() -> None:
    async with serving() as server, engine_for(server, concurrency=1) as engine:
        await engine.score([CHAT])
        server.faults = [Fault("status", detail={"status": 400, "body": {"error": "no"}})]
        with pytest.raises(ModelError, match="refuses the request"):
            await engine.score([CHAT] * 50)
        await until(lambda: server.in_flight == 0)
        assert len(server.asked()) < 10


async def test_closing_ends_what_is_under_way_and_start_opens_again() -> None:
    async with serving() as server, engine_for(server) as engine:
        server.open.clear()
        scoring = asyncio.create_task(engine.score([CHAT]))
        await until(lambda: server.in_flight == 1)
        await engine.close()
        with pytest.raises(ModelError, match="closed"):
            await scoring
        server.open.set()
        with pytest.raises(ModelError, match="closed"):
            await engine.score([CHAT])
        await engine.close()
        await engine.start(silent)
        assert list(await engine.score([CHAT])) == pytest.approx([0.66])


# -- money ------------------------------------------------------------------------------------------------


async def test_usage_and_costs_are_those_the_server_counts() -> None:
    purse = Purse(None, price_in=10.0, price_out=100.0)
    async with serving(answer=lambda prompt: "one two three") as server, engine_for(server, purse=purse) as engine:
        await text_from(engine)
        await engine.score([RAW] * 4)
        usage = engine.usage()
        assert (usage.generated, usage.scored, usage.batches) == (1, 4, 4)
        # Words and marks are this server's tokens.
        assert usage.prompt_tokens == 7 + 4 * 6
        assert usage.completion_tokens == 3 + 4
        assert usage.cost == pytest.approx((usage.prompt_tokens * 10 + usage.completion_tokens * 100) / 1e6)
        assert purse.spent == pytest.approx(usage.cost)
        assert usage.seconds > 0


async def test_where_the_server_doesnt_count_tokens_are_estimated_and_cost_the_most_they_can() -> None:
    purse = Purse(None, price_in=1.0, price_out=1.0)
    async with (
        serving("llama-cpp-python", answer=lambda prompt: "x" * 40) as server,
        engine_for(server, purse=purse) as engine,
    ):
        await text_from(engine, max_tokens=100)
        usage = engine.usage()
        assert usage.prompt_tokens == (len(CHAT.text) + len(CHAT.system)) // 4
        assert usage.completion_tokens == 10
        assert usage.cost > (usage.prompt_tokens + 100) / 1e6


async def test_the_limit_is_kept_with_many_requests_at_once() -> None:
    purse = Purse(0.003, price_in=1.0, price_out=1.0)
    async with serving() as server, engine_for(server, purse=purse, concurrency=16) as engine:
        with pytest.raises(SpentError):
            await engine.score([CHAT] * 1000)
        assert 0.002 < purse.spent <= 0.003
        assert engine.usage().cost == pytest.approx(purse.spent)


@pytest.mark.parametrize("kind", ["429", "500"])
async def test_what_was_refused_costs_nothing(kind: str) -> None:
    purse = Purse(None, price_in=1.0, price_out=1.0)
    async with serving() as server, engine_for(server, purse=purse) as engine:
        server.faults = [Fault(kind, times=10)]
        with pytest.raises(ModelError):
            await engine.score([CHAT])
        assert purse.spent == 0
        assert engine.usage().prompt_tokens == 0


async def test_nothing_is_asked_for_no_tokens() -> None:
    async with serving() as server, engine_for(server) as engine:
        assert await text_from(engine, max_tokens=0) == ""
        assert not server.requests
