"""SFT files from questions with answers and a paper database, for those who have no published ones.

For every question, searches that are thought of are tried out: those that together bring most answers make the search
session of a Crawler that knew. The papers these bring are opened: sections that cite answers make expand sessions, and
papers where none does teach to stop at once. The answers themselves, papers that the searches brought beside them, and
answers of other questions make the Selector's pairs. Questions are split into train and test, never rows of one.

Run it as `pasa-tui train make-sft --queries FILE --corpus NAME --output FOLDER`.
"""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pasa_tui.assembly.building import load_models
from pasa_tui.config import Paths
from pasa_tui.config.profiles import BUILTIN, PROMPT_FILE
from pasa_tui.config.settings import Settings
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import TrainingError
from pasa_tui.evaluation.data import data_folders
from pasa_tui.evaluation.queries import BenchmarkQuery, find_queries, read_queries
from pasa_tui.evaluation.runner import papers_of_answers
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.engines.protocol import Prompt, Sampling
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.models.protocols import Crawler
from pasa_tui.papers import Paper, Query
from pasa_tui.training.demonstrations import Amounts, Demonstrated, Demonstrator, Reason

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

_STATE = "make-sft.json"
_FILES = tuple(f"sft_{model}/{part}.jsonl" for model in ("crawler", "selector") for part in ("train", "test"))
_OTHERS = 4
"""Other questions whose answers are easy negatives."""
_REASON_TOKENS = 96
_TELL_EVERY = 50


@dataclass(frozen=True, slots=True)
class MakeOrder:
    """What the user asks for. `model` proposes searches and writes reasons beside the builtin agent; `prompts` is an
    agent_prompt.json, without which the project's own prompts are used."""

    queries: str
    corpus: str
    output: Path
    model: str = BUILTIN
    prompts: Path | None = None
    limit: int | None = None
    test_share: float = 0.1
    seed: int = 0
    resume: bool = False
    amounts: Amounts = field(default_factory=Amounts)


@dataclass(slots=True)
class Made:
    """How far it is: questions done, bytes of each file that are theirs, and counts."""

    order: dict[str, Any]
    done: int = 0
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FILES, 0))
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, **more: int) -> None:
        """Add to the counts."""
        for name, number in more.items():
            self.counts[name] = self.counts.get(name, 0) + number


def make(
    order: MakeOrder, config: Settings, paths: Paths, tell: Callable[[str], None], *, stopped: Callable[[], bool]
) -> Made | None:
    """Write the files; None where it was stopped, after whole questions. Raises PasaError."""
    queries = read_queries(find_queries(order.queries, data_folders(paths)), order.limit)
    prompts = PublishedPrompts.load(order.prompts) if order.prompts else GeneralPrompts()
    with open_corpus(order.corpus, paths) as corpus:
        made = _begin(order)
        if order.prompts:
            shutil.copyfile(order.prompts, order.output / PROMPT_FILE)
        tell(f"{len(queries):,} questions, searched for among {corpus.info.papers:,} papers; {made.done:,} are done.")
        return asyncio.run(_make(order, config, paths, queries, prompts, corpus, made, tell, stopped))


async def _make(
    order: MakeOrder,
    config: Settings,
    paths: Paths,
    queries: Sequence[BenchmarkQuery],
    prompts: PromptSet,
    corpus: "Corpus",
    made: Made,
    tell: Callable[[str], None],
    stopped: Callable[[], bool],
) -> Made | None:
    async with _helpers(order, config, paths, tell) as (crawlers, reason):
        demonstrator = Demonstrator(corpus, crawlers, order.amounts, reason)
        for place in range(made.done, len(queries)):
            if stopped():
                tell(
                    f"Stopped after {made.done:,} of {len(queries):,} questions. Go on: the same command with --resume."
                )
                return None
            await _one(order, queries, place, prompts, corpus, demonstrator, made)
            if made.done % _TELL_EVERY == 0:
                tell(f"{made.done:,} of {len(queries):,} questions: {summary(made)}")
    return made


def summary(made: Made) -> str:
    """The counts in words."""
    got = made.counts.get
    return (
        f"{got('searches', 0):,} search sessions that reach {got('reached', 0):,} of {got('answers', 0):,} answers, "
        f"{got('expansions', 0):,} expand sessions ({got('empty', 0):,} that stop at once), {got('pairs', 0):,} judged "
        f"pairs ({got('positive', 0):,} True)"
    )


