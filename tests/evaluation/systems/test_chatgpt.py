"""A model with its own web search, over a loopback server of the Responses API."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.config import Paths
from pasa_tui.config.profiles import Profile
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import ConfigError, EvaluationError, ModelError
from pasa_tui.evaluation.systems.chatgpt import INFO_CHATGPT, named_in, text_of
from pasa_tui.evaluation.systems.protocol import Outcome
from pasa_tui.papers import clean_text
from tests.evaluation.systems.loopback import (
    CUT_OFF,
    KEY,
    QUESTION,
    ResponsesServer,
    build_invented,
    known,
    papers_of,
    place_of,
    profile_of,
)
from tests.models.engines.openai_faults import Fault


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OWN_KEY", KEY)
    monkeypatch.setattr("pasa_tui.retries.Wait.__call__", lambda self, state: 0.0)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    folder = tmp_path_factory.mktemp("chatgpt")
    paths = Paths.default({"PASA_TUI_HOME": str(folder / "home")})
    build_invented(paths, folder)
    return paths


@pytest.fixture
async def server() -> AsyncGenerator[ResponsesServer, None]:
    async with ResponsesServer(_cites, key=KEY) as server:
        yield server


def _cites(prompt: str) -> str:
    """Prose with links, as models answer that have searched."""
    return "Here is what I found:\n\n" + "\n".join(
        f"{number}. **{work.title}** ({work.date.year}). It fits. "
        f"([arxiv.org](https://arxiv.org/abs/{work.arxiv_id}?utm_source=openai))"
        for number, work in enumerate(known(), start=1)
    )


def _made(paths: Paths, server: ResponsesServer, **changes: Any) -> Any:
    agent = changes.pop("agent", None)
    profile = profile_of(server, **{"key": "OWN_KEY", **changes})
    return INFO_CHATGPT.make(place_of(paths, models={"gpt-4o": profile}, agent=agent))


async def _answered(system: Any) -> Outcome:
    try:
        outcome: Outcome = await system.answer(QUESTION)
        return outcome
    finally:
        await system.close()
        await system.close()


async def test_the_papers_of_an_answer_are_found_in_the_corpus(paths: Paths, server: ResponsesServer) -> None:
    outcome = await _answered(_made(paths, server))
    nodes = papers_of(outcome.root)
    assert [(node.title, node.arxiv_id) for node in nodes] == [(work.title, work.arxiv_id) for work in known()]
    assert all(node.abstract and node.source == "chatgpt" for node in nodes)
    (asked,) = server.asked("responses")
    assert asked["tools"] == [{"type": "web_search"}] and asked["model"] == "gpt-4o" and not asked["store"]
    assert QUESTION.question in asked["input"] and CUT_OFF.isoformat() in asked["input"]
    spent = outcome.spent
    assert (outcome.ending, outcome.message, spent.requests) == ("done", "", 1)
    assert spent.prompt_tokens == len(asked["input"].split()) and spent.output_tokens == len(_cites("").split())
    assert spent.cost == pytest.approx((spent.prompt_tokens + 10 * spent.output_tokens) / 1e6)


async def test_the_pages_cited_are_the_papers_where_the_text_names_none(paths: Paths, server: ResponsesServer) -> None:
    server.answer = lambda prompt: "Several works fit, as the sources show."
    server.annotations = [
        {"type": "url_citation", "title": f"[{work.arxiv_id}] {work.title}", "start_index": 0, "end_index": 4}
        | {"url": f"https://arxiv.org/abs/{work.arxiv_id}"}
        for work in known()
    ] + [{"type": "url_citation", "title": "A blog post", "url": "https://blog.example.org/post"}]
    outcome = await _answered(_made(paths, server))
    assert [node.arxiv_id for node in papers_of(outcome.root)] == [work.arxiv_id for work in known()]


async def test_a_server_that_knows_the_earlier_tool_is_asked_with_it(paths: Paths, server: ResponsesServer) -> None:
    server.tool = "web_search_preview"
    system = _made(paths, server)
    try:
        outcomes = await asyncio.gather(*(system.answer(replace(QUESTION, index=at)) for at in range(3)))
        last = await system.answer(QUESTION)
    finally:
        await system.close()
    assert all(len(papers_of(outcome.root)) == 3 for outcome in outcomes)
    # What was learnt holds for the questions that follow.
    assert last.spent.requests == 1 and server.asked("responses")[-1]["tools"] == [{"type": "web_search_preview"}]


async def test_a_server_without_any_such_tool_fails_the_question(paths: Paths, server: ResponsesServer) -> None:
    server.tool = "none"
    outcome = await _answered(_made(paths, server))
    assert outcome.ending == "failed" and "web_search_preview" in outcome.message and outcome.spent.requests == 2


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("500", {}),
        ("html", {}),
        ("garbage", {}),
        ("reset", {}),
        ("huge", {}),
        ("packed", {}),
        ("redirect", {"location": "http://127.0.0.1:9/"}),
        ("status", {"status": 400, "body": {"error": {"message": "logprobs \x1b[31m are bad"}}}),
    ],
)
async def test_a_server_that_fails_once_fails_one_question(
    paths: Paths, server: ResponsesServer, kind: str, detail: dict[str, Any]
) -> None:
    system = _made(paths, server)
    try:
        server.faults = [Fault(kind, times=4, path="responses", detail=detail)]
        failed = await system.answer(QUESTION)
        assert failed.ending == "failed" and clean_text(failed.message) == failed.message and failed.message
        assert not papers_of(failed.root) and KEY not in failed.message
        server.faults = []
        assert papers_of((await system.answer(QUESTION)).root)
    finally:
        await system.close()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (None, "does not accept the key"),
        (
            {"status": 429, "body": {"error": {"message": "You exceeded your current quota"}}},
            "no credit left",
        ),
        ({"status": 402, "body": {}}, "no credit left"),
        ({"status": 404, "body": {}}, "no such model or address"),
    ],
)
async def test_what_fails_for_every_question_ends_the_evaluation(
    paths: Paths, server: ResponsesServer, fault: dict[str, Any] | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault is None:
        monkeypatch.setenv("OWN_KEY", KEY + "x")
    else:
        server.faults = [Fault("status", times=9, path="responses", detail=fault)]
    with pytest.raises(ModelError, match=reason) as refused:
        await _answered(_made(paths, server))
    assert KEY not in str(refused.value)


async def test_a_model_that_the_server_lacks_ends_the_evaluation(paths: Paths, server: ResponsesServer) -> None:
    with pytest.raises(ModelError, match="no such model"):
        await _answered(_made(paths, server, model="gpt-0"))


@pytest.mark.parametrize(
    ("response", "ending", "message"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "\x1b[2Jbroke."}}, "failed", "broke."),
        ({"error": "overloaded"}, "failed", "overloaded"),
        ({"status": "incomplete", "output": []}, "done", "cut off"),
        ({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]}, "done", "no paper"),
        ({"output": 7, "usage": {"input_tokens": -1, "output_tokens": "many"}}, "done", "no paper"),
        ([], "failed", "not in OpenAI's format"),
    ],
)
async def test_odd_answers_are_told(
    paths: Paths, server: ResponsesServer, response: Any, ending: str, message: str
) -> None:
    server.response = response
    outcome = await _answered(_made(paths, server))
    assert outcome.ending == ending and message in outcome.message and "\x1b" not in outcome.message
    assert not papers_of(outcome.root) and outcome.spent.prompt_tokens == outcome.spent.output_tokens == 0


async def test_an_answer_that_was_cut_off_is_read_as_far_as_it_goes(paths: Paths, server: ResponsesServer) -> None:
    text = json.dumps([{"title": work.title, "arxiv_id": None} for work in known()])[:-30]
    content = [{"type": "output_text", "text": text}]
    server.response = {"status": "incomplete", "output": [{"type": "message", "content": content}]}
    outcome = await _answered(_made(paths, server))
    assert [node.title for node in papers_of(outcome.root)][:2] == [work.title for work in known()][:2]
    assert "cut off" in outcome.message


async def test_a_limit_of_cost_stops_before_the_request(paths: Paths, server: ResponsesServer) -> None:
    outcome = await _answered(_made(paths, server, agent=AgentSettings(max_cost=0.001)))
    assert outcome.ending == "budget" and not server.asked("responses")


def test_what_is_missing_is_told(paths: Paths, tmp_path: Path) -> None:
    assert "pasa-tui config set-key openai" in INFO_CHATGPT.missing(place_of(paths))
    with pytest.raises(ConfigError, match="needs a key"):
        INFO_CHATGPT.make(place_of(paths))
    local = {"own": Profile(engine="transformers", model=str(tmp_path))}
    with pytest.raises(EvaluationError, match="no web search"):
        INFO_CHATGPT.make(place_of(paths, models=local, model="own"))
    with pytest.raises(ModelError, match="address of the server is none"):
        INFO_CHATGPT.make(place_of(paths, models={"own": Profile(url="http://", model="m")}, model="own"))


_NAMES = st.sampled_from("output content type text annotations title url usage".split()) | st.text(max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=30,
)
_PARTS = st.fixed_dictionaries({"type": st.just("output_text"), "text": _VALUES, "annotations": _VALUES})
_MESSAGES = st.fixed_dictionaries({"type": st.just("message"), "content": st.lists(_PARTS, max_size=3)})


@given(
    st.dictionaries(_NAMES, _VALUES, max_size=4) | st.fixed_dictionaries({"output": st.lists(_MESSAGES, max_size=3)})
)
def test_no_answer_is_too_odd_to_read(answer: dict[str, Any]) -> None:
    assert isinstance(text_of(answer), str)
    for paper in named_in(answer):
        assert clean_text(paper.title) == paper.title and (paper.title or paper.arxiv_id)
