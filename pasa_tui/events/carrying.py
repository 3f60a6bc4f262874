"""The papers of searches as events, for another search to begin with."""

from collections.abc import Iterable, Iterator

from pasa_tui.events.state import FoundPaper, SearchState
from pasa_tui.events.types import Event, PaperFound, PaperJudged

BROUGHT = 0
"""The action of a paper that no action of this search found: actions count from 1."""


def carried(states: Iterable[SearchState]) -> Iterator[Event]:
    """PaperFound and PaperJudged for every paper of the states, each once: as the search saw it that scored it best."""
    best: dict[str, FoundPaper] = {}
    for state in states:
        for paper_id, found in state.papers.items():
            known = best.get(paper_id)
            if known is None or _score(found) > _score(known):
                best[paper_id] = found
    for found in best.values():
        yield PaperFound(paper=found.paper, provenance=found.provenance, depth=found.depth, action=BROUGHT)
        if found.score is not None:
            yield PaperJudged(paper_id=found.paper.id, score=found.score, selected=found.selected, reason=found.reason)


def _score(found: FoundPaper) -> float:
    return -1.0 if found.score is None else found.score
