"""What a search amounts to after some events: the one fold that the loop, the screen and the commands share."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.events.types import (
    ActionFailed,
    Counted,
    Ending,
    Event,
    ExpandFinished,
    ExpandStarted,
    Funnel,
    GuideFound,
    MissingEstimated,
    ModelLoading,
    ModelsCounted,
    PaperAssessed,
    PaperFound,
    PaperJudged,
    PaperMetAgain,
    PaperNearer,
    QuestionSplit,
    RequestsCounted,
    SearchEnded,
    SearchFinished,
    SearchPlanned,
    SearchStarted,
    SectionsChosen,
    SourceTroubled,
    Warned,
)
from pasa_tui.papers import Paper, PaperId, Provenance
from pasa_tui.usage import ModelUsage, SourceUsage, Trouble

_PASSING = frozenset({"network", "failures"})


@dataclass(slots=True)
class FoundPaper:
    """A paper of the queue with all that is known of it so far. `score` is None until it is judged.

    `verdicts` is empty for papers that were not assessed criterion by criterion. `cited_by` are the papers of this
    search in whose followed sections it is cited.
    """

    paper: Paper
    provenance: Provenance
    depth: int
    order: int
    score: float | None = None
    selected: bool = False
    reason: str = ""
    times_met: int = 1
    cited_by: tuple[PaperId, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    id: PaperId = field(init=False)

    def __post_init__(self) -> None:
        """Keep the paper's identity, which lists of thousands ask for again and again."""
        self.id = self.paper.id


@dataclass(slots=True)
class Action:
    """A search (`text`) or the expansion of a paper (`paper_id`) in either direction, with its counts.

    `began` and `ended` are seconds since the search began.
    """

    number: int
    text: str = ""
    paper_id: PaperId | None = None
    depth: int = 0
    direction: Literal["cited", "citing"] = "cited"
    sections: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    results: int = 0
    resolved: int = 0
    new: int = 0
    found: list[PaperId] = field(default_factory=list)
    finished: bool = False
    began: float = 0.0
    ended: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def is_search(self) -> bool:
        """True for `[Search]`, False for an expansion."""
        return self.paper_id is None


