"""SFT rows: every layout is taken, every bad line is named, answers come out whole."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import TrainingError
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.training.examples import encode_examples, is_well_formed, read_examples
from pasa_tui.training.held_out import auc
from tests.training.world import crawler_rows, selector_rows

SEARCH = "[Search]dense retrieval[Search]ranking[StopSearch]"


def file_of(folder: Path, rows: Sequence[object]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "ask", "response": SEARCH},
        {"prompt": "ask", "completion": SEARCH, "qid": 1},
        {"instruction": "ask", "input": "", "output": SEARCH},
        {"messages": [{"role": "user", "content": "ask"}, {"role": "assistant", "content": SEARCH}]},
        {"conversations": [{"from": "human", "value": "ask"}, {"from": "gpt", "value": SEARCH}]},
    ],
)
def test_every_layout_is_taken(tmp_path: Path, row: object) -> None:
    (example,) = read_examples(file_of(tmp_path, ["", row]), "crawler")
    assert (example.prompt, example.answer, example.line) == (Prompt("ask"), SEARCH, 2)


def test_a_selectors_prompt_is_raw_unless_it_comes_as_a_chat(tmp_path: Path) -> None:
    chat = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "False"},
    ]
    rows = [{"prompt": "is it?\nDecision:", "response": " True\nReason: so"}, {"messages": chat}]
    raw, asked = read_examples(file_of(tmp_path, rows), "selector")
    assert raw.prompt.raw and raw.answer == "True\nReason: so" and raw.is_true
    assert asked.prompt == Prompt("u", "s") and not asked.is_true


def test_bad_lines_are_named(tmp_path: Path) -> None:
    rows = [
        {"prompt": "ask", "response": SEARCH},
        "{",
        "[1]",
        {"prompt": "ask"},
        {"prompt": "", "response": SEARCH},
        {"prompt": "ask", "response": " "},
        {"prompt": "ask", "response": "dense retrieval"},
        {"messages": [{"role": "user", "content": "ask"}]},
    ]
    with pytest.raises(TrainingError) as caught:
        read_examples(file_of(tmp_path, rows), "crawler")
    message = caught.value.message
    assert "7 bad rows" in message and "line 2: it is no JSON" in message and "and 2 more" in message
    for row, reason in (
        ({"prompt": 1, "response": SEARCH}, "no text"),
        ({"prompt": "a", "response": "Truely"}, "neither"),
    ):
        with pytest.raises(TrainingError, match=reason):
            read_examples(file_of(tmp_path, [row]), "selector")
    (tmp_path / "rows.jsonl").write_bytes(b'{"prompt": "\xff", "response": "True"}\n')
    with pytest.raises(TrainingError, match="line 1"):
        read_examples(tmp_path / "rows.jsonl", "selector")
    with pytest.raises(TrainingError, match="no rows"):
        read_examples(file_of(tmp_path, [""]), "selector")
    with pytest.raises(TrainingError, match="can't be read"):
        read_examples(tmp_path / "none.jsonl", "selector")


@given(st.text(), st.sampled_from(["crawler", "selector"]))
def test_no_line_ever_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str, stage: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(TrainingError):
        assert read_examples(path, stage)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "is_good"),
    [
        (SEARCH, True),
        ("[StopExpand]", True),
        ("[Expand]Related Work[StopExpand]", True),
        ("[StopSearch]", False),
        ("[Search][StopSearch]", False),
        ("[Search]a[StopExpand]", False),
        ("[Search]a", False),
        ("so [Search]a[StopSearch]", False),
        (SEARCH + " more", False),
    ],
)
def test_what_well_formed_means(answer: str, is_good: bool) -> None:
    assert is_well_formed(answer) == is_good


def letters(prompt: Prompt, limit: int) -> list[int]:
    return [ord(letter) for letter in prompt.text][-limit:]


def test_long_prompts_give_way_and_answers_never_do(tmp_path: Path) -> None:
    rows = [{"prompt": "p" * 900 + "q", "response": "True " + "x" * 50}]
    examples = read_examples(file_of(tmp_path, rows), "selector")
    encode = {"encode": letters, "encode_answer": lambda text: [ord(letter) for letter in text], "end": 0}
    (one,) = encode_examples(examples, **encode, limit=100, first=ord("T"))  # type: ignore[arg-type]
    assert len(one.prompt) + len(one.answer) == 100 and one.answer[-1] == 0 and one.prompt[-1] == ord("q")
    assert bytes(one.answer[:-1]).decode() == rows[0]["response"]
    with pytest.raises(TrainingError, match="first in line 1"):
        encode_examples(examples, **encode, limit=60)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="token True"):
        encode_examples(examples, **encode, limit=100, first=7)  # type: ignore[arg-type]


def test_rows_of_the_world_are_good(tmp_path: Path) -> None:
    assert len(read_examples(file_of(tmp_path, crawler_rows(50, seed=1)), "crawler")) == 50
    assert len(read_examples(file_of(tmp_path, selector_rows(50, seed=1)), "selector", limit=20)) == 20


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    scores, labels = [float(score) for score, _ in pairs], [label for _, label in pairs]
    above = [(a > b) + 0.5 * (a == b) for a, x in pairs for b, y in pairs if x and not y]
    if not above:
        with pytest.raises(ValueError, match="same label"):
            auc(scores, labels)
        return
    assert auc(scores, labels) == pytest.approx(sum(above) / len(above))
