"""The Crawler's actions as a tree: query > searches and expansions > papers."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.content import Content
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from pasa_tui.criteria import Criterion
from pasa_tui.events import (
    Action,
    ActionFailed,
    Event,
    ExpandFinished,
    ExpandStarted,
    PlannedOn,
    QuestionSplit,
    RequestsCounted,
    SearchEnded,
    SearchFinished,
    SearchPlanned,
    SearchState,
    SectionsChosen,
    SourceTroubled,
    Warned,
)
from pasa_tui.papers import PaperId
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.listing import folded
from pasa_tui.tui.text import SPINNER, duration, plural, readable
from pasa_tui.tui.typing_filter import Filtering
from pasa_tui.usage import SourceUsage

_MESSAGE_WIDTH = 40
"""Cells of a line of a message: what the log has beside its tree and bar where it is narrowest."""


_TURN_SECONDS = 0.2
_NOTICED_SECONDS = 1.0
"""Seconds between two turns of the sign of what is under way, and those from which on an action's time is shown."""


class ActionLog(Tree[int | str], Filtering):
    """Grows while the search runs and follows its end until the user moves in it.

    Papers that have no sections to follow are counted in one line, so that the ones that lead somewhere stay
    visible. The papers an action found are added when its line is unfolded.
    """

    BINDINGS = bindings("log")

    @dataclass
    class PaperWanted(Message):
        """The user wants to see this paper in the results."""

        paper_id: PaperId

    def __init__(self) -> None:
        super().__init__("", id="log")
        self.border_title = "Crawler"
        self.show_root = False
        self.guide_depth = 2
        self._state = SearchState()
        self._lines_of: dict[int, TreeNode[int | str]] = {}
        self._dead_ends: TreeNode[int | str] | None = None
        self._requests: TreeNode[int | str] | None = None
        self._without_sections: set[int] = set()
        self._frame = 0

    def on_mount(self) -> None:
        """Let the signs of actions under way turn."""
        self.set_interval(_TURN_SECONDS, self._turn)

    def _turn(self) -> None:
        if self._state.ending is not None:
            return
        self._frame += 1
        for number, node in self._lines_of.items():
            action = self._state.actions.get(number)
            if action is not None and not action.finished and not action.failures:
                node.set_label(self._label(action))

    def render_label(self, node: TreeNode[int | str], base_style: Style, style: Style) -> Text:
        """The label, with an ellipsis where the pane ends."""
        text = super().render_label(node, base_style, style)
        guides, above = 0, node.parent
        while above is not None and above is not self.root:
            guides, above = guides + self.guide_depth, above.parent
        text.truncate(max(1, self.scrollable_content_region.width - guides - self.guide_depth), overflow="ellipsis")
        return text

    def filtered(self) -> None:
        """Show the lines that fit the filter."""
        self.show(self._state)
        label = self.filter_label()
        self.border_title = Content("Crawler" + (f" · {label}" if label else ""))

    def action_last(self) -> None:
        """To the end, which is followed from now on."""
        self.move_cursor_to_line(max(0, self.last_line))

    def action_first(self) -> None:
        """To the first line."""
        self.move_cursor_to_line(0)

    def action_fold_all(self) -> None:
        """Fold every line."""
        for node in self.root.children:
            node.collapse()

    def on_tree_node_selected(self, event: Tree.NodeSelected[int | str]) -> None:
        """Go to the paper of a line that has one and does not unfold."""
        data = event.node.data
        if isinstance(data, str) and data in self._state.papers:
            self.post_message(self.PaperWanted(PaperId(data)))
        elif isinstance(data, int) and not event.node.allow_expand:
            action = self._state.actions.get(data)
            if action is not None and action.paper_id is not None:
                self.post_message(self.PaperWanted(action.paper_id))

    def show(self, state: SearchState) -> None:
        """Begin anew with a search that may have gone on for a while."""
        self.clear()
        self._state, self._lines_of, self._without_sections = state, {}, set()
        self._dead_ends = self._requests = None
        self._show_criteria(state.criteria)
        for action in state.actions.values():
            self._show_action(action)
        for warning in state.warnings:
            self._leaf(f"⚠ {warning.message} {warning.hint}", "yellow")
        for trouble in state.troubles:
            self._leaf(f"✗ {trouble.source}: {trouble.message}", "red")
        self._show_usage(state.usage)
        if state.ending:
            self._show_ending(state)

    def update_from(self, events: Sequence[Event], state: SearchState) -> None:
        """Show what these events, already in `state`, changed."""
        self._state = state
        follow = self.cursor_line < 0 or self.cursor_line >= self.last_line - 1
        for event in events:
            match event:
                case (
                    SearchPlanned(action=number)
                    | SearchFinished(action=number)
                    | ExpandStarted(action=number)
                    | SectionsChosen(action=number)
                    | ExpandFinished(action=number)
                    | ActionFailed(action=number)
                ):
                    if number in state.actions:
                        self._show_action(state.actions[number])
                case Warned() | SourceTroubled():
                    self._show_trouble(event)
                case RequestsCounted():
                    self._show_usage(event.sources)
                case QuestionSplit() | PlannedOn():
                    self._show_thought(event)
                case SearchEnded():
                    self._show_ending(state)
        if follow:
            self.call_after_refresh(self._follow_tail)

    def _follow_tail(self) -> None:
        self.scroll_end(animate=False)

    def _show_action(self, action: Action) -> None:
        number = action.number
        if not action.is_search and action.direction == "cited" and not action.sections and not action.failures:
            # Shown once it is known to have sections; until then it is a moment's work.
            if action.finished and number not in self._lines_of:
                self._count_closed(number)
            return
        node = self._lines_of.get(number)
        if node is None and not self._fits(action):
            return
        if node is None:
            node = self._lines_of[number] = self.root.add("", data=number)
        node.set_label(self._label(action))
        if action.finished and not action.found:
            node.allow_expand = False

    def _fits(self, action: Action) -> bool:
        """Whether the line of an action, or the title of a paper that it found, has the words of the filter."""
        words = folded(self.filter_text).split()
        if not words:
            return True
        titles = (self._state.papers[paper_id].paper.title for paper_id in action.found)
        text = folded("\n".join((self._label(action).plain, *titles)))
        return all(word in text for word in words)

    def _counts(self, action: Action) -> str:
        """How many papers were new; while it is under way, a sign that turns."""
        if not action.finished:
            return f"{SPINNER[self._frame % len(SPINNER)]}   "
        return f"+{action.new:<3}"

    @staticmethod
    def _time(action: Action) -> str:
        """What an action took, where one noticed it."""
        seconds = action.ended - action.began
        return f" {duration(seconds)}" if action.finished and seconds >= _NOTICED_SECONDS else ""

    def _count_closed(self, number: int) -> None:
        # The events of one action can come together, and then each finds it finished.
        self._without_sections.add(number)
        label = Text(f"  ○ {plural(len(self._without_sections), 'paper')} opened, no sections to follow", style="dim")
        if self._dead_ends is None:
            self._dead_ends = self.root.add_leaf(label)
        else:
            self._dead_ends.set_label(label)

    def _label(self, action: Action) -> Text:
        if action.is_search:
            head, body = "⌕ ", action.text
            counts = self._counts(action)
        else:
            paper = self._state.paper(action.paper_id) if action.paper_id else None
            head, body = "⤷ ", paper.title if paper else str(action.paper_id)
            if action.direction == "citing":
                return self._citing_label(action, body)
            sections = ", ".join(name or "citations" for name in action.chosen) or "no section chosen"
            body = f"{body} § {sections}"
            if action.finished:
                body = f"{body} ({action.resolved} of {plural(action.results, 'citation')})"
            counts = self._counts(action)
        if action.failures:
            head, counts = "✗ ", "; ".join(action.failures)
        # Lines that unfold begin with a sign of two cells.
        label = Text(head if action.found else f"  {head}", style="dim")
        label.append(counts, style=Style(color="red" if action.failures else "green", dim=False))
        label.append(f" {readable(body)}", style=Style(dim=False))
        label.append(self._time(action), style="dim")
        return label

    def _citing_label(self, action: Action, title: str) -> Text:
        counts = self._counts(action)
        label = Text("↑ " if action.found else "  ↑ ", style="dim")
        if action.failures:
            return label.append("; ".join(action.failures), style=Style(color="red", dim=False))
        label.append(counts, style=Style(color="green", dim=False))
        asked = f" who cites {title}" + (f" ({plural(action.results, 'paper')})" if action.finished else "")
        return label.append(asked, style=Style(dim=False))

    def _show_trouble(self, event: Warned | SourceTroubled) -> None:
        if isinstance(event, Warned):
            self._leaf(f"⚠ {event.message} {event.hint}", "yellow")
        else:
            self._leaf(f"✗ {event.source}: {event.message}", "red")

    def _show_thought(self, event: QuestionSplit | PlannedOn) -> None:
        if isinstance(event, QuestionSplit):
            self._show_criteria(event.criteria)
        elif event.searches or event.expansions:
            planned = f"{plural(event.searches, 'search')}, {plural(event.expansions, 'paper')} to open"
            self._leaf(f"↻ turn {event.turn}: {planned}", "cyan")

    def _show_criteria(self, criteria: Sequence[Criterion]) -> None:
        """One line, unfolded into what the question asks of a paper, with the weights."""
        if not criteria:
            return
        node = self.root.add(Text(f"◇ {plural(len(criteria), 'criterion')}", style="dim"), data="criteria")
        for criterion in criteria:
            unwanted = "not: " if criterion.kind == "exclusion" else ""
            node.add_leaf(Text(f"{criterion.weight:.0%} {unwanted}{criterion.text}", style="dim"), data="criteria")

    def _leaf(self, text: str, style: str) -> None:
        """A message, over as many lines as it takes: a tree cuts off what is too long."""
        for line in textwrap.wrap(text.strip(), _MESSAGE_WIDTH, subsequent_indent="  "):
            self.root.add_leaf(Text(f"  {line}", style=style))

    def _show_usage(self, usage: Sequence[SourceUsage]) -> None:
        """One line for all sources, unfolded into one each: what was asked of it and what is left of its budget."""
        asked = [source for source in usage if source.requests or source.cached]
        if not asked:
            return
        if self._requests is None:
            self._requests = self.root.add("", data="requests")
        self._requests.set_label(
            Text(f"⇅ {plural(sum(source.requests for source in asked), 'request')} to the sources", style="dim")
        )
        self._requests.remove_children()
        for source in asked:
            facts = (
                f"{source.cached:,} from the cache" if source.cached else "",
                f"{source.retried:,} repeated" if source.retried else "",
                f"{source.failed:,} failed" if source.failed else "",
                source.left,
            )
            line = " · ".join((f"{source.name} {source.requests:,}", *(fact for fact in facts if fact)))
            self._requests.add_leaf(Text(line, style="dim"), data="requests")

    def _show_ending(self, state: SearchState) -> None:
        words = {"done": "✓ done", "cancelled": "■ stopped", "budget": "■ limit reached", "failed": "✗ failed"}
        text = f"{words[state.ending or 'done']} {state.message}"
        self._leaf(text, "red" if state.ending == "failed" else "green" if state.ending == "done" else "yellow")

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[int | str]) -> None:
        """Add the papers that the action found, best first."""
        node = event.node
        action = self._state.actions.get(node.data) if isinstance(node.data, int) else None
        if action is None:
            return
        node.remove_children()
        papers = [self._state.papers[paper_id] for paper_id in action.found]
        for found in sorted(papers, key=lambda found: -(found.score or 0.0)):
            score = "  – " if found.score is None else f"{found.score:.2f}"
            label = Text(f"{score} ", style="green" if found.selected else "dim")
            node.add_leaf(label.append(readable(found.paper.title), style=Style()), data=str(found.id))
