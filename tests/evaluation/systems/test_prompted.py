"""A model asked directly, and BM25 over a model's searches, over loopback servers and a corpus of invented papers."""

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
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import ConfigError, CorpusError, ModelError, PasaError
from pasa_tui.evaluation.systems.language_models import LanguageModels
from pasa_tui.evaluation.systems.lookups import Lookups
from pasa_tui.evaluation.systems.prompted import INFO_GPT_O1, INFO_SUBQUERIES, AskedDirectly, fused
from pasa_tui.evaluation.systems.protocol import Outcome
from pasa_tui.evaluation.tree import encode_tree
from pasa_tui.papers import Paper, clean_text
from tests.evaluation.systems.loopback import (
    CUT_OFF,
    KEY,
    LITERATURE,
    QUESTION,
    build_invented,
    known,
    papers_of,
    place_of,
    profile_of,
)
from tests.models.engines.openai_faults import Fault
from tests.models.engines.openai_script import WordModel
from tests.models.engines.openai_server import ModelServer
from tests.services.server import Services

UNKNOWN = "A Title That Nobody Has Ever Written Down"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr("pasa_tui.retries.Wait.__call__", lambda self, state: 0.0)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    folder = tmp_path_factory.mktemp("baselines")
    paths = Paths.default({"PASA_TUI_HOME": str(folder / "home")})
    build_invented(paths, folder)
    return paths


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer, None]:
    async with ModelServer("openai", model="o1", answer=_names) as server:
        yield server


def _names(prompt: str) -> str:
    """Works of the literature, one too late, and one that nobody wrote."""
    late = next(work for work in reversed(LITERATURE.works) if work.arxiv_id and work.date.year >= 2025)
    listed: list[dict[str, Any]] = [{"title": work.title, "arxiv_id": None} for work in known()]
    return json.dumps([*listed, {"title": UNKNOWN, "arxiv_id": None}, {"title": late.title, "arxiv_id": late.arxiv_id}])


async def _answered(system: Any) -> Outcome:
    try:
        outcome: Outcome = await system.answer(QUESTION)
        return outcome
    finally:
        await system.close()
        await system.close()


async def test_titles_are_found_in_the_corpus_or_kept(paths: Paths, server: ModelServer) -> None:
    place = place_of(paths, models={"o1": profile_of(server)})
    assert INFO_GPT_O1.missing(place) == ""
    outcome = await _answered(INFO_GPT_O1.make(place))
    nodes = papers_of(outcome.root)
    assert [node.title for node in nodes] == [*(work.title for work in known()), UNKNOWN]
    assert [node.arxiv_id for node in nodes] == [*(work.arxiv_id for work in known()), ""]
    assert all(node.abstract and node.published for node in nodes[:-1]) and nodes[0].score == 1.0
    assert all(node.source == "gpt-o1" for node in nodes)
    spent = outcome.spent
    assert (outcome.ending, outcome.message, spent.requests) == ("done", "", 1) and spent.output_tokens > 30
    assert spent.cost == pytest.approx((spent.prompt_tokens + 10 * spent.output_tokens) / 1e6)
    asked = server.asked()[-1]["messages"][-1]["content"]
    assert QUESTION.question in asked and CUT_OFF.isoformat() in asked


async def test_titles_are_found_by_the_live_sources(paths: Paths, server: ModelServer, tmp_path: Path) -> None:
    home = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    async with Services(LITERATURE) as services:
        place = place_of(
            home, services=services, models={"own": profile_of(server)}, sources=("openalex",), model="own"
        )
        system = AskedDirectly(
            "gpt-o1", LanguageModels(place, "o1", general=True), Lookups.of_titles(place, paced=False)
        )
        outcome = await _answered(system)
        asked = services.count("openalex")
    nodes = papers_of(outcome.root)
    assert [node.title for node in nodes][-1] == UNKNOWN and len(nodes) == 4
    assert sum(bool(node.abstract) for node in nodes) >= 2
    assert asked and outcome.spent.requests == asked + 1


async def test_the_corpus_is_asked_before_the_live_sources(paths: Paths, server: ModelServer) -> None:
    async with Services(LITERATURE) as services:
        models = {"o1": profile_of(server)}
        place = place_of(paths, services=services, models=models, sources=("corpus", "openalex"))
        outcome = await _answered(INFO_GPT_O1.make(place))
        targets = " ".join(request.target for request in services.requests)
    assert len(papers_of(outcome.root)) == 4
    assert "Nobody" in targets and not any(work.title.split()[0] in targets for work in known())


