"""What a language model can do for the agent: write text, and say how likely `True` is as its next token."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pasa_tui.usage import ModelUsage

TRUE = "True"
"""The token whose probability is a score (arXiv 2501.10120, section 4.3)."""

Scoring = Literal["exact", "top", "binary"]
"""How good an engine's scores are: the probability over the whole vocabulary; the same where `True` is among the few
tokens that a server names, else 0; or only 0 and 1, from an answer the model wrote."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given.

    `text` is the user's turn of a chat, after `system` where there is one, put into the model's own chat template;
    or, where `raw`, the very text that the model goes on with, special tokens in it being plain text.
    """

    text: str
    system: str = ""
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is written.

    `temperature` 0 takes the likeliest token each time. Writing ends at the model's own end token, after
    `max_tokens` tokens, or before the first of the strings `stop`, which is left out.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the loading of a model has come: what is being done, and the share in [0, 1] where one is known."""

    message: str
    share: float | None = None


class Engine(Protocol):
    """Runs one model.

    Its coroutines may be awaited from any event loop, of any thread; many calls at once are the rule, and an engine
    puts those that wait into common batches. Cancelling a call, or closing the generator, stops the work for it.
    """

    name: str

    @property
    def scoring(self) -> Scoring:
        """How good the scores are. Of a server this is known after the first of them."""
        ...

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """Load the model, or see that the server is there and has it; at once where that was done before.

        `tell` is called with the progress, from any thread. Raises ModelError with what to do about it.
        """
        ...

    def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Yield the text in pieces as it is written. Raises ModelError."""
        ...

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        """The probability in [0, 1] that the token `True` comes next, of each prompt, in order. Raises ModelError."""
        ...

    def usage(self) -> ModelUsage:
        """What it did since it was made."""
        ...

    async def close(self) -> None:
        """Give back memory, processes and connections; what is under way is cancelled. More than once is harmless."""
        ...
