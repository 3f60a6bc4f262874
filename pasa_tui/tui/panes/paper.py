"""One paper: what it is, why it was selected, how it was found."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pasa_tui.events import FoundPaper, SearchState
from pasa_tui.library import Marks
from pasa_tui.papers import Paper, PaperId
from pasa_tui.tui.actions import bindings
from pasa_tui.tui.text import MUTED, author_line, marked, plural, provenance_line, query_marks, readable, score_bar

_LEVELS = {
    "yes": ("●", "$text-success"),
    "mostly": ("◕", "$text-success"),
    "partly": ("◔", "$text-warning"),
    "no": ("○", "$text-error"),
}
"""A sign and a colour for each level: the sign says it without the colour."""


_CITING = 8
_CITED = 6
"""Titles shown of the papers that cite this one, and of those that each of its sections brought."""


class PaperPane(VerticalScroll):
    """Title, authors, facts, verdict, abstract with the question's words marked, and the way to the paper."""

    BINDINGS = bindings("paper")

    def __init__(self) -> None:
        super().__init__(id="paper")
        self.border_title = "Paper"
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """One text; what it holds is made in `show`."""
        yield Static(id="paper-text", markup=False)

    def show(
        self,
        state: SearchState,
        found: FoundPaper | None,
        marks: Marks,
        *,
        known: bool,
        citers: Callable[[PaperId], Sequence[Paper]],
    ) -> None:
        """Show a paper of `state`, or nothing. The same paper again, unchanged, is not drawn again."""
        key: tuple[object, ...] = ()
        if found is not None:
            verdict = (found.score, found.reason, found.verdicts)
            paper_id = found.id
            mine = (
                paper_id in marks.starred,
                paper_id in marks.rejected,
                marks.tags.get(paper_id),
                marks.notes.get(paper_id),
            )
            key = (paper_id, *verdict, *mine, known, found.times_met, len(state.actions), state.query)
        if key == self._shown and key:
            return
        same_paper = bool(key and self._shown and key[0] == self._shown[0])
        self._shown = key
        text = self.query_one("#paper-text", Static)
        text.update(_content(state, found, marks, known=known, citers=citers(found.id)) if found else Content(""))
        if not same_paper:
            self.scroll_home(animate=False)


def _content(state: SearchState, found: FoundPaper, marks: Marks, *, known: bool, citers: Sequence[Paper]) -> Content:
    paper = found.paper
    tags, note = marks.tags.get(paper.id, ()), marks.notes.get(paper.id, "")
    words = query_marks(state.query)
    blocks = [
        _signs(found, marks, known=known) + marked(readable(paper.title), words, "$text-accent").stylize("bold"),
        Content.styled(author_line(paper.authors), "$text-secondary"),
        _facts(found),
        _verdict(found),
    ]
    if tags:
        blocks.append(Content.styled("Tags  ", f"{MUTED} bold") + Content(", ".join(tags)))
    if note:
        blocks.append(Content.styled("Note\n", f"{MUTED} bold") + Content(note))
    if found.verdicts:
        blocks.append(_criteria(state, found))
    if paper.abstract:
        heading = "Summary (ours)" if paper.abstract_kind == "summary" else "Abstract"
        blocks.append(
            Content.styled(f"{heading}\n", f"{MUTED} bold")
            + marked(readable(paper.abstract), words, "$text-accent bold")
        )
    else:
        blocks.append(Content.styled("No abstract is known.", f"{MUTED} italic"))
    blocks.append(Content.styled("How it was found\n", f"{MUTED} bold") + provenance_line(state, found))
    blocks += [_cited_by(state, found, citers), _sections(state, found)]
    return Content("\n\n").join([block for block in blocks if block])


def _signs(found: FoundPaper, marks: Marks, *, known: bool) -> Content:
    paper_id = found.id
    signs = (("★ ", paper_id in marks.starred), ("✗ rejected  ", paper_id in marks.rejected), ("≡ known  ", known))
    return Content.styled("".join(sign for sign, there in signs if there), "$text-warning")


