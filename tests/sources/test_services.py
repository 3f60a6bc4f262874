"""The servers of tests/services say what the services they stand for say."""

import asyncio
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import date
from html.parser import HTMLParser

import httpx
import pytest

from tests.services.literature import Literature, Work
from tests.services.server import Fault, Services

ATOM = {"a": "http://www.w3.org/2005/Atom", "o": "http://a9.com/-/spec/opensearch/1.1/"}
LITERATURE = Literature.invent()


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    async with Services(LITERATURE) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as made:
        yield made


def some(**wanted: object) -> Work:
    """The newest work whose fields are as wanted; True stands for any value."""
    for work in reversed(LITERATURE.works):
        if all(
            bool(getattr(work, name)) if value is True else getattr(work, name) == value
            for name, value in wanted.items()
        ):
            return work
    raise AssertionError(f"no work has {wanted}")


def known(**wanted: object) -> Work:
    """Such a work that every service knows and serves in full."""
    places = ("ar5iv", "arxiv-html")
    return some(arxiv_id=True, s2_known=True, openalex_known=True, full_texts=places, withdrawn=False, **wanted)


def ids(feed: str) -> list[str]:
    return [entry.findtext("a:id", "", ATOM) for entry in ET.fromstring(feed).findall("a:entry", ATOM)]


def test_the_literature_is_the_same_each_time_and_has_works_of_every_kind() -> None:
    assert Literature.invent().works == LITERATURE.works
    assert len({work.title for work in LITERATURE.works}) == len(LITERATURE.works) == 600
    assert all(other.number < work.number for work in LITERATURE.works for other in LITERATURE.references(work))
    assert all(10 <= len(LITERATURE.references(work)) <= 30 for work in LITERATURE.works[40:])
    assert some(arxiv_id=None, doi=None) and some(arxiv_id=None, doi=True) and some(withdrawn=True)
    assert some(versions=12) and some(openalex_twice=True) and some(s2_known=False) and some(openalex_known=False)
    assert any("/" in work.arxiv_id for work in LITERATURE.works if work.arxiv_id)
    work = known()
    assert LITERATURE.search(work.title, 1) == [work]
    assert work in LITERATURE.citations(LITERATURE.references(work)[0])


async def test_arxiv_finds_by_id_and_leaves_out_what_it_does_not_know(
    services: Services, client: httpx.AsyncClient
) -> None:
    work = some(versions=12, arxiv_id=True)
    old = next(work for work in LITERATURE.works if work.arxiv_id and "/" in work.arxiv_id)
    asked = {"id_list": f"{work.arxiv_id}v2,{old.arxiv_id},9912.99999,{work.arxiv_id}v13"}
    reply = await client.get(services.urls["arxiv"] + "/query", params=asked)
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("application/atom+xml")
    assert set(ids(reply.text)) == {
        f"http://arxiv.org/abs/{work.arxiv_id}v2",
        f"http://arxiv.org/abs/{old.arxiv_id}v{old.versions}",
    }
    assert ET.fromstring(reply.text).findtext("o:totalResults", "", ATOM) == "2"
    title = next(entry.findtext("a:title", "", ATOM) for entry in ET.fromstring(reply.text).findall("a:entry", ATOM))
    assert " ".join(title.split()) in (work.title, old.title)
    malformed = await client.get(services.urls["arxiv"] + "/query", params={"id_list": "what/ever"})
    assert malformed.status_code == 400 and "<title>Error</title>" in malformed.text
    assert services.count("arxiv", "ids") == 2 and services.count("arxiv", "search") == 0


async def test_arxiv_understands_its_query_language(services: Services, client: httpx.AsyncClient) -> None:
    async def found(query: str, **more: str | int) -> list[str]:
        asked = {"search_query": query, "max_results": 2000, **more}
        reply = await client.get(services.urls["arxiv"] + "/query", params=asked)
        return [re.sub(r"v\d+$", "", name.removeprefix("http://arxiv.org/abs/")) for name in ids(reply.text)]

    work = known()
    assert await found(f'ti:"{work.title}"') == [work.arxiv_id]
    assert await found(f'ti:"{work.title}" ANDNOT all:"{work.title}"') == []
    graphs, speech = set(await found("all:graphs")), set(await found("abs:speech"))
    assert graphs and speech and graphs != speech
    assert set(await found("all:graphs OR abs:speech")) == graphs | speech
    assert set(await found("(all:graphs AND abs:speech)")) == graphs & speech
    early = set(
        await found("all:graphs AND submittedDate:[20130101 0000 TO 202001010000]".replace(" 0000 TO", "0000 TO"))
    )
    assert early == {name for name in graphs if LITERATURE.by_arxiv[name].date <= date(2020, 1, 1)}
    newest = await found("all:graphs", sortBy="submittedDate", max_results=5)
    days = [LITERATURE.by_arxiv[name].date for name in newest]
    assert len(newest) == 5 and days == sorted(days, reverse=True)


