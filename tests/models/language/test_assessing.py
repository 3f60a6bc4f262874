import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.criteria import Criterion, Verdict, fulfilment
from pasa_tui.models.language import ModelAssessor
from pasa_tui.models.language.assessing import read_criteria, read_verdicts
from pasa_tui.models.language.dates import check_bounds, parse_bound, say_bounds
from pasa_tui.models.language.lenient import find_json, objects_of
from pasa_tui.models.language.quotes import is_quoted
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.papers import Paper, Query
from tests.models.scripted import ScriptedEngine

QUERY = Query("dense retrieval without labels since 2020, no surveys")
PAPER = Paper(
    "Learning to retrieve – without labels",
    "We train a dense retriever on unlabelled text. Its “recall” beats BM25 by 3.5 points on $\\tau$-bench.",
    arxiv_id="2101.00001",
    date=dt.date(2021, 1, 5),
)
SUBJECT = Criterion("is about dense retrieval", 0.6)
CLEAR = Criterion("is a survey", 0.2, "exclusion")
SINCE = Criterion("appeared from 2020-01-01", 0.2, "date")


def verdict_of(**said: Any) -> Verdict:
    (verdict,) = read_verdicts(json.dumps([said]), [SUBJECT], PAPER)
    return verdict


def test_criteria_carry_weights_exclusions_and_dates() -> None:
    answer = """Here you are: ```json
    [{"criterion": "is about dense retrieval", "weight": 3, "kind": "requirement"},
     {"criterion": "is a survey", "weight": 1, "kind": "exclusion"},
     {"criterion": "recent", "weight": 1, "kind": "date", "from": "2020", "until": null},]
    ```"""
    assert read_criteria(answer, QUERY) == [
        Criterion("is about dense retrieval", 0.6),
        Criterion("is a survey", 0.2, "exclusion"),
        Criterion("appeared from 2020-01-01", 0.2, "date"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        '["is about dense retrieval", "needs no labels"]',
        "They are:\n1. is about dense retrieval\n2. **needs no labels**",
        '{"criterion": "is about dense retrieval"}\n{"criterion": "needs no labels"}',
        '<think>[{"text": "a draft"}]</think>[{"text": "is about dense retrieval"}, {"text": "needs no labels"}]',
        '[{"criterion": "is about dense retrieval", "weight": "2"}, {"criterion": "needs no labels", "weight": 2}, {"c',
    ],
)
def test_criteria_are_read_however_they_are_listed(answer: str) -> None:
    assert read_criteria(answer, QUERY) == [
        Criterion("is about dense retrieval", 0.5),
        Criterion("needs no labels", 0.5),
    ]


def test_an_exclusion_is_not_negated_twice() -> None:
    excluded = [
        {"criterion": text, "kind": "exclusion"} for text in ("is not a survey", "no images", "must not be old")
    ]
    texts = [criterion.text for criterion in read_criteria(json.dumps(excluded), QUERY)]
    assert texts == ["is a survey", "images", "be old"]


def test_bounds_the_wrong_way_round_are_turned() -> None:
    answer = '[{"criterion": "x", "kind": "date", "from": "2023", "until": "2020"}]'
    assert read_criteria(answer, QUERY)[0].text == "appeared from 2020-01-01 up to 2023-12-31"


def test_no_weight_is_lost_beside_a_heavy_one() -> None:
    answer = '[{"criterion": "a b", "weight": 1e9}, {"criterion": "c d", "weight": 1e-9}]'
    weights = [criterion.weight for criterion in read_criteria(answer, QUERY)]
    assert min(weights) > 0 and sum(weights) == pytest.approx(1)


@pytest.mark.parametrize("answer", ["", "I can't.", "[1, 2]", '{"criteria": []}', "[" * 5_000, '[{"weight": 3}]'])
def test_a_question_that_was_not_split_is_one_criterion(answer: str) -> None:
    assert read_criteria(answer, QUERY) == [Criterion(QUERY.text)]


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("dense retriever on unlabelled text", True),
        ("We train a DENSE   retriever … beats BM25", True),
        ("Learning to retrieve - without labels", True),
        ('Its "recall" beats BM25 by 3.5 points on \\tau-bench', True),
        ("beats BM25 ... dense retriever", False),
        ("sparse retriever", False),
        ("dense", False),
        ("ense retriever on", False),
        ("", False),
        ("…", False),
    ],
)
def test_a_quote_must_stand_in_the_paper(quote: str, stands: bool) -> None:
    assert is_quoted(quote, PAPER) is stands


