"""A broad search, for a model that ranks thousands of papers in no time: many results, then the citations of guides.

Where results cost nothing, a search need not choose between them early. All that the searches bring is kept; the
papers whose references are known, later ones included, lead to what no search has words for; and what was met is
judged together, by how the papers compare.
"""

import asyncio

from pasa_tui.agent.judging import rank_all
from pasa_tui.agent.queue import QueuedPaper
from pasa_tui.agent.run import Run
from pasa_tui.agent.searching import finish_stragglers, search_session
from pasa_tui.errors import SourceError
from pasa_tui.papers import Guide, Provenance

_SEEDS = 100
"""The papers found by most searches and highest up, which guides are to cite."""
_RANK_OFFSET = 20
"""Added to ranks before their reciprocals are summed."""


async def broad(run: Run) -> None:
    """All searches; then the guides' citations; then all papers judged together."""
    async with asyncio.TaskGroup() as sessions:
        for crawler in run.crawlers:
            sessions.create_task(search_session(run, crawler))
    await finish_stragglers(run)
    for guide in await _guides(run):
        if run.out_of_budget():
            break
        await _follow(run, guide)
    await rank_all(run)


async def _guides(run: Run) -> list[Guide]:
    index = run.sources.guides
    if index is None or not run.settings.guide_papers or run.out_of_budget():
        return []
    best = sorted(run.queue.papers.values(), key=lambda queued: (-_fused(queued), queued.order))[:_SEEDS]
    text = next(iter(run.searched), run.query.text)
    run.count_call()
    try:
        found = await index.guides(text, [queued.paper for queued in best], limit=run.settings.guide_papers)
    except SourceError as error:
        run.fail(run.next_action(), index.name, error)
        return []
    return list(found)


def _fused(queued: QueuedPaper) -> float:
    """Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009) over the searches that found a paper."""
    return sum(1 / (_RANK_OFFSET + way.rank) for way in queued.provenances if way.kind == "search")


async def _follow(run: Run, guide: Guide) -> None:
    """Meet what a guide cites, and the guide itself where it is in time."""
    if run.is_too_late(guide.paper):
        if guide.paper.id not in run.followed_guides:
            await run.expand_guide(guide.paper)
        return
    queued = _met(run, guide)
    if queued is not None and not queued.expanded and run.settings.expand_layers:
        await run.expand(queued)


def _met(run: Run, guide: Guide) -> QueuedPaper | None:
    known = run.queue.papers.get(guide.paper.id)
    if known is None and guide.cites is not None:
        parent = run.queue.papers[guide.cites]
        new = run.meet_all([(guide.paper, Provenance("citing", "", guide.cites))], parent.depth + 1, 0)
        run.count(near_new=new)
        known = run.queue.papers.get(guide.paper.id)
    return known
