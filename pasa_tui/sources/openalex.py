"""OpenAlex: works by id, DOI and title, what they cite and who cites them, within its daily budget.

Prices and headers: https://developers.openalex.org/api-reference/authentication. A single work costs nothing, a list
of up to 100 a credit ($0.0001), a search ten; a day has 100 to 1,000 credits without a key, 10,000 with a free one.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from types import MappingProxyType
from urllib.parse import quote

import msgspec

from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Citing, Paper, clean_text, doi_of_arxiv
from pasa_tui.sources.asking import DAY, Ask, Service
from pasa_tui.sources.http import Http
from pasa_tui.sources.records import decode, make_paper

NAME = "openalex"
IDS_PER_REQUEST = 100
TITLES_PER_REQUEST = 20
PAID = "paid"
_SELECT = (
    "id,doi,title,publication_year,publication_date,authorships,primary_location,locations,cited_by_count,"
    "abstract_inverted_index"
)
_LIST_CREDITS, _SEARCH_CREDITS = 1, 10
_DOLLARS_PER_CREDIT = 0.0001
_FOR_LOOK_UPS = 0.5
"""The share of a day's budget that searches leave: one search buys ten lists of a hundred papers."""
_LONGEST_ABSTRACT_WORDS = 5_000
_LARGEST_BUDGET = 1e12
"""A header that says more says nothing."""
_LONGEST_LIST = 6_000
"""Characters of a list in an address, of which the service takes some 8,000."""
_WORD = re.compile(r"[^\W_]+")
_ARXIV_PAGE = re.compile(r"arxiv\.org/(?:abs|pdf)/(.+)", re.IGNORECASE)


class _Author(msgspec.Struct):
    display_name: str | None = None


class _Authorship(msgspec.Struct):
    author: _Author | None = None


class _Venue(msgspec.Struct):
    display_name: str | None = None
    type: str | None = None


class _Location(msgspec.Struct):
    landing_page_url: str | None = None
    source: _Venue | None = None


class _Work(msgspec.Struct):
    id: str
    doi: str | None = None
    title: str | None = None
    publication_year: int | None = None
    publication_date: str | None = None
    authorships: list[_Authorship] | None = None
    primary_location: _Location | None = None
    locations: list[_Location] | None = None
    cited_by_count: int | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None
    referenced_works: list[str] | None = None


class _Page(msgspec.Struct):
    results: list[_Work]


def service(base_url: str, *, key: str = "", paced: bool = True, max_requests: int = 0) -> Service:
    """Up to 100 requests a second are allowed; a tenth of that is enough, and kind to a free service."""
    return Service(
        name=NAME,
        base_url=base_url,
        interval=0.1 if paced else 0.0,
        connections=8 if paced else 64,
        lifetime=7 * DAY,
        max_requests=max_requests,
        secret_params=MappingProxyType({"api_key": key} if key else {}),
    )


