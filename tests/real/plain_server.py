"""The engine's questions put to an OpenAI-compatible server in the plainest way."""

import math
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import httpx

from pasa_tui.models.engines.protocol import TRUE, Progress, Prompt, Sampling, Scoring
from pasa_tui.usage import ModelUsage


class PlainServer:
    """Engine over a server: scores of raw prompts by /completions, texts of chats by /chat/completions."""

    name = "tiny"
    scoring: Scoring = "top"

    def __init__(self, url: str, name: str = "tiny") -> None:
        self.name = name
        self._client = httpx.AsyncClient(base_url=url, timeout=120, trust_env=False)

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """Nothing: the server runs."""

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Yield the whole text at once."""
        messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
        messages.append({"role": "user", "content": prompt.text})
        answer = await self._post("chat/completions", _asked(sampling) | {"messages": messages})
        yield answer["choices"][0]["message"]["content"] or ""

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        """One after the other."""
        return [await self._score(prompt) for prompt in prompts]

    def usage(self) -> ModelUsage:
        """Nothing is counted."""
        return ModelUsage(self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _score(self, prompt: Prompt) -> float:
        assert prompt.raw
        body = _asked(Sampling(max_tokens=1)) | {"prompt": prompt.text, "logprobs": 5}
        (choice,) = (await self._post("completions", body))["choices"]
        return math.exp(choice["logprobs"]["top_logprobs"][0][TRUE])

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self._client.post(path, json={"model": self.name, **body})
        assert answer.is_success, answer.text
        return answer.json()


def _asked(sampling: Sampling) -> dict[str, Any]:
    asked = {"max_tokens": sampling.max_tokens, "temperature": sampling.temperature, "top_p": sampling.top_p}
    return asked | ({"stop": list(sampling.stop)} if sampling.stop else {})
