import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.evaluation.metrics import measure
from pasa_tui.evaluation.statistics import Curve, best_threshold, curve, estimate
from tests.evaluation.test_metrics import ANSWERS, PAPERS
from tests.evaluation.trees import tree

VALUES = st.floats(-1e9, 1e9, allow_subnormal=False)


def test_intervals_are_those_of_the_normal_approximation_for_many_questions() -> None:
    generator = random.Random(5)
    rows = [{"uniform": generator.random(), "rare": float(generator.random() < 0.1)} for _ in range(1_000)]
    estimates = estimate(rows)
    for name, found in estimates.items():
        column = [row[name] for row in rows]
        mean, error = statistics.fmean(column), statistics.stdev(column) / math.sqrt(len(column))
        assert found.mean == pytest.approx(mean)
        assert found.low == pytest.approx(mean - 1.96 * error, abs=0.2 * error)
        assert found.high == pytest.approx(mean + 1.96 * error, abs=0.2 * error)


def test_columns_of_one_report_share_their_resamples() -> None:
    generator = random.Random(6)
    rows = [{"a": (value := generator.random()), "b": 2 * value, "c": -value} for _ in range(50)]
    found = estimate(rows)
    assert found["b"].low == pytest.approx(2 * found["a"].low)
    assert found["b"].high == pytest.approx(2 * found["a"].high)
    # The ends trade places; of 2,000 resamples the two percentiles are one apart.
    assert -found["c"].high == pytest.approx(found["a"].low, rel=0.01)
    assert estimate(rows) == found


def test_no_question_gives_no_estimate() -> None:
    assert estimate([]) == {}


def test_an_interval_that_leaves_out_zero_is_clear() -> None:
    found = estimate([{"up": 1.0, "down": -2.0, "even": float(sign)} for sign in (-1, 1) * 30])
    assert (found["up"].is_clear, found["down"].is_clear, found["even"].is_clear) == (True, True, False)


@given(VALUES, st.integers(1, 30))
@settings(max_examples=30)
def test_of_constants_the_interval_is_the_constant(value: float, rows: int) -> None:
    found = estimate([{"x": value}] * rows, resamples=50)["x"]
    assert found.low == found.high == value
    assert found.mean == pytest.approx(value)


@given(st.lists(st.tuples(VALUES, st.floats(0, 1)), min_size=1, max_size=40))
@settings(max_examples=60)
def test_intervals_lie_within_the_values_and_hold_the_mean(rows: list[tuple[float, float]]) -> None:
    found = estimate([{"x": x, "y": y} for x, y in rows], resamples=400)
    for position, name in enumerate("xy"):
        column = [row[position] for row in rows]
        reach = max(column) - min(column)
        assert min(column) <= found[name].low <= found[name].high <= max(column)
        assert found[name].low - 1e-6 * reach <= found[name].mean <= found[name].high + 1e-6 * reach


def brute_force(curves: list[Curve]) -> float:
    """The best mean F1 over all thresholds, by trying each."""
    best = 0.0
    for threshold in {score for one in curves for score in one.scores}:
        total = 0.0
        for one in curves:
            taken = [place for place, score in enumerate(one.scores) if score >= threshold]
            precision = sum(one.right[place] for place in taken) / len(taken) if taken else 0.0
            recall = sum(one.found[place] for place in taken) / one.answers
            total += 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        best = max(best, total / len(curves))
    return best


@given(st.lists(st.tuples(PAPERS, ANSWERS), min_size=1, max_size=4))
@settings(max_examples=60)
def test_best_threshold_is_what_trying_each_one_gives(
    questions: list[tuple[list[tuple[int, float]], list[int]]],
) -> None:
    roots = [tree(papers, answers) for papers, answers in questions]
    curves = [found for root in roots if (found := curve(root, "all")) is not None]
    assert len(curves) == len(roots)
    best = best_threshold(curves)
    assert (best.f1 if best else 0.0) == pytest.approx(brute_force(curves), abs=1e-9)
    measured = [measure(root, "all") for root in roots]
    at_half = sum(figures.f1 for figures in measured if figures) / len(roots)
    assert at_half <= (best.f1 if best else 0.0) + 1e-9


def test_a_threshold_is_one_for_all_questions() -> None:
    good_above_a_half = tree([(0, 0.9), (1, 0.4)], [0])
    good_below = tree([(2, 0.8), (3, 0.7), (4, 0.3)], [4])
    curves = [found for root in (good_above_a_half, good_below) if (found := curve(root, "all")) is not None]
    best = best_threshold(curves)
    assert best is not None
    # From 0.3 on: F1 of 2/3 and 1/2; from 0.9 on: 1 and 0.
    assert best.threshold == 0.3
    assert best.f1 == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_papers_that_were_not_judged_are_taken_by_no_threshold() -> None:
    found = curve(tree([(0, -1.0), (1, 0.2)], [0]), "all")
    assert found is not None and list(found.scores) == [0.2]
    assert best_threshold([found]) is None


def test_no_curve_without_an_answer() -> None:
    assert curve(tree([(0, 0.5)], []), "all") is None
