"""What the loop asks of sources. Anything with these methods will do; the loop's arguments say which.

Implementations are called from one event loop and may compute for some milliseconds between awaits; what
takes longer belongs behind an await. A source that fails raises SourceError; the search goes on without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pasa_tui.papers import Citation, Citing, Guide, Paper, Section
from pasa_tui.usage import SourceUsage, Trouble


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


class CitationIndex(Protocol):
    """Knows who cites a paper."""

    name: str

    async def citing(self, paper: Paper, *, limit: int) -> Sequence[Citing]:
        """At most `limit` papers that cite this one; empty where none are known. Raises SourceError."""
        ...


class Recommender(Protocol):
    """Knows papers like others."""

    name: str

    async def recommend(self, papers: Sequence[Paper], *, limit: int) -> Sequence[Paper]:
        """At most `limit` papers like all of these, most alike first. Raises SourceError."""
        ...


class GuideIndex(Protocol):
    """Knows papers that lead to others: those whose references it has."""

    name: str

    async def guides(self, text: str, papers: Sequence[Paper], *, limit: int) -> Sequence[Guide]:
        """At most `limit` papers of any date whose references are known, the most helpful first.

        They are about `text`, or cite many of `papers` (best first) in one of their sections. Raises SourceError.
        """
        ...


def _no_troubles() -> Sequence[Trouble]:
    return ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a search looks.

    `citations`, `recommender` and `guides` may be None: then nobody is asked who cites a paper, which are like it, or
    whose references are known. Sources
    that count their requests give the numbers so far by `usage` and what failed since the last time by
    `new_troubles`. `is_lost` says that nobody can be reached any more. `concurrency` is how many searches and
    expansions suit them at once: many, where most of the time is waiting for hosts.
    """

    search: tuple[SearchTool, ...]
    reader: Reader
    resolver: Resolver
    citations: CitationIndex | None = None
    recommender: Recommender | None = None
    guides: GuideIndex | None = None
    usage: Callable[[], Sequence[SourceUsage]] | None = None
    new_troubles: Callable[[], Sequence[Trouble]] = _no_troubles
    is_lost: Callable[[], bool] = lambda: False
    concurrency: int = 4
