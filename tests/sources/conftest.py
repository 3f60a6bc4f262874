"""Sources over scripted transports, and over the loopback services."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import httpx
import pytest

from pasa_tui.config.settings import SourceSettings
from pasa_tui.sources.asking import Service
from pasa_tui.sources.cache import AnswerCache
from pasa_tui.sources.http import Http
from pasa_tui.sources.live import LiveSources
from tests.services.literature import Literature
from tests.services.server import Services

DEFAULT = ("arxiv", "ar5iv", "arxiv-html", "semantic-scholar", "openalex")
SERVICE = Service(name="s", base_url="https://s.test/api")

Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class Raw(httpx.AsyncByteStream):
    """A body as it comes over the network: still packed, and not read yet."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


def unread(handler: Handler) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    """The responses of a handler as a network would give them."""

    async def handle(request: httpx.Request) -> httpx.Response:
        answer = handler(request)
        response = answer if isinstance(answer, httpx.Response) else await answer
        assert isinstance(response.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in response.stream])
        return httpx.Response(response.status_code, headers=response.headers, stream=Raw(body))

    return handle


@pytest.fixture
def http_for(tmp_path: Path) -> Callable[..., Http]:
    """Make a client over a handler of requests, with its cache in the test's folder."""

    def make(
        handler: Handler,
        *services: Service,
        cache_bytes: int = 1_000_000,
        seconds_left: Callable[[], float] = lambda: math.inf,
        contact: str = "",
    ) -> Http:
        return Http(
            services or (SERVICE,),
            cache=AnswerCache(tmp_path / "answers.db", max_bytes=cache_bytes),
            lock_dir=tmp_path,
            seconds_left=seconds_left,
            contact=contact,
            jitter=0.0,
            transport=httpx.MockTransport(unread(handler)),
        )

    return make


@pytest.fixture(scope="session")
def literature() -> Literature:
    return Literature.invent(600)


@pytest.fixture
async def services(literature: Literature) -> AsyncGenerator[Services, None]:
    async with Services(literature) as services:
        yield services


def settings_for(services: Services, **changes: object) -> SourceSettings:
    urls = {f"{name.replace('-', '_')}_url": url for name, url in services.urls.items()}
    return SourceSettings(**{**urls, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def live(services: Services, tmp_path: Path) -> AsyncGenerator[Callable[..., LiveSources], None]:
    """Make live sources over the loopback services; all are closed after the test."""
    made: list[LiveSources] = []

    def make(names: Iterable[str] = DEFAULT, **options: object) -> LiveSources:
        changes = options.pop("settings", {})
        assert isinstance(changes, dict)
        defaults: dict[str, object] = {"keys": {}, "cache_dir": tmp_path, "paced": False}
        sources = LiveSources(tuple(names), settings_for(services, **changes), **{**defaults, **options})  # type: ignore[arg-type]
        made.append(sources)
        return sources

    yield make
    for sources in made:
        await sources.close()


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
