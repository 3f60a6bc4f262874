"""The builtin Crawler: what it searches for, and which sections it follows."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.builtin import BuiltinCrawler, PlainStatistics
from pasa_tui.models.builtin.acronyms import spelled_out
from pasa_tui.models.protocols import SearchResults
from pasa_tui.papers import MAX_QUERY_LENGTH, Paper, Query
from tests.models.collection import COLLECTION, OTHERS, RETRIEVAL

PLAIN = BuiltinCrawler(PlainStatistics())
COUNTED = BuiltinCrawler(COLLECTION)
QUESTION = "Could you list some papers that mine hard negatives for dense retrieval?"
MOST_WORDS = 60


async def planned(crawler: BuiltinCrawler, text: str, found: Sequence[SearchResults] = ()) -> list[str]:
    return [search async for search in crawler.plan(Query(text), found)]


async def chosen(text: str, paper: Paper, *names: str) -> list[str]:
    return [name async for name in COUNTED.choose(Query(text), paper, names)]


async def whole_session(crawler: BuiltinCrawler, text: str, limit: int) -> list[str]:
    """All searches that the agent loop would make, `limit` at most."""
    found: list[SearchResults] = []
    while new := (await planned(crawler, text, found))[: limit - len(found)]:
        found += [SearchResults(search, await COLLECTION.search(search, limit=10, before=None)) for search in new]
    return [results.text for results in found]


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Could you provide me some works related to kernel methods?", "kernel methods"),
        ("Which papers first introduced sparse attention?", "sparse attention"),
        ("In what works are spiking networks considered?", "spiking networks"),
        ("I'm looking for papers that use diffusion models in chemistry.", "diffusion models chemistry"),
        ("Are there any studies on MRI reconstruction, please?", "MRI reconstruction"),
        ("Find surveys on topic models.", "surveys topic models"),
        ("Give me recent research about C++ code generation", "C++ code generation"),
        ("How do humans name colours?", "humans name colours"),
    ],
)
async def test_the_way_of_asking_is_left_out(question: str, subject: str) -> None:
    assert (await planned(PLAIN, question))[0] == subject


@pytest.mark.parametrize(
    "subject", ["search engines", "citation recommendation", "name disambiguation", "transformers", "list decoding"]
)
async def test_a_bare_subject_stays_whole(subject: str) -> None:
    assert await planned(PLAIN, subject) == [subject]


@pytest.mark.parametrize(
    "question", ["请列出关于深度强化学习的论文", "أوراق حول تعلم الآلة", "हिन्दी भाषा मॉडल", "🤖", "papers", "What?"]
)
async def test_what_has_no_english_subject_is_searched_as_it_is(question: str) -> None:
    assert await planned(PLAIN, question) == [question]


async def test_the_session_makes_different_searches_round_by_round() -> None:
    searches = await whole_session(COUNTED, QUESTION, limit=5)
    assert len({search.lower() for search in searches}) == len(searches) == 5
    assert searches[0] == "mine hard negatives dense retrieval"


async def test_feedback_brings_words_that_the_question_lacks() -> None:
    found = [SearchResults(text, RETRIEVAL) for text in await planned(COUNTED, QUESTION)]
    expanded = (await planned(COUNTED, QUESTION, found))[0]
    assert expanded.startswith("mine hard negatives dense retrieval ")
    assert "encoders" in expanded.split()


async def test_a_session_ends_however_many_searches_are_allowed() -> None:
    assert len(await whole_session(COUNTED, QUESTION, limit=1_000)) < 20


async def test_of_a_long_description_the_rarest_phrases_are_kept() -> None:
    common = "the proteins and the robots. " * 100
    first = (await planned(COUNTED, f"{common}Envy-free division of goods. {common}"))[0]
    assert "division" in first.split()
    assert len(first.split()) <= MOST_WORDS


@given(st.text(min_size=1, max_size=MAX_QUERY_LENGTH))
async def test_any_text_gives_bounded_and_different_searches(text: str) -> None:
    searches = await planned(PLAIN, text)
    assert len({search.lower() for search in searches}) == len(searches)
    assert all(0 < len(search.split()) <= MOST_WORDS for search in searches)
    assert bool(searches) == bool(text.strip())
    assert searches == await planned(PLAIN, text)


async def test_sections_on_the_work_of_others_or_the_subject_are_followed() -> None:
    names = (
        "1 Introduction",
        "2 RELATED WORK",
        "2.1 Hard negatives",
        "3 Loss on frames",
        "4.1 Implementation Details",
        "5 Comparison with baselines",
        "Acknowledgements",
        "Appendix B Broader Impact",
        "",
    )
    assert await chosen(QUESTION, RETRIEVAL[0], *names) == [
        "1 Introduction",
        "2 RELATED WORK",
        "2.1 Hard negatives",
        "5 Comparison with baselines",
        "",
    ]


async def test_of_a_paper_on_something_else_only_the_subject_is_followed() -> None:
    names = ("Introduction", "Dense retrieval and hard negatives", "Related Work", "")
    assert await chosen(QUESTION, OTHERS[0], *names) == ["Dense retrieval and hard negatives"]


@given(st.text(min_size=1, max_size=200), st.lists(st.text(max_size=60), unique=True, max_size=8))
async def test_what_is_chosen_is_among_the_names_in_their_order(text: str, names: list[str]) -> None:
    follow = await chosen(text, RETRIEVAL[0], *names)
    assert follow == [name for name in names if name in follow]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["We use graph-attention layers (GAL) here."], "graph attention layers"),
        (["Grand average length (GAL).", *["Graph attention layers (GALs)."] * 2], "graph attention layers"),
        (["We use layers (GAL).", "GAL is used.", "()"], ""),
    ],
)
def test_acronyms_are_spelled_out_as_most_papers_do(texts: list[str], words: str) -> None:
    assert spelled_out("GAL", texts) == words


async def test_an_expanded_search_says_what_the_question_s_acronym_stands_for() -> None:
    question = "GAL for molecules"
    papers = [Paper("Molecules", "Graph attention layers (GAL) for molecules.", arxiv_id="2001.1")]
    found = [SearchResults(text, papers) for text in await planned(PLAIN, question)]
    assert any("graph attention layers" in search for search in await planned(PLAIN, question, found))
