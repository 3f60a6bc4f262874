"""From prompts to tokens, so that text of strangers is never taken for the special tokens that separate turns."""

import re
from collections.abc import Sequence
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt


class PromptEncoder:
    """Encodes prompts with a model's own tokenizer and chat template.

    A raw prompt is tokenized as a plain call of the tokenizer does, tokens that this adds at the ends included. Only
    the names of special tokens in it (`<|im_end|>` in a title) are plain text: the tokenizer is told to split them.

    A chat prompt is rendered by the template with stand-ins for the two texts. The special tokens that the template
    itself writes are encoded as such; all text between two of them, the prompt's own included, as plain text. As
    special tokens are where a tokenizer cuts first, the tokens are the same as those of the whole rendering wherever
    the prompt holds no such name.

    What is longer than its limit loses tokens from its middle: the question at its beginning and what is to be
    answered at its end stay.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer = tokenizer
        self._name = name
        special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        names = sorted(special | set(tokenizer.all_special_tokens), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def encode(self, prompt: Prompt, limit: int) -> list[int]:
        """The tokens of a prompt, at most `limit`. Raises ModelError where the model has no usable chat template."""
        if prompt.raw:
            tokens: list[int] = self._tokenizer(prompt.text, split_special_tokens=True, verbose=False)["input_ids"]
        else:
            tokens = self._chat(prompt)
        if not tokens:
            raise ModelError(f"{self._name} was given an empty prompt.")
        if len(tokens) > limit:
            end = limit // 2
            tokens = tokens[: limit - end] + tokens[len(tokens) - end :]
        return tokens

    def encode_answer(self, text: str) -> list[int]:
        """The tokens of an answer to learn from, without an end; names of special tokens are plain text."""
        return self._plain(text, split=True)

    def _chat(self, prompt: Prompt) -> list[int]:
        if not self._special.search(prompt.system + prompt.text):
            return self._plain(self._render(prompt.system, prompt.text), split=False)
        # A name is a stand-in only if neither text holds it.
        mark = next(mark for n in range(10**6) if (mark := f"turn{n}text") not in prompt.system + prompt.text)
        texts = {f"{mark}S": prompt.system, f"{mark}U": prompt.text}
        rendered = self._render(f"{mark}S" if prompt.system else "", f"{mark}U")
        tokens: list[int] = []
        begin = 0
        for match in [*self._special.finditer(rendered), None]:
            text = rendered[begin : match.start() if match else None]
            # At once, or a text that is the other's stand-in would be filled in turn.
            tokens += self._plain(re.sub(f"{mark}[SU]", lambda found: texts[found[0]], text), split=True)
            if match:
                tokens.append(self._tokenizer.convert_tokens_to_ids(match[0]))
                begin = match.end()
        return tokens

    def _plain(self, text: str, *, split: bool) -> list[int]:
        if not text:
            return []
        found = self._tokenizer(text, add_special_tokens=False, split_special_tokens=split, verbose=False)
        tokens: list[int] = found["input_ids"]
        return tokens

    def _render(self, system: str, text: str) -> str:
        turns = [{"role": "system", "content": system}] if system else []
        try:
            return self._apply([*turns, {"role": "user", "content": text}])
        except Exception as error:
            if not system:
                raise ModelError(
                    f"{self._name} has no chat template that can be used: {_first_line(error)}",
                    "Take a model that was tuned for chat, or one with prompts of its own, as PaSa's.",
                ) from None
        # Some templates know no system turn.
        return self._render("", f"{system}\n\n{text}")

    def _apply(self, turns: Sequence[dict[str, str]]) -> str:
        rendered: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return rendered


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
