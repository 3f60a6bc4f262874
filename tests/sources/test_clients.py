"""Each service's client against a loopback server that speaks its format."""

import datetime as dt
import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Paper, arxiv_of_doi, doi_of_arxiv
from pasa_tui.sources import arxiv, openalex, semantic_scholar, serper
from pasa_tui.sources.arxiv import Arxiv, search_query
from pasa_tui.sources.asking import Answer
from pasa_tui.sources.http import Http
from pasa_tui.sources.live import LiveSources
from pasa_tui.sources.openalex import OpenAlex
from pasa_tui.sources.records import make_paper
from pasa_tui.sources.semantic_scholar import SemanticScholar
from pasa_tui.sources.serper import arxiv_id_of_link
from tests.services.literature import Literature, Work
from tests.services.server import Fault, Services

Live = Callable[..., LiveSources]
HttpFor = Callable[..., Http]


def on_arxiv(literature: Literature) -> list[Work]:
    return [work for work in literature.works if work.arxiv_id and not work.withdrawn]


# -- arXiv ------------------------------------------------------------------------------------------------


async def test_arxiv_finds_and_dates_papers(live: Live, services: Services) -> None:
    work = on_arxiv(services.literature)[-1]
    tool = Arxiv(live().http)
    found = await tool.search(work.title, limit=5, before=None)
    paper = next(paper for paper in found if paper.arxiv_id == work.arxiv_id)
    assert (paper.title, paper.abstract, paper.authors, paper.date) == (
        work.title,
        " ".join(work.abstract.split()),
        work.authors,
        work.date,
    )
    before = work.date - dt.timedelta(days=1)
    earlier = await tool.search(work.title, limit=50, before=before)
    assert earlier and all(paper.date and paper.date <= before for paper in earlier)
    assert len(await tool.search(work.title, limit=2, before=None)) == 2


async def test_arxiv_gives_a_hundred_ids_in_one_request(live: Live, services: Services) -> None:
    works = on_arxiv(services.literature)[:98]
    ids = [str(work.arxiv_id) for work in works]
    found = await Arxiv(live().http).by_ids([*ids, "2404.99999", "hep-th/9912999"])
    assert {name: paper.title for name, paper in found.items()} == {str(work.arxiv_id): work.title for work in works}
    assert services.count("arxiv") == 1
    assert any(work.versions > 1 for work in works)


async def test_withdrawn_papers_are_not_found(live: Live, services: Services) -> None:
    withdrawn = [str(work.arxiv_id) for work in services.literature.works if work.withdrawn and work.arxiv_id]
    assert withdrawn and not await Arxiv(live().http).by_ids(withdrawn)


async def test_entities_are_not_expanded(live: Live, services: Services) -> None:
    services.faults = [Fault("entity-bomb", "arxiv")]
    with pytest.raises(SourceError):
        await Arxiv(live().http).search("dense retrieval", limit=5, before=None)


@pytest.mark.parametrize("body", [b"", b"<feed/>", b"<html><body>busy</body></html>", b"\xff\xfe", b"<feed xmlns='x'>"])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        arxiv.parse_feed(Answer(200, body, {}))


def test_a_feed_in_an_unknown_charset_is_read() -> None:
    feed = (
        '<?xml version="1.0" encoding="x-nobody-knows"?><feed xmlns="http://www.w3.org/2005/Atom"><entry>'
        "<id>https://arxiv.org/abs/2101.00001v12</id><title>A\n  title</title>"
        "<published>2021-01-03T00:00:00Z</published>"
        "</entry></feed>"
    )
    assert arxiv.parse_feed(Answer(200, feed.encode(), {})) == [
        Paper("A title", arxiv_id="2101.00001", date=dt.date(2021, 1, 3))
    ]


@given(st.text())
def test_any_text_makes_a_query_of_words(text: str) -> None:
    query = search_query(text, None)
    assert query == "" or (query[0] == "(" and query[-1] == ")")
    assert not set(query[1:-1]) & set('"()[]')


def test_a_query_names_the_cut_off() -> None:
    assert search_query("dense retrieval", dt.date(2024, 6, 30)) == (
        "(all:dense AND all:retrieval) AND submittedDate:[199107010000 TO 202406302359]"
    )
    assert search_query("how to do it", None) == ""


