"""The Selector over any engine: how likely `True` is as the next token, and nothing else."""

from collections.abc import Sequence

from pasa_tui.models.engines.protocol import Engine
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Query


class ModelSelector:
    """Judges by title and abstract alone, so a paper is judged once."""

    uses_provenance = False

    def __init__(self, engine: Engine, prompts: PromptSet, *, name: str) -> None:
        self.name = name
        self._engine = engine
        self._prompts = prompts

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        """One judgement per candidate, in order; all of them are given to the engine at once. Raises ModelError."""
        prompts = [self._prompts.decision(query, candidate.paper) for candidate in candidates]
        return [Judgement(score) for score in await self._engine.score(prompts)]
