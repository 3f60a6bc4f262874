import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.language.actions import Action, ActionParser, parse_actions
from pasa_tui.models.language.sections import match_sections

SECTIONS = ("Introduction", "2 Related Work", "Method", "Experiments and Results", "Conclusion")


def searches(text: str) -> list[str]:
    return [action.text for action in parse_actions(text, "search") if action.kind == "search"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[Search]dense retrieval[Search]neural ranking[StopSearch]", ["dense retrieval", "neural ranking"]),
        ("[Search]dense retrieval[Search]neural ranking", ["dense retrieval", "neural ranking"]),
        ("[Search]one [CLS] token[Search]two[StopSearch]", ["one [CLS] token", "two"]),
        ("Search]a b\nSearch]c d", ["a b", "c d"]),
        ("[[Search]] one\n[[Search]] two\n[[StopSearch]]", ["one", "two"]),
        ("[Search one] [Search: two]", ["one", "two"]),
        ("[Search]a[/Search] and [Search]b[/Search] there", ["a", "b"]),
        ("[search] lower [SEARCH] upper [stop search] [Search]late", ["lower", "upper"]),
        ("[Search]first\n[Search]second\nThese cover the question.", ["first", "second"]),
        ("[Search]\n1. one\n2. two\n[StopSearch]", ["one", "two"]),
        ("[Search]same[Search]Same [Search]other", ["same", "other"]),
        ("Here are some:\n1. foo bar\n2) “baz qux”\n(3) **bold one**", ["foo bar", "baz qux", "bold one"]),
        ("- a b\n* c d\n• e f", ["a b", "c d", "e f"]),
        ("```\ndense retrieval\nsparse retrieval\n```", ["dense retrieval", "sparse retrieval"]),
        ('```json\n["a b", "c d",]\n```', ["a b", "c d"]),
        ('{"queries": [{"query": "one"}, {"query": "two"}]}', ["one", "two"]),
        ('Sure! {"searches": ["one", "two"]} Anything else?', ["one", "two"]),
        ('["one", "two", "thr', ["one", "two"]),
        ("Search: foo\n**Query 2:** bar", ["foo", "bar"]),
        ("dense retrieval\nsparse retrieval", ["dense retrieval", "sparse retrieval"]),
        ("<think>[Search]no\n1. no</think>\n[Search]yes", ["yes"]),
        ("<think>[Search]never ends", []),
        ("I am sorry, but I can't help with finding papers on that subject.", []),
        ("None", []),
        ("", []),
        ("[StopSearch]", []),
        ("[Search][Search]  [Search]\x1b[31mred[StopSearch]", ["red"]),
        (
            '[Search]"dense retrieval" survey[Search]"quoted"[Search]“odd one',
            ['"dense retrieval" survey', "quoted", "odd one"],
        ),
        ("[Search]heuristics for A*[Search]e. coli[StopSearch]", ["heuristics for A*", "e. coli"]),
        ("【Search】one【Search】two【StopSearch】", ["one", "two"]),
        ('{"query": "one"}\n{"query": "two"}', ["one", "two"]),
        ("['a b', 'c d']", ["a b", "c d"]),
        ('{"query_1": "a b", "query_2": "c d", "note": "of two"}', ["a b", "c d"]),
        ('{"searches": {"1": {"text": "one"}, "2": {"text": "two"}}}', ["one", "two"]),
        ('1. "dense retrieval" - the plain subject\n2. **a survey**', ["dense retrieval", "a survey"]),
        ("Here are some queries:\ndense retrieval\nsparse retrieval", ["dense retrieval", "sparse retrieval"]),
        ("Perhaps dense\n</think>\n[Search]yes[StopSearch]", ["yes"]),
        ("Perhaps [Search]dense\n</think>\n1. yes\n2. and yes", ["yes", "and yes"]),
        ("[Search]one<think>[Search]no[StopSearch]</think>[Search]two", ["one", "two"]),
        ("DONE - nothing new is to be expected", []),
        ("No further searches are needed", []),
        ("{'query': broken", []),
        ("[" * 1_000 + '"a"' + "]" * 1_000, []),
        ('{"a":[' * 400 + '"a"' + "]}" * 400, []),
        ("[" * 60_000, []),
        ("[" + " " * 60_000, []),
        ("Search" + " " * 60_000 + "]", ["Search"]),
    ],
)
def test_what_models_really_write(written: str, read: list[str]) -> None:
    assert searches(written) == read


def test_both_kinds_are_told_apart() -> None:
    assert parse_actions("[Search]new angle\n[Expand]3\n[Stop]", "search") == [
        Action("search", "new angle"),
        Action("expand", "3"),
    ]


