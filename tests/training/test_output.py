"""The folder that a training writes: made or refused, its record, its figures, and figures read as they come."""

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import TrainingError
from pasa_tui.training.output import (
    METRICS,
    SETTINGS,
    MetricsLog,
    MetricsTail,
    prepare_output,
    read_metrics,
    read_settings,
    write_settings,
)


def append(folder: Path, text: str) -> None:
    with (folder / METRICS).open("a", encoding="utf-8") as file:
        file.write(text)


def steps(lines: list[dict[str, float]]) -> list[float]:
    return [line["step"] for line in lines]


def test_a_new_folder_is_made_with_those_above_it_and_an_empty_one_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    prepare_output(folder, resume=False)
    assert folder.is_dir()
    prepare_output(folder, resume=False)


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(TrainingError, match="is not empty") as caught:
        prepare_output(tmp_path, resume=False)
    assert "--resume" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_is_no_folder(tmp_path: Path, resume: bool) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(TrainingError, match="is a file"):
        prepare_output(file, resume=resume)
    assert file.read_text() == "mine"


def test_a_folder_below_a_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="can't be made: Not a directory"):
        prepare_output(tmp_path / "file" / "run", resume=False)


def test_only_what_holds_a_training_is_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training to go on with"):
        prepare_output(tmp_path, resume=True)
    write_settings(tmp_path, {"stage": "ppo"})
    prepare_output(tmp_path, resume=True)


def test_the_record_is_read_as_it_was_written_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_settings(tmp_path, {"stage": "selector"})
    values = {"stage": "ppo", "settings": {"lr": 1e-6, "kinds": ["search", "expand"]}, "figures": {"reward": 1.5}}
    write_settings(tmp_path, values)
    assert read_settings(tmp_path) == values
    assert [path.name for path in tmp_path.iterdir()] == [SETTINGS]


@pytest.mark.parametrize("text", [None, "", "{", "[1, 2]"], ids=["missing", "empty", "cut short", "no object"])
def test_a_record_that_cannot_be_read_is_told_of(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / SETTINGS).write_text(text)
    with pytest.raises(TrainingError, match="can't be read"):
        read_settings(tmp_path)


def test_each_line_stands_in_the_file_at_once(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.write(1, {"loss": 2.0})
    assert [(line["step"], line["loss"]) for line in read_metrics(tmp_path)] == [(1, 2.0)]
    log.write(2, {"loss": 1.0, "[b]kl[/b]": 0.1})
    log.close()
    lines = read_metrics(tmp_path)
    assert steps(lines) == [1, 2] and lines[1]["[b]kl[/b]"] == 0.1
    assert 0 <= lines[0]["seconds"] <= lines[1]["seconds"]


def test_going_on_drops_the_steps_that_are_done_again_and_goes_on_in_time(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for step in range(1, 6):
        log.write(step, {"loss": float(step)})
    log.close()
    append(tmp_path, '{"step": 6, "lo')
    log = MetricsLog(tmp_path, step=3, seconds=500.0)
    assert steps(read_metrics(tmp_path)) == [1, 2, 3]
    log.write(4, {"loss": 40.0})
    log.close()
    lines = read_metrics(tmp_path)
    assert steps(lines) == [1, 2, 3, 4] and lines[-1]["loss"] == 40.0 and lines[-1]["seconds"] >= 500.0


def test_a_training_begun_anew_keeps_no_line(tmp_path: Path) -> None:
    append(tmp_path, '{"step": 1}\n{"step": 2}\n')
    MetricsLog(tmp_path).close()
    assert read_metrics(tmp_path) == []


def test_no_file_has_no_lines_and_no_age(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    assert read_metrics(tmp_path) == [] and tail.news() == ([], False) and tail.age is None


def test_what_is_no_line_of_figures_is_passed_over(tmp_path: Path) -> None:
    append(tmp_path, '{"step": 1}\n\nnonsense\n[1]\n{"loss": 1}\n{"step": "two"}\n{"step": 3, "loss": 0.5}\n{"step": 4')
    assert read_metrics(tmp_path) == [{"step": 1.0}, {"step": 3.0, "loss": 0.5}]


def test_the_tail_brings_each_line_once(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    append(tmp_path, '{"step": 1}\n{"step": 2}\n')
    lines, anew = tail.news()
    assert steps(lines) == [1, 2] and not anew
    assert tail.news() == ([], False)
    append(tmp_path, '{"step": 3}\n')
    assert tail.news() == ([{"step": 3.0}], False)


def test_the_tail_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    append(tmp_path, '{"step": 1}\n{"step": 2, "lo')
    assert steps(tail.news()[0]) == [1]
    assert tail.news() == ([], False)
    append(tmp_path, 'ss": 0.25}\n')
    assert tail.news() == ([{"step": 2.0, "loss": 0.25}], False)


def test_a_shorter_file_takes_the_place_of_all_before(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    append(tmp_path, "".join(f'{{"step": {step}}}\n' for step in range(1, 6)))
    tail.news()
    (tmp_path / METRICS).write_text('{"step": 1}\n')
    assert tail.news() == ([{"step": 1.0}], True)
    (tmp_path / METRICS).write_text("")
    assert tail.news() == ([], True)


def test_another_file_of_that_name_takes_the_place_of_all_before(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    append(tmp_path, '{"step": 1}\n')
    tail.news()
    other = tmp_path / "other"
    other.write_text('{"step": 7}\n{"step": 8}\n')
    os.replace(other, tmp_path / METRICS)
    lines, anew = tail.news()
    assert steps(lines) == [7, 8] and anew


def test_the_age_is_that_of_the_file(tmp_path: Path) -> None:
    append(tmp_path, '{"step": 1}\n')
    tail = MetricsTail(tmp_path)
    written = (tmp_path / METRICS).stat().st_mtime
    os.utime(tmp_path / METRICS, (written - 300, written - 300))
    assert tail.age is not None and tail.age >= 300
    os.utime(tmp_path / METRICS, (written + 10_000, written + 10_000))
    assert tail.age == 0.0, "a clock that was put back"


@given(
    lines=st.lists(st.dictionaries(st.text(max_size=8), st.floats(-1e9, 1e9), max_size=4), max_size=12),
    cuts=st.lists(st.floats(0, 1), max_size=6),
)
def test_wherever_the_writing_stops_the_tail_brings_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, float]], cuts: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    data = "".join(json.dumps({**line, "step": at}, ensure_ascii=False) + "\n" for at, line in enumerate(lines))
    encoded = data.encode()
    places = [0, *sorted(int(cut * len(encoded)) for cut in cuts), len(encoded)]
    tail = MetricsTail(folder)
    brought: list[dict[str, float]] = []
    for start, end in pairwise(places):
        with (folder / METRICS).open("ab") as file:
            file.write(encoded[start:end])
        found, anew = tail.news()
        assert not anew
        brought += found
    assert brought == read_metrics(folder) == [{**line, "step": float(at)} for at, line in enumerate(lines)]