def _facts(found: FoundPaper) -> Content:
    paper = found.paper
    parts = [
        paper.date.isoformat() if paper.date else "",
        paper.venue or "",
        " ".join(paper.categories),
        # An id of a corpus's own leads nowhere.
        paper.url or "",
    ]
    return Content.styled("  ·  ".join(part for part in parts if part), MUTED)


def _criteria(state: SearchState, found: FoundPaper) -> Content:
    """Each criterion with its level, and below it the words of the paper that show it."""
    kinds = {criterion.text: criterion.kind for criterion in state.criteria}
    lines = [Content.styled("What was asked", f"{MUTED} bold")]
    for verdict in found.verdicts:
        sign, colour = _LEVELS[verdict.level]
        unwanted = "not: " if kinds.get(verdict.criterion) == "exclusion" else ""
        lines.append(Content.assemble((f"{sign} {verdict.level:<6} ", colour), f"{unwanted}{verdict.criterion}"))
        if verdict.quote:
            missing = "" if verdict.found else "  (not in its title or abstract)"
            style = f"{MUTED} italic" if verdict.found else "$text-warning italic"
            lines.append(Content.styled(f"         “{verdict.quote}”{missing}", style))
    return Content("\n").join(lines)


def _verdict(found: FoundPaper) -> Content:
    if found.score is None:
        return Content.styled("not judged yet", f"{MUTED} italic")
    colour = "$text-success" if found.selected else MUTED
    verdict = "selected" if found.selected else "not selected"
    line = Content.assemble(
        (score_bar(found.score, 10), colour), (f" {found.score:.2f} ", f"{colour} bold"), (verdict, colour)
    )
    return line + Content.styled(f"\n{found.reason}", MUTED) if found.reason else line


def _cited_by(state: SearchState, found: FoundPaper, citers: Sequence[Paper]) -> Content:
    """The papers of this search that cite it, and then others of the library, the first few by title."""
    titles = [paper.title for paper_id in found.cited_by if (paper := state.paper(paper_id))]
    titles += [paper.title for paper in citers if paper.id not in found.cited_by]
    if not titles:
        return Content("")
    more = [Content.styled(f"  and {len(titles) - _CITING:,} more", MUTED)] if len(titles) > _CITING else []
    shown = [Content(f"  {readable(title)}") for title in titles[:_CITING]]
    return Content("\n").join(
        [Content.styled(f"Cited by {plural(len(titles), 'paper')} of the library", f"{MUTED} bold"), *shown, *more]
    )


def _sections(state: SearchState, found: FoundPaper) -> Content:
    """The sections that were seen when it was opened, those followed marked, and the best of what they cite."""
    opened = [action for action in state.actions.values() if action.paper_id == found.id and action.sections]
    if not opened:
        return Content("")
    followed = {name for action in opened for name in action.chosen}
    cited: dict[str, list[FoundPaper]] = {}
    for other in state.papers.values():
        if other.provenance.kind == "section" and other.provenance.parent == found.id:
            cited.setdefault(other.provenance.text, []).append(other)
    lines = [Content.styled("Its sections that cite", f"{MUTED} bold")]
    for name in dict.fromkeys(name for action in opened for name in action.sections):
        sign = "▸ " if name in followed else "· "
        lines.append(Content.styled(f"{sign}{name or 'citations'}", "" if name in followed else MUTED))
        best = sorted(cited.get(name, ()), key=lambda other: -(other.score or 0.0))
        for other in best[:_CITED]:
            score = " –  " if other.score is None else f"{other.score:.2f}"
            lines.append(
                Content.assemble(
                    (f"    {score} ", "$text-success" if other.selected else MUTED), readable(other.paper.title)
                )
            )
        if len(best) > _CITED:
            lines.append(Content.styled(f"    and {len(best) - _CITED:,} more that were first met here", MUTED))
    return Content("\n").join(lines)
