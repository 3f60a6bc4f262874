"""Scores in batches: the probability of `True` as the next token, for all prompts that wait, whoever asked."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.engines.torch_loading import LoadedModel, is_out_of_memory

_LEAST_SAVED = {"cpu": 64, "mps": 1024, "cuda": 1024}
"""Tokens that a shared prefix must save in all to be computed for itself: below, a forward pass more costs more."""
_LEAST_PREFIX = 16
"""Tokens from which on a prefix is one."""
_BATCH_TOKENS = {"cpu": 768, "mps": 8192, "cuda": 32768}
"""On a CPU two or three papers fill the cores already. Of 12 abstracts a 0.5B model scored in one run 0.69 a second in
batches of 2, 0.63 of 4, 0.38 one by one and 0.29 of 16, whose temporaries no longer fit into the caches."""
_BATCH_PAPERS = {"cpu": 16, "mps": 64, "cuda": 256}


@dataclass(eq=False, slots=True)
class ScoreCall:
    """One call of the engine's `score`: its prompts, and the scores as they come."""

    prompts: Sequence[Prompt]
    future: "Future[list[float]]" = field(default_factory=Future)
    scores: dict[int, float] = field(default_factory=dict)

    def take(self, place: int, score: float) -> None:
        """One more score; the call is answered with the last of them."""
        self.scores[place] = score
        if len(self.scores) == len(self.prompts) and self.future.set_running_or_notify_cancel():
            self.future.set_result([self.scores[place] for place in range(len(self.prompts))])

    def fail(self, error: ModelError) -> None:
        """Answer the call with an error, once."""
        if not self.future.done() and self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


@dataclass(eq=False, slots=True)
class ScoreItem:
    """One prompt of a call, in tokens."""

    call: ScoreCall
    place: int
    tokens: list[int]


@dataclass(slots=True)
class _Prefix:
    """The keys and values of tokens that many prompts begin with: per layer two of shape [1, heads, tokens, size]."""

    tokens: list[int] = field(default_factory=list)
    layers: list[tuple[Any, Any]] = field(default_factory=list)


