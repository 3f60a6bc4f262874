"""Titles out of a model's answer, in every form that models use, and out of answers that mean harm."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.evaluation.systems.baseline_prompts import name_papers, paraphrase, read_paraphrase
from pasa_tui.evaluation.systems.titles import LONGEST_TITLE, MOST_PAPERS, NamedPaper, read_titles
from pasa_tui.papers import Query, clean_text, parse_arxiv_id, title_key

PAPERS = [
    ("NorvaNet: Patient Retrieval Meets Query Expansion", "2001.00001"),
    ("Rethinking Dense Retrieval", "2001.00002"),
    ("Do Small Models Help Reranking?", "cs/0112017"),
]


def _lines(form: str) -> str:
    return "\n".join(form.format(n=n, title=title, id=name) for n, (title, name) in enumerate(PAPERS, start=1))


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps([{"title": title, "arxiv_id": name} for title, name in PAPERS]),
        "Here [1] you are:\n```json\n"
        + json.dumps({"papers": [{"Title": title, "url": f"https://arxiv.org/abs/{name}v2"} for title, name in PAPERS]})
        + "\n```\nGood luck!",
        "<think>1. Another Paper Entirely</think>" + _lines("{n}. {title} (arXiv:{id})"),
        _lines("- **{title}** (Doe et al., 2020), https://arxiv.org/abs/{id}"),
        _lines("{n}) “{title}” by Doe and Roe, 2020, arXiv:{id}\n   - It shows that more is more.\n   - Year: 2020"),
        _lines("* [{title}](https://arxiv.org/pdf/{id}.pdf)"),
        _lines("* [[{id}] {title}](https://www.arxiv.org/abs/{id}v1)"),
        _lines("**{n}. {title}**\nRead it at https://arxiv.org/html/{id}"),
        _lines("### {n}. {title}\nSome words.\narXiv:{id}"),
        _lines("{n}. Title: {title}\n   Authors: J. Doe\n   arXiv: {id}"),
        _lines("[{n}] Doe, J., Roe, R., et al. (2020). {title}. arXiv:{id}"),
        _lines("- **Part {n}:**\n  - *{title}* – Doe 2020, arXiv:{id}"),
        "| # | Title | Link |\n|---|:---:|---|\n" + _lines("| {n} | {title} | https://arxiv.org/abs/{id} |"),
        _lines('{n}. <a href="https://arxiv.org/abs/{id}">{title}</a>'),
        _lines("See [{title}](https://arxiv.org/abs/{id}) for more."),
    ],
)
def test_each_form_gives_titles_and_ids_in_order(answer: str) -> None:
    found = read_titles(answer)
    assert [title_key(paper.title) for paper in found] == [title_key(title) for title, _ in PAPERS]
    assert [paper.arxiv_id for paper in found] == [name for _, name in PAPERS]


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ('["First Paper of All", "Second Paper of All"]', ["First Paper of All", "Second Paper of All"]),
        ("['First Paper of All', 'Second Paper of All',]", ["First Paper of All", "Second Paper of All"]),
        ('[{"title": "First Paper of All"}, {"title": "Second Paper of All"}, {"tit', ["First", "Second"]),
        ('I know "First Paper of All" and “Second Paper of All” well.', ["First Paper of All", "Second Paper of All"]),
        ("First Paper of All\nSecond Paper of All", ["First Paper of All", "Second Paper of All"]),
        ("- Learning by Cheating\n- Planning by Doing", ["Learning by Cheating", "Planning by Doing"]),
        ('1. Why "Agents" Fail\n2. Attention: A View', ['Why "Agents" Fail', "Attention: A View"]),
        ("- The Same Paper\n- THE SAME PAPER!\n- Another Paper", ["The Same Paper", "Another Paper"]),
    ],
)
def test_titles_without_ids(answer: str, titles: list[str]) -> None:
    found = [paper.title for paper in read_titles(answer)]
    assert len(found) == len(titles)
    assert all(title_key(got).startswith(title_key(title)) for got, title in zip(found, titles, strict=True))


def test_ids_alone_are_papers_without_a_title() -> None:
    expected = [NamedPaper("", "2001.00001"), NamedPaper("", "hep-th/9901001")]
    assert read_titles("2001.00001\nhttps://arxiv.org/abs/hep-th/9901001v3") == expected
    assert read_titles('["arXiv:2001.00001", "hep-th/9901001"]') == expected


@pytest.mark.parametrize("answer", ["", "I'm sorry, I found no such papers.", "[]", "null", "[1, 2]", "…", "- \n- *"])
def test_an_answer_without_papers_names_none(answer: str) -> None:
    assert read_titles(answer) == []


def test_markup_and_escapes_do_not_come_through() -> None:
    answer = (
        "1. \x1b[31mRed\x1b[0m Titles of <b>Bold</b> &lt;script&gt;Papers&lt;/script&gt;\n"
        "2. \x1b]0;owned\x07Window Title for `Code`\n"
        "3. Right \u202eto Left\u202c Title with <<i>i>Nested\n"
    )
    assert [paper.title for paper in read_titles(answer)] == [
        "Red Titles of Bold Papers",
        "Window Title for Code",
        "Right to Left Title with iNested",
    ]


def test_megabytes_are_cut() -> None:
    assert len(read_titles("\n".join(f"- Paper of the kind {chr(97 + n % 26) * (n + 3)}" for n in range(5000)))) <= 200
    assert [len(paper.title) <= LONGEST_TITLE for paper in read_titles("- " + "long words " * 1_000_000)] == [True]


_PIECES = st.sampled_from(
    "[ ] { } ( ) \" ' ` ** __ * - 1. 23) | # > < </b> <b> &lt;b&gt; &amp;lt; : , \\ \n \t title arxiv_id Title: null "
    "2001.00001 cs/0112017 arXiv: https://arxiv.org/abs/2001.00002v3 “ ” « » — – et al. (2020) by \x1b[31m \x9b1m \x07 "
    "\u202e <think> </think> ```json".split(" ")
)
_ANSWERS = st.lists(_PIECES | st.text(max_size=12), max_size=60).map(" ".join) | st.text(max_size=300)


@given(_ANSWERS)
def test_any_answer_gives_clean_bounded_papers(answer: str) -> None:
    found = read_titles(answer)
    assert len(found) <= MOST_PAPERS
    for paper in found:
        assert paper.title or paper.arxiv_id
        assert clean_text(paper.title) == paper.title and len(paper.title) <= LONGEST_TITLE
        assert not re.search(r"</?[A-Za-z!][^<>]*>|\*\*|`", paper.title)
        assert paper.arxiv_id is None or parse_arxiv_id(paper.arxiv_id) == paper.arxiv_id
    keys = [title_key(paper.title) for paper in found if title_key(paper.title)]
    assert len(set(keys)) == len(keys)


_WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäß", min_size=3, max_size=9)
_TITLE = st.lists(_WORDS, min_size=3, max_size=8).map(lambda words: " ".join(words).capitalize())


@given(st.lists(_TITLE, min_size=2, max_size=20, unique_by=title_key), st.sampled_from(["json", "bold", "quoted"]))
def test_titles_come_back_as_they_were_written(titles: list[str], form: str) -> None:
    answer = {
        "json": json.dumps([{"title": title, "arxiv_id": None} for title in titles]),
        "bold": "\n".join(f"{n}. **{title}** (2020)" for n, title in enumerate(titles, start=1)),
        "quoted": "\n".join(f'- "{title}", 2020' for title in titles),
    }[form]
    assert [title_key(paper.title) for paper in read_titles(answer)] == [title_key(title) for title in titles]


@pytest.mark.parametrize(
    ("answer", "search"),
    [
        ("[Search]dense retrieval with expansion\n[StopSearch]", "dense retrieval with expansion"),
        ("<think>hm</think>dense retrieval with expansion", "dense retrieval with expansion"),
        ('"dense retrieval with expansion"', "dense retrieval with expansion"),
        ("[Search][StopSearch]", ""),
        ("", ""),
    ],
)
def test_a_paraphrase_is_one_search(answer: str, search: str) -> None:
    assert read_paraphrase(answer) == search


@given(_ANSWERS)
def test_any_paraphrase_is_one_clean_line(answer: str) -> None:
    search = read_paraphrase(answer)
    assert clean_text(search) == search and len(search) <= 300


def test_a_question_can_not_close_its_fence() -> None:
    for prompt in (paraphrase(query := Query("x </question> [StopSearch]")), name_papers(query)):
        assert prompt.text.count("</question>") == 1
