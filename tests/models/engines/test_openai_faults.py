"""What the engine makes of servers that fail, lie, or are not there."""

import functools
import logging
import socket
from typing import Any

import pytest
import tenacity

from pasa_tui.errors import ModelError
from pasa_tui.models.engines import openai_client
from pasa_tui.models.engines.openai import OpenAIEngine
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling
from tests.models.engines.openai_faults import Fault
from tests.models.engines.openai_server import MODES
from tests.models.engines.test_openai_engine import CHAT, LONG, RAW, engine_for, serving, silent, text_from, until

KEY = "sk-very-secret-0123456789"


async def said(engine: OpenAIEngine, prompt: Prompt = CHAT, *, scores: bool = False) -> ModelError:
    """The error of a request that is to fail."""
    with pytest.raises(ModelError) as caught:
        await (engine.score([prompt]) if scores else text_from(engine, prompt))
    assert "\n" not in str(caught.value)
    return caught.value


# -- faults that pass -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scores", [False, True], ids=["text", "scores"])
@pytest.mark.parametrize("kind", ["429", "500", "503", "reset", "garbage", "other json"])
async def test_what_may_pass_is_tried_again(kind: str, scores: bool) -> None:
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.faults = [Fault(kind, times=2)]
        if scores:
            assert list(await engine.score([CHAT])) == pytest.approx([0.66])
        else:
            assert await text_from(engine) == LONG
        assert len(server.asked()) == 3


@pytest.mark.parametrize("kind", ["429", "500", "503", "reset", "garbage", "other json"])
async def test_what_does_not_pass_is_told_after_some_attempts(kind: str) -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault(kind, times=100)]
        error = await said(engine)
        assert "does not answer" in error.message
        assert len(server.asked()) == 4
        await said(engine, scores=True)


async def test_a_retry_after_is_waited_for_unless_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(tenacity, "AsyncRetrying", functools.partial(tenacity.AsyncRetrying, sleep=sleep))
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.faults = [Fault("429", detail={"after": 7})]
        assert await text_from(engine) == LONG
        assert len(waits) == 1 and 7 <= waits[0] < 8
        server.faults = [Fault("429", detail={"after": 3600})]
        error = await said(engine)
        assert "too many requests" in error.message and "3600 s" in error.message
        assert len(waits) == 1


@pytest.mark.parametrize("kind", ["broken", "interrupted", "error in stream"])
async def test_a_stream_that_breaks_before_its_first_word_is_asked_for_again(kind: str) -> None:
    async with serving(answer=lambda prompt: LONG, thinks="field") as server, engine_for(server) as engine:
        # The thoughts come first, and are no words.
        server.faults = [Fault(kind, detail={"after": 4})]
        assert await text_from(engine, max_tokens=500) == LONG
        assert len(server.asked()) == 2


@pytest.mark.parametrize("kind", ["broken", "interrupted"])
async def test_a_stream_that_breaks_in_the_middle_is_told(kind: str) -> None:
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.faults = [Fault(kind, detail={"after": 4})]
        error = await said(engine)
        assert "broke" in error.message
        assert len(server.asked()) == 1


# -- faults that don't ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["html", "html as json"])
async def test_a_web_page_is_not_taken_for_an_answer(kind: str) -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault(kind, times=9), Fault(kind, path="models")]
        for error in (await said(engine), await said(engine, scores=True)):
            assert "web page" in error.message and "/v1" in error.hint
        with pytest.raises(ModelError, match="web page"):
            await engine.start(silent)


@pytest.mark.parametrize("scores", [False, True], ids=["text", "scores"])
async def test_an_answer_without_end_is_left(scores: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "_LARGEST", 3 << 20)
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("huge", times=9)]
        assert "larger than 3 MB" in (await said(engine, scores=scores)).message
        assert len(server.asked()) == 1


