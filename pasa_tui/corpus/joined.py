"""Several corpora as one: each paper, citation and word is looked up in all of them."""

from collections.abc import Sequence
from itertools import zip_longest

from pasa_tui.corpus.corpus import Corpus
from pasa_tui.papers import Citation, Citing, Guide, Paper, Section


class JoinedCorpora:
    """Reader, resolver and citation index over corpora, in the order given; term statistics of the largest."""

    name = "corpora"

    def __init__(self, corpora: Sequence[Corpus]) -> None:
        """`corpora` are open and stay their owner's; there is at least one."""
        self._corpora = corpora
        self._largest = max(corpora, key=lambda corpus: corpus.num_papers)

    @property
    def num_papers(self) -> int:
        """Papers of the corpus whose words are counted."""
        return self._largest.num_papers

    def document_frequency(self, term: str) -> int:
        """In how many of those papers a raw word stands."""
        return self._largest.document_frequency(term)

    def analyze(self, text: str) -> list[str]:
        """The terms of a text."""
        return self._largest.analyze(text)

    async def read(self, paper: Paper) -> list[Section]:
        """The sections of the first corpus that knows what the paper cites. Raises SourceError."""
        for corpus in self._corpora:
            if sections := await corpus.read(paper):
                return sections
        return []

    async def resolve(self, citations: Sequence[Citation]) -> list[Paper | None]:
        """One paper per citation, from the first corpus that has it. Raises SourceError."""
        found: list[Paper | None] = [None] * len(citations)
        for corpus in self._corpora:
            missing = [at for at, paper in enumerate(found) if paper is None]
            for at, paper in zip(missing, await corpus.resolve([citations[at] for at in missing]), strict=True):
                found[at] = paper
        return found

    async def citing(self, paper: Paper, *, limit: int) -> list[Citing]:
        """At most `limit` papers of all corpora that cite this one. Raises SourceError."""
        found: dict[str, Citing] = {}
        for corpus in self._corpora:
            for item in await corpus.citing(paper, limit=limit):
                found.setdefault(item.paper.id, item)
        return list(found.values())[:limit]

    async def guides(self, text: str, papers: Sequence[Paper], *, limit: int) -> list[Guide]:
        """At most `limit` papers whose references a corpus knows, the corpora's by turns. Raises SourceError."""
        found: dict[str, Guide] = {}
        each = [await corpus.guides(text, papers, limit=limit) for corpus in self._corpora]
        for row in zip_longest(*each):
            found.update({guide.paper.id: guide for guide in row if guide and guide.paper.id not in found})
        return list(found.values())[:limit]