async def test_a_model_that_thinks_is_asked_as_it_wants(paths: Paths) -> None:
    async with ModelServer("openai", model="o1", answer=_names, thinks="hidden") as server:
        outcome = await _answered(INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)})))
    assert len(papers_of(outcome.root)) == 4


async def test_questions_at_once_have_bills_of_their_own(paths: Paths, server: ModelServer) -> None:
    system = INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)}))
    try:
        alone = await system.answer(QUESTION)
        assert system.waits
        outcomes = await asyncio.gather(*(system.answer(replace(QUESTION, index=at)) for at in range(6)))
    finally:
        await system.close()
    bills = {(one.spent.requests, one.spent.prompt_tokens, one.spent.output_tokens) for one in [alone, *outcomes]}
    assert len(bills) == 1 and server.most_in_flight > 1


@pytest.mark.parametrize(
    "answer",
    [
        "1. \x1b[31mPaper\x1b[0m of <script>alert(1)</script> Evil\n2. \x1b]0;own\x07Second \u202ePaper of Evil",
        "[" * 30_000,
        '{"title": ' * 5_000,
        "- " + "a very long title " * 20_000,
        '[{"title": 7, "arxiv_id": {"x": []}}, {"title": null}, "\\u001b[2J\\u0007Bell of Evil Papers"]',
        "",
    ],
    ids=["escapes", "brackets", "nested", "long", "types", "nothing"],
)
async def test_what_a_model_answers_does_no_harm(paths: Paths, answer: str) -> None:
    async with ModelServer("openai", model="o1", answer=lambda prompt: answer) as server:
        outcome = await _answered(INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)})))
    nodes = papers_of(outcome.root)
    assert outcome.ending == "done" and bool(nodes) == (outcome.message == "")
    for node in nodes:
        assert clean_text(node.title) == node.title and "<script" not in node.title and len(node.title) <= 300
    assert b"\\u001b" not in encode_tree(outcome.root)


@pytest.mark.parametrize("kind", ["500", "html", "garbage", "huge", "other json", "reset", "broken"])
async def test_a_server_that_fails_once_fails_one_question(paths: Paths, server: ModelServer, kind: str) -> None:
    system = INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)}))
    try:
        server.faults = [Fault(kind, times=4, path="chat/completions")]
        failed = await system.answer(QUESTION)
        assert failed.ending == "failed" and failed.message and not papers_of(failed.root)
        server.faults = []
        assert papers_of((await system.answer(QUESTION)).root)
    finally:
        await system.close()


async def test_no_server_at_all_fails_the_question(paths: Paths) -> None:
    place = place_of(paths, models={"o1": Profile(url="http://127.0.0.1:9/v1", model="o1")})
    outcome = await _answered(INFO_GPT_O1.make(place))
    assert outcome.ending == "failed" and "refuses the connection" in outcome.message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"key": "WRONG_KEY"}, "does not accept the key"), ({"model": "o7", "key": "KEY"}, "no model 'o7'")],
)
async def test_what_fails_for_every_question_ends_the_evaluation(
    paths: Paths, changes: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_KEY", KEY + "x")
    monkeypatch.setenv("KEY", KEY)
    async with ModelServer("openai", model="o1", key=KEY) as server:
        system = INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server, **changes)}))
        with pytest.raises(ModelError, match=reason) as refused:
            await _answered(system)
    assert KEY not in str(refused.value)


async def test_an_account_without_credit_ends_the_evaluation(paths: Paths, server: ModelServer) -> None:
    message = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    server.faults = [Fault("status", times=9, detail={"status": 429, "body": message})]
    with pytest.raises(ModelError, match="no credit left"):
        await _answered(INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)})))


async def test_a_limit_of_cost_holds_for_each_question(paths: Paths, server: ModelServer) -> None:
    low, enough = AgentSettings(max_cost=0.001), AgentSettings(max_cost=0.1)
    stopped = await _answered(INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)}, agent=low)))
    assert stopped.ending == "budget" and "at most $0.0010" in stopped.message and not server.asked()
    system = INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)}, agent=enough))
    try:
        # One answer may cost 0.08 dollars, so a second one would not fit.
        assert [(await system.answer(QUESTION)).ending for _ in range(3)] == ["done"] * 3
    finally:
        await system.close()


