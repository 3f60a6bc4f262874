"""What a record's identifiers say about a paper."""

import re

from pasa_tui.papers import Paper, parse_arxiv_id

_YEAR_IN_ID = re.compile(r"(?:.*/)?(\d\d)")


def arxiv_id(paper: Paper) -> str | None:
    """The paper's arXiv id if it is well formed; also the one inside a DOI that arXiv gave out."""
    candidate = paper.id.removeprefix("arxiv:")
    return candidate if candidate != paper.id and parse_arxiv_id(candidate) == candidate else None


def first_year(paper: Paper) -> int | None:
    """The year of first publication: its date's, else the one that arXiv ids begin with (arXiv opened in 1991)."""
    if paper.date:
        return paper.date.year
    match = _YEAR_IN_ID.match(arxiv_id(paper) or "")
    if match is None:
        return None
    short = int(match[1])
    return 1900 + short if short >= 91 else 2000 + short
