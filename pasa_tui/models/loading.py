"""From a profile to an agent: which engines run it, what they are asked, how they are paced and counted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pasa_tui.config.profiles import Profile
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import ConfigError
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.engines.protocol import Engine, Progress
from pasa_tui.models.engines.purse import Purse
from pasa_tui.models.language import ModelAssessor, ModelCrawler, ModelPlanner, ModelSelector
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.models.protocols import Crawler, ModelRuntime, Selector
from pasa_tui.models.weights import Trained, best_engine, find_prompts, find_weights, trained_as
from pasa_tui.usage import ModelUsage

_SERVER_BATCH = 4
"""Papers that the Selector is given at a time where each is a request: few, so that the first verdicts show soon."""
_LOCAL_BATCH, _LOCAL_PARALLEL = 16, 4
"""Papers at a time and such batches at once for a model in this process; its engine puts them together again."""
_GPU_BATCH, _GPU_PARALLEL = 32, 16
"""The same for vLLM, which works on hundreds of prompts at once."""


@dataclass(frozen=True, slots=True)
class LanguageAgent:
    """An agent by language models.

    `record` is what a library keeps of it. `trained` says which of the two models it is, where it is only one.
    `engines` are the Crawler's and the Selector's, which may be the same.
    `close` gives back connections; models in this process stay in the pool.
    """

    crawlers: Sequence[Crawler]
    selector: Selector
    runtime: ModelRuntime
    prompts: PromptSet
    engines: tuple[Engine, Engine]
    trained: Trained
    record: dict[str, Any]
    remote: Sequence[Engine]

    async def close(self) -> None:
        """Close the connections to servers."""
        for engine in self.remote:
            await engine.close()


def load_agent(
    name: str,
    profile: Profile,
    settings: AgentSettings,
    *,
    folders: Sequence[Path],
    pool: EnginePool,
    key: str | None = None,
) -> LanguageAgent:
    """The agent that a profile describes; nothing is loaded or asked before its runtime is started.

    `folders` may hold weights; `key` is the server's. Raises ModelError where weights or prompts are not there, and
    ConfigError for what this model can't do.
    """
    engine = best_engine() if profile.engine == "auto" else profile.engine
    purse = Purse(settings.max_cost or None, profile.price_in, profile.price_out)
    if engine == "openai":
        crawling, selecting = _servers(name, profile, purse, key)
        weights: list[Path] = []
        remote = [crawling] if crawling is selecting else [crawling, selecting]
        prompts = prompts_of(profile, folders)
        batch, parallel = _SERVER_BATCH, max(2, math.ceil(profile.concurrency / _SERVER_BATCH))
    else:
        weights = [find_weights(model, folders) for model in (profile.crawler_model, profile.selector_model)]
        crawling, selecting = _in_process(engine, weights, profile, pool)
        remote = []
        prompts = prompts_of(profile, folders, weights)
        on_gpu = engine == "vllm"
        batch, parallel = (_GPU_BATCH, _GPU_PARALLEL) if on_gpu else (_LOCAL_BATCH, _LOCAL_PARALLEL)
    general = prompts if isinstance(prompts, GeneralPrompts) else None
    if settings.planner == "iterative" and general is None:
        raise ConfigError(
            f"The model {name} can't plan in turns: its prompts are the published ones, for single answers.",
            "Leave --planner iterative to general models.",
        )
    runtime = ModelRuntime(
        model=name,
        prompts=prompts.digest,
        start=_starter(pool, list(dict.fromkeys((crawling, selecting)))),
        usage=_counter(crawling, selecting),
        take_up=lambda usage: purse.take_up(sum(model.cost for model in usage)),
        assessor=ModelAssessor(crawling, general, name=name) if general else None,
        planner=ModelPlanner(crawling, general, name=name) if general and settings.planner == "iterative" else None,
        scoring=lambda: selecting.scoring,
        batch=batch,
        parallel=parallel,
        stops_early=settings.early_stop == "on" or (settings.early_stop == "auto" and profile.is_paid),
    )
    return LanguageAgent(
        crawlers=tuple(
            ModelCrawler(crawling, prompts, name=profile.crawler_model, sampled=run > 0)
            for run in range(settings.ensemble)
        ),
        selector=ModelSelector(selecting, prompts, name=profile.selector_model),
        runtime=runtime,
        prompts=prompts,
        engines=(crawling, selecting),
        trained=trained_as(weights[0]) if len(set(weights)) == 1 else "both",
        record=_record(name, engine, profile, prompts),
        remote=remote,
    )


def _record(name: str, engine: str, profile: Profile, prompts: PromptSet) -> dict[str, Any]:
    return {
        "profile": name,
        "engine": engine,
        "crawler": profile.crawler_model,
        "selector": profile.selector_model,
        "url": profile.address,
        "prompts": prompts.name,
        "prompts_digest": prompts.digest,
    }


def _servers(name: str, profile: Profile, purse: Purse, key: str | None) -> tuple[Engine, Engine]:
    from pasa_tui.models.engines.openai import OpenAIEngine

    def engine(url: str, model: str) -> Engine:
        return OpenAIEngine(
            url, model, name=model, api=profile.api, key=key, concurrency=profile.concurrency, purse=purse
        )

    selector_url = profile.selector_url or profile.url
    crawling = engine(profile.url, profile.crawler_model)
    if (selector_url, profile.selector_model) == (profile.url, profile.crawler_model):
        return crawling, crawling
    return crawling, engine(selector_url, profile.selector_model)


def _in_process(engine: str, weights: Sequence[Path], profile: Profile, pool: EnginePool) -> tuple[Engine, Engine]:
    def make(path: Path, share: float) -> Callable[[], Engine]:
        def made() -> Engine:
            if engine == "vllm":
                from pasa_tui.models.engines.vllm import VllmEngine

                return VllmEngine(
                    path,
                    name=path.name,
                    tensor_parallel=profile.tensor_parallel,
                    gpu_memory=share,
                    dtype=profile.dtype,
                )
            from pasa_tui.models.engines.transformers import TransformersEngine

            return TransformersEngine(path, name=path.name, device=profile.device, dtype=profile.dtype)

        return made

    different = list(dict.fromkeys(weights))
    shares = _shares(engine, different, profile)
    wanted = [
        ((engine, path, share, profile.device, profile.dtype, profile.tensor_parallel), make(path, share))
        for path, share in zip(different, shares, strict=True)
    ]
    engines = dict(zip(different, pool.take(wanted), strict=True))
    return engines[weights[0]], engines[weights[1]]


def _shares(engine: str, weights: Sequence[Path], profile: Profile) -> Sequence[float]:
    if engine != "vllm":
        return [0.0] * len(weights)
    from pasa_tui.models.engines.vllm_memory import memory_shares

    return memory_shares(weights, profile.gpu_memory, tensor_parallel=profile.tensor_parallel)


def prompts_of(profile: Profile, folders: Sequence[Path], weights: Sequence[Path] = ()) -> PromptSet:
    """What the profile's models are asked with; `weights` are the folders of the models. Raises ModelError."""
    if profile.prompts == "general":
        return GeneralPrompts()
    return PublishedPrompts.load(find_prompts(weights, folders))


def _starter(pool: EnginePool, engines: Sequence[Engine]) -> Callable[[Callable[[Progress], None]], Any]:
    async def start(tell: Callable[[Progress], None]) -> None:
        await pool.close_unwanted()
        for engine in engines:
            await engine.start(tell)

    return start


def _counter(crawling: Engine, selecting: Engine) -> Callable[[], Sequence[ModelUsage]]:
    """What the engines did from now on, by engine."""
    engines = list(dict.fromkeys((crawling, selecting)))
    before = [engine.usage() for engine in engines]

    def usage() -> Sequence[ModelUsage]:
        counted = []
        for engine, earlier in zip(engines, before, strict=True):
            now = engine.usage()
            counted.append(
                replace(
                    now,
                    generated=now.generated - earlier.generated,
                    scored=now.scored - earlier.scored,
                    batches=now.batches - earlier.batches,
                    prompt_tokens=now.prompt_tokens - earlier.prompt_tokens,
                    completion_tokens=now.completion_tokens - earlier.completion_tokens,
                    cost=round(now.cost - earlier.cost, 6),
                    seconds=round(now.seconds - earlier.seconds, 3),
                )
            )
        return counted

    return usage
