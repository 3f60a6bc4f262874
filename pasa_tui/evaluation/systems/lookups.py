"""Where the baselines look: live sources, opened anew for each question, and the corpus as a resolver of titles."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pasa_tui.assembly import chosen_sources
from pasa_tui.config.secrets import find_keys
from pasa_tui.corpus import SAMPLE, open_corpus
from pasa_tui.errors import ConfigError, PasaError, SourceError
from pasa_tui.evaluation.systems.protocol import Place, score_of_rank
from pasa_tui.evaluation.systems.spending import Bill
from pasa_tui.papers import Citation, Paper, PaperId
from pasa_tui.sources.catalogue import CORPUS, SOURCES

if TYPE_CHECKING:
    from pasa_tui.sources.live import LiveSources

_GOOGLE = ("serper", "serper-scholar")
_RESOLVING = ("arxiv",)
"""What gives Google's links a title and a date where no sources are chosen."""


class Lookups:
    """The live sources `names` and, with `corpus`, the corpus of a place, which is asked before them.

    A question has sources of its own, so that their requests and troubles are that question's; their cache and the
    pace they keep are common to all. Without `paced` that pace is not kept, which is for loopback servers alone.
    """

    def __init__(self, place: Place, names: Sequence[str], *, corpus: bool, paced: bool = True) -> None:
        """Raises CorpusError where the corpus is unknown or damaged."""
        self._place = place
        self._names = tuple(names)
        self._keys = {name: key.value for name, key in find_keys().items()}
        self._paced = paced
        self._corpus = open_corpus(place.corpus, place.paths) if corpus else None

    @classmethod
    def of_google(cls, place: Place, tool: str, *, paced: bool = True) -> "Lookups":
        """One of Serper's searches, and what resolves its links. Raises ConfigError without Serper's key."""
        keys = find_keys()
        if SOURCES[tool].key not in keys:
            raise ConfigError(
                f"{SOURCES[tool].use} can't be asked without a key for Serper.",
                f"Store it with: pasa-tui config set-key {SOURCES[tool].key}",
            )
        chosen = chosen_sources(place.sources, keys) if place.sources else _RESOLVING
        names = (tool, *(name for name in chosen if name not in (CORPUS, *_GOOGLE)))
        # The sample is there without being asked for, and no place to find the papers of a benchmark.
        return cls(place, names, corpus=CORPUS in chosen or place.corpus != SAMPLE, paced=paced)

    @classmethod
    def of_titles(cls, place: Place, *, paced: bool = True) -> "Lookups":
        """What knows the titles that a model names: the place's live sources, else its corpus. Raises PasaError."""
        chosen = chosen_sources(place.sources, find_keys()) if place.sources else (CORPUS,)
        names = [name for name in chosen if name not in (CORPUS, *_GOOGLE)]
        return cls(place, names, corpus=CORPUS in chosen, paced=paced)

    @asynccontextmanager
    async def open(self, bill: Bill) -> AsyncGenerator["LiveSources", None]:
        """The live sources for one question; what they were asked is put on its bill."""
        from pasa_tui.sources.live import LiveSources

        sources = LiveSources(
            self._names,
            self._place.settings.sources,
            keys=self._keys,
            cache_dir=self._place.paths.cache_dir,
            local=[self._corpus] if self._corpus else [],
            paced=self._paced,
        )
        try:
            yield sources
        finally:
            bill.add_sources(sources.usage(), sources.new_troubles())
            await sources.close()

    async def papers_of(self, named: Sequence[Citation], bill: Bill) -> list[Paper]:
        """The papers that a model named, in order, each as `resolved` gives it. Raises SourceError for the corpus."""
        if not named:
            return []
        if self._names:
            async with self.open(bill) as sources:
                return await resolved(sources, named, bill)
        found = await self._corpus.resolve(named) if self._corpus else [None] * len(named)
        return _filled(named, found)

    def close(self) -> None:
        """Let go of the corpus. May be called twice."""
        if self._corpus:
            self._corpus.close()


async def resolved(sources: "LiveSources", named: Sequence[Citation], bill: Bill) -> list[Paper]:
    """The papers of citations, in order; one that nobody knows stays as it was named: with its title, its arXiv id."""
    try:
        found = await sources.resolver.resolve(named)
    except SourceError as error:
        bill.note(f"{error.source or 'resolver'}: {error.message}")
        found = [None] * len(named)
    return _filled(named, found)


def ranked(papers: Sequence[Paper]) -> list[tuple[Paper, float]]:
    """Papers in the order of their rank, each once, with the score of that rank."""
    unique: dict[PaperId, Paper] = {}
    for paper in papers:
        unique.setdefault(paper.id, paper)
    return [(paper, score_of_rank(rank)) for rank, paper in enumerate(unique.values(), start=1)]


def missing_key(tool: str) -> str:
    """What one of Serper's searches lacks, in a line; empty where its key is there."""
    try:
        key = SOURCES[tool].key
        return "" if key in find_keys([key]) else "a key for Serper: pasa-tui config set-key serper"
    except PasaError as error:
        return error.message


def _filled(named: Sequence[Citation], found: Sequence[Paper | None]) -> list[Paper]:
    papers = [paper or _bare(citation) for citation, paper in zip(named, found, strict=True)]
    return [paper for paper in papers if paper is not None]


def _bare(citation: Citation) -> Paper | None:
    """All that is known of a paper that nobody resolves; its date is the month that its arXiv id tells."""
    from pasa_tui.sources.records import make_paper

    paper = make_paper(title=citation.title or citation.arxiv_id, arxiv_id=citation.arxiv_id)
    return replace(paper, title="") if paper and not citation.title else paper