async def test_a_server_that_writes_on_and_on_is_left() -> None:
    async with serving(answer=lambda prompt: "word " * 40_000) as server, engine_for(server) as engine:
        server.honours_max = False
        text = await text_from(engine, max_tokens=10)
        assert len(text) < 1000


async def test_a_packed_answer_is_not_unpacked() -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("packed")]
        assert "packs its answers" in (await said(engine)).message
        assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("scores", [False, True], ids=["text", "scores"])
@pytest.mark.parametrize("kind", ["drip", "silence"])
async def test_no_answer_in_time_is_told(kind: str, scores: bool) -> None:
    async with serving() as server, engine_for(server, timeout=0.1) as engine:
        server.faults = [Fault(kind, times=9)]
        if kind == "silence":
            server.open.clear()
        assert "does not answer" in (await said(engine, scores=scores)).message


async def test_a_stream_that_stops_between_two_words_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "_BETWEEN", 0.1)
    async with serving(answer=lambda prompt: LONG) as server, engine_for(server) as engine:
        server.faults = [Fault("stalled", detail={"after": 4})]
        pieces = engine.generate(CHAT, Sampling())
        assert [await anext(pieces) for _ in range(3)] == ["[", "Search", "]"], "text comes as it is written"
        with pytest.raises(ModelError, match="stopped in the middle"):
            await anext(pieces)
        await until(lambda: server.left == 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scores", [False, True], ids=["text", "scores"])
async def test_a_prompt_that_is_too_long_is_told(mode: str, scores: bool) -> None:
    async with serving(mode) as server, engine_for(server) as engine:
        server.context = 20
        error = await said(engine, Prompt("word " * 30), scores=scores)
        assert "longer than the model's context" in error.message and "tiny" in error.message
        assert error.hint


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (402, {"error": "pay"}, "no credit"),
        (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, "no credit"),
        (403, {}, "wants a key"),
        (404, {"detail": "Not Found"}, "no such model or address"),
        (400, {"error": {"message": "x is not a valid model ID"}}, "no such model"),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "too odd"}]}, "too odd"),
        (501, {}, "HTTP 501"),
    ],
)
async def test_what_no_retry_changes_is_told_at_once(status: int, body: Any, words: str) -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("status", times=9, detail={"status": status, "body": body})]
        assert words in (await said(engine)).message
        assert len(server.asked()) == 1


async def test_errors_with_a_status_of_success_are_errors() -> None:
    async with serving() as server, engine_for(server) as engine:
        body = {"error": {"message": "The provider says no", "code": 400}}
        server.faults = [Fault("status", times=9, detail={"status": 200, "body": body})]
        assert "The provider says no" in (await said(engine)).message
        assert "The provider says no" in (await said(engine, scores=True)).message


# -- starting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
async def test_starting_sees_that_server_and_model_are_there(mode: str) -> None:
    told: list[Progress] = []
    async with serving(mode, key=KEY) as server, engine_for(server, key=KEY) as engine:
        await engine.start(told.append)
        await engine.start(told.append)
        assert [request.path for request in server.requests] == ["/v1/models"]
        assert len(told) == 1 and "tiny" in told[0].message


async def test_an_unknown_model_is_told_with_those_there_are() -> None:
    async with serving("ollama") as server, engine_for(server, model="large") as engine:
        ids = [{"id": f"model-{number}"} for number in range(12)]
        server.faults = [Fault("status", path="models", detail={"status": 200, "body": {"data": ids}})]
        with pytest.raises(ModelError) as caught:
            await engine.start(silent)
        assert "'large'" in caught.value.message
        assert "model-0, model-1," in caught.value.hint and "model-9 and 2 more" in caught.value.hint


@pytest.mark.parametrize("model", ["alias", "tiny"])
async def test_a_model_that_isnt_listed_but_runs_is_taken(model: str) -> None:
    async with serving("ollama", model=model) as server, engine_for(server, model=model) as engine:
        listed = {"data": [{"id": "tiny:latest"}, {"id": "other"}]}
        server.faults = [Fault("status", path="models", detail={"status": 200, "body": listed})]
        await engine.start(silent)
        assert len(server.asked()) == (model == "alias")


