"""Where the search stands: counts, the funnel, and a sign of life while it runs."""

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from pasa_tui.tui.text import MUTED, SPINNER, duration, plural

if TYPE_CHECKING:
    from pasa_tui.events import Funnel, MissingEstimated, SearchState

_ENDINGS = {
    "done": ("✓", "$text-success", "done"),
    "cancelled": ("■", "$text-warning", "stopped"),
    "budget": ("■", "$text-warning", "limit reached"),
    "failed": ("✗", "$text-error", "failed"),
}


class StatusLine(Widget):
    """Two lines: what the search amounts to, and its funnel stage by stage."""

    running: reactive[bool] = reactive(False)
    _frame: reactive[int] = reactive(0)

    def __init__(self, place: str) -> None:
        super().__init__(id="status")
        self._state: SearchState | None = None
        self._shown = 0.0
        self._place = place
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Make the spinner's timer; it runs only while a search does."""
        self._timer = self.set_interval(0.1, self._turn, pause=True)

    def _turn(self) -> None:
        self._frame += 1

    def watch_running(self, running: bool) -> None:
        """Let the spinner turn or rest."""
        if self._timer is not None:
            if running:
                self._timer.resume()
            else:
                self._timer.pause()

    def show(self, state: "SearchState | None", place: str) -> None:
        """Show a search; None: there is none yet."""
        self._state, self._place, self._shown = state, place, time.monotonic()
        self.refresh()

    def render(self) -> Content:
        """The two lines."""
        if self._state is None:
            return Content.styled(f"Ready · {self._place}\n", MUTED)
        state, funnel = self._state, self._state.funnel
        sign, colour, word = _ENDINGS.get(state.ending or "", ("·", MUTED, "stopped"))
        if self.running and state.loading and not state.actions:
            share = f" {state.loading.share:.0%}" if state.loading.share is not None else ""
            spinning = SPINNER[self._frame % len(SPINNER)]
            return Content.styled(f"{spinning} {state.loading.message}{share}", "$text-accent") + "\n"
        if self.running:
            sign, colour, word = SPINNER[self._frame % len(SPINNER)], "$text-accent", _progress(state)
        # The weightiest first: those that the line has no room for are left out.
        facts = [
            f"{plural(len(state.papers), 'paper')} met",
            f"{state.selected:,} selected",
            self._place,
            # While it runs, also the time since the last event: a source that keeps everybody waiting sends none.
            duration(state.elapsed + (time.monotonic() - self._shown if self.running else 0.0)),
            *_of_models(state),
            plural(funnel.actions, "action"),
        ]
        if problems := len(state.warnings) + len(state.troubles):
            facts.append(f"⚠ {problems} in the log")
        if funnel.failures:
            facts.append(plural(funnel.failures, "failure"))
        if funnel.citations:
            facts.append(f"{round(100 * funnel.resolved / funnel.citations)} % of citations resolved")
        if state.usage:
            facts.append(plural(funnel.requests, "request"))
        head = Content.styled(f"{sign} {word}", f"{colour} bold") + "  "
        first = head + " · ".join(_fitting(facts, self.size.width - head.cell_length))
        return first + "\n" + funnel_line(funnel, self.size.width)


def _of_models(state: "SearchState") -> list[str]:
    """What is likely still to be found, what the models cost, and how many papers they judge at a time."""
    facts = []
    if missing := state.missing:
        facts.append(_missing(missing))
    if cost := sum(model.cost for model in state.models):
        facts.append(f"${cost:.3f}")
    batches, scored = sum(model.batches for model in state.models), sum(model.scored for model in state.models)
    if scored > batches:
        facts.append(f"batches of {scored / batches:.1f}")
    if tokens := sum(model.prompt_tokens + model.completion_tokens for model in state.models):
        facts.append(f"{tokens / 1000:,.0f}k tokens" if tokens >= 1000 else f"{tokens} tokens")
    return facts


def _missing(missing: "MissingEstimated") -> str:
    """`≈12 more out there (5–31)`: what wider searches of the same sources would likely bring."""
    high = f"{missing.high:.0f}"
    if missing.missing < 0.5:
        return f"few more out there (up to {high})"
    low = f"{missing.low:.0f}–" if missing.low >= 0.5 else "up to "
    return f"≈{missing.missing:.0f} more out there ({low}{high})"


def _fitting(facts: list[str], width: int) -> list[str]:
    """As many of the facts, from the first, as `width` cells hold with dots between them."""
    while len(facts) > 1 and cell_len(" · ".join(facts)) > width:
        facts = facts[:-1]
    return facts


def _progress(state: "SearchState") -> str:
    finished = sum(action.finished for action in state.actions.values())
    return f"{finished}/{len(state.actions)}"


def funnel_line(funnel: "Funnel", width: int) -> Content:
    """The parts of the funnel, searching and judging, opening and following, in at most `width` cells or so."""
    if width < 96:
        return Content(
            f"search {funnel.searches:,}>{funnel.results:,}>{funnel.new:,} new>{funnel.judged:,} judged"
            f">{funnel.selected:,} sel │ open {funnel.expanded:,}>{funnel.with_sections:,}>{funnel.citations:,}"
            f">{funnel.resolved:,}>{funnel.cited_new:,} new"
        )
    short = width < 140
    halves: list[tuple[tuple[int, str], ...]] = [
        (
            (funnel.searches, "searches"),
            (funnel.results, "results"),
            (funnel.new, "new"),
            (funnel.judged, "judged"),
            (funnel.selected, "selected"),
        ),
        (
            (funnel.expanded, "opened"),
            (funnel.with_sections, "read" if short else "with sections"),
            (funnel.citations, "cited" if short else "citations"),
            (funnel.resolved, "known" if short else "resolved"),
            (funnel.cited_new, "new"),
        ),
    ]
    if funnel.followed and not short:
        halves.append(
            ((funnel.followed, "asked who cites"), (funnel.candidates, "candidates"), (funnel.near_new, "new"))
        )
    step = ">" if short else " > "
    stages = [
        Content.styled(step, MUTED).join([Content.assemble(f"{count:,}", (f" {name}", MUTED)) for count, name in half])
        for half in halves
    ]
    return Content.styled(" │ " if short else "  │  ", MUTED).join(stages)
