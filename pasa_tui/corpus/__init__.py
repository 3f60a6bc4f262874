"""Local paper collections: building, listing, opening. tantivy is imported when one is built or opened."""

from typing import TYPE_CHECKING

from pasa_tui.config import Paths, shipped_dir
from pasa_tui.corpus.info import CorpusInfo
from pasa_tui.corpus.shelf import SAMPLE, Shelf, check_name, unknown_corpus
from pasa_tui.errors import CorpusError

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

__all__ = [
    "SAMPLE",
    "CorpusInfo",
    "available",
    "check_removable",
    "corpus_info",
    "open_corpus",
    "remove_corpus",
    "survey",
]


def open_corpus(name: str, paths: Paths) -> "Corpus":
    """Open the corpus `name`; `sample` is there without any step before.

    Raises CorpusError where it is unknown (the message names the known ones), damaged, or of another format.
    """
    from pasa_tui.corpus.corpus import Corpus

    shelf = _shelf(name, paths)
    info = corpus_info(name, paths)
    try:
        return Corpus(info, shelf.folder(info))
    except CorpusError:
        if name == SAMPLE:
            # It lies with the caches, where files may go at any time.
            shelf.remove(SAMPLE)
        newer = corpus_info(name, paths)
        if newer.folder == info.folder:
            raise
        # Another build took its place between the two steps.
        return Corpus(newer, shelf.folder(newer))


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
    return survey(paths)[0]


def survey(paths: Paths) -> tuple[list[CorpusInfo], list[CorpusError]]:
    """What `available` gives, and why the other corpora can't be opened."""
    infos, errors = [], []
    for name in (SAMPLE, *Shelf(paths.corpora_dir).names()):
        try:
            infos.append(corpus_info(name, paths))
        except CorpusError as error:
            errors.append(error)
    return infos, errors


def check_removable(name: str, paths: Paths) -> None:
    """Raise CorpusError where the corpus `name` is unknown, or ships with pasa-tui."""
    if check_name(name) == SAMPLE:
        raise CorpusError("The corpus 'sample' ships with pasa-tui and can't be removed.")
    if name not in (known := Shelf(paths.corpora_dir).names()):
        raise unknown_corpus(name, known)


def remove_corpus(name: str, paths: Paths) -> None:
    """Remove the corpus `name` from the disk, also a damaged one. Raises CorpusError as `check_removable` does."""
    check_removable(name, paths)
    Shelf(paths.corpora_dir).remove(name)


def _shelf(name: str, paths: Paths) -> Shelf:
    # The sample can be built again at any time, so it lies with the caches.
    return Shelf(paths.cache_dir / "corpora" if name == SAMPLE else paths.corpora_dir)
