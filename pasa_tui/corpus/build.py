"""Building a corpus: aside, in bounded memory, and in place only when it is complete."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pasa_tui.config import Paths
from pasa_tui.corpus.info import CorpusInfo
from pasa_tui.corpus.lines import Progress, read_lines
from pasa_tui.corpus.problems import Problems
from pasa_tui.corpus.records import Bibliography, PaperRead, RecordError, arxiv_reader, citation_reader, paper_reader
from pasa_tui.corpus.shelf import SAMPLE, Shelf, check_name
from pasa_tui.corpus.store import StoreWriter
from pasa_tui.errors import CorpusError

T = TypeVar("T")

PROGRESS_EVERY = 500
"""Records between two reports of progress."""

GIVE_UP_AFTER = 1_000
"""A file without one good record among so many lines is not what it was taken for."""

PAPERS_FORMAT = (
    'Each line must be a JSON object such as {"id": "…", "title": "…", "abstract": "…", "date": "2024-01-31"}.'
)
CITATIONS_FORMAT = 'Each line must be a JSON object such as {"id": "…", "sections": {"1 Introduction": ["…"]}}.'
ARXIV_FORMAT = "Give the public arXiv metadata snapshot: JSON lines with id, title, abstract and versions."

ProgressReport = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What came of a build. `duplicates` are records of a paper that was there already; the first one is kept."""

    info: CorpusInfo
    duplicates: int
    problems: Problems


class Builder:
    """Takes papers and bibliographies into a folder; the caller reads the files and finishes."""

    def __init__(self, folder: Path, *, progress: ProgressReport | None = None, small: bool = False) -> None:
        from pasa_tui.corpus.index import SMALL_HEAP, WRITER_HEAP, IndexWriter

        self.problems = Problems()
        self.duplicates = 0
        self._progress = progress
        index_folder = folder / "index"
        index_folder.mkdir(mode=0o700)
        self._store = StoreWriter(folder / "papers.db")
        self._index = IndexWriter(index_folder, heap=SMALL_HEAP if small else WRITER_HEAP)

    def add_papers(self, path: Path, read: Callable[[bytes], PaperRead], hint: str) -> None:
        """Take every paper of a file of JSON lines. Raises CorpusError where it is no such file."""
        for number, found in self._records(path, read, hint):
            self.add_paper(found, path.name, f"line {number:,}")

    def add_citations(self, path: Path) -> None:
        """Take every bibliography of a file of JSON lines. Raises CorpusError where it is no such file."""
        for number, bibliography in self._records(path, citation_reader(), CITATIONS_FORMAT):
            self.add_bibliography(bibliography, path.name, f"line {number:,}")

    def add_paper(self, found: PaperRead, file: str, place: str) -> bool:
        """Take one paper, which stands at `place` of `file`; False where it is there already."""
        if found.flaw:
            self.problems.add(file, found.flaw, place)
        row = self._store.add_paper(found.paper)
        if row is None:
            self.duplicates += 1
            return False
        self._index.add(row, found.paper.title, found.paper.abstract, found.paper.date)
        return True

    def add_bibliography(self, bibliography: Bibliography, file: str, place: str) -> None:
        """Take what one paper cites; the paper has been taken before."""
        if problem := self._store.add_bibliography(bibliography):
            self.problems.add(file, problem, place)

    def report(self, progress: Progress) -> None:
        """Tell whoever watches."""
        if self._progress:
            self._progress(progress)

    def finish(self, name: str, sources: tuple[str, ...], key: str = "") -> CorpusInfo:
        """Complete index and tables and say what they hold. Raises CorpusError."""
        self.report(Progress("index", 0, 0, 0))
        self._index.finish()
        contents = self._store.finish()
        return CorpusInfo(
            name=name,
            **contents._asdict(),
            built_at=datetime.now(UTC).replace(microsecond=0),
            sources=sources,
            key=key,
        )

    def close(self) -> None:
        """Let go of the files, complete or not."""
        self._index.abandon()
        self._store.close()

    def _records(self, path: Path, read: Callable[[bytes], T], hint: str) -> Iterator[tuple[int, T]]:
        at = (0, 0)

        def position(done: int, total: int) -> None:
            nonlocal at
            at = (done, total)

        records = lines = 0
        first_problem = ""
        for number, line in read_lines(path, position):
            lines += 1
            if lines % PROGRESS_EVERY == 0:
                self.report(Progress(path.name, records, *at))
            try:
                if line is None:
                    raise RecordError("line too long")
                record = read(line)
            except RecordError as error:
                self.problems.add(path.name, str(error), f"line {number:,}")
                first_problem = first_problem or f"line {number:,}: {error}"
                if records == 0 and lines >= GIVE_UP_AFTER:
                    break
                continue
            records += 1
            yield number, record
        if records == 0:
            raise CorpusError(f"{path} has no usable record ({first_problem or 'it is blank'}).", hint)
        self.report(Progress(path.name, records, at[1], at[1]))


