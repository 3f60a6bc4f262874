from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pasa_tui.tui.text import author_line, duration, fit, marked, plural, query_marks, score_bar


@given(st.text(), st.integers(0, 40))
def test_fit_fills_exactly_the_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


def test_fit_shows_where_it_cuts() -> None:
    assert fit("attention", 6) == "atten…" and fit("注意力机制", 6) == "注意… "
    assert fit("abc", 6) == "abc   "


@given(st.none() | st.floats(0, 1), st.integers(1, 20))
def test_a_bar_is_as_wide_as_asked(score: float | None, width: int) -> None:
    assert len(score_bar(score, width)) == width


def test_bars_grow_by_eighths() -> None:
    assert [score_bar(score, 2) for score in (0, 1 / 16, 0.5, 1)] == ["  ", "▏ ", "█ ", "██"]


# What reaches the screen has been through `clean_text`: no control characters.
@given(st.text(), st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_marking_changes_no_letter(query: str, text: str) -> None:
    assert marked(text, query_marks(query), "bold").plain == text


def test_words_are_marked_with_other_endings_and_function_words_are_not() -> None:
    marks = query_marks("Which papers train retrievers with RL?")
    assert marks is not None
    found = [match[0] for match in marks.finditer("Training a retriever which retrieves papers using RL, not URLs")]
    assert found == ["Training", "retriever", "retrieves", "RL"]
    assert query_marks("which papers?") is None


def test_authors() -> None:
    assert author_line(["A", "B", "others"]) == "A, B et al."
    assert author_line([str(n) for n in range(5_000)]).endswith("11 … and 4,988 more")
    assert author_line([]) == ""


def test_small_words() -> None:
    assert [plural(n, "search") for n in (0, 1, 1_234)] == ["0 searches", "1 search", "1,234 searches"]
    assert [duration(seconds) for seconds in (0.04, 12.4, 185)] == ["0.0 s", "12 s", "3 min 05 s"]
