"""Where a search looks: one corpus, the live sources, or without a network the corpora at hand."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pasa_tui.agent import Sources
from pasa_tui.assembly.requests import SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.secrets import Key
from pasa_tui.config.settings import SourceSettings
from pasa_tui.errors import CorpusError, LibraryError
from pasa_tui.library import Library
from pasa_tui.papers import Citation, Paper, PaperId
from pasa_tui.sources.catalogue import CORPUS

if TYPE_CHECKING:
    from pasa_tui.models.builtin import TermStatistics

# The full-text engine and the HTTP client are imported when a search begins: they take longest to load at start-up.


async def nothing_to_close() -> None:
    """Where there is no connection."""


@dataclass(frozen=True, slots=True)
class Place:
    """`sources` to ask, and the `statistics` of words in them for the builtin models.

    `close` gives back what is held open, `close_connections` is awaited before. `notice` is a (message, hint) that
    whoever asked should know, such as that there is no network; empty for none. `is_live` says that hosts are asked.
    """

    sources: Sources
    statistics: "TermStatistics"
    close: Callable[[], None]
    close_connections: Callable[[], Awaitable[None]] = nothing_to_close
    notice: tuple[str, str] = ("", "")
    is_live: bool = False


def one_corpus(name: str, paths: Paths) -> Place:
    """The corpus of that name alone. Raises CorpusError."""
    from pasa_tui.corpus import open_corpus

    corpus = open_corpus(name, paths)
    return Place(
        sources=Sources(search=(corpus,), reader=corpus, resolver=corpus, citations=corpus, guides=corpus),
        statistics=corpus,
        close=corpus.close,
    )


def live_sources(
    request: SearchRequest,
    names: Sequence[str],
    settings: SourceSettings,
    keys: Mapping[str, Key],
    paths: Paths,
    library: Library | None,
    *,
    paced: bool,
) -> Place:
    """The sources of these names, and the corpus of the request where that is among its sources. Raises PasaError."""
    from pasa_tui.corpus import SAMPLE, available, open_corpus
    from pasa_tui.models.builtin import PlainStatistics
    from pasa_tui.sources.live import CONCURRENCY, LiveSources

    with ExitStack() as opened:
        # The sample's texts are summaries of ours, so a live search takes its papers from elsewhere.
        corpora = []
        for info in available(paths):
            with suppress(CorpusError):
                if info.name != SAMPLE:
                    corpora.append(opened.enter_context(open_corpus(info.name, paths)))
        sources = LiveSources(
            names,
            settings,
            keys={name: key.value for name, key in keys.items()},
            cache_dir=paths.cache_dir,
            local=(*corpora, *([LibraryPapers(library)] if library else [])),
            seconds_left=_countdown(request.settings.max_seconds),
            paced=paced,
        )
        chosen = [opened.enter_context(open_corpus(request.corpus, paths))] if CORPUS in request.sources else []
        return Place(
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
            statistics=PlainStatistics(),
            is_live=True,
            close=opened.pop_all().close,
            close_connections=sources.close,
        )


def corpora_at_hand(corpus: str, paths: Paths) -> Place:
    """All corpora, `corpus` first where it is there; the notice says that there is no network. Raises CorpusError."""
    from pasa_tui.corpus import available, open_corpus
    from pasa_tui.corpus.joined import JoinedCorpora

    names = [info.name for info in available(paths)]
    if corpus in names:
        names = [corpus, *(name for name in names if name != corpus)]
    if not names:
        raise CorpusError("There is no network, and no corpus to search instead.", "Build one: pasa-tui corpus.")
    with ExitStack() as opened:
        corpora = [opened.enter_context(open_corpus(name, paths)) for name in names]
        joined = JoinedCorpora(corpora)
        return Place(
            sources=Sources(search=tuple(corpora), reader=joined, resolver=joined, citations=joined, guides=joined),
            statistics=joined,
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


def _countdown(seconds: float) -> Callable[[], float]:
    ends = time.monotonic() + seconds if seconds else float("inf")
    return lambda: max(0.0, ends - time.monotonic())


def _listed(names: Sequence[str]) -> str:
    return f"the corpus {names[0]} is" if len(names) == 1 else f"the corpora {', '.join(names)} are"
