"""Embedding models and cross-encoders in local folders, by sentence-transformers.

The folders are those that sentence-transformers writes: its own pooling, normalisation and prompts hold. Nothing is
fetched, and no code in the folder is run.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.papers import Paper

EXTRA_HINT = 'Install the extra: pip install "pasa-tui[dense]"'


def text_of(paper: Paper) -> str:
    """What a model reads of a paper."""
    return f"{paper.title}\n{paper.abstract}".strip()


def holds_model(folder: Path) -> bool:
    """Whether a folder looks like one of sentence-transformers or Hugging Face."""
    return (folder / "config.json").is_file() or (folder / "modules.json").is_file()


def is_installed() -> bool:
    """Whether sentence-transformers is."""
    return importlib.util.find_spec("sentence_transformers") is not None


class Embedder:
    """An embedding model. Vectors have length 1, so that their product is the cosine."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError where the library is missing or the folder is no model."""
        self.folder = folder
        self._model = _load("SentenceTransformer", folder)

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return int(self._model.get_embedding_dimension())

    def documents(self, texts: Sequence[str]) -> Any:
        """A float32 array (texts, size), with the model's own prompt for documents."""
        return self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)

    def query(self, text: str) -> Any:
        """A float32 array (size,), with the model's own prompt for queries."""
        return self._model.encode_query(text, normalize_embeddings=True, show_progress_bar=False)


class CrossEncoder:
    """A model that scores a query and a text together."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError where the library is missing or the folder is no model."""
        self._model = _load("CrossEncoder", folder)
        self._labels = int(self._model.config.num_labels)

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One probability in [0, 1] per text: a single logit's sigmoid, or the softmax's share of the last."""
        import torch

        pairs = [(query, text) for text in texts]
        single = self._labels == 1
        activation = torch.nn.Sigmoid() if single else torch.nn.Softmax(dim=-1)
        scored = self._model.predict(pairs, activation_fn=activation, show_progress_bar=False)
        return [float(score if single else score[-1]) for score in scored]


def _load(kind: str, folder: Path) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise ModelError("Embedding models need sentence-transformers.", EXTRA_HINT) from error
    try:
        return getattr(sentence_transformers, kind)(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # Whatever libraries raise over a folder that is not theirs.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"The model in {folder} can't be loaded: {reason}", "Fetch it again.") from error
