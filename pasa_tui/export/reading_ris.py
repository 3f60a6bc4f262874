"""RIS files as papers."""

import re
from pathlib import Path

from pasa_tui.errors import ExportError
from pasa_tui.export.references import References, day_of, names_arxiv, reference
from pasa_tui.papers import Paper

_RIS_LINE = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?")


def read_ris(text: str, path: Path) -> References:
    """The papers of a RIS text, entries being between TY and ER; a line without a tag goes on with the one before.

    Raises ExportError, with the line, where it is not RIS.
    """
    result = References()
    entry: dict[str, list[str]] | None = None
    values: list[str] = []
    lines = re.split(r"\r\n|\r|\n", text)
    for number, line in enumerate(lines, start=1):
        match = _RIS_LINE.fullmatch(line)
        if match is None:
            if entry is None and line.strip():
                raise ExportError(
                    f"{path} is not RIS: line {number} has no tag.", "An entry begins with a line such as TY  - JOUR."
                )
            if values and line.strip():
                values[-1] += f" {line.strip()}"
            continue
        tag, value = match[1], (match[2] or "").strip()
        if tag == "TY":
            # The one before was not ended.
            result.skipped += entry is not None
            entry = {}
        elif entry is None:
            raise ExportError(f"{path} is not RIS: line {number} stands in no entry.", "Entries begin with TY.")
        if tag == "ER":
            result.keep(_ris_paper(entry or {}))
            entry = None
        elif entry is not None:
            values = entry.setdefault(tag, [])
            values.append(value)
    result.skipped += entry is not None
    if not result and text.strip():
        raise ExportError(f"{path} has no complete RIS entry.", "An entry begins with TY and ends with ER.")
    return result


def _ris_paper(entry: dict[str, list[str]]) -> Paper | None:
    def first(*tags: str) -> str:
        return next((value for tag in tags for value in entry.get(tag, ()) if value), "")

    numbers = re.split(r"[/-]", first("DA", "Y1", "PY").strip("/ "))[:3]
    links = [value for tag in ("UR", "L1", "L2", "L3", "LK") for value in entry.get(tag, ())]
    eprint = first("AN") if first("AN").lower().startswith("arxiv") or first("DB").lower() == "arxiv" else ""
    return reference(
        first("TI", "T1"),
        [_turned(name) for tag in ("AU", "A1") for name in entry.get(tag, ())],
        eprint=eprint,
        doi=first("DO"),
        links=[*links, *filter(names_arxiv, (first("M1"), first("N1"), first("JO"), first("T2"), first("PB")))],
        day=day_of(*numbers),
        venue=first("JO", "T2", "JF", "BT"),
        abstract=first("AB", "N2"),
    )


def _turned(name: str) -> str:
    """ "Family, Given, Suffix" as it is displayed; a name without a comma as it is."""
    family, *rest = [part.strip() for part in name.split(",")]
    return " ".join(filter(None, (*rest[:1], family, *rest[1:])))
