"""The arXiv API: searches, metadata by id, and titles, as its manual and terms of use say.

https://info.arxiv.org/help/api/user-manual.html, https://info.arxiv.org/help/api/tou.html
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import islice
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pasa_tui.papers import Paper, parse_arxiv_id
from pasa_tui.sources.asking import DAY, Answer, Ask, Service
from pasa_tui.sources.http import Http
from pasa_tui.sources.records import make_paper
from pasa_tui.stopwords import STOP_WORDS

NAME = "arxiv"
IDS_PER_REQUEST = 100
TITLES_PER_REQUEST = 25
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 12
_MOST_ENTRIES = 2_000
"""Entries read of a feed: the most that arXiv gives at a time."""
_ALL_WORDS = 3
"""Texts with at most so many words must have them all; of longer ones any, those with most of them first."""


def service(base_url: str, *, paced: bool = True, max_requests: int = 0) -> Service:
    """One connection and a request every 3 seconds, for all processes of the user together."""
    return Service(
        name=NAME,
        base_url=base_url,
        interval=3.0 if paced else 0.0,
        shared=paced,
        connections=1 if paced else 64,
        lifetime=DAY,
        max_bytes=8_000_000,
        max_requests=max_requests,
    )


class Arxiv:
    """Search tool, and metadata for ids and titles."""

    name = NAME

    def __init__(self, http: Http) -> None:
        self._http = http

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers, most relevant first. Raises SourceError."""
        query = search_query(text, before)
        if not query:
            return ()
        params = {"search_query": query, "start": "0", "max_results": str(limit), "sortBy": "relevance"}
        papers = await self._http.ask(NAME, Ask(path="/query", params=params), parse_feed)
        return papers[:limit]

    async def by_ids(self, arxiv_ids: Sequence[str]) -> Mapping[str, Paper]:
        """The papers of at most 100 ids, in one request; those arXiv doesn't know are left out. Raises SourceError."""
        params = {"id_list": ",".join(arxiv_ids), "max_results": str(len(arxiv_ids))}
        ask = Ask(path="/query", params=params, accept=frozenset({400}))
        papers = await self._http.ask(NAME, ask, parse_feed)
        return {paper.arxiv_id: paper for paper in papers if paper.arxiv_id}

    async def by_titles(self, titles: Sequence[str]) -> Sequence[Paper]:
        """Papers that may have one of at most 25 titles, in one request. Raises SourceError."""
        wanted = " OR ".join(f'ti:"{words}"' for title in titles if (words := " ".join(_WORD.findall(title)[:12])))
        params = {"search_query": wanted, "start": "0", "max_results": str(4 * len(titles))}
        return await self._http.ask(NAME, Ask(path="/query", params=params), parse_feed)


def search_query(text: str, before: date | None) -> str:
    """The search text in arXiv's field syntax; empty where it has no word to search for."""
    words = [word for word in dict.fromkeys(_WORD.findall(text.lower())) if word not in STOP_WORDS][:_MOST_WORDS]
    if not words:
        return ""
    joined = (" AND " if len(words) <= _ALL_WORDS else " OR ").join(f"all:{word}" for word in words)
    return f"({joined}) AND submittedDate:[199107010000 TO {before:%Y%m%d}2359]" if before else f"({joined})"


def parse_feed(answer: Answer) -> list[Paper]:
    """The papers of an Atom feed, without those withdrawn and without arXiv's error entries.

    Entities are not expanded: a feed that declares any is refused. Raises ValueError where it is no feed.
    """
    root = _xml(answer.body)
    if root.tag != f"{_ATOM}feed":
        raise ValueError("no Atom feed")
    papers = (_paper(entry) for entry in islice(root.iter(f"{_ATOM}entry"), _MOST_ENTRIES))
    return [paper for paper in papers if paper is not None]


def _xml(body: bytes) -> Element:
    try:
        return fromstring(body)  # type: ignore[no-any-return]
    except (LookupError, ParseError):
        # Another charset than it says: what can be read of it as UTF-8, its declaration left out.
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", body.decode("utf-8", errors="replace"))
        try:
            return fromstring(text)  # type: ignore[no-any-return]
        except (DefusedXmlException, ParseError) as error:
            raise ValueError("no XML that can be read") from error
    except DefusedXmlException as error:
        raise ValueError("XML that declares entities") from error


def _paper(entry: Element) -> Paper | None:
    arxiv_id = parse_arxiv_id(entry.findtext(f"{_ATOM}id", ""))
    if arxiv_id is None:
        return None
    return make_paper(
        title=entry.findtext(f"{_ATOM}title"),
        abstract=entry.findtext(f"{_ATOM}summary"),
        authors=(name.text or "" for name in entry.iterfind(f"{_ATOM}author/{_ATOM}name")),
        date=entry.findtext(f"{_ATOM}published"),
        arxiv_id=arxiv_id,
        doi=entry.findtext(f"{_ARXIV}doi"),
        venue=entry.findtext(f"{_ARXIV}journal_ref"),
        categories=(item.get("term", "") for item in entry.iterfind(f"{_ATOM}category")),
    )
