"""Scripted models and sources: an agent whose whole world is a few dictionaries."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pasa_tui.agent import Sources
from pasa_tui.errors import SourceError
from pasa_tui.models.protocols import Candidate, Judgement, SearchResults
from pasa_tui.papers import Citation, Paper, Query, Section


def paper(number: int, **changes: object) -> Paper:
    """An invented paper with the arXiv id 2001.NNNNN."""
    fields: dict[str, object] = {
        "title": f"Paper number {number}",
        "abstract": f"The abstract of paper {number}.",
        "arxiv_id": f"2001.{number:05d}",
        "date": date(2020, 1, 1),
    }
    return Paper(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass
class ScriptedCrawler:
    """Plans fixed rounds of searches; chooses every section but those named "skip…"."""

    rounds: Sequence[Sequence[str]]
    name: str = "scripted crawler"
    seen: list[Sequence[SearchResults]] = field(default_factory=list)

    async def plan(self, query: Query, found: Sequence[SearchResults]) -> AsyncIterator[str]:
        self.seen.append(found)
        done = {results.text for results in found}
        for texts in self.rounds:
            if not set(texts) <= done:
                for text in texts:
                    yield text
                return

    async def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncIterator[str]:
        for name in sections:
            if not name.startswith("skip"):
                yield name


@dataclass
class ScriptedSelector:
    """Scores by a table; papers not in it get 0.1."""

    scores: Mapping[str, float] = field(default_factory=dict)
    name: str = "scripted selector"
    uses_provenance: bool = False
    batches: list[int] = field(default_factory=list)

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        self.batches.append(len(candidates))
        return [Judgement(self.scores.get(candidate.paper.id, 0.1), "scripted") for candidate in candidates]


@dataclass
class World:
    """A search tool, reader and resolver in one.

    `results` maps search texts to papers, `sections` paper ids to {section: papers cited}. `pause` is awaited
    before each answer and may suspend as long as it likes; `broken` names what raises SourceError.
    """

    results: Mapping[str, Sequence[Paper]] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Sequence[Paper]]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    delays: Sequence[int] = ()
    name: str = "world"
    asked: list[str] = field(default_factory=list)

    def sources(self) -> Sources:
        return Sources(search=(self,), reader=self, resolver=self)

    async def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.delays:
            for _ in range(self.delays[len(self.asked) % len(self.delays)]):
                await asyncio.sleep(0)
        if what in self.broken:
            raise SourceError(f"{what} is broken.")

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        await self._answer(f"search {text}")
        return list(self.results.get(text, ()))[:limit]

    async def read(self, paper: Paper) -> Sequence[Section]:
        await self._answer(f"read {paper.id}")
        return [
            Section(name, tuple(Citation(title=cited.title, arxiv_id=cited.arxiv_id) for cited in papers))
            for name, papers in self.sections.get(paper.id, {}).items()
        ]

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        await self._answer("resolve")
        known = {
            cited.id: cited for sections in self.sections.values() for papers in sections.values() for cited in papers
        }
        return [known.get(citation.id) for citation in citations]
