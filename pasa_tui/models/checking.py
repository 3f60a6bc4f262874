"""Tries a model out: whether it judges and searches as the agent needs it, and how fast it is."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import msgspec

from pasa_tui.config import private_dir
from pasa_tui.errors import ModelError
from pasa_tui.models.costs import Speed
from pasa_tui.models.engines.protocol import Engine, Progress, Scoring
from pasa_tui.models.hub_files import write_privately
from pasa_tui.models.language import ModelCrawler, ModelSelector
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.protocols import Candidate
from pasa_tui.papers import Paper, Query

PAPERS = 32
"""Papers that are scored to measure the speed, after `_WARM_UP` others."""
_WARM_UP = 8
_SELECTED = 0.5

QUESTION = Query("Which papers answer open-domain questions with dense retrieval instead of keyword search?")
MEETS = Paper(
    title="Dense Passage Retrieval for Open-Domain Question Answering",
    abstract="Open-domain question answering first has to find passages that may hold the answer, which is usually "
    "done by matching keywords with TF-IDF or BM25. This paper shows that retrieval can work with learned dense "
    "vectors alone: two encoders, one for questions and one for passages, are trained on question and passage pairs "
    "so that the right passage lies nearest to its question. On several question answering datasets the dense "
    "retriever finds the answer's passage among the first twenty clearly more often than BM25, and the systems built "
    "on it answer more questions correctly.",
)
"""A paper that clearly meets `QUESTION`, described in words of ours."""
MISSES = Paper(
    title="Mask R-CNN",
    abstract="This computer vision paper detects the objects in an image and draws the outline of each. It extends a "
    "detector of boxes by a branch that predicts a mask for every region, beside the existing branches for class and "
    "box, and aligns features with pixels exactly. The method is simple to train, adds little time, and does well at "
    "instance segmentation, at box detection, and at finding the joints of people in photographs.",
)
"""A paper that clearly does not, described in words of ours."""

_OTHER_QUESTIONS = (
    "Which papers train agents to browse the web by reinforcement learning?",
    "Find work on graph neural networks that predict the properties of molecules.",
    "What has been published on speech recognition for languages with little data?",
    "Papers that measure how well large language models know when they are wrong.",
)
_TASKS = (
    ("machine translation", "sentences of parliamentary debates", "BLEU"),
    ("question answering", "articles of an encyclopedia", "exact match"),
    ("image segmentation", "street scenes at night", "intersection over union"),
    ("speech recognition", "telephone calls in noisy rooms", "word error rate"),
    ("molecule design", "small organic compounds", "validity"),
    ("traffic forecasting", "loop sensors of four cities", "absolute error"),
    ("code generation", "short programming exercises", "pass rate"),
    ("recommendation", "ratings of two online shops", "hit rate"),
    ("entity linking", "news in nine languages", "micro F1"),
    ("robot grasping", "household objects in clutter", "success rate"),
)
_METHODS = (
    ("contrastive learning", "pulls representations of related inputs together and pushes others apart"),
    ("graph networks", "passes messages along the relations between parts of the input"),
    ("diffusion models", "removes noise step by step until a sample of the wanted kind is left"),
    ("sparse attention", "lets each position look at a few others that are chosen by their content"),
)


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What a model did when it was tried.

    `meets` and `misses` are its scores of a paper that clearly meets a question and of one that clearly does not.
    `searches` are those it wrote for the question, as the parser read them. `reading` counts prompt tokens a second
    while papers were scored, `writing` generated tokens a second over several answers at once, their prompts' time
    included, `papers` papers scored a second; each 0 where the engine counts nothing. `loading` is seconds.
    """

    crawler: str
    selector: str
    meets: float
    misses: float
    scoring: Scoring
    searches: tuple[str, ...]
    reading: float
    writing: float
    papers: float
    loading: float

    @property
    def margin(self) -> float:
        """By how much the right paper scored higher; negative where it scored lower."""
        return self.meets - self.misses

    @property
    def works(self) -> bool:
        """Whether the agent can use it: it tells the papers apart, and its searches can be read."""
        return self.margin > 0 and bool(self.searches)

    @property
    def verdict(self) -> str:
        """What to think of it, in words."""
        scores = f"{self.meets:.3f} and {self.misses:.3f}"
        told = []
        if self.margin <= 0:
            told.append(f"A paper that meets a question scores no higher than one that does not: {scores}.")
        elif self.meets <= _SELECTED:
            told.append(f"It ranks two papers rightly but would select neither: {scores}.")
        elif self.misses > _SELECTED:
            told.append(f"It ranks two papers rightly but would select both: {scores}.")
        if not self.searches:
            told.append("It wrote no search that could be read.")
        told.insert(0, "It works." if not told else "It works, with a weakness." if self.works else "It is of no use.")
        if self.scoring == "binary":
            told.append("Its scores are only 0 or 1, so papers are not ranked among the selected.")
        elif self.scoring == "top":
            told.append("Its scores are 0 where the server does not name True among its likeliest tokens.")
        return " ".join(told)


