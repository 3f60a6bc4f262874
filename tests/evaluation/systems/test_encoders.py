"""Dense retrieval and re-ranking with models made on the spot, against transformers run by hand."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.config.settings import Settings
from pasa_tui.corpus import open_corpus
from pasa_tui.corpus.build import build_corpus
from pasa_tui.corpus.corpus import Corpus
from pasa_tui.errors import EvaluationError, ModelError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.dense import INFO_DENSE
from pasa_tui.evaluation.systems.embeddings import embedded, is_cross_encoder
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo
from pasa_tui.evaluation.systems.rerank import INFO_RERANK
from pasa_tui.models.embeddings import CrossEncoder, Embedder, text_of
from tests.cli.conftest import write_corpus
from tests.evaluation.systems.tiny_encoders import make_cross_encoder, make_embedder

pytest.importorskip("sentence_transformers", reason="needs the extra dense")

QUERY = BenchmarkQuery(0, "q", "Which papers study dense retrieval?", (), date(2021, 1, 1))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {
        "embedder": make_embedder(root / "plain"),
        "prompted": make_embedder(root / "prompted", prompts=True),
        "one": make_cross_encoder(root / "one", labels=1),
        "two": make_cross_encoder(root / "two", labels=2),
    }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path / "home")})
    papers, citations = write_corpus(tmp_path)
    build_corpus(paths, "mine", papers=papers, citations=citations, replace=False, progress=lambda *_: None)
    settings = Settings()
    return Place(paths, settings, settings.agent, corpus="mine")


@pytest.fixture
def corpus(place: Place) -> Iterator[Corpus]:
    with open_corpus("mine", place.paths) as opened:
        yield opened


def with_weights(place: Place, weights: Path | None) -> Place:
    return Place(place.paths, place.settings, place.agent, corpus=place.corpus, weights=weights)


def answered(info: SystemInfo, place: Place, query: BenchmarkQuery = QUERY) -> Outcome:
    async def answer() -> Outcome:
        system = info.make(place)
        try:
            return await system.answer(query)
        finally:
            await system.close()

    return asyncio.run(answer())


def by_hand(folder: Path, text: str) -> list[float]:
    """Mean pooling over the last hidden states, to length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
        mean = model(**tokens).last_hidden_state[0].mean(0)
    return [float(value) for value in mean / mean.norm()]


def test_vectors_are_those_of_transformers_with_the_models_own_prompts(models: dict[str, Path]) -> None:
    text = "dense retrieval in the web"
    plain, prompted = Embedder(models["embedder"]), Embedder(models["prompted"])
    assert plain.query(text).tolist() == pytest.approx(by_hand(models["embedder"], text), abs=1e-5)
    assert prompted.query(text).tolist() == pytest.approx(
        by_hand(models["prompted"], f"which papers study {text}"), abs=1e-5
    )
    assert prompted.documents([text])[0].tolist() == pytest.approx(by_hand(models["prompted"], text), abs=1e-5)


def test_dense_retrieval_ranks_by_cosine_and_keeps_to_the_cut_off(
    models: dict[str, Path], place: Place, corpus: Corpus
) -> None:
    query = BenchmarkQuery(0, "q", QUERY.question, (), date(2020, 6, 1))
    outcome = answered(INFO_DENSE, with_weights(place, models["embedder"]), query)
    (nodes,) = outcome.root.child.values()
    asked = by_hand(models["embedder"], query.question)
    papers = {paper.title: paper for paper in corpus.all_papers()}
    latest = date(2020, 6, 1) - timedelta(days=7)
    in_time = [paper for paper in papers.values() if paper.date and paper.date <= latest]
    cosines = {
        paper.title: sum(a * b for a, b in zip(asked, by_hand(models["embedder"], text_of(paper)), strict=True))
        for paper in in_time
    }
    assert {node.title for node in nodes} == set(cosines)
    for node in nodes:
        assert node.score == pytest.approx((1 + cosines[node.title]) / 2, abs=1e-3)
    assert [node.score for node in nodes] == sorted((node.score for node in nodes), reverse=True)


def test_what_a_killed_process_had_embedded_is_not_embedded_again(
    models: dict[str, Path], place: Place, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pasa_tui.evaluation.systems.embeddings._BLOCK", 8)
    told: list[int] = []

    def dies(done: int, total: int) -> None:
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedded(corpus, Embedder(models["embedder"]), place.paths, dies)
    vectors = embedded(corpus, Embedder(models["embedder"]), place.paths, lambda done, total: told.append(done))
    assert told == [20] and vectors.shape == (20, 32)
    first = by_hand(models["embedder"], text_of(next(corpus.all_papers())))
    assert vectors[0].tolist() == pytest.approx(first, abs=2e-3)
    told.clear()
    embedded(corpus, Embedder(models["embedder"]), place.paths, lambda done, total: told.append(done))
    assert not told


@pytest.mark.parametrize("kind", ["one", "two", "embedder"])
def test_bm25_s_results_are_put_in_the_model_s_order(models: dict[str, Path], place: Place, kind: str) -> None:
    outcome = answered(INFO_RERANK, with_weights(place, models[kind]))
    (nodes,) = outcome.root.child.values()
    scores = [node.score for node in nodes]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores) and len(nodes) > 3


@pytest.mark.parametrize("kind", ["one", "two"])
def test_pairs_are_scored_as_transformers_does(models: dict[str, Path], kind: str) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models[kind])
    model = AutoModelForSequenceClassification.from_pretrained(models[kind]).eval()
    with torch.no_grad():
        logits = model(**tokenizer("web agents", "tool use", return_tensors="pt")).logits[0]
    expected = torch.sigmoid(logits[0]) if kind == "one" else torch.softmax(logits, -1)[-1]
    assert CrossEncoder(models[kind]).scores("web agents", ["tool use"]) == [pytest.approx(float(expected), abs=1e-5)]


def test_what_kind_of_model_a_folder_holds(models: dict[str, Path], tmp_path: Path) -> None:
    assert is_cross_encoder(models["one"]) and not is_cross_encoder(models["embedder"])
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(EvaluationError, match="can't be read"):
        is_cross_encoder(tmp_path)


@pytest.mark.parametrize("info", [INFO_DENSE, INFO_RERANK], ids=lambda info: info.name)
def test_a_folder_that_is_no_model_is_said(info: SystemInfo, place: Place, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="needs a model"):
        info.make(with_weights(place, None))
    with pytest.raises(EvaluationError, match="holds no model"):
        info.make(with_weights(place, tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="can't be loaded"):
        info.make(with_weights(place, tmp_path))
    assert "--weights" in info.missing(place)