# -- Semantic Scholar -------------------------------------------------------------------------------------


async def test_semantic_scholar_answers_every_kind_of_question(live: Live, services: Services) -> None:
    literature = services.literature
    known = [work for work in on_arxiv(literature) if work.s2_known]
    work = next(work for work in reversed(known) if len(literature.references(work)) > 5)
    client = SemanticScholar(live().http)
    paper = await client.match(work.title)
    assert paper and paper.arxiv_id == work.arxiv_id
    assert await client.match("A title that nobody has ever given to anything") is None
    found = await client.search(work.title, limit=5, before=None)
    assert work.arxiv_id in {it.arxiv_id for it in found}
    papers = await client.by_ids([f"ARXIV:{work.arxiv_id}", "ARXIV:2404.99999", "DOI:10.1/none"])
    assert set(papers) == {f"ARXIV:{work.arxiv_id}"}
    references = (await client.references([f"ARXIV:{work.arxiv_id}", "DOI:10.1/none"]))[f"ARXIV:{work.arxiv_id}"]
    cited = {it.title for it in literature.references(work) if it.s2_known}
    assert {it.title for it in references} <= {it.title for it in literature.references(work)}
    assert len({it.title for it in references} & cited) >= len(cited) - 2
    assert await client.search_snippets("retrieval", limit=3, before=None)
    assert await client.recommend([paper], limit=4)


async def test_semantic_scholar_knows_who_cites(live: Live, services: Services) -> None:
    literature = services.literature
    work = max((it for it in on_arxiv(literature) if it.s2_known), key=lambda it: len(literature.citations(it)))
    citing = await SemanticScholar(live().http).citing(Paper(work.title, arxiv_id=work.arxiv_id), limit=1000)
    titles = {it.title for it in literature.citations(work) if it.s2_known and not it.withdrawn}
    assert citing and {it.paper.title for it in citing} <= titles
    assert any(it.times_cited is not None for it in citing)


async def test_the_key_is_sent_as_its_header(live: Live, services: Services) -> None:
    services.keys = {"semantic-scholar": "s2-key"}
    with pytest.raises(SourceError, match="without a key"):
        await SemanticScholar(live().http).match("anything at all")
    await SemanticScholar(live(keys={"semantic-scholar": "s2-key"}).http).match("anything at all")
    with pytest.raises(SourceError, match="not accepted"):
        await SemanticScholar(live(keys={"semantic-scholar": "wrong"}).http).match("something else")


# -- OpenAlex ---------------------------------------------------------------------------------------------


async def test_openalex_answers_every_kind_of_question(live: Live, services: Services) -> None:
    literature = services.literature
    known = [work for work in on_arxiv(literature) if work.openalex_known and not work.doi]
    work = max(known, key=lambda it: len([cited for cited in literature.references(it) if cited.openalex_known]))
    client = OpenAlex(live().http)
    ids = await client.references(Paper(work.title, arxiv_id=work.arxiv_id))
    assert ids and services.openalex.spent == 0
    papers = await client.by_ids(ids)
    assert {it.title for it in papers.values()} <= {it.title for it in literature.references(work)}
    assert services.openalex.spent == 1
    assert await client.references(Paper("Nobody's", arxiv_id="2404.99999")) is None
    doi = doi_of_arxiv(str(work.arxiv_id))
    by_doi = await client.by_dois([doi, "10.1/none", "10.1/with,comma"])
    assert by_doi[doi].abstract == " ".join(work.abstract.split()) and by_doi[doi].arxiv_id == work.arxiv_id
    titles = [it.title for it in known[:15]]
    assert {it.title for it in await client.by_titles([*titles, "A “quoted”, (bracketed) | title"])} >= set(titles)
    assert work.arxiv_id in {it.arxiv_id for it in await client.search(work.title, limit=5, before=None)}


async def test_openalex_tells_who_cites_and_what_else_they_cite(live: Live, services: Services) -> None:
    literature = services.literature
    known = [work for work in on_arxiv(literature) if work.openalex_known]
    work = max(known, key=lambda it: len(literature.citations(it)))
    paper = Paper(work.title, arxiv_id=work.arxiv_id, doi=work.doi)
    citing = await OpenAlex(live().http).citing(paper, limit=100)
    assert {it.paper.title for it in citing} <= {it.title for it in literature.citations(work)}
    assert any(it.references for it in citing) and all(
        reference.source_id and reference.source_id.startswith("openalex:W")
        for it in citing
        for reference in it.references
    )


