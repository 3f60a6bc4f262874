"""What a search says on stderr while it runs: plain lines, and a progress bar below them on a terminal."""

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from pasa_tui.config.settings import AgentSettings
from pasa_tui.events import (
    ActionFailed,
    Event,
    ExpandFinished,
    Funnel,
    MissingEstimated,
    ModelLoading,
    PlannedOn,
    QuestionSplit,
    SearchFinished,
    SearchState,
    SourceTroubled,
    Warned,
)
from pasa_tui.usage import SourceUsage


def funnel_lines(funnel: Funnel) -> list[str]:
    """The stages of the parts of the search, each with what came out of it."""
    lines = [
        f"{funnel.searches} {'search' if funnel.searches == 1 else 'searches'} > {funnel.results} results"
        f" > {funnel.new} new papers"
        f" > {funnel.judged} judged > {funnel.selected} selected",
        f"{funnel.expanded} opened > {funnel.with_sections} with sections > {funnel.citations} citations"
        f" > {funnel.resolved} resolved{share(funnel.resolved, funnel.citations)} > {funnel.cited_new} new",
    ]
    if funnel.followed:
        near = f"{funnel.candidates} candidates > {funnel.near_new} new"
        lines.append(f"{funnel.followed} asked for who cites them > {near}")
    return lines


def share(part: int, whole: int) -> str:
    """` (84 %)`; nothing where there is no whole."""
    return f" ({round(100 * part / whole)} %)" if whole else ""


def usage_line(usage: Sequence[SourceUsage]) -> str:
    """What each source was asked, in a line; empty where no source counts."""
    parts = []
    for source in usage:
        facts = [f"{source.cached} cached" if source.cached else "", f"{source.failed} failed" if source.failed else ""]
        more = ", ".join(fact for fact in (*facts, source.left) if fact)
        if source.requests or source.cached:
            parts.append(f"{source.name} {source.requests}" + (f" ({more})" if more else ""))
    return f"requests: {', '.join(parts)}" if parts else ""


def model_lines(state: SearchState) -> list[str]:
    """What each language model did, a line each; then what is likely still to be found, where that is known."""
    lines = []
    for model in state.models:
        if not model.generated and not model.scored:
            continue
        facts = [
            f"{model.generated} answers" if model.generated else "",
            f"{model.scored} papers judged" if model.scored else "",
            f"in {model.batches} batches of {model.scored / model.batches:.1f}" if model.scored > model.batches else "",
            f"{model.prompt_tokens + model.completion_tokens:,} tokens",
            f"${model.cost:.4f}" if model.cost else "",
        ]
        lines.append(f"model {model.name}: {', '.join(fact for fact in facts if fact)}")
    if state.missing:
        lines.append(missing_line(state.missing))
    return lines


def missing_line(missing: MissingEstimated) -> str:
    """`about 12 more are likely out there (5 to 31)`: what wider searches of the same sources would likely bring."""
    if missing.missing < 0.5:
        return f"few more are likely out there (up to {missing.high:.0f})"
    low = f"{missing.low:.0f} to " if missing.low >= 0.5 else "up to "
    return f"about {missing.missing:.0f} more are likely out there ({low}{missing.high:.0f})"


def expected_actions(state: SearchState, settings: AgentSettings) -> int:
    """How many searches and openings a search will come to, as far as can be told by now.

    Every paper that a search found is opened, and the best `expand_papers` of each further layer.
    """
    searches = sum(action.is_search for action in state.actions.values())
    expected = searches
    if settings.expand_layers > 0:
        cited = state.funnel.cited_new
        limit = cited if settings.expand_papers == "all" else settings.expand_papers
        expected += state.funnel.new + min(cited, limit * (settings.expand_layers - 1))
    return max(expected, len(state.actions))


class Narrator:
    """Tells a search as it happens. Use as a context manager; `quiet` leaves only warnings and failures."""

    def __init__(self, settings: AgentSettings, *, quiet: bool) -> None:
        self._settings = settings
        self._quiet = quiet
        # Each kind of failure is said once: a source that is down fails for every paper.
        self._failures: set[tuple[str, str]] = set()
        self._loading = ""
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} actions", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._progress.add_task("searching", total=None)

    def __enter__(self) -> "Narrator":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, event: Event, state: SearchState) -> None:
        """Say what is worth a line of this event and move the bar."""
        match event:
            case SearchFinished() if action := state.actions.get(event.action):
                self.say(f"search “{action.text}”: {event.results} papers, {event.new} new")
            case ExpandFinished(citations=citations) if citations and (action := state.actions.get(event.action)):
                paper = state.paper(action.paper_id) if action.paper_id else None
                title = paper.title if paper else action.paper_id
                if action.direction == "citing":
                    self.say(f"who cites “{title}”: {citations} papers, {event.new} new")
                else:
                    resolved = f"{event.resolved} resolved{share(event.resolved, citations)}"
                    self.say(f"expand “{title}”: {citations} citations, {resolved}, {event.new} new")
            case ModelLoading() | QuestionSplit() | PlannedOn():
                self._tell_model(event)
            case SourceTroubled():
                self.warn(f"trouble: {event.source}: {event.message}")
            case ActionFailed() if (failure := (event.source, event.message)) not in self._failures:
                self._failures.add(failure)
                self.warn(f"failed: {event.source}: {event.message}")
            case Warned():
                self.warn(f"warning: {event.message} {event.hint}".rstrip())
        funnel = state.funnel
        if isinstance(event, ModelLoading):
            return
        self._progress.update(
            self._task,
            description=f"{funnel.met} papers met, {funnel.selected} selected",
            completed=funnel.searches + funnel.expanded,
            total=expected_actions(state, self._settings),
        )

    def _tell_model(self, event: ModelLoading | QuestionSplit | PlannedOn) -> None:
        match event:
            case ModelLoading(message=message, share=share):
                if message != self._loading:
                    self._loading = message
                    self.say(message)
                self._progress.update(self._task, description=message, completed=round(100 * (share or 0)), total=100)
            case QuestionSplit(criteria=criteria):
                self.say("criteria: " + "; ".join(criterion.text for criterion in criteria))
            case PlannedOn(turn=turn, searches=searches, expansions=opened) if searches or opened:
                self.say(f"turn {turn}: {searches} searches, {opened} papers to open")

    def say(self, line: str) -> None:
        """Print a line above the bar, unless quiet."""
        if not self._quiet:
            self.warn(line)

    def warn(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(line))
