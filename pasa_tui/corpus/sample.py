"""The sample corpus, built from the shipped files when it is first used and again when they change."""

import hashlib
from pathlib import Path

from pasa_tui.corpus.build import PAPERS_FORMAT, Builder, write_errors
from pasa_tui.corpus.info import FORMAT, CorpusInfo
from pasa_tui.corpus.records import paper_reader
from pasa_tui.corpus.shelf import SAMPLE, Shelf
from pasa_tui.errors import CorpusError

_FILES = ("papers.jsonl", "citations.jsonl")
_PATIENCE = 60.0


def ensure_sample(shelf: Shelf, shipped: Path) -> CorpusInfo:
    """The sample corpus of `shelf`, built now from the files in `shipped` unless it is there and up to date.

    Several processes may ask at once: one builds, the others wait for it. Raises CorpusError.
    """
    papers, citations = (shipped / name for name in _FILES)
    try:
        key = hashlib.sha256(f"{FORMAT}\n".encode() + papers.read_bytes() + b"\n" + citations.read_bytes()).hexdigest()
    except OSError as error:
        raise CorpusError(
            f"The sample corpus is missing from this installation: {error.strerror}: {error.filename}.",
            "Install pasa-tui again, or build a corpus of your own: pasa-tui corpus build NAME --papers FILE",
        ) from error
    if (info := _current(shelf, key)) is not None:
        return info
    with shelf.lock(SAMPLE, seconds=_PATIENCE), write_errors():
        if (info := _current(shelf, key)) is not None:
            return info
        with shelf.building(SAMPLE) as folder:
            builder = Builder(folder, small=True)
            try:
                builder.add_papers(papers, paper_reader(), PAPERS_FORMAT)
                builder.add_citations(citations)
                return shelf.publish(builder.finish(SAMPLE, _FILES, key), folder)
            finally:
                builder.close()


def _current(shelf: Shelf, key: str) -> CorpusInfo | None:
    try:
        info = shelf.info(SAMPLE)
    except CorpusError:
        return None
    return info if info.key == key and shelf.folder(info).is_dir() else None
