"""One search in progress: its queue, its counts, and the steps that the schedules put in order."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pasa_tui.agent.bandit import JudgingOrder
from pasa_tui.agent.budget import Budget
from pasa_tui.agent.discovery import estimate_missing, ways_to_selected
from pasa_tui.agent.protocols import Sources
from pasa_tui.agent.queue import PaperQueue, QueuedPaper
from pasa_tui.config.settings import AgentSettings
from pasa_tui.criteria import Criterion
from pasa_tui.errors import SourceError, SpentError
from pasa_tui.events import (
    ActionFailed,
    Counted,
    Event,
    ExpandFinished,
    ExpandStarted,
    Funnel,
    GuideFound,
    MissingEstimated,
    ModelsCounted,
    PaperFound,
    PaperMetAgain,
    PaperNearer,
    RequestsCounted,
    SectionsChosen,
    SourceTroubled,
    Warned,
)
from pasa_tui.models.protocols import Candidate, Crawler, ModelRuntime, SearchResults, Selector
from pasa_tui.papers import Citation, Paper, PaperId, Provenance, Query, Section
from pasa_tui.usage import ModelUsage, SourceUsage, added


@dataclass(slots=True)
class Run:
    """The state of one search and its steps. `emit` hands on an event; `clock` gives seconds since the start."""

    query: Query
    crawlers: Sequence[Crawler]
    selector: Selector
    sources: Sources
    settings: AgentSettings
    emit: Callable[[Event], None]
    clock: Callable[[], float]
    models: ModelRuntime = field(default_factory=ModelRuntime)
    queue: PaperQueue = field(default_factory=PaperQueue)
    funnel: Funnel = field(default_factory=Funnel)
    actions: int = 0
    searched: dict[str, SearchResults] = field(default_factory=dict)
    searching: dict[str, asyncio.Task[SearchResults]] = field(default_factory=dict)
    stopped: str = ""
    stopped_spending: bool = False
    lost: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    stragglers: set[asyncio.Task[None]] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)
    past_failures: int = 0
    past_usage: dict[str, SourceUsage] = field(default_factory=dict)
    usage: tuple[SourceUsage, ...] = ()
    past_models: dict[str, ModelUsage] = field(default_factory=dict)
    model_usage: tuple[ModelUsage, ...] = ()
    criteria: Sequence[Criterion] = ()
    missing: tuple[float, float, float] | None = None
    guides: dict[PaperId, Paper] = field(default_factory=dict)
    followed_guides: set[PaperId] = field(default_factory=set)
    to_assess: asyncio.Queue[PaperId | None] = field(default_factory=asyncio.Queue)
    concurrency: int = field(init=False)
    slots: asyncio.Semaphore = field(init=False)
    budget: Budget = field(init=False)
    warned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.concurrency = self.settings.concurrency or self.sources.concurrency
        self.slots = asyncio.Semaphore(self.concurrency)
        self.budget = Budget.of(self.settings)
        if self.models.stops_early:
            self.queue.order = JudgingOrder()

    # -- counting -----------------------------------------------------------------------------------------

    def count(self, **changes: int) -> None:
        """Add to the funnel's stages."""
        self.funnel = replace(
            self.funnel, **{stage: getattr(self.funnel, stage) + change for stage, change in changes.items()}
        )

    def count_call(self) -> None:
        """Count a question to a source, where it doesn't count its requests itself."""
        if self.sources.usage is None:
            self.count(requests=1)

    def tell_counts(self) -> None:
        """Emit the funnel as it stands and let the schedule look for what can be done now."""
        self.tell_requests()
        self.tell_models()
        self.emit(Counted(at=self.clock(), funnel=self.funnel))
        self.changed.set()

    def tell_requests(self) -> None:
        """Emit what the sources count, and their new troubles."""
        if self.sources.usage is None:
            return
        usage = added(self.past_usage, self.sources.usage())
        if usage != self.usage:
            self.usage = usage
            self.funnel = replace(self.funnel, requests=sum(source.requests for source in usage))
            self.emit(RequestsCounted(at=self.clock(), sources=usage))
        for trouble in self.sources.new_troubles():
            if (trouble.source, trouble.message) in self.told:
                continue
            self.emit(SourceTroubled(at=self.clock(), source=trouble.source, message=trouble.message))

    def tell_models(self) -> None:
        """Emit what the models did, where that is more than before."""
        usage = added(self.past_models, self.models.usage())
        if usage and usage != self.model_usage:
            self.model_usage = usage
            self.emit(ModelsCounted(at=self.clock(), models=usage))

    def tell_missing(self) -> None:
        """Emit how many papers are likely still to be found, where that is another number than before."""
        estimate = estimate_missing(ways_to_selected(self.queue.papers.values()))
        if estimate is None:
            return
        numbers = (round(estimate.missing, 1), round(estimate.missing_low, 1), round(estimate.missing_high, 1))
        if numbers != self.missing:
            self.missing = numbers
            missing, low, high = numbers
            self.emit(MissingEstimated(at=self.clock(), missing=missing, low=low, high=high))

    def spend_out(self) -> None:
        """Remember that the models may cost no more: nothing new begins."""
        self.stopped_spending = True
        self.stopped = self.stopped or f"the limit of ${self.settings.max_cost:g} (agent.max_cost)"
        self.changed.set()

    def out_of_budget(self) -> bool:
        """Whether no new search or expansion may begin: a limit is reached, or no source can be reached any more.

        The first limit reached is remembered in `stopped`, the other in `lost`.
        """
        self.stopped = self.stopped or self.budget.spent(papers=self.funnel.met, requests=self.funnel.requests)
        self.lost = self.lost or self.sources.is_lost()
        return bool(self.stopped) or self.lost

    def warn(self, stage: str, message: str, hint: str) -> None:
        """Emit a warning, once a stage."""
        if stage not in self.warned:
            self.warned.add(stage)
            self.emit(Warned(at=self.clock(), stage=stage, message=message, hint=hint))

    def next_action(self) -> int:
        """The number of an action that begins."""
        self.actions += 1
        return self.actions

    @property
    def is_broad(self) -> bool:
        """Whether the search is made broadly: its model can rank many papers, and the settings leave it free."""
        return bool(self.models.results) and self.settings.search_papers == "auto"

    @property
    def results(self) -> int:
        """Papers taken from each search."""
        return self.settings.results_of(self.models.results) if self.is_broad else self.settings.results_of()

    # -- the expand session -------------------------------------------------------------------------------

    async def expand(self, queued: QueuedPaper, *, everything: bool = False) -> None:
        """Open a paper, let the Crawlers choose sections, and meet the papers those cite.

        With `everything` all sections are chosen, and nobody is asked.
        """
        queued.expanded = True
        await self._follow(queued.paper, queued.depth, everything=everything)

    async def expand_guide(self, paper: Paper) -> None:
        """The same for a paper that dates from after the cut-off: what it cites stands beside what searches found."""
        self.guides[paper.id] = paper
        self.emit(GuideFound(at=self.clock(), paper=paper))
        await self._follow(paper, 0)
        self.followed_guides.add(paper.id)

    async def _follow(self, paper: Paper, depth: int, *, everything: bool = False) -> None:
        action = self.next_action()
        self.emit(ExpandStarted(at=self.clock(), action=action, paper_id=paper.id, depth=depth))
        async with self.slots:
            read = await self._read_and_choose(action, paper, everything=everything)
            if read is None:
                return
            has_sections, chosen = read
            cited = _cited(chosen)
            papers = await self.resolve(action, [citation for citation, _, _ in cited])
        if papers is None:
            return
        resolved = [
            (found, Provenance("section", name, paper.id, rank))
            for found, (_, name, rank) in zip(papers, cited, strict=True)
            if found is not None
        ]
        timely = [(found, provenance) for found, provenance in resolved if not self.is_too_late(found)]
        new = self.meet_all(timely, depth + 1, action)
        late = len(resolved) - len(timely)
        self.count(
            expanded=1,
            with_sections=int(has_sections),
            sections=len(chosen),
            citations=len(cited),
            resolved=len(resolved),
            cited_new=new,
            too_late=late,
        )
        self.emit(ExpandFinished(at=self.clock(), action=action, citations=len(cited), resolved=len(resolved), new=new))
        self.tell_counts()
        await asyncio.sleep(0)  # As after a search.

    async def _read_and_choose(
        self, action: int, paper: Paper, *, everything: bool
    ) -> tuple[bool, list[Section]] | None:
        """Whether the paper has sections that cite something, and those chosen; None where it can't be read."""
        self.count_call()
        try:
            sections = _merged(await self.sources.reader.read(paper))
        except SourceError as error:
            self.fail(action, self.sources.reader.name, error)
            return None
        wanted: set[str] = set(sections) if everything else set()
        if sections and not everything:
            try:
                for crawler in self.crawlers:
                    wanted |= {name async for name in crawler.choose(self.query, paper, tuple(sections))}
            except SpentError:
                self.spend_out()
        chosen = [section for name, section in sections.items() if name in wanted]
        self.emit(
            SectionsChosen(
                at=self.clock(),
                action=action,
                sections=tuple(sections),
                chosen=tuple(section.name for section in chosen),
            )
        )
        return bool(sections), chosen

    async def resolve(self, action: int, citations: Sequence[Citation]) -> Sequence[Paper | None] | None:
        """The papers of citations, in order; None where the resolver failed, which is told."""
        if not citations:
            return ()
        self.count_call()
        try:
            return await self.sources.resolver.resolve(citations)
        except SourceError as error:
            self.fail(action, self.sources.resolver.name, error)
            return None

    # -- meeting and judging ------------------------------------------------------------------------------

    def meet_all(self, met: Iterable[tuple[Paper, Provenance]], depth: int, action: int) -> int:
        """Put papers into the queue; how many were new."""
        new = 0
        for paper, provenance in met:
            is_new = self.queue.meet(paper, provenance, depth, judge_again=self.selector.uses_provenance)
            if is_new:
                new += 1
                self.emit(PaperFound(at=self.clock(), paper=paper, provenance=provenance, depth=depth, action=action))
            elif is_new is False:
                self.emit(
                    PaperMetAgain(at=self.clock(), paper_id=paper.id, provenance=provenance, depth=depth, action=action)
                )
        for paper_id, nearer in self.queue.take_nearer().items():
            self.emit(PaperNearer(at=self.clock(), paper_id=paper_id, depth=nearer))
        return new

    def take_unjudged(self) -> Sequence[Candidate]:
        """The next batch for the Selector; none where nothing waits, or no more may be spent on it."""
        return () if self.stopped_spending else self.queue.take_unjudged(self.models.batch)

    # -- small things -------------------------------------------------------------------------------------

    def is_too_late(self, paper: Paper) -> bool:
        """Whether a paper dates from after the cut-off."""
        return bool(self.query.before and paper.date and paper.date > self.query.before)

    def fail(self, action: int, source: str, error: SourceError) -> None:
        """Count and tell that a source could not answer an action."""
        source = error.source or source
        self.count(failures=1)
        self.told.add((source, error.message))
        self.emit(ActionFailed(at=self.clock(), action=action, source=source, message=error.message))
        self.tell_counts()


def _merged(sections: Sequence[Section]) -> dict[str, Section]:
    """Sections by name, those of equal name put together, those without a citation left out."""
    merged: dict[str, Section] = {}
    for section in sections:
        if section.citations:
            earlier = merged[section.name].citations if section.name in merged else ()
            merged[section.name] = Section(section.name, earlier + section.citations)
    return merged


def _cited(sections: Sequence[Section]) -> list[tuple[Citation, str, int]]:
    """(citation, section name, rank within it) of each paper cited, once, by the first section that does."""
    cited: dict[PaperId, tuple[Citation, str, int]] = {}
    for section in sections:
        for rank, citation in enumerate(section.citations, start=1):
            cited.setdefault(citation.id, (citation, section.name, rank))
    return list(cited.values())
