"""Google, Google Scholar and a paraphrase to Google, over the loopback's Serper and arXiv."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.config import Paths
from pasa_tui.errors import ConfigError, EvaluationError, ModelError, SourceError
from pasa_tui.evaluation.systems.google import (
    INFO_GOOGLE,
    INFO_GOOGLE_GPT_4O,
    INFO_GOOGLE_SCHOLAR,
    SCHOLAR,
    GoogleSystem,
)
from pasa_tui.evaluation.systems.language_models import LanguageModels
from pasa_tui.evaluation.systems.lookups import Lookups
from pasa_tui.evaluation.systems.protocol import Outcome, Place
from pasa_tui.evaluation.tree import encode_tree
from tests.evaluation.systems.loopback import CUT_OFF, KEY, LITERATURE, QUESTION, papers_of, place_of, profile_of
from tests.models.engines.openai_server import ModelServer
from tests.services import serper
from tests.services.server import Fault, Services


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERPER_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr("pasa_tui.retries.Wait.__call__", lambda self, state: 0.0)


@pytest.fixture
async def services() -> AsyncGenerator[Services, None]:
    async with Services(LITERATURE) as services:
        services.keys = {"serper": KEY}
        yield services


@pytest.fixture
def place(services: Services, tmp_path: Path) -> Place:
    return place_of(Paths.default({"PASA_TUI_HOME": str(tmp_path)}), services=services, corpus="sample")


async def _answered(system: Any) -> Outcome:
    try:
        outcome: Outcome = await system.answer(QUESTION)
        return outcome
    finally:
        await system.close()


def _asked(services: Services) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in services.requests if request.service == "serper"]


def _expected() -> list[str]:
    """The arXiv ids that Google would show for the question, best first."""
    works = LITERATURE.search(QUESTION.question, 300, before=CUT_OFF)
    return [work.arxiv_id for work in works if work.arxiv_id]


async def test_google_gives_all_results_in_their_order(place: Place, services: Services) -> None:
    outcome = await _answered(INFO_GOOGLE.make(place))
    nodes = papers_of(outcome.root)
    ids = [node.arxiv_id or "" for node in nodes]
    shown = iter(_expected())
    assert outcome.ending == "done" and outcome.message == ""
    # Links to lists lead to no paper; what is left stands in Google's order.
    assert len(ids) > 50 and all(arxiv_id in shown for arxiv_id in ids)
    assert nodes[0].score == 1.0 and all(node.score > 0.5 and node.source == "google" for node in nodes)
    assert sum(bool(node.title and node.abstract) for node in nodes) > 0.9 * len(nodes)
    assert list(outcome.root.child) == [QUESTION.question]
    first = _asked(services)[0]
    assert "site:arxiv.org" in first["q"] and first["q"].endswith("before:2024-03-01") and first["num"] == 100
    assert outcome.spent.requests == len(services.requests) and outcome.spent.seconds > 0


async def test_google_is_asked_for_page_after_page_where_pages_are_short(
    place: Place, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serper, "_MOST", 20)
    outcome = await _answered(INFO_GOOGLE.make(place))
    pages = [asked.get("page", 1) for asked in _asked(services)]
    assert pages == list(range(1, len(pages) + 1)) and 4 < len(pages) <= 10
    assert len(papers_of(outcome.root)) > 50 and services.count("arxiv") == 1


async def test_scholar_finds_papers_that_are_not_on_arxiv(place: Place, services: Services) -> None:
    lookups = Lookups.of_google(place, SCHOLAR, paced=False)
    outcome = await _answered(GoogleSystem("google-scholar", lookups, tool=SCHOLAR))
    nodes = papers_of(outcome.root)
    assert 80 < len(nodes) <= 100 and all(node.source == "google-scholar" for node in nodes)
    titles = {work.title for work in LITERATURE.works if not work.arxiv_id}
    assert sum(node.title in titles for node in nodes) > 5
    assert {asked["as_yhi"] for asked in _asked(services)} == {2024}
    assert all(node.published is None or node.published <= (QUESTION.published or CUT_OFF) for node in nodes)


async def test_where_arxiv_is_out_of_order_results_keep_their_ids(place: Place, services: Services) -> None:
    services.faults = [Fault("500", "arxiv")]
    outcome = await _answered(GoogleSystem("google", Lookups.of_google(place, "serper", paced=False)))
    nodes = papers_of(outcome.root)
    assert outcome.ending == "done" and "arxiv: It failed with HTTP 500" in outcome.message
    assert len(nodes) > 50 and all(node.arxiv_id and not node.title for node in nodes)
    assert all(node.published and node.published < CUT_OFF for node in nodes)


@pytest.mark.parametrize("kind", ["500", "html", "huge", "half-json", "reset"])
async def test_a_question_that_fails_does_not_end_the_evaluation(place: Place, services: Services, kind: str) -> None:
    system = GoogleSystem("google", Lookups.of_google(place, "serper", paced=False))
    services.faults = [Fault(kind, "serper", megabytes=20)]
    failed = await system.answer(QUESTION)
    assert (failed.ending, papers_of(failed.root)) == ("failed", [])
    assert failed.message.startswith("serper: ") and failed.root.title == QUESTION.question
    services.faults = []
    assert papers_of((await _answered(system)).root)


async def test_a_key_that_is_refused_ends_the_evaluation(place: Place, services: Services) -> None:
    services.keys = {"serper": "another"}
    with pytest.raises(SourceError, match="key is not accepted") as refused:
        await _answered(INFO_GOOGLE.make(place))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("info", [INFO_GOOGLE, INFO_GOOGLE_SCHOLAR, INFO_GOOGLE_GPT_4O], ids=lambda info: info.name)
def test_a_missing_key_is_told(info: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERPER_API_KEY")
    assert "pasa-tui config set-key serper" in info.missing(place)
    with pytest.raises(ConfigError, match="key"):
        info.make(place)


async def test_what_google_sends_does_no_harm(
    place: Place, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hostile(self: Any, work: Any, position: int) -> dict[str, Any]:
        title = f"\x1b[31mA \u202eTitle\x07 of number {'x' * position} " + "long " * 300
        return {"title": title, "link": "javascript:alert(1)", "year": "9" * 9, "pdfUrl": None}

    monkeypatch.setattr(serper.Serper, "_scholar", hostile)
    services.faults = [Fault("500", "arxiv")]
    outcome = await _answered(GoogleSystem("s", Lookups.of_google(place, SCHOLAR, paced=False), tool=SCHOLAR))
    nodes = papers_of(outcome.root)
    assert nodes and all(node.title.startswith("A Title of number x") and len(node.title) <= 1000 for node in nodes)
    assert KEY.encode() not in encode_tree(outcome.root)


async def test_a_paraphrase_is_what_google_is_asked(place: Place, services: Services) -> None:
    async with ModelServer("openai", answer=lambda prompt: "[Search]expanding queries (dense)\n[StopSearch]") as server:
        place = place_of(place.paths, services=services, models={"gpt-4o": profile_of(server)}, corpus="sample")
        assert INFO_GOOGLE_GPT_4O.missing(place) == ""
        outcome = await _answered(INFO_GOOGLE_GPT_4O.make(place))
        assert QUESTION.question in server.asked()[0]["messages"][-1]["content"]
    assert _asked(services)[0]["q"].startswith("expanding queries dense site:arxiv.org")
    assert list(outcome.root.child) == ["expanding queries (dense)"] and papers_of(outcome.root)
    spent = outcome.spent
    assert spent.requests == len(services.requests) + 1 and spent.prompt_tokens > 50 and spent.output_tokens > 3
    assert spent.cost == pytest.approx((spent.prompt_tokens + 10 * spent.output_tokens) / 1e6)


async def test_without_a_paraphrase_the_question_is_asked(place: Place, services: Services) -> None:
    async with ModelServer("openai", answer=lambda prompt: "[StopSearch]") as server:
        place = place_of(place.paths, services=services, models={"own": profile_of(server)}, model="own")
        models = LanguageModels(place, "gpt-4o", general=True)
        lookups = Lookups(place, ("serper", "arxiv"), corpus=False, paced=False)
        outcome = await _answered(GoogleSystem("google-gpt-4o", lookups, models=models))
    assert list(outcome.root.child) == [QUESTION.question] and "wrote no search" in outcome.message


async def test_a_model_that_is_refused_or_unfit_is_told(
    place: Place, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert INFO_GOOGLE_GPT_4O.missing(place) == "a key for OpenAI's models: pasa-tui config set-key openai"
    with pytest.raises(ConfigError, match="needs a key"):
        INFO_GOOGLE_GPT_4O.make(place)
    async with ModelServer("openai", key="right") as server:
        monkeypatch.setenv("WRONG_KEY", KEY)
        models = {"own": profile_of(server, key="WRONG_KEY"), "old": profile_of(server, prompts="published")}

        def asking(model: str) -> Place:
            return place_of(place.paths, services=services, models=models, corpus="sample", model=model)

        with pytest.raises(ModelError, match="does not accept the key") as refused:
            await _answered(INFO_GOOGLE_GPT_4O.make(asking("own")))
        assert KEY not in str(refused.value)
        with pytest.raises(EvaluationError, match="published prompts alone"):
            INFO_GOOGLE_GPT_4O.make(asking("old"))
