"""When is a paper surely the one that a citation means?

Names that are given out once (arXiv id, DOI) are trusted. A title is, where digits agree too and neither year nor
authors speak against it; a title of a word or two needs one of them to speak for it.
"""

from pasa_tui.papers import Citation, Paper, title_key

MAX_YEARS_APART = 3
"""A preprint and its publication lie this far apart at most to be taken for one paper by title."""

MIN_TITLE_LETTERS = 12
"""Titles with fewer letters (`Attention`) are not enough to tell a paper."""

MUCH_ALIKE = 0.9
"""Share of letters in common, in order (normalised indel similarity), of titles that differ by a misprint or a word."""

_NOT_ALIKE = 0.4


def same_title(title: str, other: str) -> bool:
    """Whether two titles have the same letters, and the same digits too: `Qwen2 …` is not `Qwen3 …`.

    Where one of them is a bare title key, its digits are not known and only the letters count.
    """
    key = title_key(title)
    if key != title_key(other):
        return False
    return key in (title, other) or _digits(title) == _digits(other)


def title_matches(citation: Citation, paper: Paper) -> bool:
    """Whether `paper` may be the cited one by its title."""
    return same_title(citation.title, paper.title) and _nothing_against(citation, paper)


def is_cited(citation: Citation, paper: Paper) -> bool:
    """Whether `paper`, which a source named for a citation, is the cited one.

    An id in common is believed unless title and authors both speak against it: bibliographies have wrong ids. By
    title, a small difference is overlooked if an author is the same.
    """
    if different_arxiv(citation, paper):
        return False
    if (citation.arxiv_id and citation.arxiv_id == paper.arxiv_id) or (citation.doi and citation.doi == paper.doi):
        return not citation.title or _alike(citation, paper) >= _NOT_ALIKE or agree_on_authors(citation, paper) is True
    if title_matches(citation, paper):
        return True
    if _digits(citation.title) != _digits(paper.title) or not _nothing_against(citation, paper):
        return False
    alike = _alike(citation, paper)
    if len(title_key(citation.title)) < MIN_TITLE_LETTERS:
        return False
    # Two letters make "unsupervised" of "supervised", so likeness alone is not enough.
    return alike >= MUCH_ALIKE and agree_on_authors(citation, paper) is True


def different_arxiv(citation: Citation, paper: Paper) -> bool:
    """Whether both have an arXiv id, and not the same."""
    return bool(citation.arxiv_id and paper.arxiv_id and citation.arxiv_id != paper.arxiv_id)


def agree_on_authors(citation: Citation, paper: Paper) -> bool | None:
    """Whether they have an author in common; None where either's are not known.

    Any long word of a name counts: given and family names come in either order, first names as initials.
    """
    cited, known = _name_words(citation.authors), _name_words(paper.authors)
    return not cited.isdisjoint(known) if cited and known else None


def _nothing_against(citation: Citation, paper: Paper) -> bool:
    if different_arxiv(citation, paper):
        return False
    by_year = _agree_on_year(citation, paper)
    by_author = agree_on_authors(citation, paper)
    if by_year is False or by_author is False:
        return False
    return len(title_key(citation.title)) >= MIN_TITLE_LETTERS or bool(by_author or by_year)


def _alike(citation: Citation, paper: Paper) -> float:
    # Here, because most who ask whether titles are the same never ask how much alike they are.
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(title_key(citation.title), title_key(paper.title))


def _digits(title: str) -> str:
    return "".join(char for char in title if char.isdigit())


def _agree_on_year(citation: Citation, paper: Paper) -> bool | None:
    if citation.year is None or paper.date is None:
        return None
    return abs(citation.year - paper.date.year) <= MAX_YEARS_APART


def _name_words(authors: tuple[str, ...]) -> set[str]:
    words = (title_key(word) for author in authors for word in author.replace(",", " ").split())
    return {word for word in words if len(word) > 1}