class Page(HTMLParser):
    """The links of the citations and the ids of the entries of a full text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cited: list[str] = []
        self.entries: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "#bib." in found["href"]:
            self.cited.append(found["href"].split("#")[1])
        if tag == "li":
            self.entries.append(found["id"])


@pytest.mark.parametrize("place", ["ar5iv", "arxiv-html"])
async def test_full_texts_cite_their_bibliography(services: Services, client: httpx.AsyncClient, place: str) -> None:
    work = known(references_elided=False)
    reply = await client.get(f"{services.urls[place]}/{work.arxiv_id}")
    page = Page(reply.text)
    references = LITERATURE.references(work)
    assert reply.status_code == 200 and len(page.entries) == len(references)
    assert page.cited == [
        f"bib.bib{references.index(LITERATURE.by_number[number]) + 1}"
        for name, numbers in sorted(work.sections, key=lambda section: order(work, section[0]))
        for number in numbers
    ]
    missing = await client.get(f"{services.urls[place]}/9912.99999")
    if place == "ar5iv":
        assert missing.has_redirect_location and missing.headers["location"] == "https://arxiv.org/abs/9912.99999"
    else:
        assert missing.status_code == 404 and "HTML is not available for the source" in missing.text
    assert services.count(place, "full text") == 2


def order(work: Work, name: str) -> int:
    """Where the section of this name, or the one around it, begins."""
    return [name.split(" > ")[0] for name, _ in work.sections].index(name.split(" > ")[0])


async def test_semantic_scholar_gives_the_fields_asked_for(services: Services, client: httpx.AsyncClient) -> None:
    graph = services.urls["semantic-scholar"] + "/graph/v1/paper"
    work, unknown = known(doi=True), some(s2_known=False, arxiv_id=True)
    match = await client.get(
        f"{graph}/search/match", params={"query": work.title, "fields": "externalIds,authors.name"}
    )
    (found,) = match.json()["data"]
    assert found["paperId"] == work.s2_id and found["matchScore"] > 0 and found["title"] == work.title
    assert found["externalIds"] == {"ArXiv": work.arxiv_id, "DOI": work.doi, "CorpusId": work.corpus_id}
    assert [author["name"] for author in found["authors"]] == list(work.authors)
    nothing = await client.get(f"{graph}/search/match", params={"query": "zzz qqq"})
    assert (nothing.status_code, nothing.json()) == (404, {"error": "Title match not found"})
    asked = {"ids": [f"ARXIV:{work.arxiv_id}", f"ARXIV:{unknown.arxiv_id}", f"DOI:{work.doi}"]}
    batch = await client.post(f"{graph}/batch", params={"fields": "year"}, json=asked)
    record = {"paperId": work.s2_id, "year": work.date.year}
    assert batch.json() == [record, None, record]
    assert (await client.post(f"{graph}/batch", json={"ids": ["ARXIV:1"] * 501})).status_code == 400
    wrong = await client.get(f"{graph}/search", params={"query": "graphs", "fields": "title,colour"})
    assert wrong.status_code == 400 and "colour" in wrong.json()["error"]
    search = (await client.get(f"{graph}/search", params={"query": "graphs", "limit": 3})).json()
    assert len(search["data"]) == 3 and search["next"] == 3 and search["total"] > 3


async def test_semantic_scholar_pages_references_and_citations(services: Services, client: httpx.AsyncClient) -> None:
    graph = services.urls["semantic-scholar"] + "/graph/v1/paper"
    work = known(references_elided=False)
    fields = {"fields": "contexts,intents,isInfluential,title,externalIds"}
    first = (await client.get(f"{graph}/{work.s2_id}/references", params={**fields, "limit": 4})).json()
    assert first["offset"] == 0 and first["next"] == 4 and len(first["data"]) == 4
    rest = (await client.get(f"{graph}/ARXIV:{work.arxiv_id}/references", params={**fields, "offset": 4})).json()
    assert "next" not in rest
    papers = [edge["citedPaper"] for edge in first["data"] + rest["data"]]
    references = LITERATURE.references(work)
    assert [paper["title"] for paper in papers] == [other.title for other in references]
    assert [paper["paperId"] for paper in papers] == [other.s2_id if other.s2_known else None for other in references]
    cited = next(other for other in references if other.s2_known)
    citing = (await client.get(f"{graph}/{cited.s2_id}/citations", params={"limit": 1000})).json()["data"]
    assert work.s2_id in [edge["citingPaper"]["paperId"] for edge in citing]
    elided = some(references_elided=True, s2_known=True)
    assert (await client.get(f"{graph}/{elided.s2_id}/references")).json()["data"] is None
    near = services.urls["semantic-scholar"] + "/recommendations/v1/papers"
    for reply in (
        await client.get(f"{near}/forpaper/{work.s2_id}", params={"limit": 5}),
        await client.post(f"{near}/", params={"limit": 5}, json={"positivePaperIds": [work.s2_id]}),
    ):
        assert len(reply.json()["recommendedPapers"]) == 5
    snippets = await client.get(
        services.urls["semantic-scholar"] + "/graph/v1/snippet/search", params={"query": work.title, "limit": 1}
    )
    assert snippets.json()["data"][0]["snippet"]["text"] == work.title


async def test_openalex_filters_and_charges(services: Services, client: httpx.AsyncClient) -> None:
    works = services.urls["openalex"] + "/works"

    async def listed(**asked: str) -> list[str]:
        reply = await client.get(works, params={"per-page": 100, **asked})
        assert reply.status_code == 200, reply.text
        return [record["id"].rsplit("/", 1)[-1] for record in reply.json()["results"]]

    work = known(doi=None, openalex_twice=False)
    single = await client.get(f"{works}/doi:10.48550/arXiv.{work.arxiv_id}")
    assert single.json()["id"] == f"https://openalex.org/{work.openalex_id}"
    assert single.json()["doi"] == f"https://doi.org/10.48550/arxiv.{work.arxiv_id}"
    assert single.json()["locations"][0]["landing_page_url"] == f"http://arxiv.org/abs/{work.arxiv_id}"
    assert single.headers["x-ratelimit-credits-used"] == "0" and services.openalex.spent == 0
    references = [other.openalex_id for other in LITERATURE.references(work) if other.openalex_known]
    assert set(await listed(filter=f"cited_by:{work.openalex_id}")) == set(references)
    assert work.openalex_id in await listed(filter=f"cites:{references[0]}", select="id,title")
    assert set(await listed(filter=f"openalex:{'|'.join(references)}")) == set(references)
    assert services.openalex.spent == 3
    assert await listed(filter=f'title.search:"{work.title.replace(",", "")}"') == [work.openalex_id]
    assert services.openalex.spent == 13
    twice = some(openalex_twice=True)
    title = re.sub(r"[^\w ]", " ", twice.title)
    assert await listed(filter=f'display_name.search:"{title}"') == [twice.openalex_id, twice.openalex_twin_id]
    assert services.count("openalex", "references") == services.count("openalex", "citations") == 1
    too_many = await client.get(works, params={"filter": "doi:" + "|".join(["10.1/x"] * 101)})
    assert too_many.status_code == 400 and "Maximum number of values" in too_many.json()["message"]
    assert (await client.get(f"{works}/W1")).status_code == 404


async def test_openalex_pages_by_cursor_and_refuses_once_the_budget_is_spent(
    services: Services, client: httpx.AsyncClient
) -> None:
    works, cursor, seen = services.urls["openalex"] + "/works", "*", 0
    while cursor:
        reply = (await client.get(works, params={"per-page": 100, "cursor": cursor, "select": "id"})).json()
        seen += len(reply["results"])
        cursor = reply["meta"]["next_cursor"]
    assert seen == reply["meta"]["count"] > 500
    services.openalex_budget = services.openalex.spent + 9
    refused = await client.get(works, params={"search": "graphs"})
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 6 * 3600
    assert refused.headers["x-ratelimit-remaining"] == "9" and refused.headers["x-ratelimit-credits-required"] == "10"
    assert (await client.get(works)).headers["x-ratelimit-remaining"] == "8"


async def test_serper_understands_site_and_before(services: Services, client: httpx.AsyncClient) -> None:
    asked = {"q": "graph transformers site:arxiv.org before:2022-01-01", "num": 20}
    reply = (await client.post(services.urls["serper"] + "/search", json=asked)).json()
    links = [item["link"] for item in reply["organic"]]
    assert links and all("arxiv.org/" in link for link in links) and reply["credits"] == 2
    names = [found[0] for link in links if (found := re.search(r"\d{4}\.\d{4,5}", link))]
    assert names and all(LITERATURE.by_arxiv[name].date < date(2022, 1, 1) for name in names)
    scholar = (await client.post(services.urls["serper"] + "/scholar", json={"q": "graph transformers"})).json()
    assert {"title", "link", "publicationInfo", "year", "citedBy"} <= set(scholar["organic"][0])
    services.serper.credits = 0
    refused = await client.post(services.urls["serper"] + "/search", json=asked)
    assert (refused.status_code, refused.json()) == (400, {"message": "Not enough credits", "statusCode": 400})


async def test_keys_are_asked_for_as_each_service_does(services: Services, client: httpx.AsyncClient) -> None:
    services.keys = {"semantic-scholar": "s", "openalex": "o", "serper": "p"}
    paper = f"{services.urls['semantic-scholar']}/graph/v1/paper/{known().s2_id}"
    works, search = services.urls["openalex"] + "/works", services.urls["serper"] + "/search"
    assert (await client.get(paper)).json() == {"message": "Forbidden"}
    assert (await client.get(paper, headers={"x-api-key": "s"})).status_code == 200
    assert (await client.get(works)).status_code == 401
    assert (await client.get(works, params={"api_key": "o"})).status_code == 200
    assert (await client.get(works, headers={"Authorization": "Bearer o"})).status_code == 200
    assert (await client.post(search, json={"q": "x"})).json() == {"message": "Unauthorized.", "statusCode": 403}
    assert (await client.post(search, json={"q": "x"}, headers={"X-API-KEY": "p"})).status_code == 200


async def test_faults_strike_as_often_as_they_are_told(services: Services, client: httpx.AsyncClient) -> None:
    works, arxiv = services.urls["openalex"] + "/works", services.urls["arxiv"] + "/query?search_query=all:graphs"
    services.faults = [Fault("503", "openalex", every=2, times=1, retry_after=3)]
    assert [(await client.get(works)).status_code for _ in range(5)] == [200, 503, 200, 200, 200]
    assert (await client.get(arxiv)).status_code == 200
    services.faults = [Fault("429", "arxiv search", times=1, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")]
    throttled = await client.get(arxiv)
    assert (throttled.text, throttled.headers["retry-after"]) == ("Rate exceeded.", "Wed, 21 Oct 2026 07:28:00 GMT")
    with pytest.raises(ValueError, match="no fault"):
        Fault("earthquake")


async def test_faults_of_bytes(services: Services, client: httpx.AsyncClient) -> None:
    works = services.urls["openalex"] + "/works"
    services.faults = [Fault("cut", times=1)]
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(works)
    services.faults = [Fault("reset", times=1)]
    with pytest.raises(httpx.ReadError):
        await client.get(works)
    services.faults = [Fault("half-json", times=1)]
    with pytest.raises(json.JSONDecodeError):
        (await client.get(works)).json()
    services.faults = [Fault("html", times=1)]
    assert (await client.get(works)).headers["content-type"].startswith("text/html")
    services.faults = [Fault("charset", times=1)]
    with pytest.raises(UnicodeDecodeError):
        (await client.get(works)).content.decode()
    services.faults = [Fault("charset", times=1, declared="x-unheard-of")]
    assert (await client.get(works)).headers["content-type"] == "application/json; charset=x-unheard-of"
    services.faults = [Fault("drip", times=1, seconds=0)]
    assert (await client.get(works, params={"per-page": 1})).json()["results"]
    services.faults = [Fault("redirect", times=1, location="http://169.254.0.1/")]
    assert (await client.get(works)).headers["location"] == "http://169.254.0.1/"
    services.faults = [Fault("entity-bomb", times=1)]
    assert len((await client.get(works)).content) < 2000
    services.faults = [Fault("huge", times=1, megabytes=3)]
    assert len((await client.get(works)).content) > 2_900_000
    assert (await client.get(works)).status_code == 200


async def test_a_client_that_stops_reading_does_not_get_the_rest(services: Services, client: httpx.AsyncClient) -> None:
    services.faults = [Fault("huge", megabytes=200)]
    async with client.stream("GET", services.urls["openalex"] + "/works") as reply:
        async for _ in reply.aiter_bytes():
            break
    assert services.sent < 50_000_000


async def test_latency_and_how_many_requests_were_under_way(services: Services) -> None:
    services.latency = {"openalex search": 0.01}
    async with httpx.AsyncClient() as client:
        asked = [client.get(services.urls["openalex"] + "/works", params={"search": "graphs"}) for _ in range(4)]
        await asyncio.gather(*asked)
    assert max(request.in_flight for request in services.requests) > 1
    assert services.requests[0].at <= services.requests[-1].at
