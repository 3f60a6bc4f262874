from collections.abc import Callable

import pytest

from pasa_tui.corpus.corpus import Corpus
from pasa_tui.corpus.joined import JoinedCorpora
from pasa_tui.papers import Citation, Paper, PaperId

LANTERN = "arxiv:2101.00001"
TIDAL = "title:tidalagentsplanningwithmovinggoals"
KELP = "arxiv:2303.00003"
BEACON = "title:beacon"


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        (Citation(arxiv_id="2101.00001"), LANTERN),
        (Citation(doi="10.5555/LANTERN.1"), LANTERN),
        (Citation(source_id="arxiv:2101.00001v4"), LANTERN),
        (Citation(source_id="venue:tidal-agents"), TIDAL),
        (Citation("Lanterns for sparse retrieval."), LANTERN),
        (Citation("LANTERNS FOR SPARSE-RETRIEVAL", year=2023), LANTERN),
        (Citation("Lanterns for Sparse Retrieval", authors=("Quill, I.",), year=2021), LANTERN),
        # The arXiv id is surer than what a parser made of the title.
        (Citation("Lanterns, in:", arxiv_id="2101.00001"), LANTERN),
        # An unknown DOI (the publisher's) does not speak against the title.
        (Citation("Lanterns for Sparse Retrieval", doi="10.1000/other"), LANTERN),
        (Citation("keltechnicalreport"), None),
        (Citation("kelptechnicalreport"), KELP),
        (Citation("Kelp2 Technical Report"), KELP),
        (Citation("Kelp3 Technical Report"), None),
        (Citation("Kelp Technical Report"), None),
        (Citation("Lanterns for Sparse Retrieval", arxiv_id="2101.77777"), None),
        (Citation("Lanterns for Sparse Retrieval", year=2010), None),
        (Citation("Lanterns for Sparse Retrieval", authors=("Someone Else",)), None),
        (Citation("Tidal Agents"), None),
        (Citation("Something else", source_id="venue:tidal-agents"), None),
        (Citation("Beacon"), None),
        (Citation("Beacon", year=2020), BEACON),
        (Citation("Beacon", authors=("A. Ruiz",)), BEACON),
        (Citation("Beacon", authors=("A. Ruiz",), year=1990), None),
        (Citation(source_id="s2:nowhere"), None),
        (Citation("2020"), None),
        (Citation(), None),
    ],
)
async def test_only_what_is_surely_the_cited_paper(reference: Corpus, citation: Citation, expected: str | None) -> None:
    [paper] = await reference.resolve([citation])
    assert (paper.id if paper else None) == expected


async def test_a_title_that_two_papers_have_names_neither(make: Callable[..., Corpus]) -> None:
    twins = [{"id": f"arxiv:2101.0000{number}", "title": "The Same Long Title"} for number in (1, 2)]
    corpus = make(twins)
    found = await corpus.resolve([Citation("The same long title"), Citation("", arxiv_id="2101.00002")])
    assert [paper and paper.id for paper in found] == [None, "arxiv:2101.00002"]


async def test_many_are_resolved_in_order(reference: Corpus) -> None:
    citations = [
        Citation(arxiv_id="2101.00001"),
        Citation("No such title anywhere"),
        Citation("Beacon", year=2021),
    ] * 2000
    found = await reference.resolve(citations)
    assert [paper and paper.id for paper in found] == [LANTERN, None, BEACON] * 2000
    assert await reference.resolve([]) == []


async def test_sections_are_read_in_order_with_what_is_known_of_each_citation(reference: Corpus) -> None:
    tidal = reference.get(PaperId(TIDAL))
    assert tidal is not None
    sections = await reference.read(tidal)
    assert [(section.name, [citation.source_id for citation in section.citations]) for section in sections] == [
        ("1 Introduction", ["arxiv:2101.00001", "s2:nowhere", "arxiv:1999.99999"]),
        ("2 Related Work", ["arxiv:2101.00001", "arxiv:2303.00003", "local:beacon"]),
    ]
    lantern, nowhere, unknown = sections[0].citations
    assert (lantern.title, lantern.id, lantern.doi) == ("Lanterns for Sparse Retrieval", LANTERN, "10.5555/lantern.1")
    assert nowhere.id == "s2:nowhere" and unknown.id == "arxiv:1999.99999"
    assert [paper and paper.id for paper in await reference.resolve(sections[1].citations)] == [LANTERN, KELP, BEACON]


async def test_a_paper_met_elsewhere_is_read_by_its_other_names(reference: Corpus) -> None:
    elsewhere = Paper("Tidal Agents: planning with moving goals", doi="10.1000/tidal")
    assert [section.name for section in await reference.read(elsewhere)] == ["1 Introduction", "2 Related Work"]
    assert await reference.read(Paper("Tidal Waves: planning with moving goals")) == []


def test_who_cites_a_paper(reference: Corpus) -> None:
    assert reference.cited_by(PaperId(LANTERN)) == [TIDAL, KELP]
    assert reference.cited_by(PaperId("doi:10.5555/lantern.1")) == [TIDAL, KELP]
    assert reference.cited_by(PaperId(TIDAL)) == [] == reference.cited_by(PaperId("arxiv:1234.56789"))


async def test_who_cites_a_paper_and_what_else_they_cite(reference: Corpus) -> None:
    lantern = reference.get(PaperId(LANTERN))
    assert lantern is not None
    citing = await reference.citing(lantern, limit=10)
    assert [item.paper.id for item in citing] == [TIDAL, KELP]
    assert [citation.id for citation in citing[0].references] == [LANTERN, KELP, BEACON]
    assert [item.times_cited for item in citing] == [0, 1]
    assert len(await reference.citing(lantern, limit=1)) == 1
    assert await reference.citing(Paper("Nobody's"), limit=10) == []


async def test_corpora_are_read_as_one(reference: Corpus, make: Callable[..., Corpus]) -> None:
    other = make([{"id": "arxiv:2401.00001", "title": "A Paper That Only the Other Corpus Has"}])
    joined = JoinedCorpora([other, reference])
    assert joined.num_papers == reference.num_papers and joined.document_frequency("retrieval") == 2
    citations = [Citation(arxiv_id="2401.00001"), Citation(arxiv_id="2101.00001"), Citation("Nobody's")]
    found = await joined.resolve(citations)
    assert [paper.id if paper else None for paper in found] == ["arxiv:2401.00001", LANTERN, None]
    tidal = reference.get(PaperId(TIDAL))
    assert tidal is not None and await joined.read(tidal) == await reference.read(tidal)
    assert found[1] is not None and await joined.citing(found[1], limit=10) == await reference.citing(
        found[1], limit=10
    )
    assert await joined.read(Paper("Nobody's")) == []
