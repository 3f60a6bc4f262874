import asyncio
import json
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.errors import ModelError
from pasa_tui.models.checking import (
    MEETS,
    MISSES,
    PAPERS,
    QUESTION,
    ModelCheck,
    check_model,
    known_speed,
    made_up_papers,
    remember_speed,
)
from pasa_tui.models.costs import Speed
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling, Scoring
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.usage import ModelUsage
from tests import tiny

WARM_UP = 8
GOOD = "[Search]dense retrieval for questions\n[Search]neural passage ranking\n[StopSearch]"


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass(eq=False)
class TimedEngine:
    """Takes `per_paper` and `per_answer` seconds of the clock; counts 300 tokens a prompt and 50 an answer.

    Answers that are asked for at once are written at once, and so are the papers of one call.
    """

    clock: Clock
    answer: str = GOOD
    probability: Callable[[Prompt], float] = lambda prompt: 0.9 if MEETS.title in prompt.text else 0.1
    per_paper: float = 0.25
    per_answer: float = 2.0
    loading: float = 7.0
    name: str = "timed"
    scoring: Scoring = "exact"
    counts: bool = True
    fails: str = ""
    calls: list[str] = field(default_factory=list)
    scored: list[Prompt] = field(default_factory=list)
    asked: list[Prompt] = field(default_factory=list)
    closed: bool = False
    _writing: int = 0

    def _fail(self, call: str) -> None:
        self.calls.append(call)
        if call == self.fails:
            raise ModelError(f"It can't {call}.", "Try something else.")

    async def start(self, tell: Callable[[Progress], None]) -> None:
        self._fail("start")
        self.clock.now += self.loading
        tell(Progress("loading", 1.0))

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        self._fail("write")
        self.asked.append(prompt)
        self._writing += 1
        text = self.answer
        for stop in sampling.stop:
            text = text.partition(stop)[0]
        for piece in text:
            await asyncio.sleep(0)
            yield piece
        self._writing -= 1
        if not self._writing:
            self.clock.now += self.per_answer

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        self._fail("score")
        self.scored += prompts
        # What comes first is slow, as with engines that compile for a size.
        self.clock.now += len(prompts) * self.per_paper * (1 if len(self.calls) > 3 else 100)
        return [self.probability(prompt) for prompt in prompts]

    def usage(self) -> ModelUsage:
        if not self.counts:
            return ModelUsage(self.name)
        tokens = 300 * len(self.scored) + 40 * len(self.asked)
        return ModelUsage(self.name, prompt_tokens=tokens, completion_tokens=50 * len(self.asked))

    async def close(self) -> None:
        self.closed = True


async def checked(engine: TimedEngine, selecting: TimedEngine | None = None) -> ModelCheck:
    return await check_model(engine, selecting or engine, GeneralPrompts(), lambda progress: None, clock=engine.clock)


async def test_a_good_model_is_measured_after_a_warm_up() -> None:
    engine = TimedEngine(Clock())
    check = await checked(engine)
    assert (check.meets, check.misses, check.margin) == (0.9, 0.1, pytest.approx(0.8))
    assert check.searches == ("dense retrieval for questions", "neural passage ranking")
    assert check.works and check.verdict == "It works."
    assert check.papers == pytest.approx(4.0)
    assert check.reading == pytest.approx(1200.0)
    # Four answers of two seconds that are written at once.
    assert check.writing == pytest.approx(100.0)
    assert check.loading == pytest.approx(7.0)
    assert not engine.closed
    assert engine.calls.count("start") == 1


async def test_the_writing_speed_is_of_the_answers_alone() -> None:
    """Five questions are asked: one is read for its searches, four are timed."""
    clock = Clock()
    engine = TimedEngine(clock)
    timed: list[float] = []

    def tell(progress: Progress) -> None:
        timed.append(clock.now)

    check = await check_model(engine, engine, GeneralPrompts(), tell, clock=clock)
    assert len(engine.asked) == 5 and len({prompt.text for prompt in engine.asked}) == 5
    assert check.writing == pytest.approx(4 * 50 / (clock.now - timed[-1]))


async def test_both_engines_are_tried_each_for_its_part() -> None:
    clock = Clock()
    crawling, selecting = TimedEngine(clock, name="crawler"), TimedEngine(clock, name="selector", scoring="top")
    check = await checked(crawling, selecting)
    assert (check.crawler, check.selector, check.scoring) == ("crawler", "selector", "top")
    assert not crawling.scored and not selecting.asked
    assert check.loading == pytest.approx(14.0)
    assert "0 where the server" in check.verdict


async def test_the_papers_scored_are_all_different() -> None:
    engine = TimedEngine(Clock())
    await checked(engine)
    assert len(engine.scored) == len({prompt.text for prompt in engine.scored}) == 2 + WARM_UP + PAPERS
    papers = made_up_papers(40)
    assert len({paper.title for paper in papers}) == len({paper.id for paper in papers}) == 40
    lengths = [len(paper.title) + len(paper.abstract) for paper in papers]
    assert (min(lengths), max(lengths)) == (1341, 1428)
    assert MEETS.title in engine.scored[0].text and MISSES.title in engine.scored[1].text
    assert QUESTION.text in engine.asked[0].text


