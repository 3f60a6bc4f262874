"""Where and when a paper was published, in the words that all reference formats share."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from pasa_tui.export.identity import arxiv_id, first_year
from pasa_tui.export.names import first_author
from pasa_tui.export.venues import EntryType, entry_type, publication_venue, venue_year
from pasa_tui.papers import Paper, arxiv_of_doi

_CATEGORY = re.compile(r"[A-Za-z-]+(?:\.[A-Za-z-]+)?")
UNTITLED = "[untitled]"
"""The title of a paper that has none, since readers demand one."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What formats say of a paper beside its texts.

    `kind` is "misc" for a preprint and for what is neither in a journal nor in proceedings, or lacks author or year.
    `issued` is the year, or year, month and day for a preprint, whose day arXiv knows; empty where unknown.
    `doi` is as it stands in the record, and may be one that arXiv gave out. `url` leads to arXiv where the paper is.
    """

    kind: EntryType
    venue: str | None
    issued: tuple[int, ...]
    arxiv: str | None
    category: str | None
    doi: str | None
    url: str | None

    @property
    def date(self) -> str:
        """`issued` as ISO 8601 writes it."""
        return "-".join(f"{number:0{4 if place == 0 else 2}d}" for place, number in enumerate(self.issued))


def publication_of(paper: Paper) -> Publication:
    """What the record of a paper tells of its publication."""
    arxiv = arxiv_id(paper)
    venue = publication_venue(paper.venue)
    doi = paper.doi or None
    year = venue_year(venue) or first_year(paper)
    issued: tuple[int, ...] = (year,) if year else ()
    if paper.date and arxiv and not venue:
        issued = (paper.date.year, paper.date.month, paper.date.day)
    category = paper.categories[0] if paper.categories and _CATEGORY.fullmatch(paper.categories[0]) else None
    url = f"https://arxiv.org/abs/{arxiv}" if arxiv else f"https://doi.org/{quote(doi, safe='/:;().')}" if doi else None
    kind = entry_type(venue, None if arxiv_of_doi(doi) else doi) if year and first_author(paper.authors) else "misc"
    return Publication(kind, venue, issued, arxiv, category if arxiv else None, doi, url)
