"""What PPO needs beside its models, from what the user names: questions, prompts, sources and the Selector."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pasa_tui.assembly import AgentAssembly
from pasa_tui.assembly.requests import SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.profiles import BUILTIN, PROMPT_FILE
from pasa_tui.config.settings import Settings
from pasa_tui.errors import TrainingError
from pasa_tui.evaluation.data import data_folders
from pasa_tui.evaluation.queries import find_queries, read_queries
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.papers import Query
from pasa_tui.training.session_ppo.environment import Environment, Question

OFF = "off"
"""The name that stands for no Selector."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asks for, as `pasa-tui train ppo` takes it.

    `vllm` is the interpreter of an environment that has vLLM, which then writes the rollouts with `vllm_memory` of a
    GPU; without it transformers does.
    """

    model: Path
    queries: str
    output: Path
    corpus: str = "sample"
    sources: tuple[str, ...] = ()
    dev: str | None = None
    limit: int | None = None
    selector: str = OFF
    dtype: str = "auto"
    cpu: bool = False
    vllm: Path | None = None
    vllm_memory: float = 0.3
    resume: bool = False


def open_questions(name: str, paths: Paths, *, limit: int | None, selector: str) -> list[Question]:
    """The questions of a query set. Raises EvaluationError, and TrainingError where nothing could earn a reward."""
    path = find_queries(name, data_folders(paths))
    questions = [Question.of(query) for query in read_queries(path, limit)]
    without = [str(place) for place, question in enumerate(questions, start=1) if not question.answers]
    if without and selector == OFF:
        raise TrainingError(
            f"{len(without):,} of {len(questions):,} questions of {path} have no answers, first line {without[0]}.",
            "Leave them out, or let a Selector say what is worth finding: --selector NAME.",
        )
    return questions


def prompts_beside(model: Path) -> PromptSet:
    """The prompts that a model was trained with: the agent_prompt.json in its folder, else our own."""
    file = model / PROMPT_FILE
    return PublishedPrompts.load(file) if file.is_file() else GeneralPrompts()


@asynccontextmanager
async def open_environment(
    settings: Settings,
    paths: Paths,
    *,
    corpus: str,
    sources: Sequence[str],
    selector: str,
    search_papers: int,
    tell: Callable[[str], None],
) -> AsyncIterator[Environment]:
    """The sources and the Selector, ready; closed in the end. Raises PasaError.

    `selector` is `off`, `builtin` or the name of a profile: a model in this process or a served one.
    """
    pool = EnginePool()
    request = SearchRequest(
        Query.parse("which papers?", None),
        corpus,
        settings.agent,
        tuple(sources),
        BUILTIN if selector == OFF else selector,
    )
    agent = AgentAssembly(settings, pool=pool, falls_back=False)(request, paths)
    try:
        if selector not in (OFF, BUILTIN):
            await agent.runtime.start(lambda progress: tell(progress.message))
        yield Environment(agent.sources, None if selector == OFF else agent.selector, search_papers)
    finally:
        await agent.close_connections()
        agent.close()
        await pool.close()
