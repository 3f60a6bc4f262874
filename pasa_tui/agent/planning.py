"""The iterative schedule: a model that sees what was found plans the next searches and expansions, in turns."""

import asyncio

from pasa_tui.agent.judging import judge_waiting
from pasa_tui.agent.neighbours import meet_neighbours
from pasa_tui.agent.run import Run
from pasa_tui.agent.searching import finish_stragglers, search_once, search_session
from pasa_tui.errors import SpentError
from pasa_tui.events import PlannedOn
from pasa_tui.models.protocols import MadeSearch, Planner, Proposal, RankedPaper, Standing

_SHOWN = 30
"""Papers that the planner sees: the best, as many as a model can weigh at once."""


async def iterative(run: Run, planner: Planner) -> None:
    """The Crawler's own searches first; then what the planner proposes, turn by turn, each judged before the next.

    Ends when the planner proposes nothing that was not done, after `settings.planner_turns`, or with the budget. A
    turn makes at most `settings.search_queries` searches and opens at most `settings.expand_papers` papers.
    """
    async with asyncio.TaskGroup() as sessions:
        for crawler in run.crawlers:
            sessions.create_task(search_session(run, crawler))
    await finish_stragglers(run)
    await judge_waiting(run)
    for turn in range(1, run.settings.planner_turns + 1):
        if run.out_of_budget():
            break
        try:
            proposal = _bounded(run, await planner.propose(run.query, standing(run)))
        except SpentError:
            run.spend_out()
            break
        run.emit(PlannedOn(at=run.clock(), turn=turn, searches=len(proposal.searches), expansions=len(proposal.expand)))
        if not proposal.searches and not proposal.expand:
            break
        await _do(run, proposal)
        await judge_waiting(run)
    await meet_neighbours(run)


def standing(run: Run) -> Standing:
    """What the planner is shown."""
    selected_by_search: dict[str, int] = {}
    for queued in run.queue.papers.values():
        for provenance in queued.provenances:
            if queued.selected and provenance.kind == "search":
                selected_by_search[provenance.text] = selected_by_search.get(provenance.text, 0) + 1
    first_by = [queued.provenances[0] for queued in run.queue.papers.values()]
    searches = [
        MadeSearch(
            text=text,
            results=len(results.papers),
            new=sum(provenance.kind == "search" and provenance.text == text for provenance in first_by),
            selected=selected_by_search.get(text, 0),
        )
        for text, results in run.searched.items()
    ]
    best = sorted((it for it in run.queue.papers.values() if it.score is not None), key=lambda it: it.best_first)
    return Standing(
        searches=searches,
        met=run.funnel.met,
        judged=run.funnel.judged,
        selected=run.funnel.selected,
        expanded=run.funnel.expanded,
        best=[RankedPaper(queued.paper, queued.score or 0.0, queued.expanded) for queued in best[:_SHOWN]],
    )


def _bounded(run: Run, proposal: Proposal) -> Proposal:
    made = {_key(text) for text in run.searching} | {_key(text) for text in run.searched}
    searches = {_key(text): text for text in proposal.searches if _key(text) not in made | {""}}
    limit = run.settings.expand_papers
    known = [paper_id for paper_id in dict.fromkeys(proposal.expand) if paper_id in run.queue.papers]
    expand = [paper_id for paper_id in known if not run.queue.papers[paper_id].expanded]
    return Proposal(
        tuple(searches.values())[: run.settings.search_queries], tuple(expand if limit == "all" else expand[:limit])
    )


async def _do(run: Run, proposal: Proposal) -> None:
    async with asyncio.TaskGroup() as actions:
        for text in proposal.searches:
            search_once(run, " ".join(text.split()), actions)
        for paper_id in proposal.expand:
            actions.create_task(run.expand(run.queue.papers[paper_id]))
    await finish_stragglers(run)


def _key(text: str) -> str:
    return " ".join(text.lower().split())