@dataclass(slots=True)
class SearchState:
    """The fold of a search's events. `apply` them in order; nothing else changes it."""

    query: str = ""
    before: date | None = None
    sources: tuple[str, ...] = ()
    papers: dict[PaperId, FoundPaper] = field(default_factory=dict)
    guides: dict[PaperId, Paper] = field(default_factory=dict)
    actions: dict[int, Action] = field(default_factory=dict)
    funnel: Funnel = field(default_factory=Funnel)
    warnings: list[Warned] = field(default_factory=list)
    usage: tuple[SourceUsage, ...] = ()
    models: tuple[ModelUsage, ...] = ()
    loading: ModelLoading | None = None
    criteria: tuple[Criterion, ...] = ()
    missing: MissingEstimated | None = None
    model: str = ""
    prompts: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    ending: Ending | None = None
    message: str = ""
    elapsed: float = 0.0
    selected: int = 0

    def apply(self, event: Event) -> None:
        """Take in one event. Events of a paper or action never heard of are passed over."""
        self.elapsed = max(self.elapsed, event.at)
        match event:
            # These first: of a large search, nearly all are of these kinds.
            case PaperFound() | PaperMetAgain() | PaperNearer() | GuideFound():
                self._apply_meeting(event)
            case PaperJudged() | PaperAssessed():
                self._apply_judgement(event)
            case SearchStarted():
                self.query, self.before, self.sources = event.query, event.before, event.sources
                self.model, self.prompts = event.model, event.prompts
                self.ending, self.message = None, ""
                # What an earlier run said of its circumstances may have passed.
                self.warnings = [warning for warning in self.warnings if warning.stage not in _PASSING]
            case ModelLoading() | ModelsCounted() | QuestionSplit() | MissingEstimated():
                self._apply_model(event)
            case Counted():
                self.funnel = event.funnel
            case RequestsCounted():
                self.usage = event.sources
            case SourceTroubled():
                self.troubles.append(Trouble(event.source, event.message))
            case Warned():
                self.warnings.append(event)
            case SearchEnded():
                self.ending, self.message = event.ending, event.message
            case _:
                self._apply_action(event)

    def _apply_model(self, event: ModelLoading | ModelsCounted | QuestionSplit | MissingEstimated) -> None:
        match event:
            case ModelLoading():
                self.loading = event
            case ModelsCounted():
                self.models = event.models
            case QuestionSplit():
                self.criteria = event.criteria
            case MissingEstimated():
                self.missing = event

    def _apply_meeting(self, event: PaperFound | PaperMetAgain | PaperNearer | GuideFound) -> None:
        match event:
            case PaperFound(paper=paper, action=number):
                met = FoundPaper(paper, event.provenance, event.depth, len(self.papers))
                if met.id in self.papers:
                    return
                self.papers[met.id] = met
                _cite(met, event.provenance)
                if number in self.actions:
                    self.actions[number].found.append(met.id)
            case GuideFound(paper=paper):
                self.guides[paper.id] = paper
            case PaperMetAgain(paper_id=paper_id):
                if found := self.papers.get(paper_id):
                    found.times_met += 1
                    _cite(found, event.provenance)
                    found.depth = min(found.depth, event.depth)
            case PaperNearer(paper_id=paper_id):
                if found := self.papers.get(paper_id):
                    found.depth = min(found.depth, event.depth)

    def _apply_judgement(self, event: PaperJudged | PaperAssessed) -> None:
        found = self.papers.get(event.paper_id)
        if found is None:
            return
        match event:
            case PaperAssessed():
                found.verdicts = event.verdicts
            case PaperJudged():
                self.selected += event.selected - found.selected
                found.score, found.selected, found.reason = event.score, event.selected, event.reason

    def _apply_action(self, event: Event) -> None:
        match event:
            case SearchPlanned():
                self.actions[event.action] = Action(event.action, text=event.text, began=event.at)
            case ExpandStarted():
                self.actions[event.action] = Action(
                    event.action,
                    paper_id=event.paper_id,
                    depth=event.depth,
                    direction=event.direction,
                    began=event.at,
                )
            case SectionsChosen(action=number) if number in self.actions:
                self.actions[number].sections, self.actions[number].chosen = event.sections, event.chosen
            case SearchFinished(action=number) if number in self.actions:
                action = self.actions[number]
                action.results, action.new, action.finished, action.ended = event.results, event.new, True, event.at
            case ExpandFinished(action=number) if number in self.actions:
                action = self.actions[number]
                action.results, action.resolved, action.new = event.citations, event.resolved, event.new
                action.finished, action.ended = True, event.at
            case ActionFailed(action=number) if number in self.actions:
                self.actions[number].failures.append(f"{event.source}: {event.message}")

    def ranked(self, *, selected_only: bool = False) -> list[FoundPaper]:
        """Papers by score, best first; of equal ones the earlier found first; unjudged ones last."""
        chosen = (found for found in self.papers.values() if found.selected or not selected_only)
        # Sorting keeps the order of equals, in which they were found.
        return sorted(chosen, key=lambda found: -1.0 if found.score is None else found.score, reverse=True)

    def paper(self, paper_id: PaperId) -> Paper | None:
        """A paper of the queue, or a guide; None where it is neither."""
        found = self.papers.get(paper_id)
        return found.paper if found else self.guides.get(paper_id)

    def path_to(self, paper_id: PaperId) -> list[FoundPaper]:
        """The papers that led to this one by citation, from one that a search found down to itself."""
        path: list[FoundPaper] = []
        seen: set[PaperId] = set()
        current: PaperId | None = paper_id
        while current is not None and current not in seen and (found := self.papers.get(current)):
            seen.add(current)
            path.append(found)
            current = found.provenance.parent
        return path[::-1]


def _cite(found: FoundPaper, way: Provenance) -> None:
    if way.kind == "section" and way.parent is not None and way.parent not in found.cited_by:
        found.cited_by += (way.parent,)
