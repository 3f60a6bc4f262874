"""PaSa's own paper database as published: `cs_paper_2nd.zip`, one JSON entry per paper, and `id2paper.json`.

An entry is named by its title key and holds title, abstract and sections {name: [cited titles]}; `id2paper.json` maps
arXiv ids to titles. Both come with arXiv:2501.10120.
"""

import zipfile
import zlib
from pathlib import Path, PurePosixPath

import msgspec

from pasa_tui.config import Paths
from pasa_tui.corpus.build import PROGRESS_EVERY, Builder, BuildReport, ProgressReport, new_build
from pasa_tui.corpus.lines import Progress, check_file
from pasa_tui.corpus.records import RecordError, pasa_reader
from pasa_tui.errors import CorpusError
from pasa_tui.papers import clean_text, parse_arxiv_id, title_key

MAX_ENTRY = 64 * 1024 * 1024
"""Largest entry in bytes that is read; a paper's is some kilobytes."""

_ZIP_HINT = "Give cs_paper_2nd.zip of PaSa's published data: one JSON entry per paper."
_IDS_HINT = "Give id2paper.json of PaSa's published data: one JSON object from arXiv ids to titles."


class ArxivIds:
    """Which arXiv id a title has; of papers whose titles differ in digits alone, the one with the same digits."""

    def __init__(self, titles: dict[str, str]) -> None:
        self._by_letters: dict[str, str | None] = {}
        self._by_title: dict[str, str] = {}
        for raw_id, title in titles.items():
            arxiv_id, key = parse_arxiv_id(raw_id), title_key(title)
            if arxiv_id is None or not key:
                continue
            if self._by_letters.setdefault(key, arxiv_id) != arxiv_id:
                self._by_letters[key] = None
            self._by_title.setdefault(_letters_and_digits(title), arxiv_id)

    def find(self, title: str) -> str | None:
        """The id, or None where the title has none or more than one."""
        return self._by_title.get(_letters_and_digits(title)) or self._by_letters.get(title_key(title))


def import_pasa(
    paths: Paths,
    name: str,
    *,
    zip_file: Path,
    ids_file: Path,
    replace: bool = False,
    progress: ProgressReport | None = None,
) -> BuildReport:
    """Build the corpus `name` from PaSa's paper database. Raises CorpusError."""
    with new_build(paths, name, replace=replace, progress=progress) as (builder, finish):
        ids = ArxivIds(_read_ids(ids_file))
        check_file(zip_file)
        try:
            with zipfile.ZipFile(zip_file) as archive:
                _add_entries(builder, archive, zip_file, ids)
        except zipfile.BadZipFile as error:
            raise CorpusError(f"{zip_file} is not a complete zip file: {error}.", _ZIP_HINT) from error
        return finish((zip_file.name, ids_file.name))


def _read_ids(path: Path) -> dict[str, str]:
    check_file(path)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} is not a map from arXiv ids to titles: {error}.", _IDS_HINT) from error
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror}.", "Make it readable.") from error


def _add_entries(builder: Builder, archive: zipfile.ZipFile, path: Path, ids: ArxivIds) -> None:
    read = pasa_reader(ids.find)
    total = path.stat().st_size
    papers = 0
    first_problem = ""
    for number, entry in enumerate(archive.infolist(), start=1):
        if number % PROGRESS_EVERY == 0:
            builder.report(Progress(path.name, papers, entry.header_offset, total))
        if entry.is_dir():
            continue
        place = clean_text(entry.filename)[:80]
        try:
            found, bibliography = read(_content(archive, entry), PurePosixPath(entry.filename).stem)
        except RecordError as error:
            builder.problems.add(path.name, str(error), place)
            first_problem = first_problem or f"{place}: {error}"
            continue
        papers += 1
        if builder.add_paper(found, path.name, place) and bibliography.sections:
            builder.add_bibliography(bibliography, path.name, place)
    if not papers:
        raise CorpusError(f"{path} has no usable entry ({first_problem or 'it is empty'}).", _ZIP_HINT)
    builder.report(Progress(path.name, papers, total, total))


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_ENTRY:
        raise RecordError("entry too large")
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise RecordError("damaged entry") from error
    except (RuntimeError, NotImplementedError) as error:
        raise RecordError("encrypted, or compressed in a way that can't be read") from error


def _letters_and_digits(title: str) -> str:
    return "".join(char for char in title if char.isalnum()).lower()
