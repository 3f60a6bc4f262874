from collections.abc import Callable, Sequence
from datetime import date

import pytest

from pasa_tui.errors import SourceError
from pasa_tui.papers import Citation, Paper, Section
from pasa_tui.sources.latexml import BibEntry, FullText
from pasa_tui.sources.live import LiveSources
from pasa_tui.sources.memory import Memory
from pasa_tui.sources.reading import join
from tests.services.literature import Work
from tests.services.server import Fault, Services

Live = Callable[..., LiveSources]


def entry(number: int, text: str, **known: object) -> BibEntry:
    return BibEntry(f"bib.bib{number}", text, Citation(**known))  # type: ignore[arg-type]


def text_of(sections: dict[str, Sequence[BibEntry]], *uncited: BibEntry) -> FullText:
    entries = {item.key: item for items in sections.values() for item in items}
    return FullText(
        title="A paper",
        sections=tuple(Section(name, tuple(item.citation for item in items)) for name, items in sections.items()),
        entries=(*entries.values(), *uncited),
        keys=tuple(tuple(item.key for item in items) for items in sections.values()),
    )


def test_a_wrongly_read_title_is_put_right_by_the_structured_reference() -> None:
    wrong = entry(
        1, "A. Author. Dense things for sparse people. In Proc. of X, 2020.", title="In Proc. of X", year=2020
    )
    reference = Paper("Dense Things for Sparse People", arxiv_id="2001.00001", abstract="…")
    (section,) = join(text_of({"Related Work": [wrong]}), [reference])
    assert section.name == "Related Work"
    assert section.citations == (Citation("Dense Things for Sparse People", arxiv_id="2001.00001"),)


def test_an_entry_is_recognised_by_its_id_its_letters_or_its_title() -> None:
    papers = [
        Paper("One title that is long enough", doi="10.1/one"),
        Paper("Another title that is long enough", arxiv_id="2001.00002"),
        Paper("Another title that is long enough: the sequel", arxiv_id="2001.00003"),
        Paper("A misprinted tittle of a paper", authors=("Ada Lovelace",), arxiv_id="2001.00004"),
        Paper("Short", arxiv_id="2001.00005"),
    ]
    entries = [
        entry(1, "no title at all. doi:10.1/one", doi="10.1/one"),
        entry(2, "B. Another title that is long enough: the sequel. 2020."),
        entry(3, "B. Another title that is long enough. 2019."),
        entry(
            4,
            "Lovelace. A misprinted title of a paper",
            title="A misprinted title of a paper",
            authors=("A. Lovelace",),
        ),
        entry(5, "C. Shortly after. 2021.", title="Shortly after"),
    ]
    (section, rest) = join(text_of({"Intro": entries}), papers)
    found = [citation.arxiv_id or citation.doi for citation in section.citations]
    assert found == ["10.1/one", "2001.00003", "2001.00002", "2001.00004", None]
    assert section.citations[4] == Citation("Shortly after")
    assert rest == Section("", (Citation("Short", arxiv_id="2001.00005"),))


def test_an_entry_is_not_taken_for_a_paper_whose_title_it_only_contains() -> None:
    papers = [
        Paper("Deep learning", authors=("Yann LeCun",), date=date(2015, 7, 1), doi="10.1/nature"),
        Paper("Overview of the TREC 2019 Deep Learning Track", authors=("Nick Craswell",), arxiv_id="2003.07820"),
    ]
    entries = [
        entry(1, "Y. LeCun. Deep learning. Nature, 2015.", year=2015),
        entry(2, "A. Smith. Deep learning for protein folding. Cell, 2021.", title="Deep learning for protein folding"),
        entry(3, "N. Craswell. Overview of the TREC 2020 Deep Learning Track. 2021."),
        entry(4, "N. Craswell. Overview of the TREC 2019 Deep Learning Track. 2020."),
        entry(
            5,
            "Y. LeCun. Deep learning for everybody. 2016.",
            title="Deep learning for everybody",
        ),
    ]
    section, *_ = join(text_of({"Intro": entries}), papers)
    assert [citation.doi or citation.arxiv_id for citation in section.citations] == [
        "10.1/nature",
        None,
        None,
        "2003.07820",
        None,
    ]


def test_without_a_text_all_references_are_one_section_without_a_name() -> None:
    assert join(None, [Paper("A paper", arxiv_id="2001.00001")]) == [
        Section("", (Citation("A paper", arxiv_id="2001.00001"),))
    ]
    assert join(None, []) == []


