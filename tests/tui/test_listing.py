"""Which papers are listed, in which order; properties over any words and marks."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.events import FoundPaper
from pasa_tui.library import Marks
from pasa_tui.papers import Paper, PaperId, Provenance
from pasa_tui.tui.listing import ORDERS, VIEWS, Arrangement, Lister, folded
from pasa_tui.tui.text import readable

PAPERS = [
    FoundPaper(
        Paper(title, abstract, ("Ada Gödel",), dt.date(2020 + at, 1, 1) if at else None, arxiv_id=f"2001.0000{at}"),
        Provenance(kind, "way"),
        depth,
        at,
        score=1 - at / 10,
        selected=at < 2,
    )
    for at, (title, abstract, kind, depth) in enumerate(
        [
            ("Zebra retrieval", "dense", "section", 1),
            ("“Apple” ranking", "sparse", "search", 0),
            ("mango 注意力", "nothing", "citing", 2),
            ("Étude", "dense again", "search", 0),
        ]
    )
]
IDS = [found.paper.id for found in PAPERS]
MARKS = Marks(
    starred=frozenset({IDS[2]}),
    rejected=frozenset({IDS[3]}),
    tags={IDS[1]: ("To read",)},
    notes={IDS[2]: "My naïve note"},
)


def listed(**changes: object) -> list[PaperId]:
    arrangement = Arrangement(**changes)  # type: ignore[arg-type]
    return [found.paper.id for found in Lister().listed(PAPERS, arrangement, MARKS, {IDS[0]})]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("score", [0, 1, 2]), ("date", [2, 1, 0]), ("title", [1, 2, 0]), ("depth", [1, 0, 2]), ("source", [1, 0, 2])],
)
def test_orders(order: str, expected: list[int]) -> None:
    assert listed(order=order) == [IDS[at] for at in expected]
    assert listed(order=order, reverse=True) == [IDS[at] for at in expected][::-1]


@pytest.mark.parametrize(
    ("view", "expected"),
    [("all", [0, 1, 2]), ("selected", [0, 1]), ("starred", [2]), ("tagged", [1]), ("new", [1, 2]), ("rejected", [3])],
)
def test_views(view: str, expected: list[int]) -> None:
    assert listed(view=view) == [IDS[at] for at in expected]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dense", [0]),
        ("GODEL", [0, 1, 2]),
        ("2021", [1]),
        ("注意", [2]),
        ("naive", [2]),
        ("#to", [1]),
        ("dense zebra", [0]),
        ("dense apple", []),
        ("  ", [0, 1, 2]),
        ("#nothing", []),
    ],
)
def test_filters(words: str, expected: list[int]) -> None:
    assert listed(words=words) == [IDS[at] for at in expected]


@given(st.text(max_size=30), st.sampled_from(ORDERS), st.sampled_from(list(VIEWS)), st.booleans())
def test_a_filter_only_takes_away_and_an_order_only_moves(words: str, order: str, view: str, reverse: bool) -> None:
    shown = listed(words=words, order=order, view=view, reverse=reverse)
    assert len(set(shown)) == len(shown) and set(shown) <= set(listed(view=view))


@given(st.text(max_size=50))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"$\alpha$-divergence", "α-divergence"),
        (r"$\tau$-bench for $\mathbb{R}^d$", "τ-bench for ℝ^d"),
        (r"G\"odel, \emph{again}", "Gödel, again"),
        (r"\frac{1}{2} of it", "1/2 of it"),
        ("it costs $5 and $6", "it costs $5 and $6"),
        (r"\input{/etc/passwd}", r"\input{/etc/passwd}"),
        (r"$\def\x{\x\x}\x$", r"$\def\x{\x\x}\x$"),
        ("no LaTeX at all", "no LaTeX at all"),
    ],
)
def test_latex_reads_as_characters(latex: str, plain: str) -> None:
    assert readable(latex) == plain


@given(st.text(alphabet="$\\{}abαx^_ %&#~\"'`=.\n", max_size=60))
def test_any_latex_can_be_shown(text: str) -> None:
    assert isinstance(readable(text), str)


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["", "d", "de", "den", "dense", "dense z", "dense ze", "z", "#", "#to", "#to r", "n", "na", "2020"]
        ),
        st.sampled_from([{}, {IDS[2]: "My naïve note"}, {IDS[0]: "zest"}]),
        st.sets(st.sampled_from(range(len(PAPERS)))),
        st.booleans(),
    ),
    max_size=12,
)


@given(steps)
def test_what_is_kept_between_letters_changes_nothing(
    steps: list[tuple[str, dict[PaperId, str], set[int], bool]],
) -> None:
    lister = Lister()
    for words, notes, there, is_merged in steps:
        papers = [
            FoundPaper(Paper("Zest", "dense", arxiv_id=f"2001.0000{at}"), PAPERS[at].provenance, 0, at)
            if is_merged
            else PAPERS[at]
            for at in sorted(there)
        ]
        marks = Marks(tags=MARKS.tags, notes=notes)
        arrangement = Arrangement(words=words)
        assert lister.listed(papers, arrangement, marks) == Lister().listed(papers, arrangement, marks)
