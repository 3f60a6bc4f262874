from pasa_tui.corpus.corpus import Corpus
from pasa_tui.corpus.joined import JoinedCorpora
from pasa_tui.papers import Paper, PaperId

KELP, BEACON, TIDAL = "arxiv:2303.00003", "title:beacon", "title:tidalagentsplanningwithmovinggoals"


def papers(corpus: Corpus, *ids: str) -> list[Paper]:
    found = [corpus.get(PaperId(paper_id)) for paper_id in ids]
    return [paper for paper in found if paper]


async def test_papers_about_the_text_are_guides_if_their_references_are_known(reference: Corpus) -> None:
    guides = await reference.guides("agents that plan, retrieval, kelp", [], limit=5)
    assert {guide.paper.id for guide in guides} == {TIDAL, KELP}
    assert all(guide.cites is None for guide in guides)


async def test_papers_that_cite_good_ones_are_guides_and_name_the_best_they_cite(reference: Corpus) -> None:
    guides = await reference.guides("", papers(reference, KELP, BEACON), limit=5)
    assert [(guide.paper.id, guide.cites) for guide in guides] == [(TIDAL, KELP)]
    guides = await reference.guides("", papers(reference, BEACON, KELP), limit=5)
    assert [(guide.paper.id, guide.cites) for guide in guides] == [(TIDAL, BEACON)]


async def test_no_more_guides_than_asked_for_and_none_for_nothing(reference: Corpus) -> None:
    assert len(await reference.guides("agents kelp", papers(reference, KELP), limit=1)) == 1
    assert await reference.guides("", [], limit=5) == []
    assert await reference.guides("agents", [Paper("Unknown", arxiv_id="1901.00001")], limit=0) == []


async def test_several_corpora_guide_together(reference: Corpus) -> None:
    joined = JoinedCorpora([reference, reference])
    guides = await joined.guides("agents kelp", papers(reference, KELP), limit=5)
    assert {guide.paper.id for guide in guides} == {TIDAL, KELP}


async def test_scores_fall_and_the_papers_are_those_of_a_search(reference: Corpus) -> None:
    scored = reference.scored("sparse retrieval", limit=5, before=None)
    assert [paper for paper, _ in scored] == await reference.search("sparse retrieval", limit=5, before=None)
    scores = [score for _, score in scored]
    assert scores == sorted(scores, reverse=True) and min(scores) > 0


def test_all_papers_can_be_had_by_their_places(reference: Corpus) -> None:
    everything = list(reference.all_papers())
    assert len(everything) == reference.info.papers
    assert reference.at([2, 0]) == [everything[2], everything[0]]