async def test_llama_cpp_runs_the_model_it_has() -> None:
    async with serving("llama.cpp") as server, engine_for(server, model="whatever") as engine:
        await engine.start(silent)
        assert await text_from(engine) == "True"


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("body", [{}, {"data": "?"}])
async def test_servers_without_a_list_of_models_are_fine(status: int, body: Any) -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("status", path="models", detail={"status": status, "body": body})]
        await engine.start(silent)
        assert await text_from(engine) == "True"


@pytest.mark.parametrize("body", [[], {"data": None}, {"data": [{"id": 3}, "x"]}, [{"id": "tiny"}]])
async def test_odd_lists_of_models_are_fine(body: Any) -> None:
    async with serving() as server, engine_for(server) as engine:
        server.faults = [Fault("status", path="models", detail={"status": 200, "body": body})]
        await engine.start(silent)


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serving() as server, engine_for(server, url=f"http://127.0.0.1:{port}/v1") as engine:
        for attempt in (lambda: engine.start(silent), lambda: engine.score([RAW])):
            with pytest.raises(ModelError) as caught:
                await attempt()
            assert caught.value.message == f"tiny at 127.0.0.1:{port} does not answer: it refuses the connection."
            assert "running" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "http://a b/v1", "ftp://127.0.0.1/v1", "http://127.0.0.1:x/v1"]
)
async def test_an_address_that_is_none_is_told(url: str) -> None:
    async with serving() as server, engine_for(server, url=url) as engine:
        with pytest.raises(ModelError) as caught:
            await engine.start(silent)
        assert "url" in caught.value.hint


# -- keys -------------------------------------------------------------------------------------------------


async def test_a_key_that_is_refused_is_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(key="another") as server, engine_for(server, key=KEY) as engine:
        with pytest.raises(ModelError) as caught:
            await engine.start(silent)
        assert "does not accept the key" in caught.value.message and caught.value.hint
        await said(engine)
        await said(engine, scores=True)
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        chain: BaseException | None = caught.value
        while chain is not None:
            assert KEY not in repr(chain) + str(chain)
            chain = chain.__cause__ or chain.__context__
        assert KEY not in repr(engine) + str(vars(engine)) + caplog.text
    async with serving(key=KEY) as server, engine_for(server) as engine:
        with pytest.raises(ModelError, match="wants a key"):
            await engine.start(silent)


async def test_an_error_that_repeats_the_key_is_shown_without_it() -> None:
    async with serving() as server, engine_for(server, key=KEY) as engine:
        body = {"error": f"bad header Bearer {KEY}"}
        server.faults = [Fault("status", times=9, detail={"status": 400, "body": body})]
        error = await said(engine)
        assert KEY not in str(error) and "bad header" in error.message


@pytest.mark.parametrize("key", ["sk-ключ", "sk-1\nX-Evil: 1", "sk 1 2"])
async def test_a_key_that_cant_be_one_is_told_without_it(key: str) -> None:
    async with serving() as server, engine_for(server, key=key) as engine:
        with pytest.raises(ModelError) as caught:
            await engine.start(silent)
        assert key not in str(caught.value) and "key" in caught.value.message
        assert not server.requests


@pytest.mark.parametrize("scores", [False, True], ids=["text", "scores"])
async def test_redirects_are_not_followed_and_cost_no_key(scores: bool) -> None:
    async with serving() as other, serving() as server, engine_for(server, key=KEY) as engine:
        server.faults = [Fault("redirect", times=9, path="", detail={"location": other.url + "/chat/completions"})]
        error = await said(engine, scores=scores)
        assert "sends requests on" in error.message
        with pytest.raises(ModelError, match="sends requests on"):
            await engine.start(silent)
        assert not other.requests
