"""One frozen dataclass per thing that happens in a search.

`at` is seconds since the search began; a resumed search goes on counting where it stopped. `action` numbers
the Crawler's actions from 1 in the order in which they were decided.
"""

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Literal

from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.papers import Paper, PaperId, Provenance
from pasa_tui.usage import ModelUsage, SourceUsage

Ending = Literal["done", "cancelled", "budget", "failed"]
"""Why a search stopped: nothing left to do, asked to, budget spent, or no source answered at all."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many went into and came out of each stage so far.

    Every number only grows, but `selected`: the last judgement of a paper holds.

    searches made > results > new papers > judged > selected; papers expanded > with sections > sections
    chosen > citations of those > resolved > new; papers whose citing papers were asked for (`followed`) > candidates
    among these and what they cite besides > new (`near_new`). `too_late` counts resolved papers left out for dating
    after the cut-off, `failures` questions that a source could not answer.
    """

    searches: int = 0
    results: int = 0
    new: int = 0
    judged: int = 0
    selected: int = 0
    expanded: int = 0
    with_sections: int = 0
    sections: int = 0
    citations: int = 0
    resolved: int = 0
    cited_new: int = 0
    too_late: int = 0
    requests: int = 0
    failures: int = 0
    followed: int = 0
    candidates: int = 0
    near_new: int = 0

    @property
    def met(self) -> int:
        """All papers in the paper queue."""
        return self.new + self.cited_new + self.near_new

    @property
    def actions(self) -> int:
        """Searches made, papers whose sections were read (opening one without sections decides nothing), and papers
        whose citing papers were asked for."""
        return self.searches + self.with_sections + self.followed


FUNNEL_STAGES = tuple(item.name for item in fields(Funnel))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStarted(Event):
    """The search session begins, or begins again after an interruption (`resumed`).

    `model` is the profile's name, `prompts` names the exact words that models are asked with.
    """

    query: str
    before: date | None = None
    schedule: str = "best-first"
    sources: tuple[str, ...] = ()
    crawler: str = ""
    selector: str = ""
    model: str = ""
    prompts: str = ""
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlanned(Event):
    """The Crawler wrote `[Search]text`."""

    action: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFinished(Event):
    """The results of a planned search are in: `results` papers, `new` of them not met before."""

    action: int
    results: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFound(Event):
    """A paper joins the paper queue. `depth` is 0 from a search, else one more than its parent's."""

    paper: Paper
    provenance: Provenance
    depth: int
    action: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperMetAgain(Event):
    """A paper of the queue was led to once more. The first provenance stays the one shown."""

    paper_id: PaperId
    provenance: Provenance
    depth: int
    action: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideFound(Event):
    """A paper whose citations are followed without its being in the paper queue: it dates from after the cut-off."""

    paper: Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperNearer(Event):
    """A paper's depth lessened, since that of a paper that led to it did."""

    paper_id: PaperId
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperJudged(Event):
    """The Selector's verdict: `score` in [0, 1]; `reason` is one line for a person, may be empty.

    A paper can be judged again when new evidence arrives; the latest verdict holds.
    """

    paper_id: PaperId
    score: float
    selected: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandStarted(Event):
    """The Crawler opens a paper to read the names of its sections; or, "citing", asks who cites it."""

    action: int
    paper_id: PaperId
    depth: int
    direction: Literal["cited", "citing"] = "cited"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionsChosen(Event):
    """The Crawler wrote `[Expand]section` for each of `chosen` out of all `sections` that cite something."""

    action: int
    sections: tuple[str, ...]
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandFinished(Event):
    """The citations of the chosen sections are in: how many there were, were resolved, were new.

    In the direction "citing" `citations` counts the papers that cite this one.
    """

    action: int
    citations: int
    resolved: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFailed(Event):
    """A source could not answer this action (search or expansion); the search goes on without it."""

    action: int
    source: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsCounted(Event):
    """What each source was asked so far, over all runs of this search."""

    sources: tuple[SourceUsage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTroubled(Event):
    """A request to a source failed for good, of this kind the first time; what it was for may have come from elsewhere.

    Where it did not, ActionFailed says so of the action.
    """

    source: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoading(Event):
    """A language model is being made ready; `share` in [0, 1] is how far that is, where it is known."""

    message: str
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsCounted(Event):
    """What each language model did so far, over all runs of this search."""

    models: tuple[ModelUsage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOn(Event):
    """The iterative planner saw what was found and proposed so many searches and expansions; none: it is done."""

    turn: int
    searches: int
    expansions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSplit(Event):
    """What the question asks of a paper, piece by piece."""

    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAssessed(Event):
    """How far a paper meets each criterion. The score and the selection stay as they are."""

    paper_id: PaperId
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEstimated(Event):
    """How many papers that the Selector would take are likely still to be found, with a 95 % interval."""

    missing: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Event):
    """The funnel as it stands."""

    funnel: Funnel = field(default_factory=Funnel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something a person should know, with its likely cause and what to do about it."""

    stage: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEnded(Event):
    """The last event of every run."""

    ending: Ending
    message: str = ""
