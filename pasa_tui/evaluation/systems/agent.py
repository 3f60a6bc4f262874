"""Our own agent as a system: with the builtin model, PaSa's checkpoints or any language model."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from pasa_tui.agent import run_agent
from pasa_tui.assembly import Agent, AgentAssembly, SearchRequest
from pasa_tui.config.profiles import BUILTIN, PASA
from pasa_tui.evaluation.growing import tree_of
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.language_models import check_key, chosen_profile, missing_model
from pasa_tui.evaluation.systems.protocol import Outcome, Place, System, SystemInfo
from pasa_tui.evaluation.tree import Spent
from pasa_tui.events import SearchState
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.sources.catalogue import CORPUS

_PASA_GPT = "gpt-4o"


class AgentSystem:
    """Searches with the agent loop and makes a tree of its events. Nothing is put into the user's library."""

    def __init__(self, name: str, place: Place, model: str, *, ensemble: int) -> None:
        """Raises PasaError where a corpus, key or weights are missing."""
        self.name = name
        settings = place.settings
        if model != BUILTIN:
            model, profile = chosen_profile(replace(place, model=model), model)
            check_key(model, profile)
            settings = replace(settings, profiles={**settings.profiles, model: profile})
        self._place = place
        self._pool = EnginePool()
        self._assembly = AgentAssembly(settings, pool=self._pool, falls_back=False)
        self._request = SearchRequest(
            query=BenchmarkQuery(0, "", "any", ()).query,
            corpus=place.corpus,
            settings=replace(place.agent, ensemble=ensemble),
            sources=place.sources or (CORPUS,),
            model=model,
        )
        # The words of a corpus are counted once for all questions; live sources and models count for each.
        self._keeps = model == BUILTIN and not self._request.is_live
        self.waits = not self._keeps
        self._kept: Agent | None = self._assembly(self._request, place.paths)
        if not self._keeps:
            self._kept.close()
            self._kept = None

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The tree of a whole search. A search that failed is an outcome with what it had found until then."""
        request = replace(self._request, query=query.query)
        agent = self._kept or self._assembly(request, self._place.paths)
        state = SearchState()
        try:
            events = run_agent(
                request.query,
                crawlers=agent.crawlers,
                selector=agent.selector,
                sources=agent.sources,
                settings=request.settings,
                models=agent.runtime,
            )
            async with aclosing(events):
                async for event in events:
                    state.apply(event)
        finally:
            if agent is not self._kept:
                await agent.close_connections()
                agent.close()
        root = tree_of(state)
        root.title = query.question
        return Outcome(root, _spent(state), state.ending or "done", state.message)

    async def close(self) -> None:
        """Give back the corpus, and models in this process."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        await self._pool.close()


def _spent(state: SearchState) -> Spent:
    return Spent(
        requests=state.funnel.requests + sum(model.generated + model.scored for model in state.models),
        seconds=round(state.elapsed, 3),
        prompt_tokens=sum(model.prompt_tokens for model in state.models),
        output_tokens=sum(model.completion_tokens for model in state.models),
        cost=round(sum(model.cost for model in state.models), 6),
    )


def _maker(name: str, model: str, ensemble: int, *, takes_model: bool = False) -> Callable[[Place], System]:
    def make(place: Place) -> System:
        return AgentSystem(name, place, (takes_model and place.model) or model, ensemble=ensemble)

    return make


def _missing(model: str) -> Callable[[Place], str]:
    return lambda place: missing_model(replace(place, model=model), model)


def _nothing(place: Place) -> str:
    return ""


INFO_BUILTIN = SystemInfo(
    name="builtin",
    summary="Our agent without a language model.",
    needs="",
    make=_maker("builtin", BUILTIN, 1),
    missing=_nothing,
)
INFO_BUILTIN_ENSEMBLE = SystemInfo(
    name="builtin-ensemble",
    summary="The same with a second Crawler, which searches for the question's parts.",
    needs="",
    make=_maker("builtin-ensemble", BUILTIN, 2),
    missing=_nothing,
)
INFO_PASA = SystemInfo(
    name="pasa-7b",
    summary="PaSa with its own checkpoints.",
    needs="the weights, and a GPU for speed",
    make=_maker("pasa-7b", PASA, 1),
    missing=_missing(PASA),
)
INFO_PASA_ENSEMBLE = SystemInfo(
    name="pasa-7b-ensemble",
    summary="The same with a second, sampled run of the Crawler.",
    needs="the weights, and a GPU for speed",
    make=_maker("pasa-7b-ensemble", PASA, 2),
    missing=_missing(PASA),
)
INFO_PASA_GPT_4O = SystemInfo(
    name="pasa-gpt-4o",
    summary="Our agent with a prompted model: --model, or OpenAI's gpt-4o.",
    needs="a profile, or OpenAI's key",
    make=_maker("pasa-gpt-4o", _PASA_GPT, 1, takes_model=True),
    missing=lambda place: missing_model(place, _PASA_GPT),
)