def citing_work(services: Services, *texts: str) -> Work:
    """A paper on arXiv with these full texts that Semantic Scholar and OpenAlex know, with many references."""
    return max(
        (
            work
            for work in services.literature.works
            if work.arxiv_id
            and work.full_texts == texts
            and work.s2_known
            and work.openalex_known
            and not work.doi
            and not work.references_elided
        ),
        key=lambda work: len(services.literature.references(work)),
    )


async def test_sections_come_from_the_text_and_papers_from_the_references(live: Live, services: Services) -> None:
    work = citing_work(services, "ar5iv", "arxiv-html")
    sources = live()
    sections = await sources.reader.read(Paper(work.title, arxiv_id=work.arxiv_id))
    expected = {name: numbers for name, numbers in work.sections if numbers}
    named = {section.name: section for section in sections if section.name}
    assert set(named) == set(expected)
    for name, numbers in expected.items():
        cited = [services.literature.by_number[number] for number in numbers]
        resolved = await sources.resolver.resolve(named[name].citations)
        assert [paper.title if paper else None for paper in resolved] == [it.title for it in cited]
    assert services.count("ar5iv") == 1 and services.count("arxiv-html") == 0


async def test_what_ar5iv_lacks_is_read_at_arxiv(live: Live, services: Services) -> None:
    work = citing_work(services, "arxiv-html")
    sections = await live().reader.read(Paper(work.title, arxiv_id=work.arxiv_id))
    assert {section.name for section in sections if section.name} == {name for name, cited in work.sections if cited}
    assert services.count("ar5iv") == 1 and services.count("arxiv-html") == 1


@pytest.mark.parametrize("known_to", [["semantic-scholar"], ["openalex"]])
async def test_either_service_will_do_for_references(live: Live, services: Services, known_to: list[str]) -> None:
    work = citing_work(services, "ar5iv", "arxiv-html")
    sections = await live(["ar5iv", *known_to]).reader.read(Paper(work.title, arxiv_id=work.arxiv_id))
    ids = {citation.arxiv_id for section in sections for citation in section.citations}
    assert len(ids & {it.arxiv_id for it in services.literature.references(work) if it.arxiv_id}) > 3


async def test_references_fall_back_from_one_service_to_the_other(live: Live, services: Services) -> None:
    services.faults = [Fault("500", "semantic-scholar")]
    work = citing_work(services, "ar5iv", "arxiv-html")
    sources = live(["semantic-scholar", "openalex"])
    (section,) = await sources.reader.read(Paper(work.title, arxiv_id=work.arxiv_id))
    assert section.name == "" and len(section.citations) > 3
    assert [trouble.source for trouble in sources.new_troubles()] == ["semantic-scholar"]


async def test_when_nothing_answers_reading_fails(live: Live, services: Services) -> None:
    services.faults = [Fault("500")]
    work = citing_work(services, "ar5iv", "arxiv-html")
    with pytest.raises(SourceError):
        await live().reader.read(Paper(work.title, arxiv_id=work.arxiv_id))


async def test_without_credits_works_are_looked_up_one_by_one(live: Live, services: Services) -> None:
    services.openalex_budget = 0
    work = citing_work(services, "ar5iv", "arxiv-html")
    sources = live(["openalex", "ar5iv"])
    with pytest.raises(SourceError):
        await sources.search[0].search("anything", limit=5, before=None)
    sections = await sources.reader.read(Paper(work.title, arxiv_id=work.arxiv_id))
    assert any(citation.arxiv_id for section in sections for citation in section.citations)
    assert services.count("openalex", "work") > 3 and services.openalex.spent == 0


async def test_a_paper_nobody_knows_has_no_sections(live: Live) -> None:
    sources = live()
    assert await sources.reader.read(Paper("Nobody's paper", arxiv_id="2404.99999")) == []
    assert await sources.reader.read(Paper("A paper without any id")) == []


def test_memory_keeps_the_fuller_account_and_is_sure_of_what_it_finds() -> None:
    memory = Memory()
    memory.remember([Paper("A title of some length", arxiv_id="2001.00001", source_id="s2:1")])
    memory.remember([Paper("A title of some length", "With an abstract", arxiv_id="2001.00001")])
    assert memory.find(Citation("A title of some length", arxiv_id="2002.00002")) is None
    memory.remember([Paper("A title of some length", doi="10.1/x")])
    for citation in (
        Citation(arxiv_id="2001.00001"),
        Citation("A Title of Some Length"),
    ):
        found = memory.find(citation)
        assert found and found.arxiv_id == "2001.00001" and found.abstract
    assert memory.find(Citation(source_id="s2:1")) is not None
    assert memory.find(Citation("A title of another length")) is None
    assert memory.find(Citation()) is None
