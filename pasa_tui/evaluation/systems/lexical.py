"""BM25: the question itself, once, over the words of a corpus."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pasa_tui.corpus import open_corpus
from pasa_tui.errors import PasaError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo, ranked_tree
from pasa_tui.evaluation.systems.spending import Bill
from pasa_tui.papers import Paper

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

MOST_RESULTS = 400
_HALF = 20.0
"""The BM25 score that becomes 0.5: about that of the tenth result of a question, by the median over 718."""


class Bm25:
    """One query. Scores are BM25's, brought into [0, 1) by s / (s + 20), so that thresholds on them can be compared."""

    name = "bm25"
    waits = False

    def __init__(self, corpus: "Corpus") -> None:
        self._corpus = corpus

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The first 400 papers up to the cut-off."""
        bill = Bill(requests=1)
        found = self.ranked(query, MOST_RESULTS)
        root = ranked_tree(query, {query.question: found}, self.name)
        return Outcome(root, bill.spent())

    def ranked(self, query: BenchmarkQuery, limit: int) -> Sequence[tuple[Paper, float]]:
        """The best `limit` papers and their scores in [0, 1)."""
        asked = query.query
        scored = self._corpus.scored(asked.text, limit=limit, before=asked.before)
        return [(paper, score / (score + _HALF)) for paper, score in scored]

    async def close(self) -> None:
        """Give back the corpus."""
        self._corpus.close()


def missing_corpus(place: Place) -> str:
    """Why the corpus of a place can't be searched, in a line; empty where it can."""
    try:
        open_corpus(place.corpus, place.paths).close()
    except PasaError as error:
        return error.message
    return ""


INFO_BM25 = SystemInfo(
    name="bm25",
    summary="The question as one full-text query over a corpus.",
    needs="",
    make=lambda place: Bm25(open_corpus(place.corpus, place.paths)),
    missing=missing_corpus,
)
