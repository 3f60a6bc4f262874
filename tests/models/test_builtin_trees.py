import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import ModelError
from pasa_tui.models.builtin.evidence import MEASURES
from pasa_tui.models.builtin.trees import SHIPPED, BoostedTrees, Tree, load_trees

TWO = BoostedTrees(
    measures=("a", "b"),
    offset=1.0,
    trees=(
        Tree((0, 1), (0.5, 2.0), (~0, ~1), (1, ~2), (-1.0, 0.25, 4.0)),
        Tree((1,), (0.0,), (~0,), (~1,), (0.0, 0.5)),
    ),
)


@pytest.mark.parametrize(
    ("row", "logit"),
    [((0.5, 9.0), -0.5), ((0.6, 2.0), 0.75), ((0.6, 2.1), 4.5), ((0.0, 0.0), -1.0)],
)
def test_a_row_falls_into_one_leaf_of_each_tree(row: tuple[float, float], logit: float) -> None:
    assert TWO.logits([row]) == [logit]
    assert TWO.probabilities([row]) == [pytest.approx(1 / (1 + math.exp(-logit - 1)))]


def test_the_shipped_model_reads_the_measures_that_are_taken_and_is_small() -> None:
    model = load_trees()
    assert model.measures == MEASURES and len(model.trees) >= 50
    assert SHIPPED.stat().st_size < 300_000
    assert model.made["questions"] > 700 and 0 < float(model.made["recall_at_20"]) < 1


@given(st.lists(st.lists(st.floats(-1, 20), min_size=len(MEASURES), max_size=len(MEASURES)), max_size=5))
def test_any_measures_give_a_probability(rows: list[list[float]]) -> None:
    assert all(0 <= score <= 1 for score in load_trees().probabilities(rows))


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"measures": [], "offset": "x", "trees": []})])
def test_a_file_that_is_no_model_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(ModelError, match="can't be read"):
        load_trees(path)
    with pytest.raises(ModelError, match="can't be read"):
        load_trees(tmp_path / "absent.json")


def test_a_model_of_other_measures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"measures": ["a"], "offset": 0.0, "trees": []}))
    with pytest.raises(ModelError, match="another version"):
        load_trees(path)
