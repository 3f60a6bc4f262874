"""Text comes in whole characters, and never with a part of a stop string."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.models.engines.torch_text import TextStream


def bytewise(table: Sequence[bytes]) -> Callable[[Sequence[int]], str]:
    """A decoder whose tokens are pieces of UTF-8, as those of byte-level BPE."""
    return lambda tokens: b"".join(table[token] for token in tokens).decode(errors="replace")


def streamed(parts: Sequence[bytes], stop: Sequence[str] = ()) -> tuple[list[str], bool]:
    stream = TextStream(bytewise(parts), stop)
    pieces = []
    for token in range(len(parts)):
        pieces.append(stream.push(token))
        if stream.stopped:
            break
    return [*pieces, stream.finish()], stream.stopped


def cut(text: str, stop: Sequence[str]) -> str:
    """`text` before the stop string that is complete first, the longest of those."""
    for end in range(len(text) + 1):
        begun = [end - len(one) for one in stop if one and text[:end].endswith(one)]
        if begun:
            return text[: min(begun)]
    return text


texts = st.text(alphabet="ab[é語😀\u200d ", max_size=30)


@st.composite
def split_texts(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    text = draw(texts)
    data = text.encode()
    ends = sorted(draw(st.sets(st.integers(0, len(data)), max_size=20)) | {0, len(data)})
    return text, [data[begin:end] for begin, end in pairwise(ends)]


@given(split_texts(), st.lists(st.text(alphabet="ab[é", max_size=4), max_size=3))
def test_pieces_are_the_text_up_to_the_first_stop(split: tuple[str, list[bytes]], stop: list[str]) -> None:
    text, parts = split
    pieces, stopped = streamed(parts, stop)
    assert "".join(pieces) == cut(text, stop)
    assert stopped == (cut(text, stop) != text or any(one and one in text for one in stop))
    assert not any("�" in piece for piece in pieces)


@given(split_texts())
def test_without_stop_strings_nothing_whole_is_held_back(split: tuple[str, list[bytes]]) -> None:
    _, parts = split
    pieces, _ = streamed(parts)
    written = b""
    for number, piece in enumerate(pieces[:-1]):
        written += parts[number]
        assert "".join(pieces[: number + 1]) == written.decode(errors="ignore") or piece == ""


def test_a_stop_string_over_several_pieces_never_shows() -> None:
    pieces, stopped = streamed([b"one [St", b"op", b"Search] two"], ["[StopSearch]"])
    assert pieces[:2] == ["one ", ""] and "".join(pieces) == "one " and stopped


def test_what_only_looked_like_a_stop_string_is_given_out() -> None:
    pieces, stopped = streamed([b"one [St", b"udy] two"], ["[StopSearch]"])
    assert pieces == ["one ", "[Study] two", ""] and not stopped


def test_a_character_of_several_tokens_comes_whole() -> None:
    assert streamed([b"\xf0\x9f", b"\x98", b"\x80!"])[0] == ["", "", "😀!", ""]


@pytest.mark.parametrize("end", [b"\xf0\x9f", b"\xe8\xaa"])
def test_a_character_that_never_becomes_whole_shows_as_such(end: bytes) -> None:
    pieces, _ = streamed([b"text ", end])
    assert pieces == ["text ", "", "�"]
