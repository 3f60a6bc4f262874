"""From the events of a search to the published result tree."""

from pasa_tui.evaluation.systems.protocol import WITH_ABSTRACT
from pasa_tui.evaluation.tree import UNJUDGED, Node
from pasa_tui.events import FoundPaper, SearchState
from pasa_tui.papers import Paper, PaperId

CITING, ALONGSIDE, GUIDES = "papers that cite it", "papers cited along with it, or like it", "guides"
"""Names for what leads from paper to paper without being a section, and for papers later than the cut-off that led to
others."""


def tree_of(state: SearchState) -> Node:
    """The tree of a search: every paper of its queue once, where it was met first; searches and sections that brought
    nothing new as well, since each was an action."""
    root = Node(title=state.query)
    best = {found.paper.id for found in state.ranked()[:WITH_ABSTRACT]}
    nodes = {paper_id: _node(found, best) for paper_id, found in state.papers.items()}
    guides = {paper_id: _guide(paper) for paper_id, paper in state.guides.items() if paper_id not in nodes}
    if guides:
        root.child[GUIDES] = list(guides.values())
    for action in state.actions.values():
        if not action.finished:
            continue
        if action.is_search:
            root.child.setdefault(action.text, [])
        elif parent := nodes.get(action.paper_id or PaperId("")) or guides.get(action.paper_id or PaperId("")):
            for name in (CITING,) if action.direction == "citing" else action.chosen:
                parent.child.setdefault(name, [])
    for paper_id, found in state.papers.items():
        way = found.provenance
        parent = (nodes.get(way.parent) or guides.get(way.parent)) if way.parent else None
        key = {"citing": CITING, "co-cited": ALONGSIDE, "similar": ALONGSIDE}.get(way.kind, way.text)
        (parent or root).child.setdefault(key, []).append(nodes[paper_id])
    return root


def _node(found: FoundPaper, with_abstract: set[PaperId]) -> Node:
    paper = found.paper
    return Node(
        title=paper.title,
        arxiv_id=paper.arxiv_id or "",
        depth=found.depth,
        abstract=paper.abstract if paper.id in with_abstract else "",
        source="Search" if found.provenance.kind == "search" else "Expand",
        select_score=UNJUDGED if found.score is None else round(found.score, 6),
        extra=_dated(paper),
    )


def _guide(paper: Paper) -> Node:
    # Dated after the cut-off: never an answer, and never selected.
    return Node(
        title=paper.title, arxiv_id=paper.arxiv_id or "", source="Search", select_score=0.0, extra=_dated(paper)
    )


def _dated(paper: Paper) -> dict[str, str]:
    return {"date": paper.date.isoformat()} if paper.date else {}
