"""Runs a model on a server that speaks OpenAI's format: vLLM's, llama.cpp's, Ollama, OpenAI's own and many more."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Literal

import msgspec

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.loop_thread import LoopClosed, LoopThread
from pasa_tui.models.engines.openai_client import Client
from pasa_tui.models.engines.openai_dialect import MissingError, NoRoomError, RefusedError, sampling_fields
from pasa_tui.models.engines.openai_formats import AnswerText, choice_of, text_of
from pasa_tui.models.engines.openai_meter import Meter
from pasa_tui.models.engines.openai_scoring import THINKING_TOKENS, Scorer
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling, Scoring
from pasa_tui.models.engines.purse import Purse
from pasa_tui.papers import clean_text
from pasa_tui.retries import JITTER, AgainError
from pasa_tui.usage import ModelUsage

_MOST_NAMED = 10
_LONGEST_TOKEN = 64
"""Characters; a server that writes on beyond what it was asked for is left."""
_VLLM_FIELDS = {"repetition_penalty": 1.0, "top_k": -1, "min_p": 0.0}
"""What vLLM's server else takes from the model's files; with these it writes as the other engines do."""
_LLAMA_CPP_PYTHON = "me"
_ANY_MODEL = frozenset({"llamacpp", _LLAMA_CPP_PYTHON})
"""How llama.cpp's servers sign their list of models. They run the one they have, whatever it is called."""


class _Session:
    """What lives in an event loop of the engine's own."""

    def __init__(self, client: Client) -> None:
        self.thread = LoopThread(f"openai-{client.name}")
        self.client = client
        self.scorer = Scorer(client)
        self.is_started = False
        self.thinking_tokens = 0


