"""Papers as CSL-JSON, which Pandoc, citeproc processors and reference managers read (citationstyles.org, 1.0.2)."""

import json
import re
from collections.abc import Sequence
from typing import Any

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.keys import citation_keys
from pasa_tui.export.names import OTHERS, Name, known_authors
from pasa_tui.export.publication import UNTITLED, publication_of
from pasa_tui.export.record import Record

_TYPES = {"article": "article-journal", "inproceedings": "paper-conference", "misc": "article"}

_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def to_csl_json(records: Sequence[Record]) -> str:
    """A JSON array with one item per record, whose papers differ; `id` is the key of `citation_keys`.

    Readers take HTML tags in texts for italics and the like, and know no entities; so an invisible character
    (U+2060) follows each `<` of strangers that would begin a tag, and it prints as it is. The arXiv id
    is `archive_location`, and in `note` as Zotero writes it into its Extra field. The user's note is `annote`, tags
    are `keyword`.
    """
    keys = citation_keys([record.paper for record in records])
    items = [_item(record, keys[record.paper.id]) for record in records]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _item(record: Record, key: str) -> dict[str, Any]:
    paper, publication = record.paper, publication_of(record.paper)
    arxiv = publication.arxiv
    category = f" [{publication.category}]" if publication.category else ""
    item: dict[str, Any] = {
        "id": key,
        "type": _TYPES[publication.kind],
        "title": _plain(paper.title) or UNTITLED,
        "author": [_name(name) for name in known_authors(paper.authors)],
        "container-title": _plain(publication.venue or ""),
        "issued": {"date-parts": [list(publication.issued)]} if publication.issued else None,
        "DOI": cleaned(publication.doi or ""),
        "URL": publication.url,
        "archive": "arXiv" if arxiv else "",
        "archive_location": arxiv,
        "note": f"arXiv:{arxiv}{category}" if arxiv else "",
        "abstract": _plain(paper.abstract) if paper.abstract_kind == "abstract" else "",
        "keyword": _plain(", ".join(record.tags)),
        "annote": _TAG.sub("<\u2060", record.note),
    }
    if paper.authors and paper.authors[-1] == OTHERS and item["author"]:
        item["author"].append({"literal": OTHERS})
    return {name: value for name, value in item.items() if value}


def _plain(text: str) -> str:
    return _TAG.sub("<\u2060", cleaned(text))


def _name(name: Name) -> dict[str, str]:
    if name.collective or not name.given:
        return {"literal": _plain(" ".join(filter(None, (name.particle, name.family, name.suffix))))}
    parts = {
        "family": name.family,
        "given": name.given,
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
    }
    return {part: _plain(value) for part, value in parts.items() if value}
