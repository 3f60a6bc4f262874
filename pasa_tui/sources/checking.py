"""Checking sources one by one: reachable, key accepted, how fast."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from pasa_tui.config.settings import SourceSettings
from pasa_tui.errors import SourceError
from pasa_tui.sources import arxiv, fulltext, openalex, semantic_scholar, serper
from pasa_tui.sources.asking import Answer, Ask
from pasa_tui.sources.cache import AnswerCache
from pasa_tui.sources.catalogue import SOURCES
from pasa_tui.sources.http import Http
from pasa_tui.sources.live import services_of
from pasa_tui.sources.records import decode

_SECONDS = 12.0
"""What a person waits for a check; arXiv's pace of 3 seconds and one retry fit in."""
_KNOWN_PAPER = "1706.03762"


class _Works(msgspec.Struct):
    results: list[object]


@dataclass(frozen=True, slots=True)
class Check:
    """How a source answered: `ok`, in `seconds`, and what there is to say about it."""

    name: str
    ok: bool
    seconds: float
    key: str
    said: str


async def check_sources(
    names: Sequence[str],
    settings: SourceSettings,
    keys: Mapping[str, str],
    cache_dir: Path,
    transport: httpx.AsyncBaseTransport | None = None,
) -> list[Check]:
    """Ask each source one small question, all at once, past the cache. Takes about 12 seconds at most."""
    ends = time.monotonic() + _SECONDS
    http = Http(
        services_of(names, settings, keys),
        cache=AnswerCache(cache_dir / "answers.db", max_bytes=0),
        lock_dir=cache_dir,
        seconds_left=lambda: max(0.0, ends - time.monotonic()),
        contact=settings.contact,
        gives_up=False,
        transport=transport,
    )
    openalex_client = openalex.OpenAlex(http) if openalex.NAME in names else None
    try:
        checks = await asyncio.gather(*(_check(http, name, keys) for name in names))
        if openalex_client is not None:
            left = {usage.name: usage.left for usage in http.usage()}
            return [
                Check(check.name, check.ok, check.seconds, check.key, left.get(check.name) or check.said)
                if check.ok
                else check
                for check in checks
            ]
        return checks
    finally:
        await http.close()


async def _check(http: Http, name: str, keys: Mapping[str, str]) -> Check:
    info = SOURCES[name]
    has_key = bool(keys.get(info.key))
    key = ("set" if has_key else "needed" if info.needs_key else "none") if info.key else "-"
    if info.needs_key and not has_key:
        return Check(name, False, 0.0, key, f"needs a key: pasa-tui config set-key {info.key}")
    service, ask, parse = _question(name)
    began = time.monotonic()
    try:
        async with asyncio.timeout(_SECONDS):
            await http.ask(service, ask, parse)
    except (SourceError, TimeoutError) as error:
        said = error.message if isinstance(error, SourceError) else f"No answer within {_SECONDS:.0f} s."
        return Check(name, False, time.monotonic() - began, key, said)
    return Check(name, True, time.monotonic() - began, key, info.use)


def _question(name: str) -> tuple[str, Ask, Callable[[Answer], object]]:
    """The service, what to ask it, and what to make of the answer: nothing that costs, where that can be."""
    if name == arxiv.NAME:
        return name, Ask(path="/query", params={"id_list": _KNOWN_PAPER, "max_results": "1"}), arxiv.parse_feed
    if name in fulltext.NAMES:
        ask = Ask(path=f"/{_KNOWN_PAPER}", accept=frozenset({404}), within=True)
        return name, ask, lambda answer: answer.status
    if name == openalex.NAME:
        # A list, for a ten-thousandth of a dollar: the single works that are free say 404 at a wrong address too.
        ask = Ask(path="/works", params={"per-page": "1", "select": "id"})
        return name, ask, lambda answer: decode(answer, _Works)
    if name in (serper.NAME, serper.SCHOLAR):
        path = "/search" if name == serper.NAME else "/scholar"
        return name, Ask(method="POST", path=path, json={"q": "site:arxiv.org", "num": 1}), _json
    ask = Ask(path=f"/graph/v1/paper/ARXIV:{_KNOWN_PAPER}", params={"fields": "title"}, accept=frozenset({404}))
    return semantic_scholar.NAME, ask, _json


def _json(answer: Answer) -> object:
    return decode(answer, dict[str, Any])
