"""The folders of embedding models and cross-encoders that systems are given; a corpus embedded once, on the disk."""

import hashlib
import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

from pasa_tui.config import Paths, private_dir
from pasa_tui.errors import EvaluationError
from pasa_tui.models.embeddings import Embedder, holds_model, text_of

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

_BLOCK = 512
"""Papers embedded between two marks on the disk."""


def check_folder(folder: Path | None, system: str) -> Path:
    """The folder of a model. Raises EvaluationError where none is given or it holds none."""
    if folder is None:
        raise EvaluationError(f"The system {system} needs a model.", "Name its folder with --weights.")
    if not holds_model(folder):
        raise EvaluationError(
            f"{folder} holds no model.", "Give a folder in sentence-transformers' or Hugging Face's format."
        )
    return folder


def is_cross_encoder(folder: Path) -> bool:
    """Whether a model scores pairs, rather than embeds texts: it classifies sequences. Raises EvaluationError."""
    if (folder / "modules.json").is_file():
        return False
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architectures = [str(name) for name in config.get("architectures") or ()]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise EvaluationError(f"{folder / 'config.json'} can't be read: {error}.", "Fetch the model again.") from error
    return any(name.endswith("ForSequenceClassification") for name in architectures)


def embedded(corpus: "Corpus", embedder: Embedder, paths: Paths, tell: Callable[[int, int], None]) -> Any:
    """The vectors of all papers, a float16 array (papers, size) mapped from the disk, in the corpus's order.

    What is missing is computed, block by block; what a killed process had finished stays. `tell` is called with the
    papers done and all. Raises EvaluationError where the disk fails.
    """
    import numpy as np

    total = corpus.info.papers
    folder = private_dir(paths.cache_dir / "embeddings") / f"{_key_of_corpus(corpus)}-{_key_of_model(embedder.folder)}"
    try:
        private_dir(folder)
        with FileLock(folder / "lock"):
            vectors, mark = folder / "vectors.f16", folder / "done"
            done = int(mark.read_text()) if mark.is_file() and vectors.is_file() else 0
            if not done:
                vectors.unlink(missing_ok=True)
            if done < total:
                mode: Literal["r+", "w+"] = "r+" if done else "w+"
                array: Any = np.memmap(vectors, dtype=np.float16, mode=mode, shape=(total, embedder.size))
                papers = islice(corpus.all_papers(), done, None)
                while block := list(islice(papers, _BLOCK)):
                    array[done : done + len(block)] = embedder.documents([text_of(paper) for paper in block])
                    array.flush()
                    done += len(block)
                    mark.write_text(str(done))
                    tell(done, total)
            return np.memmap(vectors, dtype=np.float16, mode="r", shape=(total, embedder.size))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"The embeddings in {folder} can't be used: {error}.", "Remove that folder, or make room on the disk."
        ) from error


def _key_of_corpus(corpus: "Corpus") -> str:
    return hashlib.sha256(f"{corpus.name}|{corpus.info.built_at}|{corpus.info.papers}".encode()).hexdigest()[:16]


def _key_of_model(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    described = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(described).encode()).hexdigest()[:16]
