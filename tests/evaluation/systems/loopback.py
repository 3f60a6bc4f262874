"""What the baselines are tested with: a place whose hosts are all on loopback, and a server of the Responses API."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pasa_tui.config import Paths
from pasa_tui.config.profiles import Profile
from pasa_tui.config.settings import AgentSettings, Settings, SourceSettings
from pasa_tui.corpus.build import build_corpus
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.protocol import Place
from pasa_tui.evaluation.tree import Node
from tests.models.engines.openai_faults import Fault, send
from tests.models.engines.openai_server import ModelServer, Refusal, Request
from tests.services.literature import Literature, Work
from tests.services.server import Services

KEY = "k3y-0f-somebody"
LITERATURE = Literature.invent(300)
QUESTION = BenchmarkQuery(
    index=0,
    qid="q0",
    question="Which papers improve dense retrieval with query expansion?",
    answers=(),
    published=date(2024, 3, 8),
)
CUT_OFF = date(2024, 3, 1)
CORPUS = "invented"


def known(before: date = CUT_OFF, count: int = 3) -> list[Work]:
    """Some works of the literature that were out by then, are on arXiv and in order."""
    works = [work for work in LITERATURE.works if work.arxiv_id and work.date < before and not work.withdrawn]
    return works[-count:]


def build_invented(paths: Paths, folder: Path) -> None:
    """The literature as a corpus."""
    file = folder / "papers.jsonl"
    rows = [
        {
            "id": f"arxiv:{work.arxiv_id}" if work.arxiv_id else f"local:{work.number}",
            "title": work.title,
            "abstract": work.abstract,
            "date": work.date.isoformat(),
        }
        for work in LITERATURE.works
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    build_corpus(paths, CORPUS, papers=file)


def place_of(
    paths: Paths,
    *,
    services: Services | None = None,
    models: Mapping[str, Profile] | None = None,
    agent: AgentSettings | None = None,
    **changes: Any,
) -> Place:
    """A place over loopback servers; `models` are its profiles."""
    urls = {f"{name.replace('-', '_')}_url": url for name, url in services.urls.items()} if services else {}
    settings = Settings(sources=SourceSettings(**urls), profiles=dict(models or {}))  # type: ignore[arg-type]
    return Place(paths=paths, settings=settings, agent=agent or AgentSettings(), **{"corpus": CORPUS, **changes})


def profile_of(server: ModelServer, **changes: Any) -> Profile:
    """A profile of a server's model, with prices that are easy to multiply."""
    fields = {"url": server.url, "model": server.model, "price_in": 1.0, "price_out": 10.0}
    return Profile(**{**fields, **changes})


def papers_of(root: Node) -> list[Node]:
    """The papers below a root, best first."""
    return sorted(root.walk(), key=lambda node: -node.score)


class ResponsesServer(ModelServer):
    """Answers `POST /v1/responses` as OpenAI does for a model with the web-search tool.

    `tool` is the name that it knows the tool by. With `response` that is sent as it is, whatever was asked.
    """

    _FIELDS = frozenset("model input instructions tools max_output_tokens store stream temperature".split())

    def __init__(self, answer: Callable[[str], str], **options: Any) -> None:
        super().__init__("openai", answer=answer, model="gpt-4o", **options)
        self.tool = "web_search"
        self.annotations: list[dict[str, Any]] = []
        self.response: Any = None

    async def __aenter__(self) -> "ResponsesServer":
        await super().__aenter__()
        return self

    async def _route(self, request: Request, fault: Fault, writer: asyncio.StreamWriter) -> None:
        if request.path != "/v1/responses":
            await super()._route(request, fault, writer)
            return
        self._check_response(request.body)
        await send(writer, 200, self.response if self.response is not None else self._responded(request.body))

    def _check_response(self, body: Mapping[str, Any]) -> None:
        if unknown := set(body) - self._FIELDS:
            raise Refusal(400, f"Unknown parameter: '{unknown.pop()}'.")
        if body.get("model") != self.model:
            raise Refusal(400, f"The requested model '{body.get('model')}' does not exist.", code="model_not_found")
        if body.get("tools") != [{"type": self.tool}]:
            raise Refusal(400, f"Hosted tool '{body['tools'][0]['type']}' is not supported with {self.model}.")

    def _responded(self, body: Mapping[str, Any]) -> dict[str, Any]:
        text = self.answer(body["input"])
        part = {"type": "output_text", "text": text, "annotations": self.annotations}
        call = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
        message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        return {
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "model": self.model,
            "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, call, message],
            "usage": {
                "input_tokens": len(re.findall(r"\S+", body["input"])),
                "output_tokens": len(re.findall(r"\S+", text)),
                "total_tokens": 0,
            },
        }
