"""Re-ranking: BM25's first 200, put in order by a cross-encoder or an embedding model."""

from collections.abc import Callable, Sequence

from pasa_tui.corpus import open_corpus
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.dense import missing_weights
from pasa_tui.evaluation.systems.embeddings import check_folder, is_cross_encoder
from pasa_tui.evaluation.systems.lexical import Bm25
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo, ranked_tree
from pasa_tui.evaluation.systems.spending import Bill
from pasa_tui.models.embeddings import CrossEncoder, Embedder, text_of

DEPTH = 200
"""Results of BM25 that are re-ranked."""

Scorer = Callable[[str, Sequence[str]], list[float]]


class Rerank:
    """BM25 for what to look at, a model for the order. Scores are the model's, in [0, 1]."""

    name = "rerank"
    waits = False

    def __init__(self, first: Bm25, scorer: Scorer) -> None:
        self._first = first
        self._scorer = scorer

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The first 200 papers of BM25 in the model's order."""
        bill = Bill(requests=1)
        papers = [paper for paper, _ in self._first.ranked(query, DEPTH)]
        scores = self._scorer(query.query.text, [text_of(paper) for paper in papers]) if papers else []
        ranked = sorted(zip(papers, scores, strict=True), key=lambda found: -found[1])
        return Outcome(ranked_tree(query, {query.question: ranked}, self.name), bill.spent())

    async def close(self) -> None:
        """Give back the corpus."""
        await self._first.close()


def cosines(embedder: Embedder) -> Scorer:
    """An embedding model as a scorer: (1 + cosine) / 2."""

    def score(query: str, texts: Sequence[str]) -> list[float]:
        products = embedder.documents(texts) @ embedder.query(query)
        return [min(1.0, max(0.0, (1 + float(product)) / 2)) for product in products]

    return score


def _make(place: Place) -> Rerank:
    folder = check_folder(place.weights, Rerank.name)
    scorer = CrossEncoder(folder).scores if is_cross_encoder(folder) else cosines(Embedder(folder))
    return Rerank(Bm25(open_corpus(place.corpus, place.paths)), scorer)


INFO_RERANK = SystemInfo(
    name="rerank",
    summary="BM25's first 200 in the order of a cross-encoder or embedding model of yours: --weights.",
    needs="the extra dense and a model's folder",
    make=_make,
    missing=missing_weights,
)
