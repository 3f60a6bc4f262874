"""Answers of the policy in batches: left-padded prompts, sampled or greedy, ended by a stop mark or an end token."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pasa_tui.training.session_ppo.marks import STOPS, cut_after_stop

_LOOKED_AT = 16
"""Tokens at the end of an answer in which a stop mark is looked for: more than any tokenizer makes of it."""


class PolicyWriter:
    """Writes with the very weights that are trained. `tokens` counts those written, prompts left out."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        ends: frozenset[int],
        max_tokens: int,
        batch: int,
        temperature: float,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        """`batch` answers are written at once, at most; `ends` are the tokens that end an answer."""
        self._model = model
        self._tokenizer = tokenizer
        self._ends = ends
        self._max_tokens = max_tokens
        self._batch = batch
        self._temperature = temperature
        self._autocast = autocast
        self._closing: dict[int, bool] = {}
        self.tokens = 0

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones left out."""
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def closes(self, token: int) -> bool:
        """Whether a token has the bracket that ends a mark: only after one need an answer be looked at."""
        if token not in self._closing:
            self._closing[token] = "]" in self.decode([token])
        return self._closing[token]

    def take(self, written: Sequence[Sequence[int]]) -> list[list[int]]:
        """Answers as they were written, cut after their stop or end; they are counted."""
        answers = [self._cut(list(row)) for row in written]
        self.tokens += sum(map(len, answers))
        return answers

    def seed(self, number: int) -> None:
        """Go on with the random numbers there are: those of PyTorch, which checkpoints keep."""

    def refresh(self, policy: Any) -> None:
        """Nothing need be done: it writes with the policy's own weights."""

    def close(self) -> None:
        """Nothing need be given back."""

    def write(self, prompts: Sequence[Sequence[int]], *, greedy: bool = False) -> list[list[int]]:
        """An answer to each prompt, in order, up to its first stop mark and an end token right behind."""
        # Prompts of about one length together: what is padded is computed for nothing.
        order = sorted(range(len(prompts)), key=lambda at: (-len(prompts[at]), at))
        answers: list[list[int]] = [[] for _ in prompts]
        for start in range(0, len(order), self._batch):
            places = order[start : start + self._batch]
            written = self._generate([prompts[at] for at in places], greedy=greedy)
            for at, answer in zip(places, written, strict=True):
                answers[at] = answer
        return answers

    def _generate(self, prompts: Sequence[Sequence[int]], *, greedy: bool) -> list[list[int]]:
        import torch
        from transformers import StoppingCriteriaList

        model, pad = self._model, min(self._ends)
        width = max(len(prompt) for prompt in prompts)
        tokens = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        attended = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        sampling = {"do_sample": False} if greedy else {"do_sample": True, "temperature": self._temperature}
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad(), self._autocast():
                made = model.generate(
                    input_ids=tokens.to(model.device),
                    attention_mask=attended.to(model.device),
                    max_new_tokens=self._max_tokens,
                    eos_token_id=sorted(self._ends),
                    pad_token_id=pad,
                    stopping_criteria=StoppingCriteriaList([_AtStop(self, width)]),
                    # Whatever the folder's generation_config says: the loss is about the policy's own distribution.
                    top_p=1.0,
                    top_k=0,
                    repetition_penalty=1.0,
                    use_cache=True,
                    **sampling,
                )
        finally:
            model.train(was_training)
        return self.take(made[:, width:].tolist())

    def _cut(self, tokens: list[int]) -> list[int]:
        ended = next((at + 1 for at, token in enumerate(tokens) if token in self._ends), len(tokens))
        return cut_after_stop(tokens[:ended], self.decode, self._ends)


class _AtStop:
    """Tells `generate` which answers have ended with a stop mark and one token more, which may be an end token."""

    def __init__(self, writer: PolicyWriter, width: int) -> None:
        self._writer = writer
        self._width = width
        self._stopped: list[bool] = []

    def __call__(self, tokens: Any, scores: Any, **_: Any) -> Any:
        import torch

        if not self._stopped:
            self._stopped = [False] * len(tokens)
        done = list(self._stopped)
        for row, tail in enumerate(tokens[:, max(self._width, tokens.shape[1] - _LOOKED_AT) :].tolist()):
            if not self._stopped[row] and self._writer.closes(tail[-1]):
                self._stopped[row] = any(stop in self._writer.decode(tail) for stop in STOPS)
        return torch.tensor(done, device=tokens.device)