@pytest.mark.parametrize("info", [INFO_GPT_O1, INFO_SUBQUERIES], ids=lambda info: info.name)
@pytest.mark.parametrize(
    ("models", "model", "missing"),
    [
        ({}, "", "a key for OpenAI's models: pasa-tui config set-key openai"),
        ({"own": Profile(url="http://h/v1", model="m", key="NO_SUCH_KEY")}, "own", "the variable NO_SUCH_KEY"),
        ({"own": Profile(engine="transformers", model="no-such-weights")}, "own", "no-such-weights"),
        ({"own": Profile(model="m")}, "own", "has no `url`"),
        ({}, "builtin", "writes no text"),
    ],
)
def test_what_is_missing_is_told(info: Any, models: dict[str, Profile], model: str, missing: str, paths: Paths) -> None:
    place = place_of(paths, models=models, model=model)
    assert missing in info.missing(place) and "\n" not in info.missing(place)
    with pytest.raises(PasaError):
        info.make(place)


# -- BM25 over a model's searches ---------------------------------------------------------------------------


async def test_searches_of_a_model_are_fused(paths: Paths) -> None:
    words = WordModel()
    async with ModelServer("openai", model="gpt-4o", answer=words.answer) as server:
        place = place_of(paths, models={"gpt-4o": profile_of(server)}, agent=AgentSettings(search_queries=3))
        assert INFO_SUBQUERIES.missing(place) == ""
        outcome = await _answered(INFO_SUBQUERIES.make(place))
    texts = list(outcome.root.child)
    assert texts[0] == QUESTION.question and len(texts) == 4
    assert (outcome.spent.requests, outcome.ending) == (1, "done")
    sums: dict[str, float] = {}
    with open_corpus(place.corpus, paths) as corpus:
        for text in texts:
            for rank, paper in enumerate(await corpus.search(text, limit=100, before=CUT_OFF), start=1):
                sums[paper.title] = sums.get(paper.title, 0.0) + 1 / (60 + rank)
    titles = [node.title for node in papers_of(outcome.root)]
    assert titles == sorted(sums, key=lambda title: -sums[title])[:100] and len(titles) == 100


async def test_without_searches_the_question_alone_is_searched(paths: Paths) -> None:
    async with ModelServer("openai", model="gpt-4o", answer=lambda prompt: "[StopSearch]") as server:
        place = place_of(paths, models={"gpt-4o": profile_of(server)})
        outcome = await _answered(INFO_SUBQUERIES.make(place))
    with open_corpus(place.corpus, paths) as corpus:
        alone = await corpus.search(QUESTION.question, limit=100, before=CUT_OFF)
    assert [node.title for node in papers_of(outcome.root)] == [paper.title for paper in alone]
    assert "wrote no searches" in outcome.message


async def test_an_unknown_corpus_is_told(paths: Paths, server: ModelServer) -> None:
    with pytest.raises(CorpusError, match="There is no corpus 'nowhere'"):
        INFO_SUBQUERIES.make(place_of(paths, models={"gpt-4o": profile_of(server)}, corpus="nowhere"))
    with pytest.raises(ConfigError, match="no source 'nowhere'"):
        INFO_GPT_O1.make(place_of(paths, models={"o1": profile_of(server)}, sources=("nowhere",)))


_PAPERS = [Paper(title=f"paper {chr(97 + number)}") for number in range(12)]


@given(st.lists(st.lists(st.sampled_from(_PAPERS), unique=True), max_size=5), st.integers(1, 12))
def test_fusion_keeps_the_best_and_every_search(lists: list[list[Paper]], limit: int) -> None:
    found = {f"search {number}": papers for number, papers in enumerate(lists)}
    best = fused(found, limit)
    scores = {paper.title: score for papers in best.values() for paper, score in papers}
    every = {paper.title for papers in lists for paper in papers}
    assert list(best) == list(found) and len(scores) == min(limit, len(every))
    assert len(set(scores.values())) == len(scores) and all(0.5 < score <= 1 for score in scores.values())
    # A paper that stands before another wherever either was found is never behind it.
    for paper in scores:
        for other in every - {paper}:
            places = [[one.title for one in papers] for papers in lists]
            if all(other not in titles or paper in titles[: titles.index(other)] for titles in places):
                assert scores[paper] > scores.get(other, 0.0)
