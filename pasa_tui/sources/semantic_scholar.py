"""Semantic Scholar's Academic Graph and Recommendations APIs (https://api.semanticscholar.org/api-docs)."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import islice
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec

from pasa_tui.papers import Citation, Citing, Paper
from pasa_tui.sources.asking import DAY, Answer, Ask, Service
from pasa_tui.sources.http import Http
from pasa_tui.sources.records import decode, make_paper

NAME = "semantic-scholar"
IDS_PER_REQUEST = 500
REFERENCES_PER_REQUEST = 20
"""Papers whose references are asked for at once: the service answers at most 10 MB and 9,999 references."""
_GRAPH, _RECOMMENDATIONS = "/graph/v1/paper", "/recommendations/v1/papers"
_FIELDS = "title,abstract,year,publicationDate,venue,authors,externalIds"
_NOT_FOUND = frozenset({404})
_MOST_RESULTS = 100
_MOST_RECORDS = 10_000
"""Records read of an answer: the service's own bound on references is a little less."""
_WORD = re.compile(r"[^\W_]+")


class _Author(msgspec.Struct):
    name: str | None = None


class _Record(msgspec.Struct, rename="camel"):
    paper_id: str | None = None
    external_ids: dict[str, Any] | None = None
    title: str | None = None
    abstract: str | None = None
    year: int | None = None
    publication_date: str | None = None
    venue: str | None = None
    authors: list[_Author] | None = None
    citation_count: int | None = None
    references: "list[_Record] | None" = None


class _Page(msgspec.Struct):
    data: list[_Record] | None = None
    error: str | None = None


class _CitingPaper(msgspec.Struct, rename="camel"):
    citing_paper: _Record


class _CitingPage(msgspec.Struct):
    data: list[_CitingPaper] | None = None


class _SnippetPaper(msgspec.Struct, rename="camel"):
    corpus_id: int | str


class _Snippet(msgspec.Struct):
    paper: _SnippetPaper


class _SnippetPage(msgspec.Struct):
    data: list[_Snippet] | None = None


class _Recommended(msgspec.Struct, rename="camel"):
    recommended_papers: list[_Record] | None = None


def service(base_url: str, *, key: str = "", paced: bool = True, max_requests: int = 0) -> Service:
    """A request a second, which is what a key is granted; without one the pool is shared with everybody."""
    return Service(
        name=NAME,
        base_url=base_url,
        interval=1.0 if paced else 0.0,
        shared=paced,
        connections=2 if paced else 64,
        lifetime=3 * DAY,
        max_requests=max_requests,
        secret=MappingProxyType({"x-api-key": key} if key else {}),
    )


