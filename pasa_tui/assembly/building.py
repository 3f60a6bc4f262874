"""The agent for a request, put together from where it looks and which models judge and plan."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pasa_tui import __version__
from pasa_tui.agent import Sources
from pasa_tui.assembly.network import addresses_of, any_reachable
from pasa_tui.assembly.places import Place, corpora_at_hand, live_sources, nothing_to_close, one_corpus
from pasa_tui.assembly.requests import SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.paths import checkout_checkpoints
from pasa_tui.config.profiles import BUILTIN, find_profile
from pasa_tui.config.secrets import Key, find_keys, find_model_key
from pasa_tui.config.settings import AgentSettings, ModelSettings, Settings
from pasa_tui.errors import ConfigError, SourceError
from pasa_tui.library import Library
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.protocols import Crawler, ModelRuntime, Selector
from pasa_tui.sources.catalogue import CORPUS, parse_sources

if TYPE_CHECKING:
    from pasa_tui.models.loading import LanguageAgent


@dataclass(frozen=True, slots=True)
class Agent:
    """All that a search is done with.

    `record` is what the library keeps of the models. `close` gives back what the agent holds open;
    `close_connections` is awaited before, in the loop that searched. `notice` is a (message, hint) that whoever asked
    should know, such as that there is no network; empty for none.
    """

    crawlers: Sequence[Crawler]
    selector: Selector
    sources: Sources
    close: Callable[[], None]
    close_connections: Callable[[], Awaitable[None]] = nothing_to_close
    notice: tuple[str, str] = ("", "")
    runtime: ModelRuntime = field(default_factory=ModelRuntime)
    record: Mapping[str, Any] = field(default_factory=dict)


_WHOLE = 1_000_000
"""Papers that the builtin Selector judges at once: all, since it compares them."""


class AgentBuilder(Protocol):
    """Makes the agent for a request. Raises PasaError where a part of it is not to be had."""

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        """The agent, ready to search."""
        ...


def chosen_sources(names: Sequence[str], keys: Mapping[str, Key]) -> tuple[str, ...]:
    """The sources that these names mean, with the keys there are (see `parse_sources`). Raises ConfigError."""
    return parse_sources(",".join(names), lambda name: name in keys)


def weight_folders(settings: Settings, paths: Paths) -> list[Path]:
    """Where the weights of models may lie, the first being where they are fetched to."""
    if settings.models.checkpoints:
        return [Path(settings.models.checkpoints).expanduser()]
    return [paths.checkpoints_dir, *filter(None, [checkout_checkpoints()])]


def load_models(name: str, agent: AgentSettings, settings: Settings, paths: Paths, pool: EnginePool) -> "LanguageAgent":
    """The agent of the profile `name`, its key and weights found. Raises PasaError."""
    from pasa_tui.models.loading import load_agent

    profile = find_profile(name, settings.profiles)
    key = find_model_key(profile.key) if profile.key else None
    return load_agent(name, profile, agent, folders=weight_folders(settings, paths), pool=pool, key=key)


def builtin_agent(request: SearchRequest, paths: Paths) -> Agent:
    """The agent that needs no model: the builtin Crawler and Selector over one corpus. Raises CorpusError."""
    return _with_builtin(request, one_corpus(request.corpus, paths), ModelSettings())


def _with_builtin(request: SearchRequest, place: Place, models: ModelSettings) -> Agent:
    from pasa_tui.models.builtin import BROAD_RESULTS, BuiltinCrawler, FacetCrawler

    try:
        selector, runtime = _builtin_models(place, models)
    except BaseException:
        place.close()
        raise
    crawlers = (BuiltinCrawler(place.statistics), FacetCrawler(place.statistics))
    return Agent(
        crawlers=crawlers[: request.settings.ensemble],
        selector=selector,
        sources=place.sources,
        close=place.close,
        close_connections=place.close_connections,
        notice=place.notice,
        runtime=replace(
            runtime,
            stops_early=request.settings.early_stop == "on",
            batch=_WHOLE,
            results=0 if place.is_live else BROAD_RESULTS,
        ),
        record={
            "profile": BUILTIN,
            "version": __version__,
            **({"embeddings": models.embeddings} if models.embeddings else {}),
        },
    )


def _builtin_models(place: Place, models: ModelSettings) -> tuple[Selector, ModelRuntime]:
    from pasa_tui.models.builtin import BuiltinSelector
    from pasa_tui.models.builtin.trees import load_trees
    from pasa_tui.models.embedding_ranker import EmbeddingRanker

    trained = load_trees(Path(models.builtin).expanduser()) if models.builtin else None
    selector = BuiltinSelector(place.statistics, trained)
    if not models.embeddings:
        return selector, ModelRuntime(ranker=selector)
    ranker = EmbeddingRanker(selector, Path(models.embeddings).expanduser(), models.embeddings_weight)
    return selector, ModelRuntime(ranker=ranker, start=ranker.start)


class AgentAssembly:
    """AgentBuilder for every model over live sources and corpora.

    Where no host can be reached, the corpora at hand are searched.
    """

    def __init__(
        self,
        settings: Settings,
        library: Library | None = None,
        *,
        pool: EnginePool | None = None,
        is_online: Callable[[Sequence[str]], bool] | None = None,
        falls_back: bool = True,
        paced: bool = True,
    ) -> None:
        """`is_online` is asked with the addresses of the sources; without it they are tried.

        Models in this process are kept in `pool`, which whoever made it closes. Unless it `falls_back`, sources that
        can't be reached are an error. `paced` as `LiveSources` takes it.
        """
        self._settings = settings
        self._library = library
        self._pool = pool or EnginePool()
        self._is_online = is_online or any_reachable
        self._falls_back = falls_back
        self._paced = paced

    def __call__(self, request: SearchRequest, paths: Paths) -> Agent:
        """The agent of the request's model over its sources. Raises PasaError."""
        if request.model == BUILTIN:
            if request.settings.planner == "iterative" or request.settings.ensemble > 2:
                raise ConfigError(
                    "The builtin agent plans in its own way: it takes no --planner iterative, and --ensemble up to 2.",
                    "Choose a language model with --model, or leave these out.",
                )
            return _with_builtin(request, self._place(request, paths), self._settings.models)
        return self._with_language_model(request, paths)

    def _with_language_model(self, request: SearchRequest, paths: Paths) -> Agent:
        models = load_models(request.model, request.settings, self._settings, paths, self._pool)
        place = self._place(request, paths)

        async def close_connections() -> None:
            await place.close_connections()
            await models.close()

        agent = Agent(
            crawlers=models.crawlers,
            selector=models.selector,
            sources=place.sources,
            close=place.close,
            close_connections=close_connections,
            notice=place.notice,
            runtime=models.runtime,
            record=models.record,
        )
        return agent if models.trained == "both" else self._with_builtin_half(agent, models.trained, request, place)

    def _with_builtin_half(self, agent: Agent, trained: str, request: SearchRequest, place: Place) -> Agent:
        """A model that was trained to be one of the two, with the builtin one as the other."""
        if request.settings.planner == "iterative":
            raise ConfigError(
                f"The model {request.model} was trained as a {trained} and can't plan in turns.",
                "Leave out --planner iterative.",
            )
        builtin = _with_builtin(replace(request, settings=AgentSettings()), place, self._settings.models)
        if trained == "selector":
            runtime = replace(agent.runtime, assessor=None)
            return replace(agent, crawlers=builtin.crawlers, runtime=runtime)
        runtime = replace(
            agent.runtime,
            assessor=None,
            ranker=builtin.runtime.ranker,
            batch=builtin.runtime.batch,
            parallel=builtin.runtime.parallel,
            scoring=builtin.runtime.scoring,
        )
        return replace(agent, selector=builtin.selector, runtime=runtime)

    def _place(self, request: SearchRequest, paths: Paths) -> Place:
        if not request.is_live:
            return one_corpus(request.corpus, paths)
        keys = find_keys()
        request = replace(request, sources=chosen_sources(request.sources, keys))
        live = [name for name in request.sources if name != CORPUS]
        if not live:
            return one_corpus(request.corpus, paths)
        if self._is_online(addresses_of(live, self._settings)):
            return live_sources(request, live, self._settings.sources, keys, paths, self._library, paced=self._paced)
        if not self._falls_back and CORPUS not in request.sources:
            raise SourceError(
                f"None of the sources can be reached: {', '.join(live)}.",
                "Check the network, or search a corpus: --sources corpus.",
            )
        return corpora_at_hand(request.corpus, paths)
