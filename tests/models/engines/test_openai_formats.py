import contextlib
import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.engines.openai_formats import (
    AnswerText,
    EventParser,
    choice_of,
    decision_of,
    decoded,
    error_text,
    named_tokens,
    text_of,
    true_share,
    unnamed_bound,
    usage_of,
)

NAMES = st.sampled_from(
    "choices message delta content text logprobs top_logprobs token logprob usage prompt_tokens completion_tokens "
    "error detail loc param msg finish_reason reasoning_content".split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["data: ", "data:"]),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_events_are_the_same_however_the_stream_is_cut(texts: list[str], end: str, start: str, cuts: list[int]) -> None:
    lines = [line for text in texts for line in (": comment", "event: message", start + text, "")]
    parser = EventParser()
    given_back = [data for piece in in_pieces(end.join(lines).encode(), cuts) for data in parser.feed(piece)]
    assert [*given_back, *parser.finish()] == texts


def test_a_line_without_an_end_is_refused() -> None:
    parser = EventParser()
    parser.feed(b"x" * (1 << 20))
    with pytest.raises(ValueError):
        parser.feed(b"x")


@given(
    st.text("ab<[S/>think ]", max_size=40),
    st.lists(st.text("ab[S]", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(0, 1000), max_size=8),
    st.sampled_from(["", "<think>hm [S] b</think>\n\n", "\n<thinking>a</thinking> "]),
)
def test_text_ends_before_the_stop_string_that_is_complete_first_however_it_is_cut(
    text: str, stop: list[str], cuts: list[int], thoughts: str
) -> None:
    if thoughts:
        text = text.lstrip()
    elif text.lstrip().startswith("<think"):
        text = "x" + text
    answer = AnswerText(stop)
    pieces = [answer.feed(piece.decode()) for piece in in_pieces((thoughts + text).encode(), cuts)]
    places = [(place + len(one), place) for one in stop if (place := text.find(one)) >= 0]
    assert "".join([*pieces, answer.finish()]) == text[: min(places)[1] if places else None]
    assert answer.stopped == bool(places)


def test_text_is_given_as_soon_as_it_is_certain() -> None:
    answer = AnswerText(["[StopSearch]"])
    assert [answer.feed(piece) for piece in ("[Sea", "rch]a", " b [Stop", "Ex", "[StopSearch]", "more")] == [
        "[Sea",
        "rch]a",
        " b ",
        "[StopEx",
        "",
        "",
    ]


def test_thoughts_that_never_end_hold_no_answer() -> None:
    answer = AnswerText()
    assert answer.feed("<think>True. " * 10) + answer.finish() == ""
    assert not answer.has_begun


LOGS = {"True": math.log(0.6), "False": math.log(0.3), " true": math.log(0.05)}
LISTED = [{"token": token, "logprob": value} for token, value in LOGS.items()]


@pytest.mark.parametrize(
    "logprobs",
    [
        {"content": [{"token": "True", "logprob": LOGS["True"], "top_logprobs": LISTED}]},
        {"content": [{"token": "True", "logprob": LOGS["True"], "top_logprobs": LISTED[1:]}]},
        {"tokens": ["True"], "token_logprobs": [LOGS["True"]], "top_logprobs": [LOGS]},
    ],
    ids=["chat", "chat, the sampled token apart", "completions"],
)
def test_the_probabilities_of_the_first_token(logprobs: dict[str, Any]) -> None:
    named = named_tokens({"logprobs": logprobs})
    assert named == pytest.approx({"True": 0.6, "False": 0.3, " true": 0.05})
    assert named and true_share(named) == pytest.approx(0.65)
    assert unnamed_bound(named) == pytest.approx(0.05)


@pytest.mark.parametrize("token", ["True", " True", "true", "TRUE", "▁True", '"True', "ĠTrue", "**True"])
def test_tokens_that_mean_true(token: str) -> None:
    assert true_share({token: 0.4, "False": 0.6, "Truth": 0.1, "untrue": 0.1}) == 0.4


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("True", True),
        ("false.", False),
        ('{"answer": "True"}', True),
        ("**False**", False),
        ("Decision: yes", True),
        ("<think>It is True that it is not.</think>\nFalse", False),
        ("It may be True</think> False", False),
        ("<think>True", None),
        ("untrue", None),
        ("TrueTrueTrueFalse", True),
        ("Truest, NOT, note, Falsehood", None),
        ("TRUE", True),
        ("", None),
    ],
)
def test_answers_in_words(text: str, decision: bool | None) -> None:
    assert decision_of(text) is decision


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "no  such\nthing", "param": "stop"}}, "no such thing (stop)"),
        ({"error": "plain"}, "plain"),
        ({"detail": [{"loc": ["body", "logprobs"], "msg": "wrong"}]}, "wrong (body.logprobs)"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"object": "error", "message": "old vLLM", "code": 400}, "old vLLM"),
        ({"error": {"message": "key sk-123 is bad"}}, "key … is bad"),
        ([], ""),
    ],
)
def test_what_an_error_says(body: Any, text: str) -> None:
    assert error_text(json.dumps(body).encode(), "sk-123") == text


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_no_answer_does_harm(answer: dict[str, Any]) -> None:
    choice = choice_of(answer) or answer
    assert isinstance(text_of(choice), str)
    for value in (named_tokens(choice) or {}).values():
        assert 0 <= value <= 1
    used = usage_of(answer)
    assert used is None or min(used) >= 0
    assert isinstance(error_text(json.dumps(answer).encode()), str)


@given(st.binary(max_size=60))
def test_bytes_are_an_object_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(decoded(data), dict)
    assert isinstance(error_text(data), str)
