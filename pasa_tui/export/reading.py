"""References read back: the papers that a .bib, .ris or CSL .json file names, so that they are known in results."""

from collections.abc import Callable
from pathlib import Path

from pasa_tui.errors import ExportError
from pasa_tui.export.reading_bibtex import read_bibtex
from pasa_tui.export.reading_csl import read_csl_json
from pasa_tui.export.reading_ris import read_ris
from pasa_tui.export.references import References

__all__ = ["References", "read_references"]

_FORMS = "Give a .bib, .ris or CSL .json file."


def read_references(path: Path) -> References:
    """The papers in the file at `path`, whose suffix tells the format: .bib, .ris or .json (CSL).

    The arXiv id is taken from eprint, link, DOI or the note where Zotero keeps it. `date` is set where the file
    gives a whole day. The text is UTF-8's, else Latin-1's.

    Raises ExportError where the file can't be read or is not of its format, with the line where that is known.
    """
    readers: dict[str, Callable[[str, Path], References]] = {
        ".bib": read_bibtex,
        ".ris": read_ris,
        ".json": read_csl_json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ExportError(f"{path} is of no format that can be read.", _FORMS)
    return reader(_text_of(path), path)


def _text_of(path: Path) -> str:
    try:
        content = path.expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ExportError(f"{path} can't be read: {reason}.", _FORMS) from error
    if b"\x00" in content:
        line = content[: content.index(b"\x00")].count(b"\n") + 1
        raise ExportError(f"{path} is not a text file (line {line}).", _FORMS)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
