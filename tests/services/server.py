"""The loopback server: HTTP/1.1 by hand, so that faults at the level of bytes are possible."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from tests.services.arxiv import ArXiv
from tests.services.latexml import LaTeXML
from tests.services.literature import Literature
from tests.services.messages import Call, Reply, Service, json_reply, text_reply
from tests.services.openalex import OpenAlex
from tests.services.semantic_scholar import SemanticScholar
from tests.services.serper import Serper

PREFIXES = {
    "arxiv": "/arxiv/api",
    "ar5iv": "/ar5iv/html",
    "arxiv-html": "/arxiv-html",
    "semantic-scholar": "/s2",
    "openalex": "/openalex",
    "serper": "/serper",
}
FAULTS = frozenset(
    "latency 429 500 503 cut reset half-json html charset huge drip redirect entity-bomb unauthorized".split()
)
_CHUNK = 64 * 1024
_BOMB = "".join(f'<!ENTITY b{level} "{f"&b{level - 1};" * 10}">' for level in range(1, 10))


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; `in_flight` counts those of its service at that moment, itself included."""

    service: str
    kind: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    in_flight: int


class Fault:
    """What goes wrong with each `every`-th request of a service, or of a "service kind", `times` times at most."""

    def __init__(
        self, kind: str, service: str | None = None, every: int = 1, times: int | None = None, **detail: Any
    ) -> None:
        if kind not in FAULTS:
            raise ValueError(f"no fault is called {kind!r}")
        self.kind, self.service, self.every, self.times, self.detail = kind, service, every, times, detail
        self.seen = 0
        self.done = 0

    def strikes(self, request: Request) -> bool:
        """Count the request, and say whether the fault befalls it."""
        if self.service not in (None, request.service, f"{request.service} {request.kind}"):
            return False
        self.seen += 1
        if self.seen % self.every or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True