@contextmanager
def new_build(
    paths: Paths, name: str, *, replace: bool, progress: ProgressReport | None
) -> Iterator[tuple[Builder, Callable[[tuple[str, ...]], BuildReport]]]:
    """Yield a builder for the corpus `name` and the function that puts it in place, given its sources' names.

    Whatever happens before that leaves the corpus as it was. Raises CorpusError for a name that can't be used,
    is taken (without `replace`) or is being built, and for a disk that can't be written.
    """
    if check_name(name) == SAMPLE:
        raise CorpusError("The corpus 'sample' ships with pasa-tui and can't be built.", "Choose another name.")
    shelf = Shelf(paths.corpora_dir)
    with shelf.lock(name), write_errors():
        if name in shelf.names() and not replace:
            raise CorpusError(f"There is a corpus {name!r} already.", "Add --replace, or choose another name.")
        shelf.sweep()
        with shelf.building(name) as folder:
            builder = Builder(folder, progress=progress)

            def finish(sources: tuple[str, ...]) -> BuildReport:
                info = builder.finish(name, sources)
                return BuildReport(shelf.publish(info, synced(folder)), builder.duplicates, builder.problems)

            try:
                yield builder, finish
            finally:
                builder.close()


def build_corpus(
    paths: Paths,
    name: str,
    *,
    papers: Path,
    citations: Path | None = None,
    replace: bool = False,
    progress: ProgressReport | None = None,
) -> BuildReport:
    """Build the corpus `name` from JSON lines (plain, gzip, xz, bzip2 or zip). Raises CorpusError.

    Papers: id, title, abstract (or summary), date, and if known authors, categories, venue, doi. Citations: id,
    sections {name: [ids]}.
    """
    with new_build(paths, name, replace=replace, progress=progress) as (builder, finish):
        builder.add_papers(papers, paper_reader(), PAPERS_FORMAT)
        if citations is not None:
            builder.add_citations(citations)
        return finish(tuple(file.name for file in (papers, citations) if file))


def import_arxiv(
    paths: Paths, name: str, *, file: Path, replace: bool = False, progress: ProgressReport | None = None
) -> BuildReport:
    """Build the corpus `name` from the public arXiv metadata snapshot, which has no citations. Raises CorpusError."""
    with new_build(paths, name, replace=replace, progress=progress) as (builder, finish):
        builder.add_papers(file, arxiv_reader(), ARXIV_FORMAT)
        return finish((file.name,))


@contextmanager
def write_errors() -> Iterator[None]:
    """Turn a failure to write files or tables into a CorpusError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise CorpusError(
            f"The corpus can't be written: {reason or error}.",
            "Free some space or make the folder of corpora writable (pasa-tui config path shows it).",
        ) from error


def synced(folder: Path) -> Path:
    """Return `folder` when all files in it are on the disk for good. Raises OSError."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    return folder