class Scorer:
    """Holds the prompts that wait, and scores a batch of them at each `step`.

    A batch is taken around the prompt that waits longest: those that share a prefix with it, where that saves enough,
    and of these the ones of about its length, so that little is padded. The prefix is computed once and kept for the
    batches after; it lasts as long as the next prompts begin with it. A batch is bounded by `batch_tokens` (padding
    and prefix included) and by `batch_papers`; one prompt always goes.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        name: str,
        count: Callable[..., None],
        *,
        batch_tokens: int | None,
        batch_papers: int | None,
    ) -> None:
        """`count` is told the fields of ModelUsage that grow, before whoever asked is answered."""
        self._loaded = loaded
        self._name = name
        self._count = count
        self._batch_tokens = batch_tokens or _BATCH_TOKENS.get(loaded.device.type, 8192)
        self._batch_papers = batch_papers or _BATCH_PAPERS.get(loaded.device.type, 64)
        self._prefix = _Prefix()
        self._least_saved = _LEAST_SAVED.get(loaded.device.type, 1024)
        self.waiting: list[ScoreItem] = []

    def drop_cancelled(self) -> None:
        """Forget the prompts of calls that were cancelled, or have failed."""
        self.waiting = [item for item in self.waiting if not item.call.future.done()]

    def step(self) -> None:
        """Score one batch. One that does not fit into memory is left for smaller ones to come."""
        length, group = self._sharing()
        batch = self._around_first(group)
        try:
            scores = self._scores(batch, length)
        except (RuntimeError, MemoryError) as error:
            self._prefix = _Prefix()
            if not is_out_of_memory(error):
                raise
            self._shrink(batch)
            return
        self._count(scored=len(batch), batches=1)
        done = set(map(id, batch))
        self.waiting = [item for item in self.waiting if id(item) not in done]
        for item, score in zip(batch, scores, strict=True):
            item.call.take(item.place, score)

    def _sharing(self) -> tuple[int, list[ScoreItem]]:
        """How many first tokens to share, possibly 0, and the prompts to share them, the first waiting among them."""
        if not self._loaded.full_attention:
            return 0, self.waiting
        first = self.waiting[0].tokens
        kept = _common(first, self._prefix.tokens)
        # The last token is always computed: what comes after it is asked for.
        shared = [min(_common(first, item.tokens), len(item.tokens) - 1) for item in self.waiting]
        best, saved = 0, 0
        for length in sorted({kept, *shared}):
            members = sum(1 for count in shared if count >= length)
            if length < _LEAST_PREFIX or not members:
                continue
            saves = length * members if length <= kept else length * (members - 1)
            if saves > saved and (length <= kept or saves >= self._least_saved):
                best, saved = length, saves
        return best, [item for count, item in zip(shared, self.waiting, strict=True) if count >= best]

    def _around_first(self, group: list[ScoreItem]) -> list[ScoreItem]:
        """The batch with the first waiting prompt, out of batches of about equal lengths."""
        ordered = sorted(group, key=lambda item: -len(item.tokens))
        first = self.waiting[0]
        batch: list[ScoreItem] = []
        for item in ordered:
            longest = len(batch[0].tokens) if batch else 0
            if batch and (len(batch) == self._batch_papers or (len(batch) + 1) * longest > self._batch_tokens):
                if first in batch:
                    break
                batch = []
            batch.append(item)
        return batch

    def _scores(self, batch: list[ScoreItem], prefix: int) -> list[float]:
        """One forward pass over the batch, padded on the left; scores in [0, 1], in order."""
        import torch

        device, model = self._loaded.device, self._loaded.model
        rests = [item.tokens[prefix:] for item in batch]
        longest = max(map(len, rests))
        ids = torch.zeros(len(rests), longest, dtype=torch.long)
        mask = torch.ones(len(rests), prefix + longest, dtype=torch.long)
        positions = torch.zeros(len(rests), longest, dtype=torch.long)
        for row, rest in enumerate(rests):
            padding = longest - len(rest)
            ids[row, padding:] = torch.tensor(rest)
            mask[row, prefix : prefix + padding] = 0
            positions[row, padding:] = torch.arange(prefix, prefix + len(rest))
        logits = model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=self._cache(batch[0].tokens[:prefix], len(rests)) if prefix else None,
            use_cache=bool(prefix),
            logits_to_keep=1,
        ).logits
        probabilities: list[float] = logits[:, -1].float().softmax(-1)[:, self._loaded.true].tolist()
        return probabilities

    def _cache(self, tokens: list[int], rows: int) -> Any:
        """The keys and values of the prefix, for each row; computed where they are not there."""
        import torch
        from transformers import DynamicCache

        if self._prefix.tokens[: len(tokens)] != tokens:
            self._prefix = _Prefix()
            cache = DynamicCache()
            ids = torch.tensor([tokens], device=self._loaded.device)
            self._loaded.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._prefix = _Prefix(tokens, [(layer.keys, layer.values) for layer in cache.layers])
        cache = DynamicCache()
        for number, layer in enumerate(self._prefix.layers):
            keys, values = (states[:, :, : len(tokens)].expand(rows, -1, -1, -1) for states in layer)
            cache.update(keys, values, number)
        return cache

    def _shrink(self, batch: list[ScoreItem]) -> None:
        """Halve the batches from now on; what does not fit alone has failed."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch) > 1:
            self._batch_papers = len(batch) // 2
            return
        error = ModelError(
            f"{self._name} ran out of memory on one prompt of {len(batch[0].tokens)} tokens.",
            "Close what else uses the memory, or take a smaller model.",
        )
        batch[0].call.fail(error)
        self.drop_cancelled()


def _common(one: list[int], other: list[int]) -> int:
    """How many first tokens are the same."""
    if one == other:
        return len(one)
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
