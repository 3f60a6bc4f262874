"""What readers of reference files share: the papers they give, and how an entry becomes one."""

import re
from collections.abc import Iterable
from datetime import date

from pasa_tui.papers import Paper, arxiv_of_doi, clean_text, parse_arxiv_id, parse_doi

_ARXIV_LINK = re.compile(r"arxiv(?:\.org/(?:abs|pdf|html)/|\s*:\s*)(?P<id>[^\s,;}\])]+)", re.IGNORECASE)


class References(list[Paper]):
    """The papers of a file in its order. `skipped` counts entries that could not be read or name no paper."""

    def __init__(self, papers: Iterable[Paper] = (), *, skipped: int = 0) -> None:
        super().__init__(papers)
        self.skipped = skipped

    def keep(self, paper: Paper | None) -> None:
        """Take in what an entry gave."""
        if paper is None:
            self.skipped += 1
        else:
            self.append(paper)


def reference(
    title: str,
    authors: Iterable[str] = (),
    *,
    eprint: str = "",
    doi: str = "",
    links: Iterable[str] = (),
    day: date | None = None,
    venue: str = "",
    abstract: str = "",
) -> Paper | None:
    """A paper as an entry describes it, or None where neither an identifier nor a title names it.

    `eprint` is an arXiv id in any form, `links` are texts that may hold one as a link or after "arXiv:".
    """
    cleaned = clean_text(title)
    known_doi = parse_doi(doi) or next(filter(None, map(parse_doi, links)), None)
    arxiv = parse_arxiv_id(eprint) or arxiv_of_doi(known_doi) or _arxiv_in(links)
    if not (cleaned or arxiv or known_doi):
        return None
    names = tuple(name for name in map(clean_text, authors) if name)
    return Paper(cleaned, clean_text(abstract), names, day, arxiv, known_doi, clean_text(venue) or None)


def _arxiv_in(texts: Iterable[str]) -> str | None:
    for text in texts:
        for match in _ARXIV_LINK.finditer(text):
            if found := parse_arxiv_id(match["id"].rstrip(".")):
                return found
    return None


def day_of(*numbers: object) -> date | None:
    """The day of a year, month and day, each a number or its digits; None where it is not whole or there is none."""
    try:
        year, month, day = (int(str(number)) for number in numbers)
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def names_arxiv(text: str) -> bool:
    """Whether a note or venue is about the paper's own place at arXiv, rather than mentions another."""
    return text.lower().startswith("arxiv")
