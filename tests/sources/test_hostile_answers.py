"""Whatever a service sends: papers, or a SourceError."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Paper
from pasa_tui.sources import openalex, semantic_scholar, serper
from pasa_tui.sources.http import Http
from pasa_tui.sources.openalex import OpenAlex
from pasa_tui.sources.semantic_scholar import SemanticScholar

HttpFor = Callable[..., Http]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
RECORDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        "id paperId externalIds title abstract year publicationDate venue authors citationCount references doi "
        "publication_year publication_date authorships primary_location locations cited_by_count "
        "abstract_inverted_index referenced_works link pdfUrl citingPaper paper".split(),
        JSON,
    ),
)
PAGES = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(RECORDS, max_size=3) | JSON for name in ("data", "results", "organic", "recommendedPapers")
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=PAGES | st.lists(RECORDS, max_size=3) | JSON)
def test_whatever_a_service_sends_is_papers_or_a_source_error(http_for: HttpFor, page: object) -> None:
    body = json.dumps(page).encode()

    async def ask() -> None:
        services = (
            semantic_scholar.service("https://s2.test", paced=False),
            openalex.service("https://oa.test", paced=False),
            serper.service("https://serper.test", key="k"),
            serper.service("https://serper.test", key="k", name="serper-scholar"),
        )

        async def lookup(citations: Sequence[Citation]) -> list[Paper | None]:
            return [None] * len(citations)

        http = http_for(lambda _: httpx.Response(200, content=body), *services, cache_bytes=0)
        scholar, works, paper = SemanticScholar(http), OpenAlex(http), Paper("A title", arxiv_id="2001.00001")
        questions: list[Awaitable[object]] = [
            scholar.search("a", limit=5, before=None),
            scholar.match("a title"),
            scholar.by_ids(["ARXIV:2001.00001"]),
            scholar.references(["ARXIV:2001.00001"]),
            scholar.citing(paper, limit=5),
            scholar.recommend([paper], limit=5),
            works.search("a", limit=5, before=None),
            works.by_ids(["W1"]),
            works.references(paper),
            works.citing(paper, limit=5),
            serper.Serper(http, lookup).search("a", limit=5, before=None),
            serper.SerperScholar(http, lookup).search("a", limit=5, before=None),
        ]
        for outcome in await asyncio.gather(*questions, return_exceptions=True):
            assert not isinstance(outcome, BaseException) or isinstance(outcome, SourceError)

    asyncio.run(ask())


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"data":' + b"[" * 100_000, b'{"data": [' + b'{"a":' * 50_000])
async def test_deep_nesting_is_an_answer_that_is_none(http_for: HttpFor, body: bytes) -> None:
    service = semantic_scholar.service("https://s2.test", paced=False)
    http = http_for(lambda _: httpx.Response(200, content=body), service)
    with pytest.raises(SourceError):
        await SemanticScholar(http).match("a title")
