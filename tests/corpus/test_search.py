import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.corpus.build import build_corpus
from pasa_tui.corpus.corpus import Corpus
from pasa_tui.papers import Paper, PaperId, clean_text
from tests.corpus.conftest import json_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        '"quoted" (title:x AND y) OR -z',
        "[red]markup[/red]",
        "a\\b {c} $d$ \x1b[31m",
        "深度学习 を使う",
        "naïve Bayes’s Θ",
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
async def test_what_goes_in_is_found_and_comes_out(texts: list[tuple[str, str]]) -> None:
    rows = [
        {"id": f"arxiv:2001.{number:05d}", "title": f"Q {title}", "abstract": abstract}
        for number, (title, abstract) in enumerate(texts)
    ]
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.default({"PASA_TUI_HOME": home})
        build_corpus(paths, "made", papers=json_lines(Path(home) / "papers.jsonl", rows))
        with open_corpus("made", paths) as corpus:
            assert corpus.num_papers == len(rows)
            for row in rows:
                paper = corpus.get(PaperId(row["id"]))
                assert paper is not None
                assert (paper.title, paper.abstract) == (clean_text(row["title"]), clean_text(row["abstract"]))
                for text in (paper.title, paper.abstract, row["title"], row["abstract"]):
                    found = await corpus.search(text, limit=len(rows), before=None)
                    assert paper in found or not corpus.analyze(text)


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Forty papers of one and the same text, dated on forty days, and three that differ."""
    same = [
        {
            "id": f"arxiv:2001.{number:05d}",
            "title": "Mirror worlds",
            "abstract": "Reflections of agents.",
            "date": date(2020, 1 + number // 20, 1 + number % 20).isoformat(),
        }
        for number in range(40)
    ]
    others = [
        {"id": "arxiv:2101.00001", "title": "Agents in gardens", "abstract": "Roses.", "date": "2021-01-01"},
        {
            "id": "arxiv:2101.00002",
            "title": "Roses",
            "abstract": "The agents' gardens of field:value.",
            "date": "2021-01-02",
        },
        {"id": "arxiv:2101.00003", "title": "深度学习与检索", "abstract": "การเรียนรู้ Обучение", "date": "2021-01-03"},
    ]
    folder = tmp_path_factory.mktemp("stacked")
    paths = Paths.default({"PASA_TUI_HOME": str(folder)})
    build_corpus(paths, "stacked", papers=json_lines(folder / "papers.jsonl", [*same, *others]))
    return open_corpus("stacked", paths)


def ids(papers: list[Paper]) -> list[PaperId]:
    return [paper.id for paper in papers]


@pytest.mark.parametrize(
    "text",
    [
        "agents gardens",
        "AGENTS  gardens!",
        '"agents gardens"',
        "agents AND gardens",
        "agents OR NOT gardens",
        "title:agents +gardens^9 -",
        "(agents [gardens TO",
        "agents* /gardens/ \\ ~2 🌹\ud800\x00",
    ],
)
async def test_text_is_words_and_nothing_else(stacked: Corpus, text: str) -> None:
    found = await stacked.search(text, limit=2, before=None)
    assert ids(found) == ["arxiv:2101.00001", "arxiv:2101.00002"]


@pytest.mark.parametrize("text", ["", "  ", "?!", "which of the", "zzyzx", "🌹"])
async def test_text_that_says_nothing_finds_nothing(stacked: Corpus, text: str) -> None:
    assert await stacked.search(text, limit=10, before=None) == []


@pytest.mark.parametrize("text", ["检索", "深度", "学习 检索", "เรียน", "обучение", "ОБУЧЕНИЕ"])
async def test_other_scripts_are_found(stacked: Corpus, text: str) -> None:
    assert ids(await stacked.search(text, limit=1, before=None)) == ["arxiv:2101.00003"]


async def test_titles_weigh_more_and_words_are_stemmed(stacked: Corpus) -> None:
    assert ids(await stacked.search("garden of an agent", limit=1, before=None)) == ["arxiv:2101.00001"]
    assert ids(await stacked.search("rose", limit=1, before=None)) == ["arxiv:2101.00002"]


async def test_equals_come_in_the_order_of_the_file_whatever_the_limit(stacked: Corpus) -> None:
    expected = [f"arxiv:2001.{number:05d}" for number in range(40)]
    for limit in (0, 1, 3, 39, 40, 10**9):
        assert ids(await stacked.search("mirror", limit=limit, before=None)) == expected[:limit]


@pytest.mark.parametrize("before", [date(1970, 1, 1), date(2020, 1, 1), date(2020, 1, 7), date(2020, 2, 5), date.max])
async def test_none_is_dated_after_the_cut_off(stacked: Corpus, before: date) -> None:
    all_papers = await stacked.search("mirror agents", limit=100, before=None)
    for limit in (1, 5, 100):
        found = await stacked.search("mirror agents", limit=limit, before=before)
        assert found == [paper for paper in all_papers if paper.date and paper.date <= before][:limit]


async def test_undated_papers_stay_whatever_the_cut_off(reference: Corpus) -> None:
    found = await reference.search("retrieval", limit=5, before=date(1950, 1, 1))
    assert ids(found) == ["title:anundatednoteonretrieval"]


async def test_a_long_text_is_searched_by_its_rarest_terms(stacked: Corpus) -> None:
    noise = " ".join(f"noise{number}" for number in range(900))
    assert ids(await stacked.search(f"mirror {noise} gardens", limit=1, before=None)) == ["arxiv:2101.00001"]


def test_analysis_and_document_frequency(stacked: Corpus) -> None:
    assert stacked.analyze("Which of the naïve Agents' retrieving-strategies") == [
        "naiv",
        "agent",
        "retriev",
        "strategi",
    ]
    assert stacked.document_frequency("Agents") == 42
    assert stacked.document_frequency("mirror-gardens") == 2
    assert stacked.document_frequency("absent") == 0
    assert stacked.document_frequency("the") == stacked.num_papers == 43
    assert stacked.document_frequency("?") == 0


def test_two_builds_rank_alike_and_a_closed_corpus_may_be_closed_again(make: Callable[..., Corpus]) -> None:
    rows = [{"id": f"arxiv:2001.{number:05d}", "title": f"Mirror {number % 7}"} for number in range(500)]
    with make(rows) as first:
        before = first._index.search("mirror 3", limit=100, before=None)
    first.close()
    assert make(rows, replace=True)._index.search("mirror 3", limit=100, before=None) == before
