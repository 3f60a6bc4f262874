"""An embedding model beside a ranker: what it moves, by how much, and what goes wrong with it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models import embedding_ranker
from pasa_tui.models.embedding_ranker import DEPTH, EmbeddingRanker
from pasa_tui.models.embeddings import Embedder, text_of
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Paper, PaperId, Query
from tests.evaluation.systems.tiny_encoders import make_embedder

pytest.importorskip("sentence_transformers", reason="needs the extra dense")

QUERY = Query("Which papers study dense retrieval?")
TEXTS = ("dense retrieval", "tool use", "reward models", "web agents")


class Scripted:
    """A Ranker with these scores."""

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = scores

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        return [Judgement(score, "title: dense") for score in self._scores]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_embedder(tmp_path_factory.mktemp("embedder"))


def papers(texts: Sequence[str]) -> list[Candidate]:
    return [Candidate(Paper(text, "", arxiv_id=f"2001.{at:05}"), ()) for at, text in enumerate(texts)]


def logit(score: float) -> float:
    return math.log(score / (1 - score))


async def test_a_logit_moves_by_the_weight_for_each_standard_deviation(folder: Path) -> None:
    candidates, scores = papers(TEXTS), (0.9, 0.5, 0.2, 0.0)
    ranked = await EmbeddingRanker(Scripted(scores), folder, 0.7).rank(QUERY, candidates, {})
    model = Embedder(folder)
    asked = model.query(QUERY.text)
    cosines = [float(model.documents([text_of(candidate.paper)])[0] @ asked) for candidate in candidates]
    mean = sum(cosines) / 4
    deviation = math.sqrt(sum((cosine - mean) ** 2 for cosine in cosines) / 4)
    for judgement, score, cosine in zip(ranked, scores, cosines, strict=True):
        before = logit(max(score, 1e-7))
        assert logit(judgement.score) == pytest.approx(before + 0.7 * (cosine - mean) / deviation, abs=1e-3)
        assert judgement.reason == f"title: dense · embedding {cosine:.2f}"


async def test_it_reads_the_best_papers_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    documents = Embedder.documents

    def kept(self: Embedder, texts: Sequence[str]) -> object:
        read.extend(texts)
        return documents(self, texts)

    monkeypatch.setattr(Embedder, "documents", kept)
    candidates = papers([f"paper {number}" for number in range(DEPTH + 20)])
    scores = [at / len(candidates) for at in range(len(candidates))]
    ranked = await EmbeddingRanker(Scripted(scores), folder, 0.4).rank(QUERY, candidates, {})
    assert sorted(read) == sorted(f"paper {number}" for number in range(20, DEPTH + 20))
    assert [judgement.score for judgement in ranked[:20]] == scores[:20]


async def test_papers_that_are_all_alike_or_none_at_all_stay_where_they_are(folder: Path) -> None:
    ranker = EmbeddingRanker(Scripted([0.3, 0.6]), folder, 2.0)
    ranked = await ranker.rank(QUERY, papers(["dense retrieval"] * 2), {})
    assert [judgement.score for judgement in ranked] == pytest.approx([0.3, 0.6])
    assert await EmbeddingRanker(Scripted([]), folder, 2.0).rank(QUERY, [], {}) == []


async def test_the_model_is_loaded_once_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding_ranker._load.cache_clear()
    loaded: list[Path] = []
    begin = Embedder.__init__

    def counted(self: Embedder, folder: Path) -> None:
        loaded.append(folder)
        begin(self, folder)

    monkeypatch.setattr(Embedder, "__init__", counted)
    told: list[Progress] = []
    for _ in range(2):
        ranker = EmbeddingRanker(Scripted([0.5] * 4), folder, 0.4)
        await ranker.start(told.append)
        await ranker.rank(QUERY, papers(TEXTS), {})
    assert loaded == [folder]
    assert [progress.message for progress in told] == ["loading the embedding model model"] * 2


async def test_what_is_no_model_is_said_before_a_search_or_when_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no embedding model"):
        EmbeddingRanker(Scripted([]), tmp_path / "nowhere", 0.4)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="can't be loaded"):
        await EmbeddingRanker(Scripted([]), tmp_path, 0.4).start(lambda progress: None)


async def test_a_model_that_fails_is_an_error_that_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Embedder, texts: Sequence[str]) -> object:
        raise RuntimeError("out of memory\nand more")

    monkeypatch.setattr(Embedder, "documents", fails)
    with pytest.raises(ModelError, match="embedding model model failed: out of memory"):
        await EmbeddingRanker(Scripted([0.5]), folder, 0.4).rank(QUERY, papers(TEXTS[:1]), {})