def test_an_action_is_given_as_soon_as_the_next_begins() -> None:
    parser = ActionParser("search")
    assert parser.feed("[Search]dense ret") == []
    assert parser.feed("rieval[Sea") == []
    assert parser.feed("rch]n") == [Action("search", "dense retrieval")]
    assert parser.feed("eural") == []
    assert parser.finish() == [Action("search", "neural")]


WORDS = "[ ] [Search] [Stop Search] StopSearch] [Expand / 1. - <think> </think> dense ``` { } : , query é [Search"
BROKEN = ("[" * 9, "]" * 9, "[Search" + " " * 9, "<thi", "nk>", "【", "】")
PIECES = st.sampled_from([*WORDS.split(), "\n", " ", '"', "a b", "Stop Search]", *BROKEN])
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map("".join))


@given(TEXTS, st.data())
def test_actions_do_not_depend_on_how_the_text_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=10)))
    parser = ActionParser("search")
    given_so_far = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        given_so_far += parser.feed(text[start:end])
    assert given_so_far + parser.finish() == parse_actions(text, "search")


@given(TEXTS)
def test_actions_are_clean_and_distinct(text: str) -> None:
    actions = parse_actions(text, "expand")
    assert len(actions) <= 50 and len(set(actions)) == len(actions)
    for action in actions:
        assert action.text == " ".join(action.text.split()) and 0 < len(action.text) <= 300
        assert not any(unicodedata.category(char) == "Cc" for char in action.text)


FIRST = ("neural", "A*", "e.", "3D")
TERMS = 'dense A* C++ 3D e. coli (LLM) GPT-4 "zero-shot" BERT\'s x/y 50% R&D #tags re-ranking: β'.split()


@given(st.lists(st.tuples(*map(st.sampled_from, (FIRST, TERMS, TERMS))), max_size=5, unique=True))
def test_well_formed_answers_are_read_as_the_published_pattern_reads_them(texts: list[tuple[str, ...]]) -> None:
    answer = "".join(f"[Search]{' '.join(words)} end" for words in texts) + "[StopSearch]"
    assert searches(answer) == re.findall(r"Search\](.*?)\[", answer, flags=re.DOTALL)


def test_a_loop_of_brackets_is_looked_through_once() -> None:
    parser = ActionParser("search")
    for piece in ["[ "] * 8_000 + ["]\n"] * 8_000:
        assert parser.feed(piece) == []
    assert not parser.wants_more and parser.finish() == []


def test_no_more_is_wanted_after_the_stop() -> None:
    parser = ActionParser("search")
    assert parser.feed("[Search]one[StopSearch]") == [] and parser.wants_more
    assert parser.feed(" ") == [Action("search", "one")] and not parser.wants_more
    assert parser.feed("[Search]two[Search]") == [] and parser.finish() == []


def test_endless_text_is_bounded() -> None:
    parser = ActionParser("search")
    given_actions = [action for number in range(20_000) for action in parser.feed(f"[Search]text {number}")]
    assert len(given_actions) + len(parser.finish()) == 50


@pytest.mark.parametrize(
    ("named", "matched"),
    [
        (["related work"], ["2 Related Work"]),
        (["Related Works"], ["2 Related Work"]),
        (["2. RELATED WORK"], ["2 Related Work"]),
        (["Section 3: Method"], ["Method"]),
        (["Introdution", "Intro"], ["Introduction"]),
        (["Method, Conclusion"], ["Method", "Conclusion"]),
        (["Experiments and Results"], ["Experiments and Results"]),
        (["Related Work", "related work"], ["2 Related Work"]),
        (["Appendix", "", "x"], []),
        (["Experiments and Results 2", "Related Work B"], []),
    ],
)
def test_sections_are_matched_by_what_is_meant(named: list[str], matched: list[str]) -> None:
    assert match_sections(named, SECTIONS) == matched


@given(st.lists(st.text(max_size=30), max_size=6), st.lists(st.text(max_size=30), max_size=8, unique=True))
def test_only_sections_that_are_there_are_matched_each_once(named: list[str], sections: list[str]) -> None:
    matched = match_sections(named, sections)
    assert set(matched) <= set(sections) and len(set(matched)) == len(matched)


@given(st.lists(st.from_regex(r"[A-Za-z]{4,12}( [A-Za-z]{4,12})?", fullmatch=True), min_size=1, unique_by=str.lower))
def test_every_section_is_found_by_its_own_name(sections: list[str]) -> None:
    assert match_sections(sections, sections) == sections
