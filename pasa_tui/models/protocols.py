"""What a model is asked: a Crawler decides where to look, a Selector judges what was found.

Implementations are called from one event loop and may compute for some milliseconds between awaits; what
takes longer belongs behind an await.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.models.engines.protocol import Progress, Scoring
from pasa_tui.papers import Paper, PaperId, Provenance, Query
from pasa_tui.usage import ModelUsage


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


class Ranker(Protocol):
    """Judges all papers of a search together, once it has met them all, by how they compare with each other."""

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        """One judgement per candidate, in order. `guides` are papers that led to candidates without being any."""
        ...


class Assessor(Protocol):
    """Says piece by piece how far papers meet a question."""

    name: str

    async def split(self, query: Query) -> Sequence[Criterion]:
        """What the question asks of a paper: at least one criterion, exclusions and dates included.

        Raises ModelError.
        """
        ...

    async def assess(self, query: Query, criteria: Sequence[Criterion], paper: Paper) -> Sequence[Verdict]:
        """One verdict per criterion, in order, each with a quote checked against the paper. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class MadeSearch:
    """A search that was made: how many papers it brought, how many of them were new, how many are selected."""

    text: str
    results: int
    new: int
    selected: int


@dataclass(frozen=True, slots=True)
class RankedPaper:
    """A paper of the queue; `expanded` says that its citations were followed."""

    paper: Paper
    score: float
    expanded: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search stands, for a planner: searches in order, counts, and the best papers so far, best first."""

    searches: Sequence[MadeSearch]
    met: int
    judged: int
    selected: int
    expanded: int
    best: Sequence[RankedPaper]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do next: search texts, and papers of `Standing.best` whose citations to follow. Empty: nothing more."""

    searches: tuple[str, ...] = ()
    expand: tuple[PaperId, ...] = ()


class Planner(Protocol):
    """Plans on from what was found."""

    name: str

    async def propose(self, query: Query, standing: Standing) -> Proposal:
        """The next searches and expansions; those made before are left out. Raises ModelError."""
        ...


async def _is_ready(tell: Callable[[Progress], None]) -> None:
    return None


def _no_usage() -> Sequence[ModelUsage]:
    return ()


def _exact() -> Scoring:
    return "exact"


def _nothing_spent(usage: Sequence[ModelUsage]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ModelRuntime:
    """What goes with the Crawler and the Selector of a search: how they are made ready, paced and counted.

    `model` and `prompts` name the model and the exact words that it is asked with. `start` makes the models ready,
    telling its progress from any thread; `usage` says what they did in this run; `take_up` is told what earlier runs
    of the same search used; `scoring` says how good the scores are. The Selector is given `batch` papers at a time,
    `parallel` such batches at once; 0 stands for a Selector that computes in the loop's own thread, one after the
    other. `stops_early` leaves papers unjudged where results have run dry. A `ranker` judges all papers once more at
    the end. With `results`, searches bring that many papers where the settings leave it open, and the search is made
    broadly (`agent.broad`): more cheap results and guides instead of opening what each search brings.
    """

    model: str = "builtin"
    prompts: str = ""
    start: Callable[[Callable[[Progress], None]], Awaitable[None]] = _is_ready
    usage: Callable[[], Sequence[ModelUsage]] = _no_usage
    take_up: Callable[[Sequence[ModelUsage]], None] = _nothing_spent
    assessor: Assessor | None = None
    planner: Planner | None = None
    scoring: Callable[[], Scoring] = _exact
    batch: int = 64
    parallel: int = 0
    stops_early: bool = False
    ranker: Ranker | None = None
    results: int = 0