@pytest.mark.parametrize(
    ("meets", "misses", "works", "words"),
    [
        (0.2, 0.7, False, "no higher than one that does not: 0.200 and 0.700"),
        (0.5, 0.5, False, "of no use"),
        (0.4, 0.1, True, "would select neither"),
        (0.9, 0.6, True, "would select both"),
    ],
)
async def test_what_scores_are_worth(meets: float, misses: float, works: bool, words: str) -> None:
    engine = TimedEngine(Clock(), probability=lambda prompt: meets if MEETS.title in prompt.text else misses)
    check = await checked(engine)
    assert check.works is works and words in check.verdict


async def test_scores_of_0_and_1_are_said() -> None:
    engine = TimedEngine(Clock(), scoring="binary", probability=lambda prompt: float(MEETS.title in prompt.text))
    check = await checked(engine)
    assert check.works and "only 0 or 1" in check.verdict


async def test_what_cannot_be_read_as_searches() -> None:
    check = await checked(TimedEngine(Clock(), answer=""))
    assert not check.works and not check.searches and "no search that could be read" in check.verdict


async def test_an_engine_that_counts_nothing_has_no_speed(tmp_path: Path) -> None:
    check = await checked(TimedEngine(Clock(), counts=False, per_paper=0.0))
    assert (check.reading, check.writing, check.papers) == (0.0, 0.0, 0.0)
    remember_speed(tmp_path / "speeds.json", "mine", check)
    assert known_speed(tmp_path / "speeds.json", "mine") is None


@pytest.mark.parametrize("call", ["start", "score", "write"])
async def test_failures_are_the_engines_own(call: str) -> None:
    with pytest.raises(ModelError, match=f"It can't {call}"):
        await checked(TimedEngine(Clock(), fails=call))


async def test_a_failure_among_answers_at_once_is_one_error() -> None:
    engine = TimedEngine(Clock())

    def probability(prompt: Prompt) -> float:
        # From the measured papers on, writing fails.
        engine.fails = "write" if len(engine.scored) > 2 + WARM_UP else ""
        return 0.5

    engine.probability = probability
    with pytest.raises(ModelError, match="It can't write"):
        await checked(engine)


async def test_a_real_engine_is_checked(pytestconfig: pytest.Config) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from pasa_tui.models.engines.transformers import TransformersEngine

    folder = tiny.tiny_model_once(Path(pytestconfig.cache.mkdir("tiny-models")))
    engine = TransformersEngine(folder, name="tiny", device="cpu")
    told: list[Progress] = []
    try:
        check = await check_model(engine, engine, GeneralPrompts(), told.append)
    finally:
        await engine.close()
    assert check.margin > 0 and check.works, check
    assert check.searches in tiny.SEARCHES.values()
    assert check.reading > 0 and check.writing > 0 and check.papers > 0 and check.loading > 0
    assert any("scoring 32 papers" in progress.message for progress in told)


# Speeds that are kept


def a_check(reading: float = 1000.0, writing: float = 50.0) -> ModelCheck:
    return ModelCheck("c", "s", 0.9, 0.1, "exact", ("x",), reading, writing, 3.0, 1.0)


def test_speeds_are_kept_per_profile(tmp_path: Path) -> None:
    path = tmp_path / "data" / "speeds.json"
    assert known_speed(path, "a") is None
    remember_speed(path, "a", a_check())
    remember_speed(path, "b", a_check(20.5, 2.25))
    remember_speed(path, "a", a_check(2000.0))
    remember_speed(path, "a", a_check(reading=0.0))
    assert known_speed(path, "a") == Speed(2000.0, 50.0)
    assert known_speed(path, "b") == Speed(20.5, 2.25)
    assert known_speed(path, "c") is None
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["speeds.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"\xff", b'{"a": 3}', b"[" * 100_000, b'{"a": {"reading": 0}}'],
    ids=["empty", "list", "cut", "bytes", "number", "deep", "zero"],
)
def test_a_damaged_file_knows_nothing_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "speeds.json"
    path.write_bytes(content)
    assert known_speed(path, "a") is None
    remember_speed(path, "a", a_check())
    assert known_speed(path, "a") == Speed(1000.0, 50.0)


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda v: json.dumps({"a": v}).encode())
)
def test_no_file_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_bytes(content)
    assert known_speed(path, "a") is None


def test_one_damaged_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    remember_speed(path, "good", a_check())
    lines = json.loads(path.read_text())
    path.write_text(json.dumps(lines | {"bad": {"reading": -1, "writing": "fast"}}))
    assert known_speed(path, "bad") is None and known_speed(path, "good") == Speed(1000.0, 50.0)
    remember_speed(path, "other", a_check())
    assert known_speed(path, "good") == Speed(1000.0, 50.0)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    path.mkdir()
    with pytest.raises(ModelError, match="can't be kept") as raised:
        remember_speed(path, "a", a_check())
    assert raised.value.hint
    assert [file.name for file in tmp_path.iterdir()] == ["speeds.json"]


def test_a_speed_is_never_endless(tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    remember_speed(path, "a", replace(a_check(), reading=math.inf))
    assert known_speed(path, "a") is None
