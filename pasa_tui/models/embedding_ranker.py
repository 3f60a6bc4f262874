"""An embedding model as one more signal beside a ranker's own.

It reads only the papers that the ranker puts first, so that a model on a CPU takes seconds, not minutes; and it is
heard by how far a paper stands out among these, since the cosines of different models lie in ranges of their own.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pasa_tui.errors import ModelError
from pasa_tui.models.embeddings import EXTRA_HINT, Embedder, holds_model, is_installed, text_of
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.protocols import Candidate, Judgement, Ranker
from pasa_tui.papers import Paper, PaperId, Query

DEPTH = 200
"""The ranker's best papers, which the model reads."""
_MOST = 3.0
"""Standard deviations from the mean beyond which a paper gains and loses no more."""
_SURE = 1e-7
"""Scores this near to 0 and 1 are taken for this far from them."""


def check_embeddings(folder: Path) -> None:
    """Raises ModelError where an embedding model can't be in `folder`, or what runs it is not installed."""
    if not holds_model(folder):
        raise ModelError(
            f"{folder} holds no embedding model.",
            "Set models.embeddings to a folder in sentence-transformers' format, or to nothing.",
        )
    if not is_installed():
        raise ModelError("models.embeddings needs sentence-transformers.", EXTRA_HINT)


class EmbeddingRanker:
    """A Ranker: another's judgements, the best of them moved by an embedding model.

    Each of the ranker's `DEPTH` best papers has `weight` times its standard score added to its logit: the cosine of
    paper and question, less the mean of these papers', in standard deviations.
    """

    def __init__(self, ranker: Ranker, folder: Path, weight: float) -> None:
        """`folder` is sentence-transformers' or Hugging Face's. Raises ModelError as `check_embeddings`."""
        check_embeddings(folder)
        self._ranker = ranker
        self._folder = folder
        self._weight = weight

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """Load the model, once in this process. Raises ModelError."""
        tell(Progress(f"loading the embedding model {self._folder.name}"))
        await asyncio.to_thread(_load, self._folder)

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        """One judgement per candidate, in order. Raises ModelError where the model fails."""
        judgements = list(await self._ranker.rank(query, candidates, guides))
        best = sorted(range(len(judgements)), key=lambda at: -judgements[at].score)[:DEPTH]
        texts = [text_of(candidates[at].paper) for at in best]
        cosines = await asyncio.to_thread(self._cosines, query.text, texts) if texts else []
        for at, cosine, standard in zip(best, cosines, _standard(cosines), strict=True):
            moved = _moved(judgements[at], self._weight * standard)
            reason = " · ".join(part for part in (moved.reason, f"embedding {cosine:.2f}") if part)
            judgements[at] = replace(moved, reason=reason)
        return judgements

    def _cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        try:
            model = _load(self._folder)
            return [float(cosine) for cosine in model.documents(texts) @ model.query(question)]
        except (RuntimeError, ValueError, IndexError) as error:
            # Out of memory, or a folder whose parts don't fit together.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"The embedding model {self._folder.name} failed: {reason}",
                "Set models.embeddings to another, or to nothing.",
            ) from error


@lru_cache(maxsize=1)
def _load(folder: Path) -> Embedder:
    return Embedder(folder)


def _standard(values: Sequence[float]) -> list[float]:
    """Standard scores, within bounds; zeros where all values are the same."""
    mean = sum(values) / max(1, len(values))
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values)))
    if deviation < 1e-6 or not math.isfinite(deviation):
        return [0.0] * len(values)
    return [max(-_MOST, min(_MOST, (value - mean) / deviation)) for value in values]


def _moved(judgement: Judgement, by: float) -> Judgement:
    score = min(1 - _SURE, max(_SURE, judgement.score))
    return replace(judgement, score=1 / (1 + math.exp(-math.log(score / (1 - score)) - by)))