@pytest.mark.parametrize(
    "quote",
    ["Our PaSa outperforms", "outperforms τ-bench", r"Our \textbf{PaSa} outperforms $\tau$-bench", "by 3 % on it"],
)
def test_latex_is_compared_as_it_is_read(quote: str) -> None:
    latex = Paper("T", r"Our \textbf{PaSa} outperforms $\tau$-bench by 3\,\% on it.", arxiv_id="2101.00004")
    assert is_quoted(quote, latex) and not is_quoted("textbf textbf", latex)


@pytest.mark.parametrize("abstract", [r"\begin{x}{" * 2_000, r"{\a" * 4_000, r"\input{/etc/hostname} $", "\\"])
def test_broken_latex_holds_no_quote(abstract: str) -> None:
    assert not is_quoted("words not there", Paper("T", abstract, arxiv_id="2101.00005"))


def test_a_long_quote_is_checked_as_a_whole() -> None:
    words = " ".join(f"word{number}" for number in range(100))
    answer = json.dumps([{"criterion": 1, "level": "yes", "quote": words}])
    (verdict,) = read_verdicts(answer, [SUBJECT], Paper("T", words, arxiv_id="2101.00006"))
    assert verdict.found and verdict.level == "yes" and len(verdict.quote) <= 300 and verdict.quote.endswith(" …")


def test_a_quote_in_a_script_without_spaces_is_looked_for_as_it_is() -> None:
    chinese = Paper("注意力机制综述", "本文研究稠密检索的训练方法。", arxiv_id="2101.00002")
    assert is_quoted("稠密检索", chinese) and not is_quoted("稀疏检索", chinese)


@given(st.text(min_size=1), st.integers(0, 60), st.integers(3, 60))
def test_whatever_is_copied_is_found(text: str, start: int, length: int) -> None:
    words = (text + " some more words of the paper").split()
    copied = " ".join(words[start % len(words) :][:length])
    paper = Paper("Title", " ".join(words), arxiv_id="2101.00003")
    if sum(any(char.isalnum() for char in word) for word in copied.split()) >= 2:
        assert is_quoted(copied, paper)


def test_a_quote_that_is_not_there_lowers_the_verdict() -> None:
    assert verdict_of(criterion=1, level="yes", quote="a dense retriever") == Verdict(
        SUBJECT.text, "yes", "a dense retriever", True
    )
    assert verdict_of(criterion=1, level="yes", quote="made up words") == Verdict(
        SUBJECT.text, "mostly", "made up words", False
    )
    assert verdict_of(criterion=1, level="yes", quote="").level == "mostly"
    assert verdict_of(criterion=1, level="no", quote="").level == "no"
    assert verdict_of(criterion=1, level="partly", quote="nowhere to be found").level == "no"


def test_an_exclusion_needs_no_quote() -> None:
    (verdict,) = read_verdicts('[{"criterion": 1, "level": "yes", "quote": ""}]', [CLEAR], PAPER)
    assert verdict == Verdict("is a survey", "yes", "", False)
    (verdict,) = read_verdicts('[{"criterion": 1, "level": "yes", "quote": "N/A"}]', [CLEAR], PAPER)
    assert verdict == Verdict("is a survey", "yes", "", False)


