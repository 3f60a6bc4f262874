"""Zotero's web API, version 3: requests that obey it, pages read whole, writes that may be repeated.

pyzotero, the library for this, is not used: it takes a new write token for each attempt, so that a write whose answer
is lost can't be repeated safely; it neither tries a broken request again nor reads on after a 412; it has no async
client; and it pins bibtexparser to a version below the one that `pasa_tui.export` reads with.
"""

import asyncio
import json
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx
import tenacity

from pasa_tui import __version__
from pasa_tui.errors import ExportError
from pasa_tui.papers import clean_text
from pasa_tui.retries import ATTEMPTS, JITTER, AgainError, StopBeforeLongWait, Wait, duration, retry_after, unreachable

Json = dict[str, Any]
BATCH = 50
"""Objects in one write, at most."""
_PAGE = 100
_LONGEST_BACKOFF = 600.0
"""Seconds of rest that the server may ask for; asked for more, it is left alone."""
_TOLD = 1_000
"""Objects read after which it is told how far reading is."""
_TOLD_WAIT = 3.0
_READINGS = 3
_KEY_LETTERS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_TIMEOUT = httpx.Timeout(60.0, connect=6.0)
_AGAIN_HINT = "Run it again later: what is in Zotero already is not made twice."


@dataclass(frozen=True, slots=True)
class Pages:
    """All objects of a list, each as the API's envelope with key, version and data; `version` is the library's."""

    objects: tuple[Json, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write: for each object sent, by its place, whether it stands there now or why not.

    `version` is the library's after it.
    """

    done: frozenset[int]
    failed: Mapping[int, str] = field(default_factory=dict)
    version: int = 0


class RefusedError(ExportError):
    """The server understood a request and will not answer it: HTTP 4xx, such as for a wrong key."""


class OutdatedError(Exception):
    """The library has changed since the version a write named, or that write was made before: HTTP 412."""


def new_key() -> str:
    """A key for an object that is to be made: eight characters, as Zotero makes them."""
    return "".join(secrets.choice(_KEY_LETTERS) for _ in range(8))


class ZoteroApi:
    """Asks one address; used by one event loop, as an async context manager.

    Requests that fail for reasons that pass (a broken connection, 429, 5xx, a locked library) are made again, each
    write with the same token; Retry-After and Backoff are waited for. Raises ExportError in words for people.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        name: str = "Zotero",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: float = JITTER,
        narrate: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`sleep` and `clock` are in seconds; `jitter` as in `pasa_tui.retries`; `narrate` hears of waits and of
        long reads.
        """
        self._url = url.rstrip("/")
        try:
            host = httpx.URL(self._url).host
        except httpx.InvalidURL:
            raise ExportError(f"The address of {name} is none.", "Mend the setting.") from None
        self._name = name
        self._sleep = sleep
        self._clock = clock
        self._narrate = narrate
        self._wait = Wait(jitter)
        self._rest_until = -math.inf
        logging.getLogger("httpx").setLevel(logging.WARNING)
        headers = {"Zotero-API-Version": "3", "User-Agent": f"pasa-tui/{__version__}"}
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT,
            headers=headers | ({"Zotero-API-Key": key} if key else {}),
            # Without the proxies of the environment where it is on this machine.
            trust_env=host not in ("127.0.0.1", "localhost", "::1"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **params: str) -> Any:
        """The JSON at a path below the address."""
        return (await self._ask("GET", path, params=params))[0]

    async def read(self, path: str, **params: str) -> Pages:
        """All pages of a list. Where the library changes meanwhile they are read again, three times at most.

        Then all that was seen is returned: what moves from page to page might be missed by any one reading.
        """
        seen: dict[str, Json] = {}
        for _ in range(_READINGS):
            pages, is_whole = await self._read_once(path, params)
            if is_whole:
                return pages
            seen |= {str(one["key"]): one for one in pages.objects}
        return Pages(tuple(seen.values()), pages.version)

    async def _read_once(self, path: str, params: Mapping[str, str]) -> tuple[Pages, bool]:
        objects: dict[str, Json] = {}
        versions: list[int] = []
        start = 0
        while True:
            page = {**params, "format": "json", "limit": str(_PAGE), "start": str(start)}
            found, response = await self._ask("GET", path, params=page)
            if not isinstance(found, list) or not all(isinstance(one, dict) and "key" in one for one in found):
                raise ExportError(f"{self._name} answers with something else than a list.", "Check its address.")
            versions.append(_number(response.headers.get("last-modified-version")))
            objects |= {str(one["key"]): one for one in found}
            start += len(found)
            total = _number(response.headers.get("total-results"), start)
            if not found or ("next" not in response.links and start >= total):
                break
            if start % _TOLD == 0:
                self._narrate(f"{start:,} of {total:,} read")
        # The first page's: what changed after it makes a write fail, and is read then.
        is_whole = len(set(versions)) == 1 and total == start
        return Pages(tuple(objects.values()), versions[0]), is_whole

    async def write(self, path: str, objects: Sequence[Json], version: int) -> Written:
        """Make or change objects, `BATCH` at most, in a library that is as it was at `version`.

        Raises OutdatedError where it is not, which may be by this very write, where its answer was lost.
        """
        headers = {"Zotero-Write-Token": secrets.token_hex(16), "If-Unmodified-Since-Version": str(version)}
        answer, response = await self._ask("POST", path, headers=headers, body=list(objects))
        if not isinstance(answer, dict):
            raise ExportError(f"{self._name} answers a write with something else than it should.", _AGAIN_HINT)
        done = {
            _number(place, -1) for part in ("successful", "success", "unchanged") for place in answer.get(part) or ()
        }
        refused = answer.get("failed")
        failed = (
            {_number(place, -1): _reason(why) for place, why in refused.items()} if isinstance(refused, dict) else {}
        )
        return Written(frozenset(done), failed, _number(response.headers.get("last-modified-version"), version))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> tuple[Any, httpx.Response]:
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_any(tenacity.stop_after_attempt(ATTEMPTS), StopBeforeLongWait(self._wait, math.inf)),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(AgainError),
            sleep=self._sleep,
            before_sleep=self._tell_of_wait,
            reraise=True,
        )
        request = self._client.build_request(method, self._url + path, params=params, headers=headers, json=body)
        try:
            async for attempt in retrying:
                with attempt:
                    response = await self._attempt(request)
                    try:
                        return (response.json() if response.content else None), response
                    except (ValueError, RecursionError):
                        raise AgainError("It answers with something else than JSON.") from None
        except AgainError as error:
            if error.after:
                raise ExportError(
                    f"{self._name} asks for {duration(error.after)} of rest: {error.message}", _AGAIN_HINT
                ) from None
            if not error.reached:
                raise ExportError(f"{self._name} can't be reached: {error.message}.", _AGAIN_HINT) from None
            raise ExportError(f"{self._name} does not answer as it should: {error.message}", _AGAIN_HINT) from None
        raise AssertionError("tenacity ends by an answer or an error")

    def _tell_of_wait(self, state: tenacity.RetryCallState) -> None:
        if state.upcoming_sleep > _TOLD_WAIT and state.outcome is not None:
            self._narrate(f"{state.outcome.exception()} Again in {duration(state.upcoming_sleep)}.")

    async def _attempt(self, request: httpx.Request) -> httpx.Response:
        rest = self._rest_until - self._clock()
        if rest > _LONGEST_BACKOFF:
            raise ExportError(f"{self._name} asks to be left alone for {duration(rest)}.", _AGAIN_HINT)
        if rest > 0:
            self._narrate(f"{self._name} asks for {duration(rest)} of rest.")
            await self._sleep(rest)
        try:
            response = await self._client.send(request)
        except httpx.ConnectError as error:
            raise AgainError(unreachable(error), reached=False) from None
        except httpx.TimeoutException:
            raise AgainError("No complete answer in time.") from None
        except httpx.RequestError as error:
            raise AgainError(f"The connection broke: {type(error).__name__}.") from None
        if backoff := retry_after(response.headers.get("backoff")):
            self._rest_until = self._clock() + backoff
        if not response.is_success:
            self._refuse(response)
        return response

    def _refuse(self, response: httpx.Response) -> NoReturn:
        status = response.status_code
        if status == 412:
            raise OutdatedError
        # 409: the library is locked by another write.
        if status in (408, 409, 425, 429) or status >= 500:
            said = {429: "Too many requests.", 409: "The library is locked."}.get(status, f"HTTP {status}.")
            raise AgainError(said, retry_after(response.headers.get("retry-after")))
        said = (
            clean_text(response.text[:300]) if response.headers.get("content-type", "").startswith("text/plain") else ""
        )
        told = f" It says: {said}" if said else ""
        match status:
            case 401 | 403:
                raise RefusedError(
                    f"{self._name} refuses this (HTTP {status}).{told}",
                    "Check the key, and what it may read and write, at https://www.zotero.org/settings/keys.",
                )
            case 404:
                raise RefusedError(f"{self._name} has nothing there (HTTP 404).{told}", "Check the library's number.")
            case 413:
                raise RefusedError(f"{self._name} finds this too large, or its storage is full.{told}")
        raise RefusedError(f"{self._name} answers with HTTP {status}.{told}")


def _number(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


def _reason(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else None
    return clean_text(message if isinstance(message, str) else json.dumps(error))[:300]
