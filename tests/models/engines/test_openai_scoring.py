"""Scores from servers of every kind."""

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt
from tests.models.engines.openai_faults import Fault
from tests.models.engines.test_openai_engine import CHAT, PROBABILITIES, RAW, engine_for, serving


@pytest.mark.parametrize(
    ("mode", "chat", "raw", "scoring"),
    [
        ("vllm", 0.66, 0.6, "exact"),
        ("openai", 0.66, 0.6, "top"),
        ("llama.cpp", 0.66, 0.6, "top"),
        ("ollama", 1.0, 1.0, "binary"),
        ("transformers", 1.0, 1.0, "binary"),
        ("llama-cpp-python", 1.0, 1.0, "binary"),
    ],
)
async def test_scores_are_as_good_as_the_server_allows(mode: str, chat: float, raw: float, scoring: str) -> None:
    async with serving(mode) as server, engine_for(server) as engine:
        assert list(await engine.score([RAW] * 2)) == pytest.approx([raw] * 2)
        assert engine.scoring == scoring
        assert list(await engine.score([CHAT] * 2)) == pytest.approx([chat] * 2)
        assert engine.scoring == {"exact": "top"}.get(scoring, scoring)
        assert engine.usage().scored == 4
        assert list(await engine.score([])) == []


async def test_what_a_server_can_do_is_found_out_once() -> None:
    async with serving("llama-cpp-python", answer=lambda prompt: "False") as server, engine_for(server) as engine:
        assert list(await engine.score([CHAT] * 20)) == [0.0] * 20
        assert sum("logprobs" in body for body in server.asked()) == 2, "20 tokens, then 5, then none any more"
        asked = len(server.asked())
        await engine.score([CHAT] * 10)
        assert len(server.asked()) == asked + 10


async def test_the_exact_probability_needs_no_rank() -> None:
    named = {f"w{number}": 0.0099 for number in range(100)} | {"True": 0.005}
    async with serving("vllm", probabilities=lambda prompt: named) as server, engine_for(server) as engine:
        assert list(await engine.score([RAW])) == pytest.approx([0.005])
        assert engine.scoring == "exact"
        assert len(server.asked()) == 1


async def test_an_older_vllm_names_the_likeliest() -> None:
    shares = iter([PROBABILITIES, PROBABILITIES, {"False": 0.9, "True": 0.08}])
    async with serving("vllm", probabilities=lambda prompt: next(shares)) as server, engine_for(server) as engine:
        server.names_tokens = False
        assert [(await engine.score([RAW]))[0] for _ in range(2)] == pytest.approx([0.6, 0.08])
        assert engine.scoring == "top"


async def test_where_true_is_not_among_the_likeliest_more_are_asked_for_if_that_matters() -> None:
    named = {f"w{number}": 0.0099 for number in range(100)} | {"True": 0.005}
    async with serving("llama.cpp", probabilities=lambda prompt: named) as server, engine_for(server) as engine:
        assert list(await engine.score([RAW] * 2)) == pytest.approx([0.005] * 2)
        assert [body["logprobs"] for body in server.asked()] == [20, 1000] * 2
    async with serving("openai", probabilities=lambda prompt: named) as server, engine_for(server) as engine:
        assert list(await engine.score([RAW] * 3)) == [0.0] * 3
        counts = [body["logprobs"] for body in server.asked() if "logprobs" in body]
        assert counts.count(1000) == 1, "what was refused is not tried again"
    sure = {"False": 0.9999, "True": 0.0001}
    async with (
        serving("llama.cpp", probabilities=lambda prompt: sure | {f"w{n}": 1e-9 for n in range(30)}) as server,
        engine_for(server) as engine,
    ):
        await engine.score([RAW])
        assert len(server.asked()) == 1


async def test_a_model_that_begins_with_something_else_is_asked_for_all_of_its_answer() -> None:
    named = {"The": 0.8, "It": 0.15, "True": 0.05}
    async with (
        serving("vllm", probabilities=lambda prompt: named, answer=lambda prompt: "The answer is True.") as server,
        engine_for(server) as engine,
    ):
        assert list(await engine.score([CHAT])) == [1.0]
        assert engine.scoring == "binary"
        # Of a published checkpoint the first token counts, whatever it is.
        assert list(await engine.score([RAW])) == pytest.approx([0.05])


@pytest.mark.parametrize("thinks", ["tags", "field", "hidden"])
async def test_a_model_that_thinks_first_has_room_for_it(thinks: str) -> None:
    mode = {"tags": "vllm", "field": "ollama", "hidden": "openai"}[thinks]
    async with serving(mode, thinks=thinks) as server, engine_for(server) as engine:
        assert list(await engine.score([CHAT] * 3)) == [1.0] * 3
        assert engine.scoring == "binary"
        asked = len(server.asked())
        await engine.score([CHAT])
        assert len(server.asked()) == asked + 1


async def test_a_model_that_never_ends_its_thoughts_is_told_once() -> None:
    answers = ["<think>" + "hm " * 6000, "True", "<think>" + "hm " * 6000, "True"]
    async with (
        serving("ollama", answer=lambda prompt: answers[int(prompt)]) as server,
        engine_for(server) as engine,
    ):
        with pytest.raises(ModelError, match="still thinking"):
            await engine.score([Prompt("0")])
        assert [(await engine.score([Prompt(str(number))]))[0] for number in (1, 2, 3)] == [1.0, 0.0, 1.0]


async def test_answers_are_constrained_where_the_server_can() -> None:
    async with serving("ollama") as server, engine_for(server) as engine:
        server.faults = [
            Fault("none"),
            Fault("status", detail={"status": 400, "body": {"error": "response_format is not supported"}}),
        ]
        await engine.score([CHAT])
        assert [("logprobs" in body, "response_format" in body) for body in server.asked()] == [
            (True, False),
            (False, True),
            (False, False),
        ]
        await engine.score([CHAT])
        assert "response_format" not in server.asked()[-1]


async def test_scores_keep_the_order_of_their_prompts() -> None:
    def by_number(prompt: str) -> dict[str, float]:
        share = int(prompt.split()[0]) / 100
        return {"True": share, "False": 0.99 - share}

    async with serving(probabilities=by_number) as server, engine_for(server, concurrency=3) as engine:
        prompts = [Prompt(f"{number} of 100") for number in range(1, 60)]
        assert list(await engine.score(prompts)) == pytest.approx([number / 100 for number in range(1, 60)])
        assert server.most_in_flight <= 3