@pytest.mark.parametrize(
    ("answer", "levels"),
    [
        ('[{"criterion": "2", "level": "Yes."}, {"criterion": 1, "level": "no"}]', ["no", "yes"]),
        ('{"verdicts": [{"level": "no"}, {"level": "partially", "quote": "We train"}]}', ["no", "partly"]),
        ('[{"criterion": "is a survey", "level": true}]', ["no", "yes"]),
        ('[{"criterion": 9, "level": "yes"}, {"criterion": 2, "level": "yes"}]', ["no", "yes"]),
        ('[{"criterion": 1, "level": "very"}]', []),
        ("True", []),
        ('{"1": {"level": "no"}, "2": "yes"}', ["no", "yes"]),
        ('[{"criterion": "this is a survey", "level": "yes"}]', ["no", "yes"]),
        ('<think>[{"criterion": 2, "level": "no"}]</think>[{"criterion": 2, "level": "yes"}]', ["no", "yes"]),
    ],
)
def test_verdicts_are_read_as_they_are_meant(answer: str, levels: list[str]) -> None:
    assert [verdict.level for verdict in read_verdicts(answer, [SUBJECT, CLEAR], PAPER)] == levels


@given(st.text())
def test_no_answer_breaks_the_reading(text: str) -> None:
    assert len(read_verdicts(text, [SUBJECT, CLEAR], PAPER)) in (0, 2)
    assert abs(sum(criterion.weight for criterion in read_criteria(text, QUERY)) - 1) < 0.01
    assert all(isinstance(item, dict) for item in objects_of(find_json(text)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["criterion", "level", "quote", "kind", "weight", "from"]), inner)
        ),
    )
)
def test_no_json_breaks_the_reading(value: Any) -> None:
    text = json.dumps(value)
    assert len(read_verdicts(text, [SUBJECT], PAPER)) in (0, 1)
    assert read_criteria(text, QUERY)


async def test_dates_are_checked_by_us_and_the_rest_is_asked() -> None:
    engine = ScriptedEngine(lambda prompt: '[{"criterion": 1, "level": "mostly", "quote": "We train a dense"}]')
    assessor = ModelAssessor(engine, GeneralPrompts(), name="scripted")
    verdicts = await assessor.assess(QUERY, [SINCE, SUBJECT], PAPER)
    assert verdicts == [
        Verdict(SINCE.text, "yes", "2021-01-05", True),
        Verdict(SUBJECT.text, "mostly", "We train a dense", True),
    ]
    assert "appeared from" not in engine.prompts[0].text
    assert fulfilment([SINCE, SUBJECT], verdicts) == pytest.approx((0.2 + 0.6 * 2 / 3) / 0.8)


async def test_an_answer_that_says_nothing_is_no_assessment() -> None:
    assessor = ModelAssessor(ScriptedEngine(lambda prompt: "Well…"), GeneralPrompts(), name="scripted")
    assert await assessor.assess(QUERY, [SINCE, SUBJECT], PAPER) == ()
    assert await assessor.split(QUERY) == [Criterion(QUERY.text)]


@given(st.dates(min_value=dt.date(1, 1, 1)), st.none() | st.dates())
def test_bounds_are_read_back(first: dt.date, last: dt.date | None) -> None:
    said = say_bounds(first, last)
    assert check_bounds(said, first) == ("no" if last and last < first else "yes")
    assert check_bounds(said, None) is None and check_bounds("is about dates", first) is None


def test_what_only_looks_like_bounds_is_not_checked_by_us() -> None:
    for text in ("appeared", "appeared from 2020-02-31", "appeared from 0000-00-00", "appeared recently"):
        assert check_bounds(text, dt.date(2021, 1, 1)) is None


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("2021-02-31", dt.date(2021, 2, 28), dt.date(2021, 2, 28)),
        ("20210203", dt.date(2021, 2, 3), dt.date(2021, 2, 3)),
        ("2021/02", dt.date(2021, 2, 1), dt.date(2021, 2, 28)),
        ("2020-2022", None, None),
        ("2020", dt.date(2020, 1, 1), dt.date(2020, 12, 31)),
        ("2020-02", dt.date(2020, 2, 1), dt.date(2020, 2, 29)),
        ("2020-02-03", dt.date(2020, 2, 3), dt.date(2020, 2, 3)),
        (2019, dt.date(2019, 1, 1), dt.date(2019, 12, 31)),
        ("2020-13-45", None, None),
        ("0000", None, None),
        ("recently", None, None),
        (None, None, None),
    ],
)
def test_bounds_as_models_write_them(value: object, first: dt.date | None, last: dt.date | None) -> None:
    assert (parse_bound(value, last=False), parse_bound(value, last=True)) == (first, last)