async def test_what_is_left_of_the_budget_is_read_and_kept_to(live: Live, services: Services) -> None:
    services.openalex_budget = 30
    sources = live(["openalex"])
    client = OpenAlex(sources.http)
    await client.search("dense retrieval", limit=5, before=None)
    assert sources.usage()[0].left == "20 of 30 credits left today"
    # A further search would leave less than half of the day for look-ups.
    with pytest.raises(SourceError, match="kept for look-ups"):
        await client.search("query expansion", limit=5, before=None)
    assert client.can_pay
    await client.by_titles(["Some title"])
    await client.by_titles(["Some other title"])
    with pytest.raises(SourceError, match="nothing is left"):
        await client.by_ids(["W1"])
    assert not client.can_pay and services.openalex.spent == 30
    work = next(work for work in services.literature.works if work.openalex_known)
    assert await client.by_id(work.openalex_id) is not None


async def test_long_lists_of_dois_are_several_requests(live: Live, services: Services) -> None:
    await OpenAlex(live().http).by_dois([f"10.5555/{'x' * 120}{number}" for number in range(100)])
    assert services.count("openalex") >= 2


# -- Serper -----------------------------------------------------------------------------------------------


async def test_google_finds_papers_of_arxiv(live: Live, services: Services) -> None:
    sources = live(["serper", "semantic-scholar", "serper-scholar"], keys={"serper": "key"})
    services.keys = {"serper": "key"}
    work = on_arxiv(services.literature)[-1]
    google, _, scholar = sources.search
    found = await google.search(work.title, limit=5, before=dt.date(2030, 1, 1))
    assert found and len({paper.id for paper in found}) == len(found) <= 5
    sent = json.loads(next(it.body for it in services.requests if it.service == "serper"))
    assert sent["q"].endswith("site:arxiv.org before:2030-01-01")
    assert (await scholar.search(work.title, limit=5, before=dt.date(2030, 1, 1))) != []
    assert services.count("semantic-scholar", "batch") <= 2


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://arxiv.org/abs/2501.10120", "2501.10120"),
        ("http://www.arxiv.org/pdf/2501.10120v12.pdf", "2501.10120"),
        ("https://arxiv.org/html/2501.10120v2#S3", "2501.10120"),
        ("https://export.arxiv.org/abs/hep-th/9901001v3", "hep-th/9901001"),
        ("https://arxiv.org/pdf/math.GT/0309136", "math.GT/0309136"),
        ("arxiv.org/abs/0704.0001", "0704.0001"),
        ("https://arxiv.org/abs/2501.10120?context=cs", "2501.10120"),
        ("https://notarxiv.org/abs/2501.10120", None),
        ("https://evil.test/?u=arxiv.org/abs/", None),
        ("https://arxiv.org/list/cs/new", None),
        ("https://arxiv.org/abs/2513.10120", None),
        ("", None),
    ],
)
def test_arxiv_ids_of_links(link: str, expected: str | None) -> None:
    assert arxiv_id_of_link(link) == expected


@given(st.text())
def test_any_link_is_read(link: str) -> None:
    found = arxiv_id_of_link(link)
    assert found is None or found in link.lower() or found.lower() in link.lower()


@given(
    st.integers(7, 29),
    st.integers(1, 12),
    st.integers(1, 99_999),
    st.integers(1, 99),
    st.sampled_from(["abs", "pdf", "html"]),
)
def test_ids_of_every_kind_of_link(year: int, month: int, number: int, version: int, kind: str) -> None:
    arxiv_id = f"{year:02}{month:02}.{number:05}"
    assert arxiv_id_of_link(f"https://arxiv.org/{kind}/{arxiv_id}v{version}") == arxiv_id


# -- records ----------------------------------------------------------------------------------------------


