"""Dense retrieval: the question's vector against those of all papers of a corpus."""

import sys
from typing import TYPE_CHECKING, Any

from pasa_tui.corpus import open_corpus
from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.embeddings import check_folder, embedded
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo, ranked_tree
from pasa_tui.evaluation.systems.spending import Bill
from pasa_tui.models.embeddings import EXTRA_HINT, Embedder, is_installed

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

MOST_RESULTS = 400
_ROWS_AT_ONCE = 65_536


class Dense:
    """One query. Scores are cosines, brought into [0, 1] by (1 + cosine) / 2."""

    name = "dense"
    waits = False

    def __init__(self, corpus: "Corpus", embedder: Embedder, vectors: Any) -> None:
        """`vectors` has a row of length 1 per paper, in the corpus's order."""
        self._corpus = corpus
        self._embedder = embedder
        self._vectors = vectors
        self._days = [paper.date.toordinal() if paper.date else 0 for paper in corpus.all_papers()]

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The nearest 400 papers up to the cut-off."""
        import numpy as np

        bill = Bill(requests=1)
        asked = query.query
        vector = self._embedder.query(asked.text).astype(np.float32)
        cosines = np.concatenate(
            [
                self._vectors[start : start + _ROWS_AT_ONCE].astype(np.float32) @ vector
                for start in range(0, len(self._vectors), _ROWS_AT_ONCE)
            ]
        )
        if asked.before:
            cosines[np.array(self._days) > asked.before.toordinal()] = -2.0
        best = np.argsort(-cosines, kind="stable")[:MOST_RESULTS]
        nearest = [int(at) for at in best if cosines[at] > -2.0]
        papers = self._corpus.at(nearest)
        found = [(paper, min(1.0, (1 + float(cosines[at])) / 2)) for paper, at in zip(papers, nearest, strict=True)]
        return Outcome(ranked_tree(query, {query.question: found}, self.name), bill.spent())

    async def close(self) -> None:
        """Give back the corpus."""
        self._corpus.close()


def missing_weights(place: Place) -> str:
    """What embedding and re-ranking lack here, in a line."""
    if not is_installed():
        return f"sentence-transformers. {EXTRA_HINT}"
    try:
        check_folder(place.weights, "")
    except EvaluationError as error:
        return f"a model: {error.hint}"
    return ""


def _make(place: Place) -> Dense:
    folder = check_folder(place.weights, Dense.name)
    corpus = open_corpus(place.corpus, place.paths)
    try:
        embedder = Embedder(folder)
        return Dense(corpus, embedder, embedded(corpus, embedder, place.paths, _tell))
    except BaseException:
        corpus.close()
        raise


def _tell(done: int, total: int) -> None:
    if done == total or done * 20 // total > (done - 512) * 20 // total:
        print(f"embedded {done:,} of {total:,} papers", file=sys.stderr)


INFO_DENSE = SystemInfo(
    name="dense",
    summary="The nearest papers by an embedding model of yours: --weights.",
    needs="the extra dense and a sentence-transformers folder",
    make=_make,
    missing=missing_weights,
)
