"""What the loop asks of sources. Anything with these methods will do; the loop's arguments say which.

Implementations are called from one event loop and may compute for some milliseconds between awaits; what
takes longer belongs behind an await. A source that fails raises SourceError; the search goes on without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pasa_tui.papers import Citation, Paper, Section


class SearchTool(Protocol):
    """Finds papers for a search text."""

    name: str

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers, best first, none dated after `before`. Raises SourceError."""
        ...


class Reader(Protocol):
    """Opens papers."""

    name: str

    async def read(self, paper: Paper) -> Sequence[Section]:
        """The sections that cite something, in order; empty where the text is not to be had. Raises SourceError."""
        ...


class Resolver(Protocol):
    """Turns citations into papers."""

    name: str

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        """One paper per citation, in order; None where no paper is surely the one cited. Raises SourceError."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a search looks."""

    search: tuple[SearchTool, ...]
    reader: Reader
    resolver: Resolver
