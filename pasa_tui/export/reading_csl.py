"""CSL-JSON files as papers."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from pasa_tui.errors import ExportError
from pasa_tui.export.references import References, day_of, names_arxiv, reference
from pasa_tui.papers import Paper


def read_csl_json(text: str, path: Path) -> References:
    """The papers of a CSL-JSON text: an array of items, or an object that has one. Raises ExportError for others."""
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ExportError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}.", "Export the references again as CSL-JSON."
        ) from error
    except RecursionError:
        raise ExportError(f"{path} is nested too deeply.", "Export the references again as CSL-JSON.") from None
    if isinstance(items, dict) and isinstance(items.get("items"), list):
        items = items["items"]
    if not isinstance(items, list):
        raise ExportError(f"{path} is not CSL-JSON: it holds no list of items.", "Export the references as CSL-JSON.")
    result = References()
    for item in items:
        result.keep(_csl_paper(item) if isinstance(item, dict) else None)
    if items and not result:
        raise ExportError(f"{path} is not CSL-JSON: no item names a paper.", "Export the references as CSL-JSON.")
    return result


def _csl_paper(item: dict[str, Any]) -> Paper | None:
    def text(name: str) -> str:
        value = item.get(name)
        return _without_markup(value) if isinstance(value, str) else ""

    authors = item.get("author")
    archive = text("archive").lower() == "arxiv"
    # Zotero's Extra field: a line of the note.
    notes = [line for line in str(item.get("note") or "").splitlines() if names_arxiv(line.strip())]
    return reference(
        text("title"),
        [_csl_name(name) for name in authors if isinstance(name, dict)] if isinstance(authors, list) else (),
        eprint=text("archive_location") if archive else "",
        doi=text("DOI"),
        links=[text("URL"), text("number"), *notes, *filter(names_arxiv, [text("container-title")])],
        day=_csl_day(item.get("issued")),
        venue=text("container-title"),
        abstract=text("abstract"),
    )


def _csl_day(issued: object) -> date | None:
    parts = issued.get("date-parts") if isinstance(issued, dict) else None
    first = parts[0] if isinstance(parts, list) and parts else None
    return day_of(*first) if isinstance(first, list) else None


def _csl_name(name: dict[str, Any]) -> str:
    parts = ("literal",) if name.get("literal") else (
        "given", "dropping-particle", "non-dropping-particle", "family", "suffix",
    )  # fmt: skip
    return _without_markup(" ".join(str(name[part]) for part in parts if name.get(part)))


_CSL_MARKUP = re.compile(r"</?(?:i|b|sub|sup|sc|span)\b[^<>]*>", re.IGNORECASE)


def _without_markup(text: str) -> str:
    return _CSL_MARKUP.sub("", text).replace("<\u2060", "<")
