"""Papers as JSON lines: every field of the record and its paper, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from pasa_tui.export.record import Record


def to_jsonl(records: Sequence[Record]) -> str:
    """One JSON object per record and line: the fields of `Paper`, its id and link, and the fields of `Record`."""
    return "".join(json.dumps(_object(record), ensure_ascii=False) + "\n" for record in records)


def _object(record: Record) -> dict[str, Any]:
    paper = record.paper
    return {
        "id": paper.id,
        "arxiv_id": paper.arxiv_id,
        "doi": paper.doi,
        "title": paper.title,
        "authors": list(paper.authors),
        "date": paper.date.isoformat() if paper.date else None,
        "venue": paper.venue,
        "categories": list(paper.categories),
        "url": paper.url,
        "abstract": paper.abstract,
        "abstract_kind": paper.abstract_kind,
        "source_id": paper.source_id,
        "score": record.score,
        "selected": record.selected,
        "reason": record.reason,
        "found_by": record.found_by,
        "starred": record.starred,
        "tags": list(record.tags),
        "note": record.note,
    }
