"""The live sources of one search, put together: one HTTP client, and over it what searches, reads and resolves."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

import httpx

from pasa_tui.config.settings import SourceSettings
from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Citing, Paper
from pasa_tui.retries import JITTER
from pasa_tui.sources import arxiv, fulltext, openalex, semantic_scholar, serper
from pasa_tui.sources.asking import Service
from pasa_tui.sources.batching import Batcher
from pasa_tui.sources.cache import AnswerCache
from pasa_tui.sources.catalogue import SOURCES
from pasa_tui.sources.http import Http
from pasa_tui.sources.memory import Memory
from pasa_tui.sources.reading import LiveReader, References
from pasa_tui.sources.resolving import LiveResolver, LocalResolver
from pasa_tui.usage import SourceUsage, Trouble

SNIPPETS = "semantic-scholar-snippets"
CONCURRENCY = 32
"""Searches and expansions under way at once: nearly all of their time is waiting, and each host has its own limits."""

_LOOPBACK_JITTER = 0.02


class Searcher(Protocol):
    """What a search asks for papers."""

    name: str

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers, best first."""
        ...


class LiveSources:
    """Everything of one search that asks hosts. Made anywhere, used and closed in one event loop."""

    def __init__(
        self,
        names: Sequence[str],
        settings: SourceSettings,
        *,
        keys: Mapping[str, str],
        cache_dir: Path,
        local: Sequence[LocalResolver] = (),
        seconds_left: Callable[[], float] = lambda: math.inf,
        paced: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`names` out of `catalogue.SOURCES`; `keys` by key name. Without `paced` the hosts' rate limits are not
        kept, which is for loopback servers alone."""
        services = services_of(names, settings, keys, paced=paced)
        self.http = Http(
            services,
            cache=AnswerCache(cache_dir / "answers.db", max_bytes=settings.cache_megabytes * 1_000_000),
            lock_dir=cache_dir,
            seconds_left=seconds_left,
            contact=settings.contact,
            jitter=JITTER if paced else _LOOPBACK_JITTER,
            transport=transport,
        )
        asked = {service.name for service in services}
        memory = Memory()
        scholar = semantic_scholar.SemanticScholar(self.http) if semantic_scholar.NAME in asked else None
        works = openalex.OpenAlex(self.http) if openalex.NAME in asked else None
        api = arxiv.Arxiv(self.http) if arxiv.NAME in asked else None
        texts = [name for name in names if name in fulltext.NAMES]
        self._references = References(self.http, scholar, works, memory)
        self.reader = LiveReader(fulltext.FullTexts(self.http, texts) if texts else None, self._references)
        works_by_id: Batcher[str, Paper] | None = self._references.works if works else None
        self.resolver = LiveResolver(
            self.http,
            memory,
            local=local,
            scholar=scholar,
            works=works,
            works_by_id=works_by_id,
            api=api,
            is_reading=lambda: self.reader.is_reading,
        )
        self.citations = _CitingFrom(self.http, scholar, works) if scholar or works else None
        self.recommender = scholar
        self.search = tuple(
            _Remembering(tool, memory) for tool in _tools(names, self.http, scholar, works, api, self.resolver)
        )

    def usage(self) -> tuple[SourceUsage, ...]:
        """What each source was asked so far."""
        return self.http.usage()

    def is_lost(self) -> bool:
        """Whether no host has answered for a while, so that nothing more can be had now."""
        return self.http.is_lost

    def new_troubles(self) -> tuple[Trouble, ...]:
        """What failed since this was asked last."""
        return self.http.new_troubles()

    async def close(self) -> None:
        """Cancel what is under way and close all connections."""
        await self.resolver.close()
        await self._references.close()
        await self.http.close()


def services_of(
    names: Sequence[str], settings: SourceSettings, keys: Mapping[str, str], *, paced: bool = True
) -> list[Service]:
    """The services behind the named sources, each once."""
    services: dict[str, Service] = {}
    limit = settings.max_requests_per_source
    for name in names:
        info = SOURCES[name]
        url, key = getattr(settings, info.url_setting).rstrip("/"), keys.get(info.key, "")
        if name == arxiv.NAME:
            service = arxiv.service(url, paced=paced, max_requests=limit)
        elif name in fulltext.NAMES:
            service = fulltext.service(name, url, paced=paced, max_requests=limit)
        elif name in (semantic_scholar.NAME, SNIPPETS):
            service = semantic_scholar.service(url, key=key, paced=paced, max_requests=limit)
        elif name == openalex.NAME:
            service = openalex.service(url, key=key, paced=paced, max_requests=limit)
        else:
            service = serper.service(url, key=key, name=name, max_requests=limit)
        services.setdefault(service.name, service)
    return list(services.values())


def _tools(
    names: Sequence[str],
    http: Http,
    scholar: semantic_scholar.SemanticScholar | None,
    works: openalex.OpenAlex | None,
    api: arxiv.Arxiv | None,
    resolver: LiveResolver,
) -> list[Searcher]:
    tools: dict[str, Searcher | None] = {
        arxiv.NAME: api,
        semantic_scholar.NAME: scholar,
        SNIPPETS: _Snippets(scholar or semantic_scholar.SemanticScholar(http)),
        openalex.NAME: works,
        serper.NAME: serper.Serper(http, resolver.resolve),
        serper.SCHOLAR: serper.SerperScholar(http, resolver.resolve),
    }
    return [tool for name in names if (tool := tools.get(name)) is not None]


class _Remembering:
    """A search tool whose papers need not be asked for again when they are cited."""

    def __init__(self, tool: Searcher, memory: Memory) -> None:
        self.name = tool.name
        self._tool = tool
        self._memory = memory

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        papers = await self._tool.search(text, limit=limit, before=before)
        self._memory.remember(papers)
        # Of two sources' accounts of one paper, whichever came first, the fuller.
        return [self._memory.find(Citation.of(paper)) or paper for paper in papers]


class _Snippets:
    name = SNIPPETS

    def __init__(self, scholar: semantic_scholar.SemanticScholar) -> None:
        self._scholar = scholar

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        return await self._scholar.search_snippets(text, limit=limit, before=before)


class _CitingFrom:
    """Who cites a paper: OpenAlex, which also tells what else they cite, else Semantic Scholar."""

    name = "citing papers"

    def __init__(
        self, http: Http, scholar: semantic_scholar.SemanticScholar | None, works: openalex.OpenAlex | None
    ) -> None:
        self._http = http
        self._scholar = scholar
        self._works = works

    async def citing(self, paper: Paper, *, limit: int) -> Sequence[Citing]:
        failure: SourceError | None = None
        if self._works is not None and self._works.can_pay:
            try:
                if found := await self._works.citing(paper, limit=limit):
                    return found
            except SourceError as error:
                failure = error
        if self._scholar is not None and not self._http.is_resting(semantic_scholar.NAME):
            return await self._scholar.citing(paper, limit=limit)
        if failure is not None:
            raise failure
        return ()
