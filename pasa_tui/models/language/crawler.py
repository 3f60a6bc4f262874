"""The Crawler over any engine: one answer plans the searches, one answer per paper chooses its sections."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from pasa_tui.models.engines.protocol import Engine, Prompt, Sampling
from pasa_tui.models.language.actions import Action, ActionParser, Kind
from pasa_tui.models.language.sections import match_sections
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.protocols import SearchResults
from pasa_tui.papers import Paper, Query

_MAX_TOKENS = 512
"""As the published agent allows (arXiv 2501.10120, its code)."""
_MOST_ACTIONS = 50
_STOPS = {"search": "[StopSearch]", "expand": "[StopExpand]"}


class ModelCrawler:
    """Writes greedily; `sampled` is for the further runs of an ensemble, as hot as its prompts say.

    Of one answer at most `limit` actions are taken.
    """

    def __init__(
        self, engine: Engine, prompts: PromptSet, *, name: str, sampled: bool = False, limit: int = _MOST_ACTIONS
    ) -> None:
        self.name = name
        self._limit = limit
        self._engine = engine
        self._prompts = prompts
        self._temperature = prompts.temperature if sampled else 0.0
        self._top_p = prompts.top_p if sampled else 1.0

    async def plan(self, query: Query, found: Sequence[SearchResults]) -> AsyncGenerator[str, None]:
        """Yield search texts as soon as each is written; nothing once searches were made. Raises ModelError."""
        if found:
            return
        async with aclosing(self._actions(self._prompts.searches(query), "search")) as texts:
            async for text in texts:
                yield text

    async def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncGenerator[str, None]:
        """Yield the names out of `sections` that the model wrote, each once. Raises ModelError."""
        if not sections:
            return
        chosen: set[str] = set()
        async with aclosing(self._actions(self._prompts.sections(query, paper, sections), "expand")) as texts:
            async for text in texts:
                for name in match_sections([text], sections):
                    if name not in chosen:
                        chosen.add(name)
                        yield name

    async def _actions(self, prompt: Prompt, kind: Kind) -> AsyncGenerator[str, None]:
        sampling = Sampling(_MAX_TOKENS, self._temperature, self._top_p, (_STOPS[kind],))
        parser = ActionParser(kind)
        left = self._limit
        async with aclosing(self._engine.generate(prompt, sampling)) as pieces:
            async for piece in pieces:
                for text in _texts(parser.feed(piece), kind)[:left]:
                    left -= 1
                    yield text
                # A server that knows no stop strings would write on.
                if left <= 0 or not parser.wants_more:
                    break
        for text in _texts(parser.finish(), kind)[: max(left, 0)]:
            yield text


def _texts(actions: Iterable[Action], kind: Kind) -> list[str]:
    return [action.text for action in actions if action.kind == kind]
