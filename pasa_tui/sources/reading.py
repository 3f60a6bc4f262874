"""Opening a paper: its sections from the full text, what they cite from services that know bibliographies.

Titles taken from the text of a bibliography are where readers of this kind go wrong most, so a service's structured
references are asked first, and each entry of the text is recognised as one of them where it can be.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from pasa_tui.errors import SourceError
from pasa_tui.matching import MAX_YEARS_APART, MIN_TITLE_LETTERS, is_cited
from pasa_tui.papers import Citation, Paper, Section, title_key
from pasa_tui.sources.batching import Batcher
from pasa_tui.sources.fulltext import FullTexts
from pasa_tui.sources.http import Http
from pasa_tui.sources.latexml import BibEntry, FullText
from pasa_tui.sources.memory import Memory
from pasa_tui.sources.openalex import IDS_PER_REQUEST, OpenAlex
from pasa_tui.sources.semantic_scholar import NAME as SEMANTIC_SCHOLAR
from pasa_tui.sources.semantic_scholar import REFERENCES_PER_REQUEST, SemanticScholar, id_of

_LONG_QUEUE = 4.0
"""Seconds of queue before Semantic Scholar at which OpenAlex is asked first."""
_FEW_WORKS = 2
"""So many works are looked up one by one, for nothing, rather than in a list that costs."""

_NUMBER = re.compile(r"[0-9]+")
_LONGER_TITLE = 1.3
"""How many times as long another title must be to be none that was read with some words of the venue."""

ReferenceSource = Callable[[Paper], Awaitable[Sequence[Paper] | None]]


class References:
    """The structured references of papers, from the service that answers soonest."""

    def __init__(self, http: Http, scholar: SemanticScholar | None, openalex: OpenAlex | None, memory: Memory) -> None:
        self._http = http
        self._openalex = openalex
        self._memory = memory
        self._scholar_batches = (
            Batcher(scholar.references, size=REFERENCES_PER_REQUEST, parallel=2) if scholar is not None else None
        )
        self.works: Batcher[str, Paper] = Batcher(self._look_up_works, size=IDS_PER_REQUEST, parallel=4)

    async def of(self, paper: Paper) -> Sequence[Paper] | None:
        """What a paper cites, in no order; None where no service knows. Raises SourceError where all failed."""
        failure: SourceError | None = None
        answered = False
        for source in self._in_order():
            try:
                references = await source(paper)
            except SourceError as error:
                failure = error
                continue
            answered = True
            if references:
                self._memory.remember(references)
                return references
        if failure is not None and not answered:
            raise failure
        return None

    async def close(self) -> None:
        """Cancel what is under way."""
        await self.works.close()
        if self._scholar_batches is not None:
            await self._scholar_batches.close()

    def _in_order(self) -> list[ReferenceSource]:
        sources: list[ReferenceSource] = []
        if self._openalex is not None:
            sources.append(self._from_openalex)
        if self._scholar_batches is not None and not self._http.is_resting(SEMANTIC_SCHOLAR):
            slow = self._http.queue_seconds(SEMANTIC_SCHOLAR) > _LONG_QUEUE
            sources.insert(len(sources) if slow else 0, self._from_scholar)
        return sources

    async def _from_scholar(self, paper: Paper) -> Sequence[Paper] | None:
        name = id_of(paper)
        if name is None or self._scholar_batches is None:
            return None
        return (await self._scholar_batches.get([name])).get(name)

    async def _from_openalex(self, paper: Paper) -> Sequence[Paper] | None:
        assert self._openalex is not None
        ids = await self._openalex.references(paper)
        return list((await self.works.get(ids)).values()) if ids else None

    async def _look_up_works(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        assert self._openalex is not None
        if self._openalex.can_pay and len(ids) > _FEW_WORKS:
            return await self._openalex.by_ids(ids)
        found = await asyncio.gather(*map(self._openalex.by_id, ids), return_exceptions=True)
        works = {name: work for name, work in zip(ids, found, strict=True) if isinstance(work, Paper)}
        failures = [work for work in found if isinstance(work, BaseException)]
        if failures and not works:
            raise failures[0]
        return works


class LiveReader:
    """Reader over the full texts and the structured references, whichever of them are to be had."""

    name = "full text"

    def __init__(self, texts: FullTexts | None, references: References) -> None:
        self._texts = texts
        self._references = references
        self._reading = 0

    @property
    def is_reading(self) -> bool:
        """Whether papers are being opened, whose citations will want resolving soon."""
        return self._reading > 0

    async def read(self, paper: Paper) -> Sequence[Section]:
        """Sections with their citations; one without a name where only the references are known.

        Empty where neither is to be had. Raises SourceError where one of both failed and the other has nothing.
        """
        self._reading += 1
        try:
            text, references = await asyncio.gather(
                self._text(paper), self._references.of(paper), return_exceptions=True
            )
        finally:
            self._reading -= 1
        for outcome in (text, references):
            if isinstance(outcome, BaseException) and not isinstance(outcome, SourceError):
                raise outcome
        known = references if not isinstance(references, BaseException) and references else ()
        full = text if isinstance(text, FullText) else None
        sections = join(full, known)
        if not sections:
            for outcome in (text, references):
                if isinstance(outcome, SourceError):
                    raise outcome
        return sections

    async def _text(self, paper: Paper) -> FullText | None:
        if self._texts is None or paper.arxiv_id is None:
            return None
        return await self._texts.read(paper.arxiv_id)


def join(text: FullText | None, references: Sequence[Paper]) -> list[Section]:
    """The sections of a text with each citation as the structured references have it, where they have it.

    References that no section was found to cite come last, in a section without a name.
    """
    by_entry = _recognised(text.entries, references) if text is not None else {}
    sections = []
    for section, keys in zip(text.sections, text.keys, strict=True) if text is not None else ():
        citations = tuple(
            Citation.of(by_entry[key]) if key in by_entry else citation
            for key, citation in zip(keys, section.citations, strict=True)
        )
        sections.append(Section(section.name, citations))
    named = {paper.id for paper in by_entry.values()}
    rest = tuple(Citation.of(paper) for paper in references if paper.id not in named)
    return [*sections, Section("", rest)] if rest else sections


def _recognised(entries: Iterable[BibEntry], references: Sequence[Paper]) -> dict[str, Paper]:
    """The reference that each entry of a bibliography is, by its key; those recognised as none are left out."""
    by_id: dict[str, Paper] = {}
    for reference in references:
        by_id.update({f"arxiv:{reference.arxiv_id}": reference} if reference.arxiv_id else {})
        by_id.update({f"doi:{reference.doi}": reference} if reference.doi else {})
    # Longest first: one title may be the beginning of another.
    titles = sorted(((title_key(paper.title), paper) for paper in references), key=lambda item: -len(item[0]))
    found: dict[str, Paper] = {}
    for entry in entries:
        citation = entry.citation
        paper = by_id.get(f"arxiv:{citation.arxiv_id}") or by_id.get(f"doi:{citation.doi}")
        if paper is None and citation.title:
            paper = next((it for _, it in titles if is_cited(citation, it)), None)
        if paper is None:
            letters = title_key(entry.text)
            paper = next((it for key, it in titles if key in letters and _is_entry_of(entry, key, it)), None)
        if paper is not None:
            found[entry.key] = paper
    return found


def _is_entry_of(entry: BibEntry, key: str, paper: Paper) -> bool:
    """Whether an entry that has the letters `key` of a paper's title is that paper's, and not another's like it.

    Its numbers and an author must stand there too, its year must not be far off, and what was read as the title must
    not be a longer one.
    """
    if len(key) < MIN_TITLE_LETTERS or not set(_NUMBER.findall(paper.title)) <= set(_NUMBER.findall(entry.text)):
        return False
    read = title_key(entry.citation.title)
    if key in read and len(read) > _LONGER_TITLE * len(key):
        return False
    year = entry.citation.year
    if year is not None and paper.date is not None and abs(year - paper.date.year) > MAX_YEARS_APART:
        return False
    letters = title_key(entry.text)
    families = [title_key(author.split()[-1]) for author in paper.authors if author.split()]
    return not families or any(len(family) > 1 and family in letters for family in families)