async def _one(
    order: MakeOrder,
    queries: Sequence[BenchmarkQuery],
    place: int,
    prompts: PromptSet,
    corpus: "Corpus",
    demonstrator: Demonstrator,
    made: Made,
) -> None:
    """The rows of one question, and then the word that they are whole."""
    asked = queries[place]
    # A stream of random numbers of its own: the rows of a question do not depend on where a run began.
    rng = random.Random(f"{order.seed}/{place}/{asked.qid}")
    answers = [paper for paper in await papers_of_answers(asked, corpus) if paper is not None]
    others: list[Paper] = []
    for other in rng.sample(range(len(queries)), min(_OTHERS, len(queries))):
        if other != place:
            others += [paper for paper in await papers_of_answers(queries[other], corpus) if paper is not None]
    unique = list({paper.id: paper for paper in answers}.values())
    easy = list({paper.id: paper for paper in others}.values())
    found = await demonstrator.demonstrate(asked.query, unique, easy, rng)
    part = "test" if random.Random(f"{order.seed}/{asked.qid}").random() < order.test_share else "train"
    rows = {
        f"sft_crawler/{part}.jsonl": list(crawler_rows(asked.query, found, prompts)),
        f"sft_selector/{part}.jsonl": list(selector_rows(asked.query, found, prompts)),
    }
    for name, lines in rows.items():
        data = b"".join(msgspec.json.encode(line | {"qid": asked.qid}) + b"\n" for line in lines)
        with (order.output / name).open("ab") as file:
            file.write(data)
        made.sizes[name] += len(data)
    made.count(
        searches=bool(found.searches),
        reached=found.reached,
        answers=found.answers,
        expansions=len(found.expansions),
        empty=sum(not chosen for _, _, chosen in found.expansions),
        pairs=len(found.judged),
        positive=sum(label for _, label, _ in found.judged),
    )
    made.done = place + 1
    _keep(order.output, made)


def crawler_rows(query: Query, found: Demonstrated, prompts: PromptSet) -> "list[dict[str, Any]]":
    """The Crawler's sessions as rows: a search session where one reaches an answer, and expand sessions."""
    rows = []
    if found.searches:
        answer = "".join(f"[Search]{_plain(text)}" for text in found.searches) + "[StopSearch]"
        rows.append(_row(prompts.searches(query), answer, "search"))
    for paper, names, chosen in found.expansions:
        answer = "".join(f"[Expand]{name}" for name in chosen if _plain(name) == name) + "[StopExpand]"
        rows.append(_row(prompts.sections(query, paper, names), answer, "expand"))
    return rows


def selector_rows(query: Query, found: Demonstrated, prompts: PromptSet) -> "list[dict[str, Any]]":
    """The Selector's pairs as rows: the decision first, which is all that is read of it later, then the reason."""
    return [
        _row(prompts.decision(query, paper), f"{label}\nReason: {reason}", "decision")
        for paper, label, reason in found.judged
    ]


def _row(prompt: Prompt, answer: str, kind: str) -> dict[str, Any]:
    if prompt.raw:
        return {"prompt": prompt.text, "response": answer, "kind": kind}
    turns = [{"role": "system", "content": prompt.system}] if prompt.system else []
    turns += [{"role": "user", "content": prompt.text}, {"role": "assistant", "content": answer}]
    return {"messages": turns, "kind": kind}


def _plain(text: str) -> str:
    """Without the brackets that would be read as the marks of actions."""
    return " ".join(text.replace("[", " ").replace("]", " ").split())


def _begin(order: MakeOrder) -> Made:
    """What is there to go on with, cut back to whole questions; or an empty folder's first state."""
    given = {name: str(value) for name, value in asdict(order).items() if name not in ("output", "resume", "limit")}
    if not order.resume:
        if order.output.exists() and (order.output.is_file() or any(order.output.iterdir())):
            hint = "Take another folder, or go on with what is there: --resume."
            raise TrainingError(f"{order.output} is not empty.", hint)
        made = Made(given)
        for name in _FILES:
            (order.output / name).parent.mkdir(parents=True, exist_ok=True)
            (order.output / name).touch()
        _keep(order.output, made)
        return made
    try:
        made = msgspec.json.decode((order.output / _STATE).read_bytes(), type=Made)
    except (OSError, msgspec.DecodeError):
        raise TrainingError(f"{order.output} holds nothing to go on with.", "Leave out --resume to begin.") from None
    other = sorted(name for name, value in given.items() if made.order.get(name) != value)
    if other:
        told = ", ".join(f"{name} was {made.order.get(name)}" for name in other)
        raise TrainingError(f"These are not the files that the folder holds: {told}.", "Give the same again.")
    for name, size in made.sizes.items():
        with (order.output / name).open("r+b") as file:
            file.truncate(size)
    return made


def _keep(output: Path, made: Made) -> None:
    passing = output / f"{_STATE}.part"
    passing.write_bytes(msgspec.json.encode(made))
    os.replace(passing, output / _STATE)


@asynccontextmanager
async def _helpers(
    order: MakeOrder, config: Settings, paths: Paths, tell: Callable[[str], None]
) -> AsyncIterator[tuple[Sequence[Crawler], Reason | None]]:
    """The model's Crawler and its reasons; of the builtin agent neither, since its searches are tried anyhow."""
    if order.model == BUILTIN:
        yield (), None
        return
    pool = EnginePool()
    models = load_models(order.model, config.agent, config, paths, pool)
    try:
        await models.runtime.start(lambda progress: tell(progress.message))
        engine = models.engines[1]

        async def reason(query: Query, paper: Paper, label: bool) -> str:
            prompt = Prompt(
                f"Question: {query.text}\n\nPaper: {paper.title}\n{paper.abstract}\n\n"
                f"The paper {'meets' if label else 'does not meet'} the question. Say why in one sentence."
            )
            pieces = [piece async for piece in engine.generate(prompt, Sampling(_REASON_TOKENS))]
            return "".join(pieces).strip() or "No reason was given."

        yield models.crawlers, reason
    finally:
        await models.close()
        await pool.close()