class OpenAlex:
    """Search tool; works, references and citing works. What costs credits is not asked when they are used up."""

    name = NAME

    def __init__(self, http: Http) -> None:
        self._http = http
        self._limit: float | None = None
        self._remaining: float | None = None
        http.watch(NAME, self._read_budget)

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` works (100 at most), most relevant first. Raises SourceError.

        Nothing is searched once that would eat into the half of a day's budget that is kept for look-ups.
        """
        words = " ".join(_WORD.findall(text))
        if not words:
            return ()
        self._afford(_SEARCH_CREDITS, kept=_FOR_LOOK_UPS)
        params = {"search": words, "per-page": str(min(limit, 100)), "select": _SELECT}
        if before:
            params["filter"] = f"to_publication_date:{before.isoformat()}"
        return _papers(await self._list(params))[:limit]

    async def by_titles(self, titles: Sequence[str]) -> Sequence[Paper]:
        """Works that may have one of at most 20 titles, in one request of ten credits. Raises SourceError."""
        self._afford(_SEARCH_CREDITS)
        # A comma would end the filter, quotes the phrase; the words alone make the phrase.
        phrases = [f'"{words}"' for title in titles if (words := " ".join(_WORD.findall(title)[:20]))]
        if not phrases:
            return ()
        joined = phrases[0] if len(phrases) == 1 else f"({' OR '.join(phrases)})"
        return _papers(await self._list({"filter": f"title.search:{joined}", "per-page": "100", "select": _SELECT}))

    async def by_dois(self, dois: Sequence[str]) -> Mapping[str, Paper]:
        """The works of at most 100 DOIs: a request of one credit, more where they are long. Raises SourceError."""
        self._afford(_LIST_CREDITS)
        # DOIs with these would be read as another filter; they are rare enough to be left to others.
        asked = [doi for doi in dois if not set(doi) & set(",|")]
        found: dict[str, Paper] = {}
        for joined in _joined(asked):
            for work in await self._list({"filter": f"doi:{joined}", "per-page": "100", "select": _SELECT}):
                paper = _paper(work)
                if paper is not None and work.doi:
                    found[work.doi.lower().removeprefix("https://doi.org/")] = paper
        return found

    async def by_ids(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        """The works of at most 100 OpenAlex ids (`W…`), in one request of one credit. Raises SourceError."""
        self._afford(_LIST_CREDITS)
        params = {"filter": f"openalex:{'|'.join(ids)}", "per-page": "100", "select": _SELECT}
        works = {_own(work.id): _paper(work) for work in await self._list(params)}
        return {name: paper for name, paper in works.items() if paper is not None}

    async def by_id(self, work_id: str) -> Paper | None:
        """One work, for nothing. Raises SourceError."""
        work = await self._single(work_id, _SELECT)
        return _paper(work) if work else None

    async def references(self, paper: Paper) -> Sequence[str] | None:
        """The OpenAlex ids of what a paper cites, for nothing; None where the paper is not known.

        Raises SourceError.
        """
        work = await self._known(paper)
        return [_own(reference) for reference in work.referenced_works or ()] if work else None

    async def citing(self, paper: Paper, *, limit: int) -> Sequence[Citing]:
        """At most `limit` works (100 at most) that cite this one, most cited first, with all they cite.

        Costs a credit. Raises SourceError.
        """
        work = await self._known(paper)
        if work is None:
            return ()
        self._afford(_LIST_CREDITS)
        params = {
            "filter": f"cites:{_own(work.id)}",
            "per-page": str(min(limit, 100)),
            "sort": "cited_by_count:desc",
            "select": f"{_SELECT},referenced_works",
        }
        found = []
        for citing in await self._list(params):
            if (by := _paper(citing)) is not None:
                references = tuple(Citation(source_id=f"openalex:{_own(it)}") for it in citing.referenced_works or ())
                found.append(Citing(by, citing.cited_by_count, references))
        return found

    @property
    def can_pay(self) -> bool:
        """Whether a list can be asked for: the budget is not known to be used up, and nobody refused."""
        short = self._remaining is not None and self._remaining < _LIST_CREDITS
        return not short and not self._http.is_resting(NAME, PAID)

    async def _list(self, params: Mapping[str, str]) -> Sequence[_Work]:
        ask = Ask(path="/works", params=params, lane=PAID)
        page = await self._http.ask(NAME, ask, lambda answer: decode(answer, _Page))
        return page.results[:IDS_PER_REQUEST]

    async def _known(self, paper: Paper) -> _Work | None:
        # The same question for either direction, so that the second time it is in the cache; for all names at once,
        # since it costs nothing and others wait for the answer.
        asking = (self._single(name, "id,referenced_works") for name in names_of(paper))
        works = await asyncio.gather(*asking, return_exceptions=True)
        found = next((work for work in works if isinstance(work, _Work)), None)
        failure = next((work for work in works if isinstance(work, BaseException)), None)
        if found is None and failure is not None:
            raise failure
        return found

    async def _single(self, name: str, select: str) -> _Work | None:
        ask = Ask(path=f"/works/{quote(name, safe=':/')}", params={"select": select}, accept=frozenset({404}))
        return await self._http.ask(NAME, ask, lambda answer: decode(answer, _Work) if answer.status == 200 else None)

    def _afford(self, credits: int, *, kept: float = 0.0) -> None:
        if self._remaining is None:
            return
        if self._remaining - credits < kept * (self._limit or 0.0):
            rest = "what is left is kept for look-ups" if kept else "nothing is left"
            raise SourceError(
                f"Its budget of the day does not allow this; {rest}.",
                "A free key raises the budget: pasa-tui config set-key openalex.",
            )

    def _read_budget(self, headers: Mapping[str, str]) -> str:
        for suffix, unit in (("-usd", _DOLLARS_PER_CREDIT), ("", 1.0)):
            remaining = _number(headers.get(f"x-ratelimit-remaining{suffix}"))
            if remaining is not None:
                self._remaining = remaining / unit
                limit = _number(headers.get(f"x-ratelimit-limit{suffix}"))
                self._limit = limit / unit if limit is not None else self._limit
                break
        if self._remaining is None:
            return ""
        of = f" of {self._limit:,.0f}" if self._limit is not None else ""
        return f"{self._remaining:,.0f}{of} credits left today"


def names_of(paper: Paper) -> list[str]:
    """The names under which OpenAlex may find a paper: its own id, `doi:…`.

    A paper that was published is known by the publisher's DOI, and often not by arXiv's any more.
    """
    kind, _, own = (paper.source_id or "").partition(":")
    names = [own] if kind == NAME else []
    names += [f"doi:{paper.doi}"] if paper.doi else []
    return [*names, f"doi:{doi_of_arxiv(paper.arxiv_id)}"] if paper.arxiv_id else names


def _joined(values: Sequence[str]) -> Iterator[str]:
    """The values in lists that fit an address, its other parts and the quoting of slashes included."""
    part: list[str] = []
    for value in values:
        if part and sum(len(quote(it, safe="")) + 3 for it in (*part, value)) > _LONGEST_LIST:
            yield "|".join(part)
            part = []
        part.append(value)
    if part:
        yield "|".join(part)


def _own(url: str) -> str:
    return url.rpartition("/")[2]


def _papers(works: Sequence[_Work]) -> list[Paper]:
    return [paper for work in works if (paper := _paper(work)) is not None]


def _paper(work: _Work) -> Paper | None:
    places = [place for place in (work.primary_location, *(work.locations or ())) if place is not None]
    pages = (_ARXIV_PAGE.search(place.landing_page_url or "") for place in places)
    venues = (place.source.display_name for place in places if place.source and place.source.type != "repository")
    return make_paper(
        title=clean_text(re.sub(r"</?[a-z][^<>]*>", "", work.title or "")),
        abstract=_abstract(work.abstract_inverted_index),
        authors=((item.author.display_name or "") for item in work.authorships or () if item.author),
        date=work.publication_date,
        year=work.publication_year,
        arxiv_id=next((page[1] for page in pages if page), None),
        doi=work.doi,
        venue=next((venue for venue in venues if venue), None),
        source_id=f"{NAME}:{_own(work.id)}",
    )


def _abstract(index: Mapping[str, Sequence[int]] | None) -> str:
    """The text whose words stand at the positions of an inverted index."""
    words = ((at, word) for word, places in (index or {}).items() for at in places)
    placed = sorted(islice(words, 4 * _LONGEST_ABSTRACT_WORDS))
    return " ".join(word for _, word in placed[:_LONGEST_ABSTRACT_WORDS])


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < _LARGEST_BUDGET else None
