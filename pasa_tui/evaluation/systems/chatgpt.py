"""An OpenAI model with its own web search, by the Responses API, its answer read for titles.

What OpenAI takes for each search of the web has no place in a profile, so the dollars counted are those of tokens.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pasa_tui.config.profiles import Profile
from pasa_tui.errors import EvaluationError, ModelError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.baseline_prompts import name_papers
from pasa_tui.evaluation.systems.language_models import check_key, chosen_profile, missing_model
from pasa_tui.evaluation.systems.lookups import Lookups
from pasa_tui.evaluation.systems.prompted import ANSWER_TOKENS, named_tree
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo
from pasa_tui.evaluation.systems.spending import Bill, settled
from pasa_tui.evaluation.systems.titles import NamedPaper, read_titles
from pasa_tui.evaluation.tree import Node
from pasa_tui.models.engines.purse import Purse
from pasa_tui.papers import Query, clean_text

DEFAULT_MODEL = "gpt-4o"
_TIMEOUT = 600.0
"""Seconds that an answer may take: the model searches several times before it writes."""
_TOOLS = ("web_search", "web_search_preview")
"""The tool's names, the present one first: some models and routers know the earlier one alone."""
_MOST_CITATIONS = 200
_LONGEST_MESSAGE = 300


class ChatGpt:
    """Asks `POST {url}/responses` with the web-search tool. Used by one event loop."""

    name = "chatgpt"
    waits = True

    def __init__(self, model: str, profile: Profile, key: str | None, lookups: Lookups, *, max_cost: float) -> None:
        """`model` is what messages call it; `max_cost` are the dollars of tokens for a question, 0 for no limit.

        Raises ModelError where the address or the key can't be one.
        """
        # Here, because the HTTP client takes long to load.
        from pasa_tui.models.engines.openai_client import Client
        from pasa_tui.models.engines.openai_meter import Meter
        from pasa_tui.retries import JITTER

        self._model = model
        self._profile = profile
        self._lookups = lookups
        self._max_cost = max_cost
        self._tools = list(_TOOLS)
        self._client = Client(
            profile.url,
            profile.crawler_model,
            name=model,
            key=key,
            concurrency=profile.concurrency,
            purse=Purse(None, 0.0, 0.0),
            meter=Meter(model),
            timeout=_TIMEOUT,
            jitter=JITTER,
        )

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The papers that the model names, in its order. Raises ModelError where its key is refused."""

        async def work(bill: Bill) -> Node:
            answer = await self._ask(query.query, bill)
            return await named_tree(query, named_in(answer), self._lookups, bill, self.name)

        return await settled(query, work)

    async def close(self) -> None:
        """Give back the corpus and the connections."""
        self._lookups.close()
        await self._client.close()

    async def _ask(self, query: Query, bill: Bill) -> dict[str, Any]:
        """The answer, its tokens on the bill. Raises ModelError."""
        purse = Purse(self._max_cost or None, self._profile.price_in, self._profile.price_out)
        prompt = name_papers(query, searches_web=True)
        body = {
            "model": self._profile.crawler_model,
            "instructions": prompt.system,
            "input": prompt.text,
            "max_output_tokens": ANSWER_TOKENS,
            "store": False,
        }
        # What the searches bring is read as well, and nobody knows before how much that is.
        reservation = await purse.reserve(len(msgspec.json.encode(body)), ANSWER_TOKENS)
        answer = await self._post(body, bill)
        read, written = _tokens(answer, "input_tokens"), _tokens(answer, "output_tokens")
        bill.prompt_tokens += read
        bill.output_tokens += written
        bill.cost += purse.settle(reservation, read, written)
        self._check(answer, bill)
        return answer

    async def _post(self, body: Mapping[str, Any], bill: Bill) -> dict[str, Any]:
        """The answer of a server that may know the tool by another name. Raises ModelError."""
        from pasa_tui.models.engines.openai_dialect import NoRoomError, RefusedError

        async def once() -> dict[str, Any]:
            bill.requests += 1
            asked = {**body, "tools": [{"type": tool}]}
            try:
                return await self._client.post_plain("/responses", asked)
            except (RefusedError, NoRoomError) as error:
                raise ModelError(f"{self._model}: the server refuses the request: {error}.") from None

        while True:
            tool = self._tools[0]
            try:
                return await self._client.again(once)
            except ModelError as error:
                if tool not in error.message or tool == _TOOLS[-1]:
                    raise
                if self._tools[0] == tool:
                    self._tools.pop(0)

    def _check(self, answer: Mapping[str, Any], bill: Bill) -> None:
        """Raise ModelError for an answer that tells of a failure; one that was cut off is read as far as it goes."""
        error = answer.get("error")
        if error or answer.get("status") == "failed":
            said = error.get("message") if isinstance(error, dict) else error
            reason = clean_text(str(said or "no reason given"))[:_LONGEST_MESSAGE].rstrip(".")
            raise ModelError(f"{self._model} failed to answer: {reason}.")
        if answer.get("status") == "incomplete":
            bill.note("The model's answer was cut off.")


def named_in(answer: Mapping[str, Any]) -> list[NamedPaper]:
    """The papers that an answer names, else those that it cites from arXiv. Never raises."""
    named = read_titles(text_of(answer))
    if named:
        return named
    links = (f"- [{title}]({url})" for title, url in _cited(answer) if "arxiv.org/" in url)
    return read_titles("\n".join(links))


def text_of(answer: Mapping[str, Any]) -> str:
    """The text of a response; empty where it has none. Never raises."""
    if isinstance(answer.get("output"), str):
        return str(answer["output"])
    texts = [part["text"] for part in _parts(answer) if isinstance(part.get("text"), str)]
    return "\n".join(texts)


def _parts(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the model wrote; its thoughts and its searches are items of other types."""
    for item in _objects(answer.get("output")):
        if item.get("type") == "message":
            yield from (part for part in _objects(item.get("content")) if part.get("type") == "output_text")


def _cited(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and address of each page cited."""
    for part in _parts(answer):
        for citation in _objects(part.get("annotations"))[:_MOST_CITATIONS]:
            title, url = citation.get("title"), citation.get("url")
            if isinstance(title, str) and isinstance(url, str):
                # Brackets would end the link that it is put into.
                yield clean_text(title.replace("[", "(").replace("]", ")")), clean_text(url)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _tokens(answer: Mapping[str, Any], name: str) -> int:
    usage = answer.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 40 else 0


def _chatgpt(place: Place) -> ChatGpt:
    name, profile = chosen_profile(place, DEFAULT_MODEL)
    if profile.engine != "openai":
        raise EvaluationError(
            f"The model {name} runs in this process, which has no web search.",
            "Give the profile of a server that has OpenAI's Responses API.",
        )
    key = check_key(name, profile)
    return ChatGpt(name, profile, key, Lookups.of_titles(place), max_cost=place.agent.max_cost)


INFO_CHATGPT = SystemInfo(
    name=ChatGpt.name,
    summary="An OpenAI model with its web search names the papers.",
    needs=f"a profile with the Responses API, or OpenAI's key for {DEFAULT_MODEL}",
    make=_chatgpt,
    missing=lambda place: missing_model(place, DEFAULT_MODEL),
)
