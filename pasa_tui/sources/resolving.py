"""Turning citations into papers, the cheapest way first, many at a time and each but once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from pasa_tui.errors import SourceError
from pasa_tui.matching import MIN_TITLE_LETTERS, is_cited
from pasa_tui.papers import Citation, Paper, doi_of_arxiv, title_key
from pasa_tui.sources import arxiv, openalex, semantic_scholar
from pasa_tui.sources.batching import Batcher
from pasa_tui.sources.http import Http
from pasa_tui.sources.memory import Memory

_LONG_QUEUE = 8.0
"""Seconds of queue before Semantic Scholar at which a title more is not asked for: each is a request of its own."""


class LocalResolver(Protocol):
    """Papers at hand: a corpus, or the library."""

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        """One paper per citation, in order; None where it is not there."""
        ...


_Way = Callable[[Sequence[Citation]], Awaitable[Sequence[Paper | None]]]


class _Progress:
    """The citations of one question and what was found for them so far."""

    def __init__(self, citations: Sequence[Citation], known: Sequence[Paper | None]) -> None:
        self.citations = citations
        self.found = [paper if paper and paper.abstract else None for paper in known]
        # Papers heard of without their abstract are asked for once more, and taken as they are if in vain.
        self._partial = [paper if paper and not paper.abstract else None for paper in known]
        self._titled: set[int] = set()
        self.failure: SourceError | None = None

    def wants_title(self, at: int, *, only_nameless: bool) -> bool:
        """Whether a citation is to be looked for by its title, which is done once."""
        citation = self.citations[at]
        named = citation.arxiv_id or citation.doi or citation.source_id
        if at in self._titled or self._partial[at] is not None or (only_nameless and named):
            return False
        self._titled.add(at)
        return True

    def resolved(self) -> list[Paper | None]:
        """A paper per citation, or None."""
        return [paper or partial for paper, partial in zip(self.found, self._partial, strict=True)]


class LiveResolver:
    """Resolver. Ways to a paper, in this order, each only for what those before it left:

    what a source of this search has told already; the corpora and the library at hand; ids in large batches, from
    Semantic Scholar, OpenAlex, arXiv; titles in batches from OpenAlex, then one by one from Semantic Scholar; titles
    from arXiv where neither of these two is asked.
    """

    name = "resolver"

    def __init__(
        self,
        http: Http,
        memory: Memory,
        *,
        local: Sequence[LocalResolver] = (),
        scholar: semantic_scholar.SemanticScholar | None = None,
        works: openalex.OpenAlex | None = None,
        works_by_id: Batcher[str, Paper] | None = None,
        api: arxiv.Arxiv | None = None,
        is_reading: Callable[[], bool] = lambda: False,
    ) -> None:
        self._http = http
        self._memory = memory
        self._local = local
        self._works_by_id = works_by_id
        self._batchers: list[Batcher[str, Paper]] = []
        self._by_scholar = self._batcher(scholar.by_ids, semantic_scholar.IDS_PER_REQUEST, 2) if scholar else None
        self._by_doi = self._batcher(works.by_dois, openalex.IDS_PER_REQUEST, 4) if works else None
        # Requests to arXiv have to be few, so a batch waits until it is full or nobody is left to fill it.
        self._by_arxiv = self._batcher(api.by_ids, arxiv.IDS_PER_REQUEST, 1, is_reading) if api else None
        self._titles: list[Batcher[str, Paper]] = []
        self._asked_titles: dict[str, str] = {}
        if works:
            self._titles.append(self._batcher(self._title_lookup(works.by_titles), openalex.TITLES_PER_REQUEST, 4))
        if scholar:
            self._titles.append(self._batcher(self._match(scholar), 1, 8))
        if api and not self._titles:
            self._titles.append(
                self._batcher(self._title_lookup(api.by_titles), arxiv.TITLES_PER_REQUEST, 1, is_reading)
            )

    async def close(self) -> None:
        """Cancel what is under way."""
        for batcher in self._batchers:
            await batcher.close()

    async def resolve(self, citations: Sequence[Citation]) -> list[Paper | None]:
        """One paper per citation, in order; None where none is surely the one.

        Raises SourceError where a source failed and nothing at all was resolved.
        """
        progress = _Progress(citations, [self._memory.find(citation) for citation in citations])
        await self._take(progress, self._from_local)
        # Ids and titles are different questions to different requests: neither waits for the other.
        await asyncio.gather(self._by_ids(progress), self._by_titles(progress, only_nameless=True))
        await self._by_titles(progress, only_nameless=False)
        resolved = progress.resolved()
        if progress.failure is not None and not any(resolved):
            raise progress.failure
        return resolved

    async def _by_ids(self, progress: "_Progress") -> None:
        for way in (self._from_own_ids, self._from_scholar, self._from_dois, self._from_arxiv):
            await self._take(progress, way)

    async def _by_titles(self, progress: "_Progress", *, only_nameless: bool) -> None:
        await self._take(progress, self._from_titles, lambda at: progress.wants_title(at, only_nameless=only_nameless))

    async def _take(self, progress: "_Progress", way: _Way, wanted: Callable[[int], bool] = lambda at: True) -> None:
        """Go one way with the citations that have no paper yet."""
        missing = [at for at, paper in enumerate(progress.found) if paper is None and wanted(at)]
        if not missing:
            return
        try:
            papers = await way([progress.citations[at] for at in missing])
        except SourceError as error:
            progress.failure = error
            return
        for at, paper in zip(missing, papers, strict=True):
            if paper is not None:
                self._memory.remember([paper])
                progress.found[at] = paper

    # -- the ways -----------------------------------------------------------------------------------------

    async def _from_local(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        found: list[Paper | None] = [None] * len(citations)
        for resolver in self._local:
            missing = [at for at, paper in enumerate(found) if paper is None]
            for at, paper in zip(missing, await resolver.resolve([citations[at] for at in missing]), strict=True):
                found[at] = paper
        return found

    async def _from_own_ids(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        names = [(citation.source_id or "").partition(":") for citation in citations]
        ids = [name if kind == openalex.NAME else "" for kind, _, name in names]
        if self._works_by_id is None or not any(ids):
            return [None] * len(citations)
        works = await self._works_by_id.get([name for name in ids if name])
        return [works.get(name) for name in ids]

    async def _from_scholar(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        # What it has told without an abstract it has none of.
        return await self._by_name(
            self._by_scholar,
            citations,
            [None if self._memory.find(citation) else semantic_scholar.id_of(citation) for citation in citations],
        )

    async def _from_dois(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        names = [doi_of_arxiv(citation.arxiv_id) if citation.arxiv_id else citation.doi for citation in citations]
        return await self._by_name(self._by_doi, citations, names)

    async def _from_arxiv(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        return await self._by_name(self._by_arxiv, citations, [citation.arxiv_id for citation in citations])

    async def _by_name(
        self, batcher: Batcher[str, Paper] | None, citations: Sequence[Citation], names: Sequence[str | None]
    ) -> Sequence[Paper | None]:
        asked = [name for name in names if name]
        if batcher is None or not asked:
            return [None] * len(citations)
        papers = await batcher.get(asked)
        return [
            paper if name and (paper := papers.get(name)) and is_cited(citation, paper) else None
            for citation, name in zip(citations, names, strict=True)
        ]

    async def _from_titles(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        keys = [_asked(citation.title) for citation in citations]
        for key, citation in zip(keys, citations, strict=True):
            self._asked_titles.setdefault(key, citation.title)
        found: list[Paper | None] = [None] * len(citations)
        failure: SourceError | None = None
        for batcher in self._titles:
            missing = [at for at, paper in enumerate(found) if paper is None and len(keys[at]) >= MIN_TITLE_LETTERS]
            if not missing:
                break
            try:
                papers = await batcher.get([keys[at] for at in missing])
            except SourceError as error:
                failure = error
                continue
            failure = None
            for at in missing:
                # The one that memory is sure of among all that the batch has brought, not merely the first.
                found[at] = self._memory.find(citations[at]) or _sure(citations[at], papers.get(keys[at]))
        if failure is not None and not any(found):
            raise failure
        return found

    # -- look-ups -----------------------------------------------------------------------------------------

    def _batcher(
        self,
        lookup: Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]],
        size: int,
        parallel: int,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> Batcher[str, Paper]:
        batcher = Batcher(lookup, size=size, parallel=parallel, is_busy=is_busy)
        self._batchers.append(batcher)
        return batcher

    def _title_lookup(
        self, by_titles: Callable[[Sequence[str]], Awaitable[Sequence[Paper]]]
    ) -> Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]:
        async def look_up(keys: Sequence[str]) -> Mapping[str, Paper]:
            papers = await by_titles([self._asked_titles[key] for key in keys])
            self._memory.remember(papers)
            return {_asked(paper.title): paper for paper in reversed(papers)}

        return look_up

    def _match(
        self, scholar: semantic_scholar.SemanticScholar
    ) -> Callable[[Sequence[str]], Awaitable[Mapping[str, Paper]]]:
        async def look_up(keys: Sequence[str]) -> Mapping[str, Paper]:
            if self._http.queue_seconds(semantic_scholar.NAME) > _LONG_QUEUE:
                return {}
            papers = await asyncio.gather(*(scholar.match(self._asked_titles[key]) for key in keys))
            return {key: paper for key, paper in zip(keys, papers, strict=True) if paper is not None}

        return look_up


def _asked(title: str) -> str:
    """What titles that are asked for together are told apart by: their letters, and their numbers too."""
    return title_key(title) + "".join(char for char in title if char.isdigit())


def _sure(citation: Citation, paper: Paper | None) -> Paper | None:
    return paper if paper is not None and is_cited(citation, paper) else None
