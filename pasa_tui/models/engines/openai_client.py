"""How a server that speaks OpenAI's format is asked: in turn, within limits of size, time and money, and again."""

import asyncio
import logging
import math
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import httpx
import msgspec
import tenacity

from pasa_tui import __version__
from pasa_tui.errors import ModelError
from pasa_tui.models.engines.openai_dialect import Dialect
from pasa_tui.models.engines.openai_formats import EventParser, choice_of, decoded, error_text, text_of, usage_of
from pasa_tui.models.engines.openai_meter import Meter
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.engines.purse import Purse, Reservation
from pasa_tui.papers import clean_text
from pasa_tui.retries import ATTEMPTS, AgainError, StopBeforeLongWait, Wait, unreachable

_T = TypeVar("_T")
_LARGEST = 16 << 20
"""Bytes of one answer."""
_CONNECT, _BETWEEN = 10.0, 120.0
"""Seconds that a connection may take, and the time between two pieces of an answer."""
_CHARACTERS = 4
"""Characters per token, where a server doesn't count them: English, with the vocabularies of today's models."""
_ADAPTATIONS = 8


@dataclass(slots=True)
class Turn:
    """One request. `used` are the tokens that the server counted, read and written; None until it says."""

    reservation: Reservation
    prompt_characters: int
    written_characters: int = 0
    used: tuple[int, int] | None = None

    @property
    def estimated(self) -> tuple[int, int]:
        """The tokens, by the number of characters where the server doesn't say."""
        return self.used or (self.prompt_characters // _CHARACTERS, math.ceil(self.written_characters / _CHARACTERS))


class Client:
    """Asks one server, from one event loop, and counts that in `meter`.

    The key is sent to the server's own address alone: redirects are not followed.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        name: str,
        key: str | None,
        concurrency: int,
        purse: Purse,
        meter: Meter,
        timeout: float,
        jitter: float,
    ) -> None:
        """`timeout` is how many seconds the beginning of an answer may take; `jitter` as in retries.

        Raises ModelError where the address or the key can't be one.
        """
        self.name = name
        self.model = model
        self.url = url.rstrip("/")
        self.place = _place(url, name)
        """The server in words: host and port, without whatever secret its address may hold."""
        self.streams = True
        """Whether answers are read as they are written. llama-cpp-python's server breaks off all but the latest."""
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise ModelError(f"{name}: the key has characters that no key has.", "Store it again, as it was given.")
        self.dialect = Dialect(name, model, has_key=bool(key))
        self._key = key or ""
        self._turns = asyncio.Semaphore(concurrency)
        self._purse = purse
        self._timeout = timeout
        self._wait = Wait(jitter)
        self._http: httpx.AsyncClient | None = None
        self.meter = meter

    async def close(self) -> None:
        """Close all connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    # -- asking -------------------------------------------------------------------------------------------

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of an answer to GET. Raises ModelError where there is none, or the key is refused."""

        async def once() -> tuple[int, bytes]:
            async with self._turns, self._response("GET", path, None) as response:
                body = await self._read(response)
            status = response.status_code
            if status in (401, 403, 408, 425, 429) or (status >= 500 and status != 501):
                self._refuse(response, body)
            return response.status_code, body

        return await self.again(once)

    async def post_plain(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one attempt at an address that not every server has. Raises ModelError, AgainError."""
        async with self._turns, self._response("POST", url, _encoded(body)) as response:
            data = await self._read(response)
        if response.status_code != 200:
            self._refuse(response, data)
        return self._decoded(data)

    async def ask(self, prompt: Prompt, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer to a prompt. Raises ModelError, RefusedError, NoRoomError."""

        async def once() -> dict[str, Any]:
            async with self._asked(prompt, fields) as (response, turn):
                answer = self._decoded(await self._read(response))
                turn.written_characters = len(text_of(choice_of(answer)))
                turn.used = usage_of(answer)
                self._check(answer)
                if not choice_of(answer):
                    raise AgainError("its answer is not in OpenAI's format")
            return answer

        return await self.again(once)

    async def stream(self, prompt: Prompt, fields: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield the pieces of an answer, once. Raises ModelError, NoRoomError, and AgainError where it breaks."""
        if not self.streams:
            yield await self.ask(prompt, fields)
            return
        seen = complete = False
        streaming = {**fields, "stream": True, "stream_options": {"include_usage": True}}
        async with self._asked(prompt, streaming) as (response, turn), aclosing(self._events(response)) as events:
            async for data in events:
                seen = True
                if data == "[DONE]":
                    self.streams = complete
                    break
                piece = self._decoded(data)
                self._check(piece)
                turn.used = usage_of(piece) or turn.used
                turn.written_characters += len(text_of(choice_of(piece)))
                complete |= choice_of(piece).get("finish_reason") is not None
                yield piece
        if not seen:
            # llama-cpp-python's server tells of errors only where it doesn't stream.
            yield await self.ask(prompt, fields)
        elif not complete:
            raise AgainError("it broke off its answer")

    async def again(self, once: Callable[[], Awaitable[_T]]) -> _T:
        """What the first of some attempts brings that doesn't raise AgainError. Raises ModelError where all do."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_any(tenacity.stop_after_attempt(ATTEMPTS), StopBeforeLongWait(self._wait, math.inf)),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(AgainError),
            reraise=True,
        )
        try:
            return await retrying(once)
        except AgainError as error:
            raise self.failed(error) from None

    def failed(self, error: AgainError) -> ModelError:
        """What a person is told where no attempt succeeded."""
        hint = "" if error.reached else "Is the server running, and is `url` of the profile right?"
        return ModelError(f"{self.name} at {self.place} does not answer: {error.message}.", hint)

    # -- one request --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _asked(
        self, prompt: Prompt, fields: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[httpx.Response, Turn], None]:
        """The answer with status 200 to a request in the server's own dialect, which may take some tries to learn."""
        path = "/completions" if prompt.raw else "/chat/completions"
        for _ in range(_ADAPTATIONS):
            body = self.dialect.body(prompt, fields)
            max_tokens = int(fields["max_tokens"])
            async with self._turn(_encoded(body), len(prompt.system) + len(prompt.text), max_tokens) as (data, turn):
                async with self._response("POST", path, data, turn) as response:
                    if response.status_code == 200:
                        yield response, turn
                        return
                    turn.used = (0, 0)
                    refusal = await self._read(response)
                learns = response.status_code in (400, 422) and self.dialect.learn(body, self._said(refusal))
                if not learns:
                    self._refuse(response, refusal)
        raise ModelError(f"{self.name}: the server refuses every way to ask it.")

    @asynccontextmanager
    async def _turn(self, data: bytes, characters: int, max_tokens: int) -> AsyncGenerator[tuple[bytes, Turn], None]:
        """A request's turn: at most `concurrency` at once, paid for, its time counted."""
        async with self._turns:
            turn = Turn(await self._purse.reserve(len(data), max_tokens), characters)
            self.meter.begin()
            try:
                yield data, turn
            finally:
                cost = self._purse.settle(turn.reservation, *(turn.used or (None, None)))
                read, written = turn.estimated
                self.meter.end(prompt_tokens=read, completion_tokens=written, cost=cost)

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, data: bytes | None, turn: Turn | None = None
    ) -> AsyncGenerator[httpx.Response, None]:
        """An answer of any status, its body not read yet."""
        http = self._open()
        url = path if path.startswith(("http:", "https:")) else self.url + path
        try:
            headers = {"Content-Type": "application/json"} if data is not None else {}
            request = http.build_request(method, url, content=data, headers=headers)
            async with asyncio.timeout(self._timeout):
                response = await http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if turn:
                turn.used = (0, 0)
            raise AgainError(unreachable(error), reached=False) from None
        except TimeoutError:
            raise AgainError(f"no answer within {self._timeout:.0f} s") from None
        except httpx.TransportError as error:
            # Not its text: that may quote the request, and with it the key.
            raise AgainError(f"the connection broke ({type(error).__name__})") from None
        try:
            if response.is_redirect:
                if turn:
                    turn.used = (0, 0)
                raise ModelError(
                    f"{self.name}: {self.place} sends requests on to another address, which is not followed.",
                    "Set `url` of the profile to where the server really is, with https:// and /v1 where it has them.",
                )
            yield response
        finally:
            await response.aclose()

    async def _pieces(self, response: httpx.Response, deadline: Callable[[], float]) -> AsyncGenerator[bytes, None]:
        if response.headers.get("content-encoding", "identity") != "identity":
            # A few packed kilobytes can hold more than all memory.
            raise ModelError(f"{self.name}: {self.place} packs its answers, though it was asked not to.")
        size = 0
        raw = response.aiter_raw()
        while True:
            try:
                async with asyncio.timeout_at(deadline()):
                    piece = await anext(raw, None)
            except TimeoutError:
                raise AgainError("it stopped in the middle of its answer") from None
            except httpx.TransportError as error:
                raise AgainError(f"the connection broke ({type(error).__name__})") from None
            if piece is None:
                return
            size += len(piece)
            if size > _LARGEST:
                raise ModelError(f"{self.name}: the answer of {self.place} is larger than {_LARGEST >> 20} MB.")
            yield piece

    async def _read(self, response: httpx.Response) -> bytes:
        ends = _now() + self._timeout
        async with aclosing(self._pieces(response, lambda: ends)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def _events(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        """The data of the events; one answer as a whole where the server doesn't stream."""
        if "json" in response.headers.get("content-type", ""):
            yield (await self._read(response)).decode("utf-8", "replace")
            return
        if "html" in response.headers.get("content-type", ""):
            raise self.is_web_page()
        parser, ends = EventParser(), _now() + self._timeout
        async with aclosing(self._pieces(response, lambda: ends)) as pieces:
            async for piece in pieces:
                for data in self._fed(parser, piece):
                    ends = _now() + _BETWEEN
                    yield data
        for data in parser.finish():
            yield data

    def _fed(self, parser: EventParser, piece: bytes) -> list[str]:
        try:
            return parser.feed(piece)
        except ValueError:
            raise ModelError(f"{self.name}: {self.place} answers in a form that is not OpenAI's.") from None

    def is_web_page(self) -> ModelError:
        """What a person is told where something else than a model's server answers."""
        return ModelError(
            f"{self.name}: {self.place} answers with a web page.",
            "Set `url` of the profile to the server's API; most end in /v1.",
        )

    def _decoded(self, data: bytes | str) -> dict[str, Any]:
        try:
            return decoded(data)
        except ValueError:
            if data[:200].strip()[:1] in (b"<", "<"):
                raise self.is_web_page() from None
            raise AgainError("its answer is not in OpenAI's format") from None

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Errors come with status 200 as well, from routers and in the middle of streams."""
        error = answer.get("error")
        if error:
            code = error.get("code") if isinstance(error, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            self.dialect.refuse(status, self._said(msgspec.json.encode({"error": error})), None)

    def _refuse(self, response: httpx.Response, body: bytes) -> NoReturn:
        self.dialect.refuse(response.status_code, self._said(body), response.headers.get("retry-after"))

    def _said(self, body: bytes) -> str:
        return clean_text(error_text(body, self._key)).rstrip(".")

    def _open(self) -> httpx.AsyncClient:
        if self._http is None:
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
            # anyio's attempt to connect, cancelled before its first step: harmless, but told on stderr.
            warnings.filterwarnings("ignore", r"coroutine 'connect_tcp\.", RuntimeWarning)
            headers = {"Accept-Encoding": "identity", "User-Agent": f"pasa-tui/{__version__}"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            # The number of requests is limited by turns, their time where they are made.
            timeout = httpx.Timeout(None, connect=_CONNECT)
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
            self._http = httpx.AsyncClient(timeout=timeout, limits=limits, headers=headers, follow_redirects=False)
        return self._http


def _place(url: str, name: str) -> str:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ModelError(f"{name}: the address of the server is none.", "Set `url` of the profile, with http:// first.")
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host


def _now() -> float:
    return asyncio.get_running_loop().time()


def _encoded(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(body)
