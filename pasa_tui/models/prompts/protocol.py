"""The questions that every set of prompts can put to a model."""

from collections.abc import Sequence
from typing import Protocol

from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.papers import Paper, Query


class PromptSet(Protocol):
    """The prompts of the Crawler and of the Selector. `digest` names their exact words: 12 hex digits of SHA-256.

    `temperature` and `top_p` are how the further Crawlers of an ensemble are sampled.
    """

    @property
    def name(self) -> str:
        """What the set is called."""
        ...

    @property
    def digest(self) -> str:
        """Names the exact words."""
        ...

    @property
    def temperature(self) -> float:
        """Of the ensemble's further runs."""
        ...

    @property
    def top_p(self) -> float:
        """Of the ensemble's further runs."""
        ...

    def searches(self, query: Query) -> Prompt:
        """Asks for search texts."""
        ...

    def sections(self, query: Query, paper: Paper, sections: Sequence[str]) -> Prompt:
        """Asks which of the sections' citations to follow."""
        ...

    def decision(self, query: Query, paper: Paper) -> Prompt:
        """Asks whether the paper meets the query, so that the next token is `True` or `False`."""
        ...
