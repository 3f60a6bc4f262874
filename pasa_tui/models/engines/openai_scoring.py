"""How a server is asked for the probability of `True`: as well as it can, which is found out once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.openai_client import Client
from pasa_tui.models.engines.openai_dialect import NoRoomError, RefusedError
from pasa_tui.models.engines.openai_formats import (
    choice_of,
    decision_of,
    false_share,
    has_reasoning,
    named_tokens,
    text_of,
    true_share,
    unnamed_bound,
)
from pasa_tui.models.engines.protocol import TRUE, Prompt, Scoring
from pasa_tui.retries import AgainError

_COUNTS = (20, 5)
"""Tokens that are asked for: vLLM, Ollama and OpenAI's chats name 20 at most, OpenAI's completions 5."""
_WIDE, _NEAR = 1000, 1e-3
"""Tokens that are asked for where `True` is not among the likeliest and might yet have more than this probability."""
_DECIDED = 0.5
"""The least probability of True and False together in a chat whose first token is the answer."""
_ANSWER_TOKENS = 32
_WORD_TOKENS = 8
"""For `{"answer": "False"}`, however it is spaced; and for the word alone."""
THINKING_TOKENS = 4096
"""Tokens that a model which thinks may use for that, on top of those of its answer."""
_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "decision",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": ["True", "False"]}},
            "required": ["answer"],
            "additionalProperties": False,
        },
    },
}
_OTHER = 0
"""The id of a token that every vocabulary has, and which is not `True`."""
_WORSE: tuple[Scoring, ...] = ("exact", "top", "binary")


@dataclass(frozen=True, slots=True)
class Way:
    """How scores are asked for.

    `exact`: the log probability of the token with the id `token`, which vLLM's server gives. `top`: those of the
    likeliest `count` tokens, or of `wide` where that matters. `binary`: an answer in words, of `room` tokens.
    """

    kind: Scoring
    token: int = 0
    count: int = 0
    wide: int = 0
    room: int = _ANSWER_TOKENS


@dataclass(slots=True)
class _Kind:
    """What is known of raw prompts, or of chats."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    way: Way | None = None


