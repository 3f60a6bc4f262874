"""What an action does: searches and citations of the agent's own sources, and who says what a paper is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pasa_tui.agent.protocols import Sources
from pasa_tui.errors import SourceError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.models.language.sections import match_sections
from pasa_tui.models.protocols import Candidate, Selector
from pasa_tui.papers import Paper, PaperId, Provenance, Query, Section, title_key

_SELECTED = 0.5
"""Above this score the Selector takes a paper (arXiv 2501.10120)."""
_KEPT = 50_000
"""Papers whose sections are kept: reading is what takes longest, and rounds come back to the same papers."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to learn from. `answers` are the names of each answer: title key, arXiv id, source id."""

    qid: str
    query: Query
    answers: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, query: BenchmarkQuery) -> "Question":
        """A question of a query set. Raises QueryError."""
        names = (
            {
                f"title:{title_key(answer.title)}" if title_key(answer.title) else "",
                f"arxiv:{answer.arxiv_id}" if answer.arxiv_id else "",
                answer.source_id or "",
            }
            - {""}
            for answer in query.answers
        )
        return cls(query.qid, query.query, tuple(frozenset(each) for each in names if each))

    def is_answer(self, paper: Paper) -> bool:
        """Whether the paper is one of the answers."""
        names = _names(paper)
        return any(not names.isdisjoint(answer) for answer in self.answers)

    def recall(self, papers: Sequence[Paper]) -> float:
        """The share of the answers among the papers; 0 where there are none."""
        names = {name for paper in papers for name in _names(paper)}
        return sum(not names.isdisjoint(answer) for answer in self.answers) / max(1, len(self.answers))


def _names(paper: Paper) -> set[str]:
    return {f"title:{title_key(paper.title)}", f"arxiv:{paper.arxiv_id}", str(paper.id), paper.source_id or ""} - {""}


@dataclass(slots=True)
class Environment:
    """Searches, reads and judges for training.

    `selector` says which papers are worth finding beside the answers; without one the answers alone are.
    What a source can't answer counts as nothing found; `failures` counts these.
    """

    sources: Sources
    selector: Selector | None = None
    search_papers: int = 10
    failures: int = 0
    _sections: dict[PaperId, tuple[Section, ...]] = field(default_factory=dict)
    _scores: dict[tuple[str, PaperId], float] = field(default_factory=dict)

    async def search(self, query: Query, text: str) -> list[Paper]:
        """At most `search_papers` papers of each search tool, none after the cut-off."""
        found: dict[PaperId, Paper] = {}
        for tool in self.sources.search:
            try:
                papers = await tool.search(text, limit=self.search_papers, before=query.before)
            except SourceError:
                self.failures += 1
                continue
            found |= {paper.id: paper for paper in papers if not _is_late(paper, query) and paper.id not in found}
        return list(found.values())

    async def sections(self, paper: Paper) -> tuple[Section, ...]:
        """The sections that cite something, of each name one; empty where the paper can't be read."""
        if paper.id not in self._sections:
            try:
                read = await self.sources.reader.read(paper)
            except SourceError:
                self.failures += 1
                return ()
            merged: dict[str, Section] = {}
            for section in read:
                before = merged[section.name].citations if section.name in merged else ()
                merged[section.name] = Section(section.name, before + section.citations)
            if len(self._sections) >= _KEPT:
                self._sections.clear()
            self._sections[paper.id] = tuple(merged.values())
        return self._sections[paper.id]

    async def follow(self, query: Query, paper: Paper, name: str) -> list[Paper]:
        """The papers that the section named cites, none after the cut-off; empty where there is no such section."""
        sections = {section.name: section for section in await self.sections(paper)}
        found: dict[PaperId, Paper] = {}
        for chosen in match_sections([name], list(sections)):
            try:
                resolved = await self.sources.resolver.resolve(sections[chosen].citations)
            except SourceError:
                self.failures += 1
                continue
            found |= {one.id: one for one in resolved if one is not None and not _is_late(one, query)}
        return list(found.values())

    async def judge(self, question: Question, papers: Sequence[Paper]) -> Mapping[PaperId, float]:
        """The Selector's score in [0, 1] of each paper; without a Selector empty. Raises ModelError."""
        if self.selector is None:
            return {}
        new = [paper for paper in papers if (question.qid, paper.id) not in self._scores]
        if new:
            way = Provenance("search", question.query.text, None, 1)
            judged = await self.selector.judge(question.query, [Candidate(paper, (way,)) for paper in new])
            for paper, judgement in zip(new, judged, strict=True):
                self._scores[question.qid, paper.id] = judgement.score
        return {paper.id: self._scores[question.qid, paper.id] for paper in papers}

    def is_wanted(self, question: Question, paper: Paper, scores: Mapping[PaperId, float]) -> bool:
        """Whether finding the paper earns a reward: it is an answer, or the Selector takes it."""
        return scores.get(paper.id, 0.0) > _SELECTED or question.is_answer(paper)


def _is_late(paper: Paper, query: Query) -> bool:
    return bool(query.before and paper.date and paper.date > query.before)
