"""The one client policy: how any host is asked, retried, cached, limited and given up on."""

import asyncio
import logging
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import tenacity

from pasa_tui import __version__
from pasa_tui.errors import SourceError
from pasa_tui.papers import clean_text
from pasa_tui.retries import (
    ATTEMPTS,
    JITTER,
    LONGEST_RETRY_AFTER,
    AgainError,
    StopBeforeLongWait,
    Wait,
    duration,
    retry_after,
    unreachable,
)
from pasa_tui.sources.asking import Answer, Ask, Service
from pasa_tui.sources.breaker import Breaker, RestingError
from pasa_tui.sources.cache import AnswerCache, CachedAnswer, cache_key
from pasa_tui.sources.gate import Gate
from pasa_tui.sources.packing import unpacker
from pasa_tui.usage import SourceUsage, Trouble

Parsed = TypeVar("Parsed")
_REDIRECTS = 3
_LOST_HOSTS, _LOST_AFTER = 3, 2
"""Hosts to which so many connections failed, since any host answered, before the network counts as gone."""
_CHUNK = 65_536
_LONGEST_TAG = 500
_PATIENCE = 120.0
"""Seconds that one answer may take in all, waiting for a turn and retries included."""
_TIMEOUT = httpx.Timeout(15.0, connect=6.0, pool=None)


@dataclass(slots=True)
class _Host:
    service: Service
    gate: Gate
    usage: SourceUsage
    breakers: dict[str, Breaker] = field(default_factory=dict)
    watch: Callable[[Mapping[str, str]], str] | None = None

    def count(self, **more: float) -> None:
        changed: dict[str, Any] = {name: getattr(self.usage, name) + by for name, by in more.items()}
        self.usage = replace(self.usage, **changed)