def test_the_day_of_a_preprint_is_not_that_of_the_journal() -> None:
    paper = make_paper(title="T", date="2024-09-01", arxiv_id="2301.00001")
    assert paper and paper.date == dt.date(2023, 1, 1)
    paper = make_paper(title="T", date="2023-01-14", arxiv_id="2301.00001")
    assert paper and paper.date == dt.date(2023, 1, 14)
    paper = make_paper(title="T", year=1999)
    assert paper and paper.date == dt.date(1999, 7, 1)
    paper = make_paper(title="T", date="soon", arxiv_id="hep-th/9901001")
    assert paper and paper.date == dt.date(1999, 1, 1)


def test_hostile_records_are_made_harmless() -> None:
    paper = make_paper(
        title="A \x1b[31mtitle\u202e",
        abstract="x" * 50_000,
        authors=["Ada\nB", ""],
        doi="https://doi.org/10.48550/arXiv.2301.00001",
        source_id="s2:1",
    )
    assert paper and paper.title == "A title" and len(paper.abstract) == 20_000 and paper.authors == ("Ada B",)
    assert paper.arxiv_id == "2301.00001" and paper.doi is None and paper.source_id is None
    assert make_paper(title="\x1b[2J") is None
    assert make_paper(title="T", abstract="This paper has been withdrawn by the authors due to an error.") is None
    assert make_paper(title="T", abstract="The paper studies withdrawn products.") is not None
    assert make_paper(title="T", abstract="Withdrawn behaviour in children predicts anxiety.") is not None
    assert make_paper(title="T", abstract="Withdrawn by the authors.") is None
    assert make_paper(title="T", year=0) == Paper("T")
    odd = make_paper(title="2048", source_id="s2:\x1b[31mx\ny")
    assert odd and odd.id == "s2:x y"


@pytest.mark.parametrize("arxiv_id", ["2301.00001", "hep-th/9901001"])
def test_dois_of_arxiv_go_there_and_back(arxiv_id: str) -> None:
    assert arxiv_of_doi(doi_of_arxiv(arxiv_id)) == arxiv_id


def test_names_for_the_services() -> None:
    assert semantic_scholar.id_of(Citation(arxiv_id="2301.00001", doi="10.1/x")) == "ARXIV:2301.00001"
    assert semantic_scholar.id_of(Paper("T", doi="10.1/x")) == "DOI:10.1/x"
    assert semantic_scholar.id_of(Paper("T", source_id="s2:abc")) == "abc"
    assert semantic_scholar.id_of(Paper("T", source_id="openalex:W1")) is None
    assert openalex.names_of(Paper("T", source_id="openalex:W1")) == ["W1"]
    assert openalex.names_of(Paper("T", arxiv_id="hep-th/9901001", doi="10.1/x")) == [
        "doi:10.1/x",
        "doi:10.48550/arxiv.hep-th/9901001",
    ]


async def test_json_in_another_charset_is_read(http_for: HttpFor) -> None:
    text = '{"data": [{"paperId": "1", "title": "Caf\xe9 models", "externalIds": {}}]}'.encode("latin-1")
    http = http_for(
        lambda _: httpx.Response(200, content=text), semantic_scholar.service("https://s2.test", paced=False)
    )
    found = await SemanticScholar(http).match("Café models")
    assert found and found.title == "Caf\ufffd models"


async def test_scholar_items_of_any_shape(http_for: HttpFor) -> None:
    items = [
        {"title": "[PDF] One title …", "link": "https://x.test/1.pdf", "year": 2020, "publicationInfo": "A - B"},
        {"title": "[HTML][HTML] Another", "link": "", "year": "2021", "publicationInfo": {"summary": "C"}},
        {"title": "", "link": "https://nowhere.test"},
        {"title": "Third", "link": "https://x.test", "pdfUrl": "https://arxiv.org/pdf/2301.00001"},
    ]
    asked: list[Citation] = []

    async def lookup(citations: object) -> list[Paper | None]:
        assert isinstance(citations, list)
        asked.extend(citations)
        return [None] * len(citations)

    http = http_for(
        lambda _: httpx.Response(200, json={"organic": items}),
        serper.service("https://serper.test", key="k", name="serper-scholar"),
    )
    assert await serper.SerperScholar(http, lookup).search("x", limit=10, before=None) == []
    assert asked == [
        Citation("One title", year=2020),
        Citation("Another", year=2021),
        Citation("Third", arxiv_id="2301.00001"),
    ]
