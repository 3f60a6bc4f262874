"""The formats that papers can be exported in. What writes them is imported when it is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pasa_tui.export.record import Record, merged


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name for people, the usual suffix of its files, and the function that writes it.

    `writer` is "module:function" under `pasa_tui.export`; the function takes records whose papers differ.
    `encodes` tells that it also takes `latex`, by which the text is ASCII for LaTeX.
    """

    label: str
    suffix: str
    writer: str
    encodes: bool = False


FORMATS = {
    "bibtex": Format("BibTeX", ".bib", "bibtex:write_bibtex", encodes=True),
    "biblatex": Format("BibLaTeX", ".bib", "biblatex:write_biblatex", encodes=True),
    "ris": Format("RIS", ".ris", "ris:to_ris"),
    "csl-json": Format("CSL-JSON", ".json", "csl_json:to_csl_json"),
    "csv": Format("CSV table", ".csv", "csv_table:to_csv"),
    "markdown": Format("Markdown list", ".md", "markdown:to_markdown"),
    "jsonl": Format("JSON lines", ".jsonl", "jsonl:to_jsonl"),
}
"""By the name that commands and settings use, in the order to offer them."""


def render(records: Sequence[Record], output: str, *, latex: bool) -> str:
    """The records in the format named `output`, one of `FORMATS`; those of the same paper are one (see `merged`).

    The text ends with a line break, or is empty where the format writes nothing for no records. `latex` counts for
    BibTeX and BibLaTeX.
    """
    chosen = FORMATS[output]
    module, function = chosen.writer.split(":")
    write = getattr(import_module(f"pasa_tui.export.{module}"), function)
    text: str = write(merged(records), **({"latex": latex} if chosen.encodes else {}))
    return text


def format_of(path: Path) -> str | None:
    """The format that a file's suffix stands for, or None."""
    suffix = path.suffix.lower()
    return next((name for name, known in FORMATS.items() if known.suffix == suffix), None)
