"""Papers as a Markdown list to read, with what the search and the user said of each."""

import re
from collections.abc import Iterator, Sequence

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.names import OTHERS
from pasa_tui.export.publication import UNTITLED, publication_of
from pasa_tui.export.record import Record
from pasa_tui.papers import Paper

_MOST_AUTHORS = 10
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
# What marks up text anywhere in a line; the rest of Markdown's characters do so at the beginning of one, where no
# text of ours begins. A colon before slashes and the dot after www make links of bare addresses.
_MARKUP = re.compile(r"[\\`*_{}\[\]$~^|#!@<>&]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def to_markdown(records: Sequence[Record]) -> str:
    """A numbered list in the order of `records`. Text of strangers prints as it is: no markup, link, HTML or math."""
    return "".join(
        "".join(f"{line}\n" for line in _lines(number, record)) for number, record in enumerate(records, start=1)
    )


def _lines(number: int, record: Record) -> Iterator[str]:
    paper, publication = record.paper, publication_of(record.paper)
    indent = " " * len(f"{number}. ")
    score = "" if record.score is None else f" ({record.score:.2f})"
    yield f"{number}. **{_escaped(paper.title) or _escaped(UNTITLED)}**{score}{' ★' if record.starred else ''}"
    year = str(publication.issued[0]) if publication.issued else ""
    facts = (
        ("By", _authors(paper)),
        ("In", ", ".join(filter(None, (_escaped(publication.venue or ""), year)))),
        ("Link", f"<{publication.url}>" if publication.url else ""),
        ("Why", _escaped(record.reason)),
        ("How", _escaped(record.found_by)),
        ("Tags", _escaped(", ".join(record.tags))),
        ("Note", _escaped(record.note)),
    )
    for label, text in facts:
        if text:
            yield f"{indent}- {label}: {text}"


def _authors(paper: Paper) -> str:
    names = [name for name in paper.authors if name != OTHERS and name.strip()]
    shown = ", ".join(_escaped(name) for name in names[:_MOST_AUTHORS])
    return f"{shown} et al." if shown and len(paper.authors) > min(len(names), _MOST_AUTHORS) else shown


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda match: _ENTITIES.get(match[0]) or f"\\{match[0]}", cleaned(text))
