from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from pasa_tui.export.record import Record
from pasa_tui.export.zotero.api import ZoteroApi
from tests.helpers import paper
from tests.services.server import Loopback
from tests.services.zotero import KEY, Zotero
from tests.services.zotero_connector import ZoteroConnector


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def zotero() -> Zotero:
    return Zotero()


@pytest.fixture
def connector() -> ZoteroConnector:
    return ZoteroConnector()


@pytest.fixture
async def server(zotero: Zotero, connector: ZoteroConnector) -> AsyncIterator[Loopback]:
    async with Loopback({"zotero": zotero, "desktop": connector}, {"zotero": "/zotero", "desktop": "/desktop"}) as made:
        yield made


@pytest.fixture
def open_api(server: Loopback, clock: Clock) -> Callable[..., ZoteroApi]:
    def make(key: str = KEY) -> ZoteroApi:
        return ZoteroApi(server.urls["zotero"], key, sleep=clock.sleep, clock=clock, jitter=0.0)

    return make


@pytest.fixture
async def api(open_api: Callable[..., ZoteroApi]) -> AsyncIterator[ZoteroApi]:
    async with open_api() as made:
        yield made


def records(count: int, *, note: bool = True) -> list[Record]:
    """Records of invented papers, with a judgement each unless told otherwise."""
    reason = "It is on the matter." if note else ""
    return [Record(paper(number), score=0.9 if note else None, selected=True, reason=reason) for number in range(count)]