class OpenAIEngine:
    """The model `model` at `url`, which ends in /v1 for most servers.

    Raw prompts are for `api` "completions", where the server takes a text as it is, without a chat template; chats are
    chats with either. `key` is sent to that server and nowhere else. `timeout` is how many seconds an answer may take
    to begin, `jitter` the longest random wait between attempts. What requests cost is taken from `purse`: where the
    server doesn't count tokens, the most they can have cost; tokens of the usage are then estimated from characters.

    Scores are exact for raw prompts on vLLM's server. Others name the likeliest tokens: of a raw prompt `True` counts,
    of a chat also other spellings of it, and what isn't named counts 0. Where a server gives no probabilities, or the
    model doesn't begin with its answer, the model writes it, and scores are 0 or 1.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        name: str,
        api: Literal["chat", "completions"] = "chat",
        key: str | None = None,
        concurrency: int = 8,
        purse: Purse | None = None,
        timeout: float = 600.0,
        jitter: float = JITTER,
    ) -> None:
        self.name = name
        self._api = api
        self._meter = Meter(name)
        settings: dict[str, Any] = {
            "key": key,
            "concurrency": concurrency,
            "purse": purse or Purse(None, 0.0, 0.0),
            "meter": self._meter,
            "timeout": timeout,
            "jitter": jitter,
        }
        # A function, unlike a partial one, doesn't show the key to whoever looks at the engine.
        self._make: Callable[[], Client] = lambda: Client(url, model, name=name, **settings)
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._closed = False

    @property
    def scoring(self) -> Scoring:
        """How good the scores are; known after the first of them."""
        session = self._session
        return session.scorer.scoring if session else "top"

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """See that the server is there, takes the key and has the model. Raises ModelError where that is not so."""
        self._closed = False
        session = self._opened()
        if not session.is_started:
            tell(Progress(f"Asking {session.client.place} for {self.name}"))
            with self._told():
                await session.thread.run(self._check(session))

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Yield the text in pieces as it is written. Raises ModelError."""
        if sampling.max_tokens < 1:
            return
        session = self._opened(prompt)
        async with aclosing(session.thread.stream(self._write(session, prompt, sampling))) as pieces:
            with self._told():
                async for piece in pieces:
                    yield piece

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        """The probability in [0, 1] that the token `True` comes next, of each prompt, in order. Raises ModelError."""
        if not prompts:
            return []
        session = self._opened(*prompts)
        with self._told():
            return await session.thread.run(_all_scores(session.scorer, prompts))

    def usage(self) -> ModelUsage:
        """What it did since it was made; `batches` are the requests for scores."""
        return self._meter.usage()

    async def close(self) -> None:
        """Close the connections; what is under way ends with a ModelError. `start` opens the engine again."""
        with self._lock:
            session, self._session, self._closed = self._session, None, True
        if session is not None:
            with self._told():
                await session.thread.run(_end(session.client))
            await session.thread.close()

    def _opened(self, *prompts: Prompt) -> _Session:
        if self._api == "chat" and any(prompt.raw for prompt in prompts):
            raise ModelError(
                f"{self.name} is asked as a chat, and these prompts are not for chats.",
                'Set `api = "completions"` in its profile, on a server that has that.',
            )
        with self._lock:
            if self._closed:
                raise self._is_closed()
            if self._session is None:
                self._session = _Session(self._make())
            return self._session

    def _is_closed(self) -> ModelError:
        return ModelError(f"{self.name} is closed.")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What only this package knows becomes what a person is told."""
        try:
            yield
        except LoopClosed:
            raise self._is_closed() from None
        except RefusedError as error:
            raise ModelError(f"{self.name}: the server refuses the request: {error}.") from None
        except NoRoomError:
            raise ModelError(
                f"{self.name} used up its tokens before it came to an answer.",
                "Take a model that thinks less, or not at all.",
            ) from None

    # -- in the session's own loop ------------------------------------------------------------------------

    async def _check(self, session: _Session) -> None:
        client = session.client
        status, body = await client.get("/models")
        listed = _listed(client, body) if status == 200 else []
        signed = {str(entry.get("owned_by")) for entry in listed}
        client.streams = _LLAMA_CPP_PYTHON not in signed
        if "vllm" in signed:
            client.dialect.extra |= _VLLM_FIELDS
        names = [entry["id"] for entry in listed]
        if names and not {client.model, f"{client.model}:latest"} & {*names} and not signed & _ANY_MODEL:
            await self._try(client, names)
        session.is_started = True

    async def _try(self, client: Client, names: Sequence[str]) -> None:
        """See whether the server knows a model that it doesn't list, as some do."""
        try:
            await client.ask(Prompt("Hello", raw=self._api == "completions"), {"max_tokens": 1})
        except MissingError:
            shown = ", ".join(clean_text(name)[:80] for name in names[:_MOST_NAMED])
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            raise ModelError(
                f"{client.place} has no model {client.model!r}.", f"It has {shown}{more}. Set `model` of the profile."
            ) from None
        except (RefusedError, NoRoomError):
            pass

    async def _write(self, session: _Session, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """The text, from an attempt of which nothing was given before it might have been made again."""

        async def begin() -> tuple[AsyncGenerator[str, None], str | None]:
            pieces = self._attempt(session, prompt, sampling)
            try:
                return pieces, await anext(pieces, None)
            except BaseException:
                await pieces.aclose()
                raise

        try:
            pieces, first = await session.client.again(begin)
        except NoRoomError:
            if session.thinking_tokens:
                raise
            session.thinking_tokens = THINKING_TOKENS
            pieces, first = await session.client.again(begin)
        async with aclosing(pieces):
            self._meter.count(generated=1)
            try:
                if first is not None:
                    yield first
                async for piece in pieces:
                    yield piece
            except AgainError as error:
                raise session.client.failed(error) from None

    async def _attempt(self, session: _Session, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """One request's text. Raises ModelError, AgainError; NoRoomError where thoughts used up all tokens."""
        answer, finish, size = AnswerText(sampling.stop), None, 0
        max_tokens = sampling.max_tokens + session.thinking_tokens
        fields = sampling_fields(max_tokens, sampling.temperature, sampling.top_p, sampling.stop)
        async with aclosing(session.client.stream(prompt, fields)) as chunks:
            async for chunk in chunks:
                choice = choice_of(chunk)
                finish = choice.get("finish_reason") or finish
                text = text_of(choice)
                size += len(text)
                if piece := answer.feed(text):
                    yield piece
                if answer.stopped or size > max_tokens * _LONGEST_TOKEN:
                    return
        if rest := answer.finish():
            yield rest
        elif finish == "length" and not answer.has_begun:
            raise NoRoomError


async def _end(client: Client) -> None:
    """Cancel all else in this loop, which would else ask again, and close the connections."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


async def _all_scores(scorer: Scorer, prompts: Sequence[Prompt]) -> list[float]:
    tasks = [asyncio.create_task(scorer.score(prompt)) for prompt in prompts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _listed(client: Client, body: bytes) -> list[Mapping[str, Any]]:
    """The models that a server lists; none where its list is not understood. Raises ModelError for a web page."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if body[:200].lstrip().startswith(b"<"):
            raise client.is_web_page() from None
        return []
    entries = value.get("data") if isinstance(value, dict) else value
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
