"""An engine whose answers stand in tables."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling, Scoring
from pasa_tui.usage import ModelUsage


@dataclass(eq=False)
class ScriptedEngine:
    """Writes `answer(prompt)` in pieces of `size` characters and scores by `probability(prompt)`."""

    answer: Callable[[Prompt], str] = lambda prompt: ""
    probability: Callable[[Prompt], float] = lambda prompt: 0.5
    size: int = 5
    name: str = "scripted"
    scoring: Scoring = "exact"
    prompts: list[Prompt] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    started: int = 0
    closed: int = 0

    async def start(self, tell: Callable[[Progress], None]) -> None:
        self.started += 1
        tell(Progress("loading the scripted model", 0.5))

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        text = self.answer(prompt)
        for stop in sampling.stop:
            text = text.partition(stop)[0]
        try:
            for start in range(0, len(text), self.size):
                yield text[start : start + self.size]
        finally:
            self.closed += 1

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        self.prompts += prompts
        self.batches.append(len(prompts))
        return [self.probability(prompt) for prompt in prompts]

    def usage(self) -> ModelUsage:
        return ModelUsage(
            self.name,
            generated=len(self.samplings),
            scored=sum(self.batches),
            batches=len(self.batches),
            prompt_tokens=sum(len(prompt.text) // 4 for prompt in self.prompts),
        )

    async def close(self) -> None:
        self.closed += 1
