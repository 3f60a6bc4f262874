"""Local paper collections: building, listing, opening. tantivy is imported when one is built or opened."""

from typing import TYPE_CHECKING

from pasa_tui.config import Paths, shipped_dir
from pasa_tui.corpus.info import CorpusInfo
from pasa_tui.corpus.shelf import SAMPLE, Shelf, check_name, unknown_corpus
from pasa_tui.errors import CorpusError

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

__all__ = ["SAMPLE", "CorpusInfo", "available", "corpus_info", "open_corpus", "remove_corpus"]

_ATTEMPTS = 3


def open_corpus(name: str, paths: Paths) -> "Corpus":
    """Open the corpus `name`; `sample` is there without any step before.

    Raises CorpusError where it is unknown (the message names the known ones), damaged, or of another format.
    """
    from pasa_tui.corpus.corpus import Corpus

    for attempt in range(1, _ATTEMPTS + 1):
        info = corpus_info(name, paths)
        try:
            return Corpus(info, _shelf(name, paths).folder(info))
        except CorpusError:
            # Another build may have taken its place between the two steps; then there is a newer one to open.
            if attempt == _ATTEMPTS or corpus_info(name, paths) == info:
                raise
    raise AssertionError("unreachable")


def corpus_info(name: str, paths: Paths) -> CorpusInfo:
    """What the corpus `name` is; the sample is built where it isn't yet. Raises CorpusError as `open_corpus` does."""
    shelf = _shelf(name, paths)
    if name == SAMPLE:
        from pasa_tui.corpus.sample import ensure_sample

        return ensure_sample(shelf, shipped_dir("sample"))
    if name not in shelf.names():
        raise unknown_corpus(name, [SAMPLE, *shelf.names()])
    return shelf.info(name)


def available(paths: Paths) -> list[CorpusInfo]:
    """All corpora that can be opened: the sample first, then the user's by name."""
    infos = []
    for name in (SAMPLE, *_shelf("", paths).names()):
        try:
            infos.append(corpus_info(name, paths))
        except CorpusError:
            continue
    return infos


def remove_corpus(name: str, paths: Paths) -> None:
    """Remove the corpus `name` from the disk. Raises CorpusError where it is unknown or the sample."""
    if check_name(name) == SAMPLE:
        raise CorpusError("The corpus 'sample' ships with pasa-tui and can't be removed.")
    _shelf(name, paths).remove(name)


def _shelf(name: str, paths: Paths) -> Shelf:
    # The sample can be built again at any time, so it lies with the caches.
    return Shelf(paths.cache_dir / "corpora" if name == SAMPLE else paths.corpora_dir)
