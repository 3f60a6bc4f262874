"""What a model is asked: a Crawler decides where to look, a Selector judges what was found.

Implementations are called from one event loop and may compute for some milliseconds between awaits; what
takes longer belongs behind an await.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pasa_tui.papers import Paper, Provenance, Query


@dataclass(frozen=True, slots=True)
class SearchResults:
    """A search that was made and the papers it brought, best first."""

    text: str
    papers: Sequence[Paper]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper to be judged, with everything that has led to it so far, in the order it happened."""

    paper: Paper
    provenances: Sequence[Provenance]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` is the probability in [0, 1] that the paper meets the query; `reason` one line on why."""

    score: float
    reason: str = ""


class Crawler(Protocol):
    """Decides what to search for and which sections' citations to follow."""

    name: str

    def plan(self, query: Query, found: Sequence[SearchResults]) -> AsyncIterator[str]:
        """Yield search texts.

        Called with `found` empty first; then, once those searches are made, again with all results so far,
        until it yields nothing new or the limit of searches is reached.
        """
        ...

    def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncIterator[str]:
        """Yield the names out of `sections` (unique, in the paper's order) whose citations to follow."""
        ...


class Selector(Protocol):
    """Judges papers. With `uses_provenance`, papers that are met again are judged again."""

    name: str
    uses_provenance: bool

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        """One judgement per candidate, in order."""
        ...
