"""Google and Google Scholar through Serper (https://serper.dev); needs a key."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from itertools import islice
from types import MappingProxyType

import msgspec

from pasa_tui.papers import Citation, Paper, clean_text, parse_arxiv_id
from pasa_tui.sources.asking import DAY, Ask, Service
from pasa_tui.sources.http import Http
from pasa_tui.sources.records import decode

NAME, SCHOLAR = "serper", "serper-scholar"
_ARXIV_LINK = re.compile(
    r"(?:^|//|\.)arxiv\.org/(?:abs|pdf|html|format|e-print)/((?:[a-z-]+(?:\.[a-z]{2})?/)?[0-9][0-9.]*[0-9](?:v[0-9]+)?)",
    re.IGNORECASE,
)
_MORE = 2
"""Results asked for per paper wanted: several links of a page may lead to one paper, some to none."""
_MOST_RESULTS = 100
_DOTS = re.compile(r"\s*(?:\.\.\.|…)\s*$")
_PREFIX = re.compile(r"^\s*(?:\[[^\]]*\]\s*)+")

Lookup = Callable[[Sequence[Citation]], Awaitable[Sequence[Paper | None]]]
"""Gives the papers of citations that have an arXiv id or a title."""


class _Result(msgspec.Struct):
    title: str = ""
    link: str = ""
    year: int | str | None = None
    pdfUrl: str | None = None


class _Page(msgspec.Struct):
    organic: list[_Result] = []


def service(base_url: str, *, key: str, name: str = NAME, max_requests: int = 0) -> Service:
    """Requests are paid one by one, so answers are kept for long; the service itself sets no pace."""
    return Service(
        name=name,
        base_url=base_url,
        connections=8,
        lifetime=7 * DAY,
        max_requests=max_requests,
        secret=MappingProxyType({"X-API-KEY": key}),
    )


class Serper:
    """Google's results on arxiv.org, as the published agent searched."""

    name = NAME

    def __init__(self, http: Http, lookup: Lookup) -> None:
        self._http = http
        self._lookup = lookup

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers on arXiv, in Google's order. Raises SourceError."""
        query = f"{_plain(text)} site:arxiv.org" + (f" before:{before.isoformat()}" if before else "")
        results = await _organic(self._http, NAME, "/search", {"q": query, "num": min(_MORE * limit, _MOST_RESULTS)})
        ids = dict.fromkeys(arxiv_id for result in results if (arxiv_id := arxiv_id_of_link(result.link)))
        papers = await self._lookup([Citation(arxiv_id=arxiv_id) for arxiv_id in islice(ids, limit)])
        return [paper for paper in papers if paper is not None][:limit]


class SerperScholar:
    """Google Scholar's results, on arXiv or not."""

    name = SCHOLAR

    def __init__(self, http: Http, lookup: Lookup) -> None:
        self._http = http
        self._lookup = lookup

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers, in Google Scholar's order. Raises SourceError.

        It knows the year alone, so papers of the cut-off's year are left for others to date.
        """
        asked: dict[str, object] = {"q": _plain(text), "num": min(limit, 20)}
        if before:
            asked["as_yhi"] = before.year
        results = await _organic(self._http, SCHOLAR, "/scholar", asked)
        citations = [citation for result in results if (citation := _citation(result)) is not None]
        papers = await self._lookup(citations[:limit])
        return [paper for paper in papers if paper is not None]


def arxiv_id_of_link(link: str) -> str | None:
    """The arXiv id, without version, of a link to an abs, pdf or html page of arXiv's; else None."""
    match = _ARXIV_LINK.search(link)
    return parse_arxiv_id(match[1]) if match else None


async def _organic(http: Http, name: str, path: str, asked: Mapping[str, object]) -> Sequence[_Result]:
    ask = Ask(method="POST", path=path, json=dict(asked))
    page = await http.ask(name, ask, lambda answer: decode(answer, _Page))
    return page.organic


def _citation(result: _Result) -> Citation | None:
    arxiv_id = arxiv_id_of_link(result.link) or arxiv_id_of_link(result.pdfUrl or "")
    title = _DOTS.sub("", _PREFIX.sub("", clean_text(result.title)))
    year = int(str(result.year)) if re.fullmatch(r"[12][0-9]{3}", str(result.year)) else None
    if not arxiv_id and not title:
        return None
    return Citation(title=title, year=year, arxiv_id=arxiv_id)


def _plain(text: str) -> str:
    # Quotes and operators are Google's language; a question is only words.
    return " ".join(re.sub(r'["()|:]', " ", text).split())
