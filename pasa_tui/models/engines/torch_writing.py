"""Writes text for all prompts that wait, a token of each at a time: who is done leaves, who comes joins between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt, Sampling
from pasa_tui.models.engines.torch_loading import LoadedModel, is_out_of_memory
from pasa_tui.models.engines.torch_text import TextStream

_ROWS = {"cpu": 8, "mps": 16, "cuda": 64}
"""Texts written at once."""


@dataclass(eq=False, slots=True)
class WriteCall:
    """One call of the engine's `generate`: `send` takes pieces of text, a ModelError, or None at the end."""

    prompt: Prompt
    sampling: Sampling
    send: Callable[[str | ModelError | None], None]
    cancelled: bool = False


@dataclass(eq=False, slots=True)
class Row:
    """A text being written: the tokens of its prompt and of the answer so far."""

    call: WriteCall
    prompt: list[int]
    stream: TextStream
    most: int
    random: Any
    answer: list[int] = field(default_factory=list)


class Writer:
    """Holds the texts that are written and those that wait for their turn; `step` writes a token of each.

    Keys and values of all rows lie in one cache, aligned at their ends and padded on the left. One that joins is
    computed for itself and then laid beside the others. Short of memory the rows are halved, and those that had to
    leave begin again later with what they have written.
    """

    def __init__(self, loaded: LoadedModel, name: str, count: Callable[..., None]) -> None:
        """`count` is told the fields of ModelUsage that grow, before whoever asked is answered."""
        self._loaded = loaded
        self._name = name
        self._count = count
        self._most_rows = _ROWS.get(loaded.device.type, 8)
        self._rows: list[Row] = []
        self._cache: Any = None
        self._mask: Any = None
        self.waiting: list[Row] = []

    @property
    def busy(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._rows or self.waiting)

    def add(self, call: WriteCall, tokens: list[int], seed: int) -> None:
        """Take one more prompt, at most as long as the model's length less one token."""
        import torch

        tokenizer = self._loaded.tokenizer
        stream = TextStream(
            lambda ids: tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            call.sampling.stop,
        )
        random = torch.Generator(device=self._loaded.device)
        random.manual_seed(seed)
        most = min(call.sampling.max_tokens, self._loaded.max_length - len(tokens))
        self.waiting.append(Row(call, tokens, stream, most, random))

    def drop_cancelled(self) -> None:
        """Let go of the texts that nobody waits for any more."""
        self.waiting = [row for row in self.waiting if not row.call.cancelled]
        self._keep([not row.call.cancelled for row in self._rows])

    def drop_all(self) -> list[Row]:
        """Let go of all texts, and return them."""
        rows, self._rows, self.waiting = [*self._rows, *self.waiting], [], []
        self._cache = self._mask = None
        return rows

    def step(self) -> None:
        """Let in the next that waits, or write one token of each text."""
        try:
            if self.waiting and len(self._rows) < self._most_rows:
                self._join()
            else:
                self._write(list(self._rows), self._forward())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._shrink()

    def _join(self) -> None:
        import torch
        from transformers import DynamicCache

        # One at a time: prompts differ in length, and whoever is first in need not wait for the others.
        row = self.waiting[0]
        ids = torch.tensor([row.prompt + row.answer], device=self._loaded.device)
        cache = DynamicCache()
        logits = self._loaded.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        mask = torch.ones_like(ids)
        if self._rows:
            cache, mask = _beside(self._cache, self._mask, cache, mask)
        self._cache, self._mask = cache, mask
        self._rows.append(self.waiting.pop(0))
        self._write([row], logits[:, -1])

    def _forward(self) -> Any:
        """The next logits of each row, float of shape [rows, vocabulary]."""
        import torch

        device = self._loaded.device
        ids = torch.tensor([[row.answer[-1]] for row in self._rows], device=device)
        self._mask = torch.cat([self._mask, torch.ones_like(ids)], dim=1)
        positions = self._mask.sum(1, keepdim=True) - 1
        output = self._loaded.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _write(self, rows: list[Row], logits: Any) -> None:
        """Choose a token for each of the rows, and send what is certain; who is done leaves."""
        greedy = logits.argmax(-1).tolist()
        done = []
        for number, row in enumerate(rows):
            sampling = row.call.sampling
            token = greedy[number] if sampling.temperature <= 0 else sample(logits[number], sampling, row.random)
            row.answer.append(token)
            ended = token in self._loaded.ends
            text = "" if ended else row.stream.push(token)
            if ended or row.stream.stopped or len(row.answer) >= row.most:
                text += row.stream.finish()
                done.append(row)
            if text:
                row.call.send(text)
        self._count(generated=len(done), completion_tokens=len(rows))
        for row in done:
            row.call.send(None)
        left = set(map(id, done))
        self._keep([id(row) not in left for row in self._rows])

    def _keep(self, kept: list[bool]) -> None:
        """Leave only these rows in the cache, and no column that is padding in all of them."""
        import torch

        if all(kept):
            return
        self._rows = [row for row, keep in zip(self._rows, kept, strict=True) if keep]
        if not self._rows:
            self._cache = self._mask = None
            return
        places = torch.tensor([place for place, keep in enumerate(kept) if keep], device=self._mask.device)
        mask = self._mask[places]
        padding = int(mask.shape[1] - mask.sum(1).max())
        self._mask = mask[:, padding:]
        self._cache = _cache((k[places, :, padding:], v[places, :, padding:]) for k, v in _layers(self._cache))

    def _shrink(self) -> None:
        """Begin again with half as many rows; who does not fit alone is told so."""
        import torch

        rows = len(self._rows) + (1 if len(self._rows) < self._most_rows and self.waiting else 0)
        self.waiting = self.drop_all()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._most_rows = max(1, rows // 2)
        if rows > 1:
            return
        row = self.waiting.pop(0)
        error = ModelError(
            f"{self._name} ran out of memory while it wrote its answer to a prompt of {len(row.prompt)} tokens.",
            "Close what else uses the memory, or take a smaller model.",
        )
        row.call.send(error)


def sample(logits: Any, sampling: Sampling, random: Any) -> int:
    """Draw a token of the fewest that have `top_p` of the probability at this temperature; `logits` [vocabulary]."""
    import torch

    probabilities = (logits.float() / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        ordered, tokens = probabilities.sort(descending=True)
        ordered[ordered.cumsum(-1) - ordered >= max(sampling.top_p, 1e-6)] = 0
        return int(tokens[torch.multinomial(ordered, 1, generator=random)])
    return int(torch.multinomial(probabilities, 1, generator=random))


def _beside(one: Any, one_mask: Any, other: Any, other_mask: Any) -> tuple[Any, Any]:
    """Two caches with their masks as one, the shorter padded on the left."""
    import torch
    from torch.nn.functional import pad

    longest = max(one_mask.shape[1], other_mask.shape[1])

    def states(tensor: Any) -> Any:
        return pad(tensor, (0, 0, longest - tensor.shape[2], 0))

    mask = torch.cat([pad(mask, (longest - mask.shape[1], 0)) for mask in (one_mask, other_mask)])
    pairs = zip(_layers(one), _layers(other), strict=True)
    return _cache(
        (torch.cat([states(a[0]), states(b[0])]), torch.cat([states(a[1]), states(b[1])])) for a, b in pairs
    ), mask


def _layers(cache: Any) -> list[tuple[Any, Any]]:
    return [(layer.keys, layer.values) for layer in cache.layers]


def _cache(layers: Any) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache()
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
    return cache
