"""A small collection of invented papers that counts and searches, as a corpus does."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from pasa_tui.models.builtin import PlainStatistics
from pasa_tui.papers import Paper


class Collection:
    """Term statistics and a search tool over papers in memory; ranks by the number of shared terms."""

    name = "collection"

    def __init__(self, papers: Sequence[Paper]) -> None:
        self.papers = papers
        self._terms = {paper.id: set(self.analyze(f"{paper.title} {paper.abstract}")) for paper in papers}
        self._counts = Counter(term for terms in self._terms.values() for term in terms)

    @property
    def num_papers(self) -> int:
        return len(self.papers)

    def document_frequency(self, term: str) -> int:
        return min((self._counts[part] for part in self.analyze(term)), default=self.num_papers)

    def analyze(self, text: str) -> list[str]:
        return PlainStatistics().analyze(text)

    async def search(self, text: str, *, limit: int, before: date | None) -> list[Paper]:
        wanted = set(self.analyze(text))
        matching = [paper for paper in self.papers if wanted & self._terms[paper.id]]
        return sorted(matching, key=lambda paper: -len(wanted & self._terms[paper.id]))[:limit]


RETRIEVAL = (
    Paper(
        "Dense retrieval with hard negatives",
        "We train dual encoders for passage retrieval. Hard negatives are mined from an index while training.",
        arxiv_id="2001.00001",
        date=date(2020, 1, 1),
    ),
    Paper(
        "Mining negatives for dual encoders",
        "Dual encoders need negatives that are hard. We mine them from the index for dense passage search.",
        arxiv_id="2001.00002",
        date=date(2020, 2, 1),
    ),
    Paper(
        "A survey of neural ranking",
        "This survey reviews dense retrieval, dual encoders and cross encoders for ranking passages.",
        arxiv_id="2101.00003",
        date=date(2021, 1, 1),
    ),
    Paper(
        "Late interaction over token embeddings",
        "Token embeddings are compared late. Passage search stays fast with an index of dual encoders.",
        arxiv_id="2001.00004",
        date=date(2020, 4, 1),
    ),
)
OTHERS = (
    Paper(
        "Protein folding by diffusion",
        "A diffusion model predicts how proteins fold, with a loss on backbone frames.",
        arxiv_id="2001.00005",
        date=date(2020, 5, 1),
    ),
    Paper(
        "Legged robots that climb stairs",
        "We train a controller for legged robots in simulation and transfer it to stairs.",
        arxiv_id="2001.00006",
        date=date(2020, 6, 1),
    ),
    Paper(
        "Weather from satellite images",
        "Satellite images are turned into forecasts of rain by a recurrent network.",
        arxiv_id="2001.00007",
        date=date(2020, 7, 1),
    ),
    Paper(
        "Fair division of indivisible goods",
        "We give a polynomial algorithm for envy-free division of goods among two agents.",
        arxiv_id="2001.00008",
        date=date(2020, 8, 1),
    ),
)
COLLECTION = Collection((*RETRIEVAL, *OTHERS))
