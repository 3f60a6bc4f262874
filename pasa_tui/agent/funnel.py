"""What the funnel's counts say: rebuilt for a search that goes on, and checked for stages that run dry."""

from collections.abc import Iterator

from pasa_tui.events import Funnel, SearchState

# "Plenty" for the stage before one that gave nothing: below that, zero is an ordinary outcome.
_FEW = 3
_PLENTY = 20


def funnel_of(state: SearchState) -> Funnel:
    """The counts that a recorded search has reached.

    They come from the papers and finished actions, not from the last count alone, which an interruption may
    have left a moment behind.
    """
    finished = [action for action in state.actions.values() if action.finished]
    searches = [action for action in finished if action.is_search]
    expansions = [action for action in finished if not action.is_search and action.direction == "cited"]
    followed = [action for action in finished if action.direction == "citing"]
    return Funnel(
        searches=len(searches),
        results=sum(action.results for action in searches),
        new=sum(found.provenance.kind == "search" for found in state.papers.values()),
        judged=sum(found.score is not None for found in state.papers.values()),
        selected=state.selected,
        expanded=len(expansions),
        with_sections=sum(bool(action.sections) for action in expansions),
        sections=sum(len(action.chosen) for action in expansions),
        citations=sum(action.results for action in expansions),
        resolved=sum(action.resolved for action in expansions),
        cited_new=sum(found.provenance.kind == "section" for found in state.papers.values()),
        too_late=state.funnel.too_late,
        requests=state.funnel.requests,
        failures=state.funnel.failures,
        followed=len(followed),
        candidates=state.funnel.candidates,
        near_new=sum(found.provenance.kind in ("citing", "co-cited", "similar") for found in state.papers.values()),
    )


def dry_stages(funnel: Funnel) -> Iterator[tuple[str, str, str]]:
    """(stage, message, hint) for each stage at zero where the one before has plenty.

    A published reproduction of PaSa once gave all zeros because one pattern matched nothing and nothing
    said so; hence each stage is checked against the one before it.
    """
    if funnel.searches == 0 and funnel.failures == 0:
        yield (
            "searches",
            "The Crawler planned no search.",
            "The model's answer may not have been understood; say the question in other words.",
        )
    if funnel.searches and funnel.results == 0:
        yield (
            "results",
            "The search brought no paper."
            if funnel.searches == 1
            else f"None of {funnel.searches} searches brought a paper.",
            "Sources failed, as the log says."
            if funnel.failures
            else "The source may not cover the topic, the cut-off date may leave nothing, or the question may have no "
            "word that tells papers apart.",
        )
    if funnel.met >= _FEW and funnel.judged == 0:
        yield "judged", f"None of {funnel.met} papers was judged.", "The Selector gave no answer; check the model."
    if funnel.judged >= _PLENTY and funnel.selected == 0:
        yield (
            "selected",
            f"None of {funnel.judged} judged papers was selected.",
            "The best are ranked all the same. Ask less narrowly, try another corpus, or lower agent.threshold.",
        )
    yield from _dry_expansions(funnel)


def _dry_expansions(funnel: Funnel) -> Iterator[tuple[str, str, str]]:
    if funnel.expanded >= _PLENTY and funnel.with_sections == 0:
        yield (
            "with sections",
            f"None of {funnel.expanded} opened papers has sections with citations.",
            "The sources asked know the citations of few papers, or of none. Full texts (ar5iv) and references "
            "(semantic-scholar, openalex) have them, a corpus those of its citations file.",
        )
    if funnel.with_sections >= _FEW and funnel.sections == 0:
        yield (
            "sections",
            f"The Crawler chose no section of {funnel.with_sections} papers.",
            "The section names may not have been understood.",
        )
    if funnel.sections >= _FEW and funnel.citations == 0:
        yield (
            "citations",
            f"The {funnel.sections} chosen sections hold no citation.",
            "The reader may not recognise this bibliography style.",
        )
    if funnel.citations >= _PLENTY and funnel.resolved == 0:
        yield (
            "resolved",
            f"None of {funnel.citations} citations was resolved to a paper.",
            "Their titles or ids match nothing in the source; it may not hold the cited papers.",
        )
    if funnel.resolved >= _PLENTY and funnel.too_late == funnel.resolved:
        yield (
            "new",
            f"All {funnel.resolved} cited papers date from after the cut-off.",
            "Set a later cut-off date.",
        )
