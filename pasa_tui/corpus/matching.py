"""When is a paper surely the one that a citation means?

Names that are given out once (arXiv id, DOI) are trusted. A record id is, where it belongs to the citing corpus and the
titles do not differ. A title is, where exactly one paper has it, digits included, and neither year nor authors speak
against it; a title of a word or two needs one of them to speak for it.
"""

from pasa_tui.corpus.records import name_of
from pasa_tui.papers import Citation, Paper, title_key

MAX_YEARS_APART = 3
"""A preprint and its publication lie this far apart at most to be taken for one paper by title."""

MIN_TITLE_LETTERS = 12
"""Titles with fewer letters (`Attention`) are not enough to tell a paper."""


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


def same_title(title: str, other: str) -> bool:
    """Whether two titles have the same letters, and the same digits too: `Qwen2 …` is not `Qwen3 …`.

    Where one of them is a bare title key, its digits are not known and only the letters count.
    """
    key = title_key(title)
    if key != title_key(other):
        return False
    return key in (title, other) or _digits(title) == _digits(other)


def name_matches(citation: Citation, name: str, paper: Paper) -> bool:
    """Whether `paper`, kept under `name`, is the cited one."""
    if _different_arxiv(citation, paper):
        return False
    if name.startswith(("arxiv:", "doi:")):
        return True
    return not citation.title or same_title(citation.title, paper.title)


def title_matches(citation: Citation, paper: Paper) -> bool:
    """Whether `paper` may be the cited one by its title."""
    if not same_title(citation.title, paper.title) or _different_arxiv(citation, paper):
        return False
    by_year = _agree_on_year(citation, paper)
    by_author = _agree_on_authors(citation, paper)
    if by_year is False or by_author is False:
        return False
    return len(title_key(citation.title)) >= MIN_TITLE_LETTERS or bool(by_author or by_year)


def _digits(title: str) -> str:
    return "".join(char for char in title if char.isdigit())


def _different_arxiv(citation: Citation, paper: Paper) -> bool:
    return bool(citation.arxiv_id and paper.arxiv_id and citation.arxiv_id != paper.arxiv_id)


def _agree_on_year(citation: Citation, paper: Paper) -> bool | None:
    if citation.year is None or paper.date is None:
        return None
    return abs(citation.year - paper.date.year) <= MAX_YEARS_APART


def _agree_on_authors(citation: Citation, paper: Paper) -> bool | None:
    # Any long word of a name counts: given and family names come in either order, first names as initials.
    cited, known = _name_words(citation.authors), _name_words(paper.authors)
    return not cited.isdisjoint(known) if cited and known else None


def _name_words(authors: tuple[str, ...]) -> set[str]:
    words = (title_key(word) for author in authors for word in author.replace(",", " ").split())
    return {word for word in words if len(word) > 1}
