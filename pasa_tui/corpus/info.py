"""What is known about a corpus without opening it, kept as JSON beside it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import msgspec

from pasa_tui.errors import CorpusError

FORMAT = 1
"""Version of the folder's layout, tables and text analysis. A corpus of another one is built anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusInfo:
    """A corpus in numbers.

    `citing_papers` are papers whose bibliography is known, `citations` the entries of all of them, also those
    whose paper the corpus lacks. `dated_from` and `dated_to` are the earliest and latest day among its dated
    papers, None without one. `sources` are the names of the files it was built from. `version` is the FORMAT
    it was built in, `folder` the part of its directory that holds it, `key` what the shipped sample's files
    hash to.
    """

    name: str
    papers: int
    citing_papers: int
    citations: int
    dated_from: date | None
    dated_to: date | None
    built_at: datetime
    version: int = FORMAT
    sources: tuple[str, ...] = field(default=())
    folder: str = ""
    key: str = ""


class _Version(msgspec.Struct):
    version: int


def write_info(info: CorpusInfo, path: Path) -> None:
    """Write `info` to `path` in one step: a reader sees the old content or the new, never a part. Raises OSError."""
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(info)) + b"\n")
    aside.replace(path)


def read_info(path: Path) -> CorpusInfo:
    """Read what `write_info` wrote.

    Raises FileNotFoundError where there is none, CorpusError for another format or a damaged file.
    """
    name = path.parent.name
    rebuild = f"Build it again: pasa-tui corpus build {name} --replace …"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CorpusError(f"The corpus {name!r} can't be read: {error.strerror}.", f"Make {path} readable.") from error
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version != FORMAT:
            age = "a newer" if version > FORMAT else "an older"
            raise CorpusError(f"The corpus {name!r} was built by {age} pasa-tui.", rebuild)
        return msgspec.json.decode(content, type=CorpusInfo)
    except msgspec.DecodeError as error:
        raise CorpusError(f"The corpus {name!r} is damaged: {path.name}: {error}.", rebuild) from error
