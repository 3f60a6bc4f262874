"""The names under which a corpus keeps a cited paper. A record id counts where the titles do not differ."""

from pasa_tui.corpus.records import name_of
from pasa_tui.matching import different_arxiv, same_title
from pasa_tui.papers import Citation, Paper


def names_of(citation: Citation) -> list[str]:
    """The names under which the cited paper may be kept, the surest first, spelled as the tables have them."""
    names = []
    if citation.arxiv_id:
        names.append(name_of(citation.arxiv_id))
    if citation.doi:
        names.append(name_of(citation.doi))
    if citation.source_id:
        names.append(name_of(citation.source_id))
    return list(dict.fromkeys(names))


def name_matches(citation: Citation, name: str, paper: Paper) -> bool:
    """Whether `paper`, kept under `name`, is the cited one."""
    if different_arxiv(citation, paper):
        return False
    if name.startswith(("arxiv:", "doi:")):
        return True
    return not citation.title or same_title(citation.title, paper.title)