class SemanticScholar:
    """Search tool; papers, references, citing papers, snippets and recommendations."""

    name = NAME

    def __init__(self, http: Http) -> None:
        self._http = http

    async def search(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """At most `limit` papers (100 at most), most relevant first. Raises SourceError."""
        # Hyphens between words find nothing, says the manual.
        words = " ".join(_WORD.findall(text))
        if not words:
            return ()
        params = {"query": words, "limit": str(min(limit, _MOST_RESULTS)), "fields": _FIELDS}
        if before:
            params["publicationDateOrYear"] = f":{before.isoformat()}"
        page = await self._get(f"{_GRAPH}/search", params, _Page)
        return _papers(page.data)[:limit]

    async def match(self, title: str) -> Paper | None:
        """The paper whose title is closest to `title`; None where none is close. Raises SourceError."""
        words = " ".join(_WORD.findall(title))
        params = {"query": words, "fields": _FIELDS}
        page = await self._get(f"{_GRAPH}/search/match", params, _Page, accept=_NOT_FOUND)
        return next(iter(_papers(page.data)), None)

    async def by_ids(self, ids: Sequence[str]) -> Mapping[str, Paper]:
        """The papers of at most 500 ids as `id_of` writes them, in one request. Raises SourceError."""
        records = await self._batch(ids, _FIELDS)
        papers = {name: _paper(record) for name, record in zip(ids, records, strict=True) if record is not None}
        return {name: paper for name, paper in papers.items() if paper is not None}

    async def references(self, ids: Sequence[str]) -> Mapping[str, Sequence[Paper]]:
        """What each of at most 20 papers cites, in one request; papers it doesn't know are left out.

        The order is the service's, not the bibliography's. Raises SourceError.
        """
        records = await self._batch(ids, ",".join(f"references.{name}" for name in _FIELDS.split(",")))
        return {
            name: _papers(record.references)
            for name, record in zip(ids, records, strict=True)
            if record is not None and record.references is not None
        }

    async def citing(self, paper: Paper, *, limit: int) -> Sequence[Citing]:
        """At most `limit` papers that cite this one, newest first. Raises SourceError."""
        name = id_of(paper)
        if name is None:
            return ()
        params = {"fields": f"{_FIELDS},citationCount", "limit": str(min(limit, 1_000))}
        page = await self._get(f"{_GRAPH}/{quote(name, safe=':/')}/citations", params, _CitingPage, accept=_NOT_FOUND)
        records = [item.citing_paper for item in page.data or ()]
        found = ((_paper(record), record) for record in records)
        return [Citing(paper, record.citation_count) for paper, record in found if paper is not None][:limit]

    async def search_snippets(self, text: str, *, limit: int, before: date | None) -> Sequence[Paper]:
        """Papers with a passage on `text` in their full text, best first: two requests. Raises SourceError."""
        params = {"query": " ".join(text.split()), "limit": str(min(limit, _MOST_RESULTS))}
        if before:
            params["publicationDateOrYear"] = f":{before.isoformat()}"
        page = await self._get("/graph/v1/snippet/search", params, _SnippetPage)
        ids = list(dict.fromkeys(f"CorpusId:{item.paper.corpus_id}" for item in page.data or ()))
        papers = await self.by_ids(ids) if ids else {}
        return [papers[name] for name in ids if name in papers]

    async def recommend(self, papers: Sequence[Paper], *, limit: int) -> Sequence[Paper]:
        """At most `limit` papers like all of these (at most 100 of them count). Raises SourceError."""
        ids = [name for paper in papers[:100] if (name := id_of(paper))]
        if not ids:
            return ()
        ask = Ask(
            method="POST",
            path=f"{_RECOMMENDATIONS}/",
            params={"fields": _FIELDS, "limit": str(min(limit, 500))},
            json={"positivePaperIds": ids},
            accept=_NOT_FOUND,
        )
        page = await self._http.ask(NAME, ask, lambda answer: decode(answer, _Recommended))
        return _papers(page.recommended_papers)[:limit]

    async def _get(
        self, path: str, params: dict[str, str], kind: type[Any], *, accept: frozenset[int] = frozenset()
    ) -> Any:
        return await self._http.ask(
            NAME, Ask(path=path, params=params, accept=accept), lambda answer: decode(answer, kind)
        )

    async def _batch(self, ids: Sequence[str], fields: str) -> Sequence[_Record | None]:
        def parse(answer: Answer) -> list[_Record | None]:
            if answer.status in (400, 404):
                # "No valid paper ids given": none of them is known.
                return [None] * len(ids)
            records = decode(answer, list[_Record | None])
            if len(records) != len(ids):
                raise ValueError("not one record per id")
            return records

        ask = Ask(
            method="POST",
            path=f"{_GRAPH}/batch",
            params={"fields": fields},
            json={"ids": list(ids)},
            accept=frozenset({400, 404}),
        )
        return await self._http.ask(NAME, ask, parse)


def id_of(named: Paper | Citation) -> str | None:
    """The name under which Semantic Scholar finds a paper: `ARXIV:…`, `DOI:…` or its own; None where it has none."""
    if named.arxiv_id:
        return f"ARXIV:{named.arxiv_id}"
    if named.doi:
        return f"DOI:{named.doi}"
    kind, _, own = (named.source_id or "").partition(":")
    return own if kind == "s2" else None


def _papers(records: Sequence[_Record] | None) -> list[Paper]:
    return [paper for record in islice(records or (), _MOST_RECORDS) if (paper := _paper(record)) is not None]


def _paper(record: _Record) -> Paper | None:
    ids = record.external_ids or {}
    return make_paper(
        title=record.title,
        abstract=record.abstract,
        authors=(author.name or "" for author in record.authors or ()),
        date=record.publication_date,
        year=record.year,
        arxiv_id=_text(ids.get("ArXiv")),
        doi=_text(ids.get("DOI")),
        venue=record.venue,
        source_id=f"s2:{record.paper_id}" if record.paper_id else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
