import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.agent.discovery import chao_bias_corrected, estimate_missing, ways_to_selected
from pasa_tui.agent.queue import QueuedPaper
from pasa_tui.papers import Provenance
from tests.helpers import paper

WAYS = st.lists(st.integers(1, 12), max_size=60)


def test_too_little_is_found_to_say_anything() -> None:
    assert estimate_missing([]) is None
    assert estimate_missing([1, 2]) is None
    assert estimate_missing([1] * 40) is None


def test_second_order_jackknife() -> None:
    discovery = estimate_missing([1, 1, 1, 1, 2, 2, 3])
    assert discovery is not None
    assert discovery.found == 7
    assert discovery.missing == 6


def test_never_less_than_those_found_once() -> None:
    discovery = estimate_missing([1, 1, 2, 2, 2, 2])
    assert discovery is not None
    assert discovery.missing == 2


def test_when_all_are_found_again_and_again_few_can_be_missing() -> None:
    discovery = estimate_missing([4, 5, 3, 2])
    assert discovery is not None
    assert (discovery.missing_low, discovery.missing, discovery.missing_high) == (0, 0, 3)


def test_chao_bias_corrected_by_hand() -> None:
    # f1 = 4, f2 = 1: 4*3 / (2*2) = 3; variance 3 + 4*49/16 + 16*1*9/64 = 17.5.
    assert chao_bias_corrected(4, 1) == (3.0, pytest.approx(17.5))


@given(WAYS)
def test_the_interval_holds_the_estimate(ways: list[int]) -> None:
    discovery = estimate_missing(ways)
    if discovery is not None:
        assert discovery.found == len(ways)
        assert 0 <= discovery.missing_low <= discovery.missing <= discovery.missing_high < float("inf")


@given(WAYS, st.randoms(use_true_random=False))
def test_the_order_of_papers_does_not_matter(ways: list[int], generator: random.Random) -> None:
    shuffled = generator.sample(ways, len(ways))
    assert estimate_missing(shuffled) == estimate_missing(ways)


@pytest.mark.parametrize(("easy", "hard"), [(1, 3), (1, 4), (2, 6)])
def test_papers_that_are_not_equally_easy_to_find(easy: int, hard: int) -> None:
    # The chance that a way leads to a paper differs by paper, as it does in a search.
    generator = random.Random(4)
    ratios, covered, trials = [], 0, 200
    for _ in range(trials):
        chances = [generator.betavariate(easy, hard) for _ in range(60)]
        met = [sum(generator.random() < chance for _ in range(6)) for chance in chances]
        found = [ways for ways in met if ways]
        discovery = estimate_missing(found)
        assert discovery is not None
        missing = len(met) - len(found)
        ratios.append((discovery.found + discovery.missing) / len(met))
        covered += discovery.missing_low <= missing <= discovery.missing_high
    assert statistics.median(ratios) == pytest.approx(1, abs=0.2)
    assert covered / trials > 0.85


def test_ways_are_counted_once_and_only_of_selected_papers() -> None:
    selected = QueuedPaper(
        paper(1),
        [
            Provenance("search", "a", None, 1),
            Provenance("search", "a", None, 4),  # Another tool's rank for the same search.
            Provenance("search", "b", None, 1),
            Provenance("section", "a", paper(2).id, 1),
        ],
        depth=0,
        order=0,
        selected=True,
    )
    other = QueuedPaper(paper(2), [Provenance("search", "a", None, 2)], depth=0, order=1)
    assert ways_to_selected([selected, other]) == [3]