class Scorer:
    """Scores over one client, in its event loop; `scoring` may be asked for from any thread."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kinds: dict[Literal["raw", "chat"], _Kind] = {"raw": _Kind(), "chat": _Kind()}

    @property
    def scoring(self) -> Scoring:
        """The worst that is in use; `top` before anything was asked."""
        used = [kind.way.kind for kind in self._kinds.values() if kind.way]
        return max(used, key=_WORSE.index, default="top")

    async def score(self, prompt: Prompt) -> float:
        """The probability of `True` as the first token, as well as it is to be had. Raises ModelError."""
        kind = self._kinds["raw" if prompt.raw else "chat"]
        if kind.way is None:
            async with kind.lock:
                if kind.way is None:
                    kind.way, score = await self._find_way(prompt)
                    return self._counted(score)
        way = kind.way
        score_or_none = await self._by(way, prompt, kind)
        if score_or_none is None:
            # A router's next server may give less than the one before; what all of them can do is used from now on.
            kind.way, score_or_none = await self._answered(prompt, replace(way, kind="binary"))
        return self._counted(score_or_none)

    def _counted(self, score: float) -> float:
        self._client.meter.count(scored=1)
        return score

    async def _by(self, way: Way, prompt: Prompt, kind: _Kind) -> float | None:
        """The score, None where the way doesn't lead to one any more."""
        try:
            if way.kind == "exact":
                return await self._exact(prompt, way.token)
            if way.kind == "top":
                return await self._top(prompt, way, kind)
        except (RefusedError, NoRoomError):
            return None
        used, score = await self._answered(prompt, way, is_known=True)
        if used.room != way.room:
            kind.way = used
        return score

    async def _find_way(self, prompt: Prompt) -> tuple[Way, float]:
        """The best way that the server takes, and the score of this prompt."""
        if prompt.raw and (token := await self._true_token()) is not None:
            try:
                if (score := await self._exact(prompt, token)) is not None:
                    return Way("exact", token=token), score
            except RefusedError:
                pass
        room = _ANSWER_TOKENS
        for count in _COUNTS:
            try:
                named = await self._named(prompt, count)
            except RefusedError:
                continue
            except NoRoomError:
                room += THINKING_TOKENS
                break
            # A model that begins with anything else than its answer is asked for all of it.
            if named is None or (not prompt.raw and true_share(named) + false_share(named) < _DECIDED):
                break
            way = Way("top", count=count, wide=_WIDE if prompt.raw else 0)
            kind = _Kind(way=way)
            score = await self._widened(prompt, named, way, kind)
            return kind.way or way, score
        return await self._answered(prompt, Way("binary", room=room))

    async def _true_token(self) -> int | None:
        """The id of the token `True`, from vLLM's server or one like it."""
        url = self._client.url.removesuffix("/v1") + "/tokenize"
        body = {"model": self._client.model, "prompt": TRUE, "add_special_tokens": False}
        try:
            tokens = (await self._client.post_plain(url, body)).get("tokens")
        except (ModelError, AgainError, RefusedError, NoRoomError):
            return None
        return tokens[0] if isinstance(tokens, list) and len(tokens) == 1 and isinstance(tokens[0], int) else None

    async def _exact(self, prompt: Prompt, token: int) -> float | None:
        """Newer servers of vLLM name the tokens that are asked for, whatever their rank, before any temperature.

        Older ones overlook that, and name the likeliest, which is at most one of two.
        """
        fields = {"logprobs": 1, "logprob_token_ids": [token, _OTHER], "return_tokens_as_token_ids": True}
        named = named_tokens(await self._first_token(prompt, fields)) or {}
        return named.get(f"token_id:{token}") if f"token_id:{_OTHER}" in named else None

    async def _top(self, prompt: Prompt, way: Way, kind: _Kind) -> float | None:
        named = await self._named(prompt, way.count)
        return None if named is None else await self._widened(prompt, named, way, kind)

    async def _widened(self, prompt: Prompt, named: Mapping[str, float], way: Way, kind: _Kind) -> float:
        if not prompt.raw:
            return true_share(named)
        if TRUE not in named and way.wide and unnamed_bound(named) > _NEAR:
            try:
                named = await self._named(prompt, way.wide) or named
            except (RefusedError, ModelError):
                kind.way = replace(way, wide=0)
        return named.get(TRUE, 0.0)

    async def _named(self, prompt: Prompt, count: int) -> dict[str, float] | None:
        fields = {"logprobs": count} if prompt.raw else {"logprobs": True, "top_logprobs": count}
        named = named_tokens(await self._first_token(prompt, fields))
        # One alone is what was sampled, and says little of the others.
        return named if named and len(named) > 1 else None

    async def _first_token(self, prompt: Prompt, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._client.ask(prompt, {"max_tokens": 1, "temperature": 0.0, **fields})
        self._client.meter.count(batches=1)
        return choice_of(answer)

    async def _answered(self, prompt: Prompt, way: Way, *, is_known: bool = False) -> tuple[Way, float]:
        """1.0 or 0.0 by what the model writes; 0.0 where that is neither. Thinking takes more room, once and for all.

        Raises ModelError where the first answer of all doesn't come to an end; a later one counts 0.0.
        """
        while True:
            fields: dict[str, Any] = {"max_tokens": way.room, "temperature": 0.0, "response_format": _FORMAT}
            if prompt.raw:
                fields = {"max_tokens": _WORD_TOKENS, "temperature": 0.0}
            try:
                choice = choice_of(await self._client.ask(prompt, fields))
                self._client.meter.count(batches=1)
                decision = decision_of(text_of(choice))
                thinks = has_reasoning(choice) or not text_of(choice).strip() or "<think" in text_of(choice)
                unfinished = choice.get("finish_reason") == "length" and decision is None and thinks and not prompt.raw
            except NoRoomError:
                decision, unfinished = None, True
            has_room = way.room > THINKING_TOKENS
            if not unfinished or (has_room and is_known):
                return replace(way, kind="binary"), float(decision is True)
            if has_room:
                raise ModelError(
                    f"{self._client.name} was still thinking after {way.room} tokens.",
                    "Take a model that thinks less, or not at all, for judging papers.",
                )
            way = replace(way, room=_ANSWER_TOKENS + THINKING_TOKENS)