async def check_model(
    crawling: Engine,
    selecting: Engine,
    prompts: PromptSet,
    tell: Callable[[Progress], None],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> ModelCheck:
    """Load the engines, which may be the same one, and try them; they stay loaded.

    `tell` may be called from any thread. Raises ModelError.
    """
    began = clock()
    for engine in dict.fromkeys((crawling, selecting)):
        await engine.start(tell)
    loading = clock() - began
    selector = ModelSelector(selecting, prompts, name=selecting.name)
    tell(Progress("scoring two papers"))
    meets, misses = [one.score for one in await selector.judge(QUESTION, _candidates([MEETS, MISSES]))]
    tell(Progress("writing searches"))
    searches = await _searches(crawling, prompts, QUESTION)
    made = made_up_papers(_WARM_UP + PAPERS)
    tell(Progress("warming up"))
    await selector.judge(QUESTION, _candidates(made[:_WARM_UP]))
    tell(Progress(f"scoring {PAPERS} papers"))
    tokens, began = selecting.usage().prompt_tokens, clock()
    await selector.judge(QUESTION, _candidates(made[_WARM_UP:]))
    seconds = clock() - began
    reading = _rate(selecting.usage().prompt_tokens - tokens, seconds)
    tell(Progress(f"writing {len(_OTHER_QUESTIONS)} answers"))
    return ModelCheck(
        crawler=crawling.name,
        selector=selecting.name,
        meets=meets,
        misses=misses,
        # Of a server this is known after the first score.
        scoring=selecting.scoring,
        searches=searches,
        reading=reading,
        writing=await _writing_speed(crawling, prompts, clock),
        papers=_rate(PAPERS, seconds),
        loading=loading,
    )


async def _searches(engine: Engine, prompts: PromptSet, query: Query) -> tuple[str, ...]:
    crawler = ModelCrawler(engine, prompts, name=engine.name)
    return tuple([text async for text in crawler.plan(query, ())])


async def _writing_speed(engine: Engine, prompts: PromptSet, clock: Callable[[], float]) -> float:
    """Tokens a second over several answers at once, as they are asked for in a search."""
    tokens, began = engine.usage().completion_tokens, clock()
    try:
        async with asyncio.TaskGroup() as group:
            for text in _OTHER_QUESTIONS:
                group.create_task(_searches(engine, prompts, Query(text)))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return _rate(engine.usage().completion_tokens - tokens, clock() - began)


def _candidates(papers: Sequence[Paper]) -> list[Candidate]:
    return [Candidate(paper, ()) for paper in papers]


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def made_up_papers(count: int) -> list[Paper]:
    """At most 40 different invented papers, title and abstract of 1,341 to 1,428 characters together.

    In 3,300 papers that questions of AutoScholarQuery met, the mean was 1,340.
    """
    papers: list[Paper] = []
    for (task, data, measure), (method, idea) in product(_TASKS, _METHODS):
        number = len(papers) + 1
        papers.append(
            Paper(
                title=f"{method.capitalize()} for {task}: learning from {data}",
                abstract=f"Progress in {task} has slowed because labelled {data} are expensive, and because models "
                f"that do well on one collection often fail on the next. We study whether {method} can help. Our "
                f"method {idea}, and needs no labels beyond {5 * number} examples of each kind. It has two parts. The "
                f"first is an encoder trained on unlabelled {data}, whose representations are kept fixed afterwards. "
                f"The second is a small head for {task} that is fitted within {number + 3} minutes on one machine. "
                f"We compare it with {number % 7 + 3} systems from the literature under the same budget of "
                f"computation. Measured by {measure}, it improves on the best of them by {number / 10 + 0.4:.1f} "
                f"points on the usual test set, and by more where the test data come from another source than the "
                f"training data. An ablation shows that most of the gain is due to {method}, and that the fixed "
                f"encoder costs nothing in quality. We find that errors concentrate on rare kinds of {data}, which "
                f"larger collections alone do not cure. We also report where the method fails: with fewer than "
                f"{number * 40} unlabelled items it is no better than training from scratch. Code, the exact splits "
                f"of the data, and all outputs for {task} are released.",
            )
        )
    return papers[:count]


class _Known(msgspec.Struct, frozen=True):
    """A line of the speeds' file."""

    reading: Annotated[float, msgspec.Meta(gt=0)]
    writing: Annotated[float, msgspec.Meta(gt=0)]


def remember_speed(path: Path, profile: str, check: ModelCheck) -> None:
    """Keep what was measured of a profile in the file at `path`, instead of what was known of it before.

    A check that measured nothing changes nothing. Raises ModelError where the file can't be written.
    """
    if not (check.reading > 0 and check.writing > 0):
        return
    speeds = {**_read(path), profile: msgspec.Raw(msgspec.json.encode(_Known(check.reading, check.writing)))}
    private_dir(path.parent)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        write_privately(aside, msgspec.json.format(msgspec.json.encode(speeds)))
        os.replace(aside, path)
    except OSError as error:
        raise ModelError(
            f"The measured speed can't be kept in {path}: {error.strerror}.", "Make it writable, or free some space."
        ) from None
    finally:
        aside.unlink(missing_ok=True)


def known_speed(path: Path, profile: str) -> Speed | None:
    """What was measured of a profile, or None; a file that is damaged knows nothing."""
    try:
        known = msgspec.json.decode(_read(path)[profile], type=_Known)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Speed(known.reading, known.writing)


def _read(path: Path) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
