"""The rows of SFT files: read, checked line by line, and turned into tokens."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from pasa_tui.errors import TrainingError
from pasa_tui.models.engines.protocol import TRUE, Prompt

Stage = Literal["crawler", "selector"]

_ANSWERS = ("response", "completion", "answer", "output")
_FORMATS = (
    'A row is {"prompt": …, "response": …}, {"instruction": …, "input": …, "output": …}, or {"messages": [{"role": '
    '"user", "content": …}, {"role": "assistant", "content": …}]}.'
)
_SHOWN = 5
"""Bad lines that are named one by one."""
_LEAST_PROMPT = 16
"""Tokens of a prompt that must have room beside the answer."""
_TEXT = r"[^\[\]]*\S[^\[\]]*"
_WELL_FORMED = re.compile(
    rf"\s*(?:(?:\[Search\]{_TEXT})+\[StopSearch\]|(?:\[Expand\]{_TEXT})*\[StopExpand\])\s*", re.DOTALL
)
_DECISION = re.compile(r"(True|False)\b")


@dataclass(frozen=True, slots=True)
class Example:
    """What a model is given and what it should answer; `line` counts from 1."""

    prompt: Prompt
    answer: str
    line: int

    @property
    def is_true(self) -> bool:
        """Whether a Selector's answer takes the paper."""
        return self.answer.startswith(TRUE)


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example in tokens; the answer's end with the token that ends it."""

    prompt: list[int]
    answer: list[int]


class _BadRowError(Exception):
    """What is wrong with a row."""


def is_well_formed(answer: str) -> bool:
    """Whether an answer is nothing but actions and the stop that ends them."""
    return _WELL_FORMED.fullmatch(answer) is not None


def read_examples(path: Path, stage: Stage, limit: int | None = None) -> list[Example]:
    """All rows of a file of JSON lines, at most `limit`. Raises TrainingError, which names the lines at fault."""
    examples: list[Example] = []
    bad: list[tuple[int, str]] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if limit is not None and len(examples) >= limit:
                    break
                if not line.strip():
                    continue
                try:
                    examples.append(_example(line, number, stage))
                except _BadRowError as error:
                    bad.append((number, str(error)))
    except OSError as error:
        raise TrainingError(f"{path} can't be read: {error.strerror}.", "Give a file of JSON lines.") from error
    if bad:
        told = "; ".join(f"line {number}: {reason}" for number, reason in bad[:_SHOWN])
        more = f"; and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        raise TrainingError(f"{path} has {len(bad):,} bad rows. {told}{more}.", _FORMATS)
    if not examples:
        raise TrainingError(f"{path} holds no rows.", _FORMATS)
    return examples


def encode_examples(
    examples: Sequence[Example],
    encode: Callable[[Prompt, int], list[int]],
    encode_answer: Callable[[str], list[int]],
    *,
    end: int,
    limit: int,
    first: int | None = None,
) -> list[Encoded]:
    """The examples in tokens, at most `limit` each: long prompts lose tokens from their middle, answers never any.

    `end` is the token that ends an answer. `first` is the token `True`, with which the answers of a Selector that
    takes a paper must begin, or it would never be asked for. Raises TrainingError, which names lines.
    """
    encoded: list[Encoded] = []
    long: list[int] = []
    for example in examples:
        answer = [*encode_answer(example.answer), end]
        if first is not None and example.is_true and answer[0] != first:
            raise TrainingError(
                f"The model's tokenizer does not write the answer of line {example.line} with its token {TRUE}.",
                "Take a model whose vocabulary has it, such as Qwen2.5.",
            )
        if len(answer) + _LEAST_PROMPT > limit:
            long.append(example.line)
            continue
        encoded.append(Encoded(encode(example.prompt, limit - len(answer)), answer))
    if long:
        raise TrainingError(
            f"{len(long):,} answers have no room in {limit:,} tokens, the first in line {long[0]}.",
            "Shorten them, or allow more: --max-length.",
        )
    return encoded


def _example(line: bytes, number: int, stage: Stage) -> Example:
    try:
        row = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
    except UnicodeDecodeError:
        raise _BadRowError("it is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _BadRowError(f"it is no JSON ({error})") from None
    if not isinstance(row, dict):
        raise _BadRowError("it is no JSON object")
    prompt, answer = _turns(row, raw=stage == "selector")
    if not prompt.text.strip():
        raise _BadRowError("its prompt is empty")
    if not answer.strip():
        raise _BadRowError("its answer is empty")
    if stage == "crawler" and not is_well_formed(answer):
        raise _BadRowError("its answer is not made of [Search]…[StopSearch] or [Expand]…[StopExpand]")
    if stage == "selector" and not _DECISION.match(answer := answer.strip()):
        raise _BadRowError("its answer begins with neither True nor False")
    return Example(prompt, answer, number)


def _turns(row: dict[str, Any], *, raw: bool) -> tuple[Prompt, str]:
    for name in ("messages", "conversations"):
        if name in row:
            return _chat(row[name], name)
    answer = next((row[name] for name in _ANSWERS if name in row), None)
    if "prompt" in row and answer is not None:
        return Prompt(_text(row["prompt"], "prompt"), raw=raw), _text(answer, "answer")
    if "instruction" in row and answer is not None:
        given = [_text(row["instruction"], "instruction"), _text(row.get("input") or "", "input")]
        return Prompt("\n".join(filter(None, given)), raw=raw), _text(answer, "answer")
    raise _BadRowError(f"it has neither messages nor prompt and answer but {', '.join(sorted(map(str, row))[:5])}")


def _chat(turns: Any, name: str) -> tuple[Prompt, str]:
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise _BadRowError(f"its {name} are no list of objects")
    roles = [turn.get("role", turn.get("from")) for turn in turns]
    texts = [_text(turn.get("content", turn.get("value")), name) for turn in turns]
    plain = [{"human": "user", "gpt": "assistant"}.get(role, role) if isinstance(role, str) else role for role in roles]
    if plain == ["user", "assistant"]:
        return Prompt(texts[0]), texts[1]
    if plain == ["system", "user", "assistant"]:
        return Prompt(texts[1], texts[0]), texts[2]
    raise _BadRowError(f"its {name} are not one turn of a user and one of an assistant, with or without a system's")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _BadRowError(f"its {name} is no text")
    return value
