from collections.abc import Callable, Sequence

import pytest

from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Paper
from pasa_tui.sources.live import LiveSources
from tests.services.literature import Work
from tests.services.server import Fault, Services

Live = Callable[..., LiveSources]


class Local:
    """A corpus that has these papers, by arXiv id."""

    def __init__(self, *papers: Paper) -> None:
        self.papers = {paper.arxiv_id: paper for paper in papers}
        self.asked = 0

    async def resolve(self, citations: Sequence[Citation]) -> Sequence[Paper | None]:
        self.asked += len(citations)
        return [self.papers.get(citation.arxiv_id) for citation in citations]


def on_arxiv(services: Services, count: int) -> list[Work]:
    return [work for work in services.literature.works if work.arxiv_id and work.s2_known and not work.withdrawn][
        :count
    ]


def titles(papers: Sequence[Paper | None]) -> list[str | None]:
    return [paper.title if paper else None for paper in papers]


async def test_the_nearest_comes_first(live: Live, services: Services) -> None:
    near, far = on_arxiv(services, 2)
    local = Local(Paper("As the corpus has it", "An abstract", arxiv_id=near.arxiv_id))
    resolver = live(local=[local]).resolver
    found = await resolver.resolve([Citation(arxiv_id=near.arxiv_id), Citation(arxiv_id=far.arxiv_id)])
    assert titles(found) == ["As the corpus has it", far.title]
    assert len(services.requests) == 1
    assert titles(await resolver.resolve([Citation(arxiv_id=far.arxiv_id)])) == [far.title]
    assert len(services.requests) == 1 and local.asked == 2


async def test_ids_are_asked_for_together(live: Live, services: Services) -> None:
    works = on_arxiv(services, 300)
    found = await live().resolver.resolve([Citation(arxiv_id=work.arxiv_id) for work in works])
    assert titles(found) == [work.title for work in works]
    assert services.count("semantic-scholar", "batch") == 1


@pytest.mark.parametrize(
    ("names", "most"), [(["openalex"], 12), (["arxiv"], 6), (["semantic-scholar"], 50)], ids=lambda it: str(it)
)
async def test_any_one_service_resolves_ids_and_titles(
    live: Live, services: Services, names: list[str], most: int
) -> None:
    works = [work for work in on_arxiv(services, 400) if work.openalex_known and not work.doi][:40]
    citations = [
        Citation(arxiv_id=work.arxiv_id) if at % 2 else Citation(work.title, authors=work.authors, year=work.date.year)
        for at, work in enumerate(works)
    ]
    found = await live(names).resolver.resolve(citations)
    assert titles(found) == [work.title for work in works]
    assert len(services.requests) <= most


async def test_a_wrong_paper_is_refused(live: Live, services: Services) -> None:
    work = on_arxiv(services, 1)[0]
    wrong = [
        Citation(work.title, authors=("Nobody Elsewhere",), year=work.date.year),
        Citation(work.title, authors=work.authors, year=work.date.year - 20),
        Citation(work.title + " II", authors=("Nobody Elsewhere",)),
        Citation(work.title + " 2"),
        Citation("Quite another title of another paper", authors=("Nobody Elsewhere",), arxiv_id=work.arxiv_id),
        Citation("Short"),
        Citation(),
    ]
    assert titles(await live().resolver.resolve(wrong)) == [None] * len(wrong)


async def test_ids_that_do_not_exist_are_no_papers(live: Live) -> None:
    ids = ["2404.99999", "hep-th/9912999", "9999.99999"]
    citations = [Citation(arxiv_id=name) for name in ids] + [
        Citation(doi="10.1/none"),
        Citation(source_id="openalex:W0"),
    ]
    assert titles(await live().resolver.resolve(citations)) == [None] * 5


async def test_one_service_down_costs_nothing_but_a_word(live: Live, services: Services) -> None:
    services.faults = [Fault("503", "semantic-scholar")]
    works = on_arxiv(services, 20)
    sources = live()
    found = await sources.resolver.resolve([Citation(arxiv_id=work.arxiv_id) for work in works])
    assert titles(found) == [work.title for work in works]
    assert {trouble.source for trouble in sources.new_troubles()} == {"semantic-scholar"}


async def test_all_services_down_is_a_failure(live: Live, services: Services) -> None:
    services.faults = [Fault("reset")]
    with pytest.raises(SourceError):
        await live().resolver.resolve([Citation(arxiv_id="2001.00001")])


async def test_duplicates_in_openalex_are_one_paper(live: Live, services: Services) -> None:
    work = next(
        it
        for it in services.literature.works
        if it.openalex_twice and it.openalex_known and it.arxiv_id and not it.withdrawn
    )
    (found,) = await live(["openalex"]).resolver.resolve([Citation(work.title, year=work.date.year)])
    assert found is None or found.title == work.title