class Loopback:
    """Services below prefixes on one port of the loopback, until the context is left."""

    def __init__(self, services: dict[str, Service], prefixes: dict[str, str], *, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.latency: dict[str, float] = {}
        self.faults: list[Fault] = []
        self.keys: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.sent = 0
        """Bytes that were handed to the connections so far."""
        self._services = services
        self._prefixes = prefixes
        self._port = port
        self._in_flight = dict.fromkeys(prefixes, 0)
        self._connections: set[asyncio.Task[None]] = set()
        self._mistakes: list[Exception] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1 << 20)
        self._port = self._server.sockets[0].getsockname()[1]
        self.urls = {name: f"http://127.0.0.1:{self._port}{prefix}" for name, prefix in self._prefixes.items()}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop_serving()
        if self._mistakes and error is None:
            raise self._mistakes[0]

    @property
    def is_serving(self) -> bool:
        """Whether connections are taken."""
        return self._server.is_serving()

    async def stop_serving(self) -> None:
        """Go away in the middle of everything, as a network does."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def serve_again(self) -> None:
        """Come back at the same address."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1 << 20)

    def count(self, service: str | None = None, kind: str | None = None) -> int:
        """How many requests there were, of a service, of a kind, or of both."""
        return sum(service in (None, one.service) and kind in (None, one.kind) for one in self.requests)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            # A client may go away at any moment: that is its right, and some faults provoke it.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._exchange(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip("\r\n").split("\r\n")
        method, _, rest = line.partition(" ")
        target = rest.removesuffix(" HTTP/1.1")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        name = next((name for name, prefix in self._prefixes.items() if target.startswith(prefix + "/")), None)
        if name is None:
            await self._send(writer, text_reply(404, "no such service\n", "text/plain"))
            return True
        below = target.removeprefix(self._prefixes[name])
        path, _, query = below.partition("?")
        call = Call(method, below, unquote(path), dict(parse_qsl(query, keep_blank_values=True)), headers, body)
        self._in_flight[name] += 1
        try:
            kind, at = self._services[name].kind(call), asyncio.get_running_loop().time()
            request = Request(name, kind, method, target, headers, body, at, self._in_flight[name])
            self.requests.append(request)
            return await self._reply(request, call, writer) and headers.get("connection", "").lower() != "close"
        finally:
            self._in_flight[name] -= 1

    async def _reply(self, request: Request, call: Call, writer: asyncio.StreamWriter) -> bool:
        service = self._services[request.service]
        names = (f"{request.service} {request.kind}", request.service, request.kind)
        pause = next((self.latency[name] for name in names if name in self.latency), 0.0)
        struck = [fault for fault in self.faults if fault.strikes(request)]
        pause += sum(fault.detail.get("seconds", 1.0) for fault in struck if fault.kind == "latency")
        if pause:
            await asyncio.sleep(pause)
        fault = next((fault for fault in struck if fault.kind != "latency"), None)
        if fault and fault.kind == "reset":
            # Closing with linger 0 sends RST rather than FIN.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if fault and (spoken := _spoken(fault, service)):
            await self._send(writer, spoken)
            return True
        reply = self._answer(request, call, service)
        if fault is None:
            await self._send(writer, reply)
            return True
        return await self._spoil(fault, reply, writer)

    def _answer(self, request: Request, call: Call, service: Service) -> Reply:
        key = self.keys.get(request.service)
        if key is not None and not service.authorised(call, key):
            return service.unauthorised()
        try:
            return service.answer(call)
        except Exception as mistake:
            # A mistake of ours must not pass for a fault of the service: it is raised when the context is left.
            self._mistakes.append(mistake)
            return json_reply(500, {"error": f"mistake in tests/services: {mistake!r}"})

    async def _spoil(self, fault: Fault, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        """Send a true reply in a way that no client wants it; whether the connection stays open."""
        if fault.kind == "half-json":
            reply.body = reply.body[: len(reply.body) // 2]
        elif fault.kind == "charset":
            _mislabel(reply, fault.detail.get("declared", "utf-8"))
        elif fault.kind == "cut":
            self._write(writer, _head(reply, f"Content-Length: {len(reply.body)}") + reply.body[: len(reply.body) // 2])
            await writer.drain()
            return False
        elif fault.kind == "drip":
            self._write(writer, _head(reply, f"Content-Length: {len(reply.body)}"))
            for byte in reply.body:
                self._write(writer, bytes([byte]))
                await writer.drain()
                await asyncio.sleep(fault.detail.get("seconds", 0.01))
            return True
        elif fault.kind == "huge":
            await self._flood(reply, int(fault.detail.get("megabytes", 200) * (1 << 20)), writer)
            return True
        await self._send(writer, reply)
        return True

    async def _flood(self, reply: Reply, size: int, writer: asyncio.StreamWriter) -> None:
        """The true body followed by white space, so that only its size is wrong with it."""
        self._write(writer, _head(reply, "Transfer-Encoding: chunked"))
        blank = b" " * _CHUNK
        first = reply.body or b" "
        self._write(writer, b"%x\r\n%s\r\n" % (len(first), first))
        for _ in range(max(size - len(first), 0) // _CHUNK):
            self._write(writer, b"%x\r\n%s\r\n" % (_CHUNK, blank))
            await writer.drain()
        self._write(writer, b"0\r\n\r\n")
        await writer.drain()

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        self._write(writer, _head(reply, f"Content-Length: {len(reply.body)}") + reply.body)
        await writer.drain()

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        self.sent += len(data)
        writer.write(data)


class Services(Loopback):
    """All sources of papers."""

    def __init__(self, literature: Literature, *, port: int = 0) -> None:
        self.literature = literature
        self.openalex = OpenAlex(literature)
        self.serper = Serper(literature)
        services: dict[str, Service] = {
            "arxiv": ArXiv(literature),
            "ar5iv": LaTeXML(literature, "ar5iv"),
            "arxiv-html": LaTeXML(literature, "arxiv-html"),
            "semantic-scholar": SemanticScholar(literature),
            "openalex": self.openalex,
            "serper": self.serper,
        }
        super().__init__(services, PREFIXES, port=port)

    @property
    def openalex_budget(self) -> int:
        """The credits that OpenAlex gives a day; what has been spent of them is `openalex.spent`."""
        return self.openalex.budget

    @openalex_budget.setter
    def openalex_budget(self, credits: int) -> None:
        self.openalex.budget = credits


def _head(reply: Reply, length: str) -> bytes:
    fields = [f"{name}: {value}" for name, value in reply.headers.items()]
    status = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"
    return "\r\n".join([status, f"Content-Type: {reply.content_type}", length, *fields, "", ""]).encode("latin-1")


def _spoken(fault: Fault, service: Service) -> Reply | None:
    """The replies that faults make up themselves; None for those that spoil a true one."""
    headers: dict[str, str] = {}
    if fault.detail.get("retry_after") is not None:
        headers["Retry-After"] = str(fault.detail["retry_after"])
    match fault.kind:
        case "429":
            reply = service.too_many()
            reply.headers |= headers
            return reply
        case "500":
            return json_reply(500, {"message": "Internal Server Error"}, headers)
        case "503":
            page = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
            return text_reply(503, page, "text/html", headers)
        case "html":
            page = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body><p>Wait here.</p></body></html>"
            return text_reply(200, page, "text/html")
        case "redirect":
            return text_reply(302, "", "text/html", {"Location": fault.detail["location"]})
        case "unauthorized":
            return service.unauthorised()
        case "entity-bomb":
            document = f'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY b0 "boom">{_BOMB}]>'
            feed = f'{document}<feed xmlns="http://www.w3.org/2005/Atom"><title>&b9;</title></feed>'
            return text_reply(200, feed, "application/atom+xml")
    return None


def _mislabel(reply: Reply, declared: str) -> None:
    """Latin-1 bytes under another name; common words get a foreign letter, so that there is something to garble."""
    text = reply.body.decode().replace(" of ", " öf ").replace(" for ", " før ").replace(" with ", " wïth ")
    reply.body = text.encode("latin-1", errors="replace")
    reply.content_type = f"{reply.content_type.partition(';')[0]}; charset={declared}"
