"""SFT files made of questions, answers and a corpus: what they show is what works."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.cli.context import Context
from pasa_tui.cli.main import cli
from pasa_tui.config import Paths
from pasa_tui.config.settings import Settings
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import TrainingError
from pasa_tui.models.language.actions import parse_actions
from pasa_tui.papers import Paper, Query
from pasa_tui.training.demonstrations import Amounts, Demonstrator, shared_phrases
from pasa_tui.training.examples import read_examples
from pasa_tui.training.make_sft import Made, MakeOrder, make
from tests.helpers import ScriptedCrawler
from tests.training.world import GOOD_SECTIONS, SUBJECTS, TEMPLATES, answers_of, question_line


@pytest.fixture
def order(world: Paths, tmp_path: Path) -> MakeOrder:
    lines = "".join(json.dumps(question_line(subject)) + "\n" for subject in SUBJECTS)
    (tmp_path / "queries.jsonl").write_text(lines)
    (tmp_path / "agent_prompt.json").write_text(json.dumps(TEMPLATES))
    return MakeOrder(
        str(tmp_path / "queries.jsonl"),
        "world",
        tmp_path / "out",
        prompts=tmp_path / "agent_prompt.json",
        test_share=0.25,
    )


def never() -> bool:
    return False


def run(order: MakeOrder, world: Paths, stopped: Callable[[], bool] = never) -> Made | None:
    return make(order, Settings(), world, lambda text: None, stopped=stopped)


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def answer(row: dict[str, Any]) -> str:
    return str(row["messages"][-1]["content"] if "messages" in row else row["response"])


def test_the_rows_show_searches_sections_and_decisions_that_are_right(world: Paths, order: MakeOrder) -> None:
    made = run(order, world)
    assert made is not None and made.done == len(SUBJECTS)
    parts = {part: rows(order.output, f"sft_crawler/{part}.jsonl") for part in ("train", "test")}
    assert not {row["qid"] for row in parts["train"]} & {row["qid"] for row in parts["test"]}
    assert {row["qid"] for part in parts.values() for row in part} == set(SUBJECTS)
    searches = {row["qid"]: answer(row) for part in parts.values() for row in part if row["kind"] == "search"}
    with open_corpus("world", world) as corpus:
        for subject, text in searches.items():
            found = [action.text for action in parse_actions(text, "search")]
            titles = {
                paper.title for search in found for paper in asyncio.run(corpus.search(search, limit=10, before=None))
            }
            assert {f"{subject} methods report a", f"{subject} models report c"} <= titles, text
    for row in (row for part in parts.values() for row in part if row["kind"] == "expand"):
        chosen = {action.text for action in parse_actions(answer(row), "expand")}
        asked = row["messages"][0]["content"]
        is_good = " methods " in asked or " models " in asked
        assert chosen == (set(GOOD_SECTIONS) if is_good else set()), (asked, answer(row))
    for part in ("train", "test"):
        for row in rows(order.output, f"sft_selector/{part}.jsonl"):
            title = row["prompt"].split(" | ")[1]
            assert row["prompt"].endswith("Decision:") and "\nReason: The paper shows" in row["response"]
            assert row["response"].startswith("True" if title in answers_of(row["qid"]) else "False")
        # What is made is what the stages take.
        assert read_examples(order.output / f"sft_crawler/{part}.jsonl", "crawler")
        assert read_examples(order.output / f"sft_selector/{part}.jsonl", "selector")
    assert (order.output / "agent_prompt.json").exists()


def test_stopped_and_gone_on_with_the_files_are_the_same(world: Paths, order: MakeOrder, tmp_path: Path) -> None:
    whole, broken = replace(order, output=tmp_path / "whole"), replace(order, output=tmp_path / "broken")
    assert run(whole, world)
    left = iter([False] * 7)
    assert run(broken, world, lambda: next(left, True)) is None
    with (broken.output / "sft_crawler/train.jsonl").open("a") as file:
        file.write('{"half a row')
    with pytest.raises(TrainingError, match="not empty"):
        run(broken, world)
    with pytest.raises(TrainingError, match="seed was 0"):
        run(replace(broken, resume=True, seed=1), world)
    assert run(replace(broken, resume=True), world)
    for path in whole.output.rglob("*.jsonl"):
        assert path.read_bytes() == (broken.output / path.relative_to(whole.output)).read_bytes()
    with pytest.raises(TrainingError, match="nothing to go on with"):
        run(replace(order, output=tmp_path / "none", resume=True), world)


async def test_a_models_searches_are_tried_too_and_taken_where_they_bring_more(world: Paths) -> None:
    async def why(query: Query, paper: Paper, label: bool) -> str:
        return f"because\nit is {label}"

    with open_corpus("world", world) as corpus:
        answers = list(await corpus.search("music people", limit=3, before=None))
        crawler = ScriptedCrawler([["music people", "nothing of the kind"]])
        maker = Demonstrator(corpus, [crawler], Amounts(judged=2, hard=1, easy=0.5), why)
        found = await maker.demonstrate(Query("songs and who makes them", None), answers, [], random.Random(0))
    assert found.searches[0] == "music people" and found.reached == 3
    assert {reason for _, _, reason in found.judged} == {"because it is True", "because it is False"}
    assert [label for _, label, _ in found.judged].count(True) == 2


def test_phrases_are_those_that_answers_share() -> None:
    titles = ["Dense Passage Retrieval for Answers", "On dense passage retrieval", "Something else"]
    assert list(shared_phrases(titles))[:2] == ["dense passage retrieval", "passage retrieval"]
    assert list(shared_phrases(["One title alone"])) == []


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_title_has_phrases_or_none(titles: list[str]) -> None:
    for phrase in shared_phrases(titles):
        assert 2 <= len(phrase.split()) <= 4


def test_the_command_tells_counts_and_what_is_wrong(world: Paths, order: MakeOrder) -> None:
    words = ["train", "make-sft", "--queries", order.queries, "--corpus", "world", "--output", str(order.output)]
    done = CliRunner().invoke(cli, [*words, "--limit", "3"], obj=Context(world), standalone_mode=False)
    assert done.exception is None and "3 questions: 3 search sessions" in done.output
    row = rows(order.output, "sft_selector/train.jsonl")[0]
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"], "our own prompts are a chat's"
    Path(order.queries).write_text('{"question": "a", "answer": ["An answer that nobody has"]}\n')
    done = CliRunner().invoke(cli, [*words[:-1], str(order.output) + "1"], obj=Context(world), standalone_mode=False)
    assert "None of the answers" in str(done.exception)
    Path(order.queries).write_text('{"question": "a", "answer": ["b"]}\nnonsense\n')
    done = CliRunner().invoke(cli, [*words[:-1], str(order.output) + "2"], obj=Context(world), standalone_mode=False)
    assert "Line 2" in str(done.exception)
