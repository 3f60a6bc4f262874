"""What a search is done with: its request, and the agent that is put together for it."""

import socket
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from pasa_tui.agent import Sources
from pasa_tui.config import Paths
from pasa_tui.config.secrets import Key, find_keys
from pasa_tui.config.settings import AgentSettings, Settings
from pasa_tui.errors import CorpusError, LibraryError, SourceError
from pasa_tui.library import Library
from pasa_tui.models.protocols import Crawler, Selector
from pasa_tui.papers import Citation, Paper, PaperId, Query
from pasa_tui.sources.catalogue import CORPUS, SOURCES, parse_sources

_PROBE_SECONDS = 3.0
"""How long a search waits for the first sign of a network before it takes the corpora at hand."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, where, and how.

    `sources` are names of the catalogue or `auto`; `corpus` among them stands for the corpus of that name. They are
    checked when the agent is made.
    """

    query: Query
    corpus: str = "sample"
    settings: AgentSettings = field(default_factory=AgentSettings)
    sources: tuple[str, ...] = (CORPUS,)

    @property
    def is_live(self) -> bool:
        """Whether it asks hosts."""
        return any(name != CORPUS for name in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The part that the library keeps beside the query."""
        return {"corpus": self.corpus, "sources": list(self.sources), "agent": asdict(self.settings)}

    @classmethod
    def from_json(cls, query: Query, data: dict[str, Any]) -> "SearchRequest":
        """The request of a recorded search; settings this version doesn't know are passed over.

        Raises LibraryError where what is there is not what `to_json` writes.
        """
        try:
            settings = msgspec.convert(data.get("agent", {}), AgentSettings)
            sources = msgspec.convert(data.get("sources", [CORPUS]), tuple[str, ...])
            return cls(query, msgspec.convert(data.get("corpus", "sample"), str), settings, sources)
        except msgspec.ValidationError as error:
            raise LibraryError(f"The settings of this search can't be read: {error}.", "Start it anew.") from error


async def _nothing_to_close() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Agent:
    """All that a search is done with.

    `close` gives back what it holds open; `close_connections` is awaited before, in the loop that searched. `notice`
    is a (message, hint) that whoever asked should know, such as that there is no network; empty for none.
    """

    crawlers: Sequence[Crawler]
    selector: Selector
    sources: Sources
    close: Callable[[], None]
    close_connections: Callable[[], Awaitable[None]] = _nothing_to_close
    notice: tuple[str, str] = ("", "")


class AgentBuilder(Protocol):
    """Makes the agent for a request. Raises PasaError where a part of it is not to be had."""

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        """The agent, ready to search."""
        ...


def chosen_sources(names: Sequence[str], keys: Mapping[str, Key]) -> tuple[str, ...]:
    """The sources that these names mean, with the keys there are (see `parse_sources`). Raises ConfigError."""
    return parse_sources(",".join(names), lambda name: name in keys)


def addresses_of(names: Sequence[str], settings: Settings) -> list[str]:
    """Where the named sources are."""
    return [getattr(settings.sources, SOURCES[name].url_setting) for name in names]


def builtin_agent(request: SearchRequest, paths: Paths) -> Agent:
    """The agent that needs no model: the builtin Crawler and Selector over one corpus. Raises CorpusError."""
    # Imported when a search begins: the full-text engine is what takes longest to load at start-up.
    from pasa_tui.corpus import open_corpus
    from pasa_tui.models.builtin import BuiltinCrawler, BuiltinSelector

    corpus = open_corpus(request.corpus, paths)
    return Agent(
        crawlers=(BuiltinCrawler(corpus),),
        selector=BuiltinSelector(corpus),
        sources=Sources(search=(corpus,), reader=corpus, resolver=corpus, citations=corpus),
        close=corpus.close,
    )


class AgentAssembly:
    """AgentBuilder for live sources and corpora: where no host can be reached, the corpora at hand are searched."""

    def __init__(
        self,
        settings: Settings,
        library: Library | None = None,
        *,
        is_online: Callable[[Sequence[str]], bool] | None = None,
        falls_back: bool = True,
        paced: bool = True,
    ) -> None:
        """`is_online` is asked with the addresses of the sources; without it they are tried.

        Unless it `falls_back`, sources that can't be reached are an error. `paced` as `LiveSources` takes it.
        """
        self._settings = settings
        self._library = library
        self._is_online = is_online or any_reachable
        self._falls_back = falls_back
        self._paced = paced

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        """The builtin agent over the sources of the request. Raises PasaError."""
        if not request.is_live:
            return builtin_agent(request, paths)
        keys = find_keys()
        request = replace(request, sources=chosen_sources(request.sources, keys))
        live = [name for name in request.sources if name != CORPUS]
        if not live:
            return builtin_agent(request, paths)
        if not self._is_online(addresses_of(live, self._settings)):
            if not self._falls_back and CORPUS not in request.sources:
                raise SourceError(
                    f"None of the sources can be reached: {', '.join(live)}.",
                    "Check the network, or search a corpus: --sources corpus.",
                )
            return self._offline(request, paths)
        return self._live(request, live, keys, paths)

    def _live(self, request: SearchRequest, live: Sequence[str], keys: Mapping[str, Key], paths: Paths) -> Agent:
        from pasa_tui.corpus import SAMPLE, available, open_corpus
        from pasa_tui.models.builtin import BuiltinCrawler, BuiltinSelector, PlainStatistics
        from pasa_tui.sources.live import CONCURRENCY, LiveSources

        with ExitStack() as opened:
            # The sample's texts are summaries of ours, so a live search takes its papers from elsewhere.
            corpora = []
            for info in available(paths):
                with suppress(CorpusError):
                    if info.name != SAMPLE:
                        corpora.append(opened.enter_context(open_corpus(info.name, paths)))
            library = [LibraryPapers(self._library)] if self._library else []
            sources = LiveSources(
                live,
                self._settings.sources,
                keys={name: key.value for name, key in keys.items()},
                cache_dir=paths.cache_dir,
                local=(*corpora, *library),
                seconds_left=_countdown(request.settings.max_seconds),
                paced=self._paced,
            )
            chosen = [opened.enter_context(open_corpus(request.corpus, paths))] if CORPUS in request.sources else []
            statistics = PlainStatistics()
            return Agent(
                crawlers=(BuiltinCrawler(statistics),),
                selector=BuiltinSelector(statistics),
                sources=Sources(
                    search=(*chosen, *sources.search),
                    reader=sources.reader,
                    resolver=sources.resolver,
                    citations=sources.citations,
                    recommender=sources.recommender,
                    usage=sources.usage,
                    new_troubles=sources.new_troubles,
                    is_lost=sources.is_lost,
                    concurrency=CONCURRENCY,
                ),
                close=opened.pop_all().close,
                close_connections=sources.close,
            )

    def _offline(self, request: SearchRequest, paths: Paths) -> Agent:
        from pasa_tui.corpus import available, open_corpus
        from pasa_tui.corpus.joined import JoinedCorpora
        from pasa_tui.models.builtin import BuiltinCrawler, BuiltinSelector

        names = [info.name for info in available(paths)]
        if request.corpus in names:
            names = [request.corpus, *(name for name in names if name != request.corpus)]
        if not names:
            raise CorpusError("There is no network, and no corpus to search instead.", "Build one: pasa-tui corpus.")
        with ExitStack() as opened:
            corpora = [opened.enter_context(open_corpus(name, paths)) for name in names]
            joined = JoinedCorpora(corpora)
            return Agent(
                crawlers=(BuiltinCrawler(joined),),
                selector=BuiltinSelector(joined),
                sources=Sources(search=tuple(corpora), reader=joined, resolver=joined, citations=joined),
                close=opened.pop_all().close,
                notice=(
                    f"No network: none of the sources can be reached, so {_listed(names)} searched instead.",
                    "Resume the search once there is one.",
                ),
            )


class LibraryPapers:
    """The library as a resolver: papers that earlier searches met, by their ids."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        """One paper per citation, in order; None where the library has none with an abstract under its identity.

        A library that can't be read has none.
        """
        ids = [citation.id for citation in citations]
        try:
            papers: Mapping[PaperId, Paper] = self._library.papers(ids)
        except LibraryError:
            papers = {}
        found = [papers.get(paper_id) for paper_id in ids]
        return [paper if paper and paper.abstract and paper.abstract_kind == "abstract" else None for paper in found]


def any_reachable(addresses: Sequence[str], patience: float = _PROBE_SECONDS) -> bool:
    """Whether one of the hosts takes a connection within `patience` seconds, or a proxy is set to ask them."""
    if {"http", "https", "all"} & set(urllib.request.getproxies()):
        return True
    found, ended = threading.Event(), threading.Semaphore(0)
    hosts = {
        (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        for parts in map(urlsplit, addresses)
    }

    def knock(host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=patience).close()
            found.set()
        except OSError:
            pass
        finally:
            ended.release()

    for host, port in hosts:
        # A daemon: looking up a name can take longer than anyone wants to wait, and can't be cut short.
        threading.Thread(target=knock, args=(host, port), daemon=True).start()
    ends = time.monotonic() + patience
    for _ in hosts:
        if found.is_set() or not ended.acquire(timeout=max(0.0, ends - time.monotonic())):
            break
    return found.is_set()


def _countdown(seconds: float) -> Callable[[], float]:
    ends = time.monotonic() + seconds if seconds else float("inf")
    return lambda: max(0.0, ends - time.monotonic())


def _listed(names: Sequence[str]) -> str:
    return f"the corpus {names[0]} is" if len(names) == 1 else f"the corpora {', '.join(names)} are"
