"""The papers that any source has told of in a search, under all their names."""

from collections.abc import Iterable

from pasa_tui.matching import is_cited
from pasa_tui.papers import Citation, Paper, title_key


class Memory:
    """Finds again what was heard of once, so that it need not be asked for."""

    def __init__(self) -> None:
        self._named: dict[str, Paper] = {}
        self._titled: dict[str, list[Paper]] = {}

    def remember(self, papers: Iterable[Paper]) -> None:
        """Keep papers under their ids, DOIs and titles; of two accounts the fuller."""
        for paper in papers:
            for name in _names(paper):
                known = self._named.get(name)
                if known is None or _fullness(paper) > _fullness(known):
                    self._named[name] = paper
            if key := title_key(paper.title):
                same = [known for known in self._titled.get(key, []) if known.id != paper.id]
                self._titled[key] = [*same, self._named[_names(paper)[0]]]

    def find(self, citation: Citation) -> Paper | None:
        """The one paper that is surely the cited one, or None."""
        for name in _names(citation):
            if (paper := self._named.get(name)) is not None and is_cited_as(citation, paper, name):
                return paper
        found = [paper for paper in self._titled.get(title_key(citation.title), []) if is_cited(citation, paper)]
        # Two records of one paper, of which one has an arXiv id: that one has a text to open.
        with_text = [paper for paper in found if paper.arxiv_id]
        return found[0] if len(found) == 1 else with_text[0] if len(with_text) == 1 else None


def is_cited_as(citation: Citation, paper: Paper, name: str) -> bool:
    """Whether `paper`, known by `name`, is the cited one: a service's own id is believed as it is."""
    return name == citation.source_id or is_cited(citation, paper)


def _names(named: Paper | Citation) -> list[str]:
    names = [f"arxiv:{named.arxiv_id}"] if named.arxiv_id else []
    if named.doi:
        names.append(f"doi:{named.doi}")
    if named.source_id:
        names.append(named.source_id)
    if isinstance(named, Paper):
        names.append(str(named.id))
    return names


def _fullness(paper: Paper) -> tuple[bool, bool, bool]:
    return (bool(paper.abstract), paper.date is not None, bool(paper.authors))