class Http:
    """Asks services. Used by one event loop; `close` it there."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        cache: AnswerCache,
        lock_dir: Path | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
        contact: str = "",
        jitter: float = JITTER,
        gives_up: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`seconds_left` says how long the search may still take: nothing is waited for past that.

        `jitter` is the longest random wait between two attempts, in seconds. With `gives_up` no host is asked any
        more once the network seems gone.
        """
        gates: dict[str, Gate] = {}
        for service in services:
            name = service.gate or service.name
            lock_file = lock_dir / f"{name}.gate" if service.shared and lock_dir else None
            gates.setdefault(
                name, Gate(interval=service.interval, connections=service.connections, lock_file=lock_file)
            )
        self._hosts = {
            service.name: _Host(service, gates[service.gate or service.name], SourceUsage(service.name))
            for service in services
        }
        self._known = {urlsplit(service.base_url).netloc.lower() for service in services}
        self._cache = cache
        self._seconds_left = seconds_left
        self._contact = contact
        self._wait = Wait(jitter)
        self._gives_up = gives_up
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._troubles: dict[Trouble, None] = {}
        self._told = 0
        # Connections refused since any host last answered, by service.
        self._unreached: dict[str, int] = {}

    # -- what others may know -----------------------------------------------------------------------------

    def usage(self) -> tuple[SourceUsage, ...]:
        """The numbers of each service so far."""
        return tuple(host.usage for host in self._hosts.values())

    def new_troubles(self) -> tuple[Trouble, ...]:
        """What failed since this was asked last; each source's trouble of one kind is told once."""
        troubles = tuple(self._troubles)[self._told :]
        self._told = len(self._troubles)
        return troubles

    @property
    def is_lost(self) -> bool:
        """Whether the network seems gone: connections to all hosts, or to several, fail, and nobody answers."""
        failing = sum(count >= _LOST_AFTER for count in self._unreached.values())
        return self._gives_up and failing >= min(_LOST_HOSTS, len(self._hosts)) > 0

    def queue_seconds(self, name: str) -> float:
        """About how long a request to a service would wait for its turn."""
        return self._hosts[name].gate.queue_seconds

    def is_resting(self, name: str, lane: str = "") -> bool:
        """Whether a service is left alone at the moment."""
        breaker = self._hosts[name].breakers.get(lane)
        return breaker is not None and breaker.is_open

    def watch(self, name: str, read: Callable[[Mapping[str, str]], str]) -> None:
        """Have `read` look at the headers of each answer of a service; it returns what is left of its budget."""
        self._hosts[name].watch = read

    def rest(self, name: str, lane: str, seconds: float, reason: str) -> None:
        """Leave a lane of a service alone for a while."""
        self._breaker(self._hosts[name], lane).rest(seconds, reason)

    async def close(self) -> None:
        """Close all connections and the cache."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        self._cache.close()

    # -- asking -------------------------------------------------------------------------------------------

    async def ask(self, name: str, ask: Ask, parse: Callable[[Answer], Parsed]) -> Parsed:
        """What `parse` makes of the answer. It raises ValueError where the answer is not what it should be.

        Raises SourceError where no answer is to be had: refused, failed for all retries, over the service's budget of
        requests, left alone after failures, or later than the search may take.
        """
        host = self._hosts[name]
        key = cache_key(ask.method, host.service.base_url + ask.path, ask.params, ask.json)
        stored = self._cache.get(key) if ask.cached else None
        if stored is not None and self._cache.age(stored) < host.service.lifetime:
            try:
                parsed = parse(Answer(stored.status, stored.body, {}))
            except ValueError:
                stored = None
            else:
                host.count(cached=1)
                return parsed
        try:
            return await self._ask(host, ask, parse, key, stored)
        except SourceError as error:
            error.source = name
            if not isinstance(error, RestingError):
                self._troubles[Trouble(name, error.message)] = None
            raise

    async def _ask(
        self, host: _Host, ask: Ask, parse: Callable[[Answer], Parsed], key: str, stored: CachedAnswer | None
    ) -> Parsed:
        breaker = self._breaker(host, ask.lane)
        if self.is_lost:
            raise RestingError("No source can be reached any more.", "Go on with the search once there is a network.")
        on_trial = breaker.check()
        patience = min(_PATIENCE, self._seconds_left())
        ends = time.monotonic() + patience
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_any(tenacity.stop_after_attempt(ATTEMPTS), StopBeforeLongWait(self._wait, ends)),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(AgainError),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    host.count(retried=int(attempt.retry_state.attempt_number > 1))
                    answer = await self._attempt(host, ask, stored, ends)
                    parsed = _parsed(parse, answer)
                    if ask.cached:
                        self._keep(key, answer, stored)
                    breaker.succeeded()
                    self._unreached.clear()
                    return parsed
        except AgainError as error:
            host.count(failed=1)
            if error.after is not None and error.after > LONGEST_RETRY_AFTER:
                breaker.rest(error.after, error.message)
            else:
                breaker.failed(error.message)
            raise SourceError(error.message, "The search goes on without this answer.") from error
        except SourceError:
            host.count(failed=1)
            raise
        finally:
            if on_trial:
                breaker.released()
        raise AssertionError("tenacity ends by an answer or an error")

    async def _attempt(self, host: _Host, ask: Ask, stored: CachedAnswer | None, ends: float) -> Answer:
        service = host.service
        url, params = service.base_url + ask.path, ask.params
        for _ in range(_REDIRECTS + 1):
            answer = await self._request(host, ask, url, params, stored, ends)
            place = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not place or answer.status in ask.accept:
                break
            url, params = self._target(url, place), {}
            if ask.within and not url.startswith(service.base_url):
                answer = replace(answer, status=404)
                break
            self._check_place(service, url)
        else:
            raise SourceError("It redirects in circles.")
        if answer.status == 304 and stored is not None:
            return Answer(stored.status, stored.body, answer.headers)
        if answer.status != 200 and answer.status not in ask.accept:
            self._refuse(host, ask, answer)
        return answer

    async def _request(
        self,
        host: _Host,
        ask: Ask,
        url: str,
        params: Mapping[str, str],
        stored: CachedAnswer | None,
        ends: float,
    ) -> Answer:
        """One request of an attempt, in its turn and counted; a redirect's target is the next one."""
        service = host.service
        at_home = urlsplit(url).netloc == urlsplit(service.base_url).netloc
        headers = {**(service.secret if at_home else {}), **_conditions(stored)}
        params = {**params, **(service.secret_params if at_home else {})}
        async with host.gate.passage(max(0.0, ends - time.monotonic())) as waited:
            host.count(waited=waited)
            if service.max_requests and host.usage.requests >= service.max_requests:
                self.rest(service.name, ask.lane, math.inf, "its requests of this search are used up.")
                raise SourceError(
                    f"{service.max_requests} requests were made, the most for one search.",
                    "Raise sources.max_requests_per_source for more.",
                )
            host.count(requests=1)
            seconds = max(0.1, min(service.attempt_seconds, ends - time.monotonic()))
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._send(service, ask, url, params, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                self._unreached[service.name] = self._unreached.get(service.name, 0) + 1
                raise AgainError(f"It can't be reached: {unreachable(error)}.", reached=False) from None
            except (httpx.TimeoutException, TimeoutError):
                raise AgainError(f"No complete answer within {seconds:.0f} s.") from None
            except (httpx.TransportError, zlib.error) as error:
                raise AgainError(f"The connection broke: {_kind(error)}.") from None
            except (httpx.InvalidURL, httpx.CookieConflict, UnicodeError) as error:
                raise SourceError(f"It can't be asked this: {_kind(error)}.") from None
        if host.watch is not None:
            host.usage = replace(host.usage, left=host.watch(answer.headers))
        return answer

    def _target(self, url: str, place: str) -> str:
        try:
            target = urljoin(url, place)
            return urlsplit(target)._replace(netloc=urlsplit(target).netloc.lower()).geturl()
        except ValueError:
            raise SourceError("It redirects to an address that is none.") from None

    def _check_place(self, service: Service, url: str) -> None:
        target = urlsplit(url)
        if target.netloc not in self._known:
            raise SourceError(f"It redirects to another host, {clean_text(target.netloc)[:80]}, which is not followed.")
        encrypted = service.base_url.startswith("https:")
        if target.scheme not in ("http", "https") or (encrypted and target.scheme != "https"):
            raise SourceError("It redirects to a place that is not encrypted, which is not followed.")

    async def _send(
        self, service: Service, ask: Ask, url: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        client = self._open_client()
        # Merged: given as `params` they would replace those of an address that a redirect led to.
        address = httpx.URL(url).copy_merge_params(dict(params))
        request = client.build_request(ask.method, address, json=ask.json, headers=dict(headers))
        response = await client.send(request, stream=True)
        try:
            body = bytearray()
            unpack = unpacker(response.headers.get("content-encoding", ""))
            # Unpacked here, bit by bit: a few packed kilobytes can hold more than all memory.
            async for chunk in response.aiter_raw(_CHUNK):
                body += unpack(chunk, service.max_bytes + 1 - len(body))
                if len(body) > service.max_bytes:
                    raise SourceError(f"Its answer is larger than {service.max_bytes // 1_000_000} MB.")
            return Answer(response.status_code, bytes(body), response.headers)
        finally:
            await response.aclose()

    def _refuse(self, host: _Host, ask: Ask, answer: Answer) -> NoReturn:
        status = answer.status
        if status in (408, 425, 429) or status >= 500:
            after = retry_after(answer.headers.get("retry-after"))
            said = {429: "Too many requests", 408: "It timed out"}.get(status, f"It failed with HTTP {status}")
            wait = f"; it wants {duration(after)} of rest" if after else ""
            raise AgainError(f"{said}{wait}.", after)
        if status in (401, 403):
            has_key = host.service.secret or host.service.secret_params
            reason = "The key is not accepted." if has_key else "It refuses requests without a key."
            self.rest(host.service.name, ask.lane, math.inf, reason)
            raise SourceError(f"{reason[:-1]} (HTTP {status}).", "Check the key with pasa-tui doctor.")
        raise SourceError(f"It answered with HTTP {status}.")

    def _keep(self, key: str, answer: Answer, stored: CachedAnswer | None) -> None:
        if "no-store" in answer.headers.get("cache-control", ""):
            return
        if stored is not None and answer.body is stored.body:
            self._cache.renew(key)
            return
        etag, modified = (answer.headers.get(name, "")[:_LONGEST_TAG] for name in ("etag", "last-modified"))
        self._cache.put(key, answer.status, answer.body, etag=etag, modified=modified)

    def _open_client(self) -> httpx.AsyncClient:
        if self._client is None:
            # It logs whole addresses, and those of some services have the key in them.
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
            contact = f"; {self._contact}" if self._contact else ""
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
                headers={
                    "Accept-Encoding": "gzip, deflate",
                    "User-Agent": f"pasa-tui/{__version__} (terminal literature search{contact})",
                },
                transport=self._transport,
            )
        return self._client

    def _breaker(self, host: _Host, lane: str) -> Breaker:
        return host.breakers.setdefault(lane, Breaker())


def _parsed(parse: Callable[[Answer], Parsed], answer: Answer) -> Parsed:
    try:
        return parse(answer)
    except ValueError:
        raise AgainError("Its answer is not what its documentation says: cut short, or another page.") from None


def _conditions(stored: CachedAnswer | None) -> dict[str, str]:
    if stored is None:
        return {}
    headers = {"If-None-Match": stored.etag, "If-Modified-Since": stored.modified}
    return {name: value for name, value in headers.items() if value and value.isascii() and value.isprintable()}


def _kind(error: Exception) -> str:
    # Not its text: that may quote the request, and with it a key.
    return type(error).__name__
