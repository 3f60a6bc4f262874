"""What was asked of each source and model: the numbers that these keep and events carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class SourceUsage:
    """Requests to one source so far.

    `requests` went over the network (retries included), `cached` were answered from the cache, `retried` are those
    of `requests` that repeated one, `failed` got no answer after all their retries. `waited` is seconds spent waiting
    for the source's rate limit. `left` says what remains of a budget the source grants, in words; empty where it
    grants none or none is known yet.
    """

    name: str
    requests: int = 0
    cached: int = 0
    retried: int = 0
    failed: int = 0
    waited: float = 0.0
    left: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a source could not do, in one sentence; the search went on without."""

    source: str
    message: str


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What a language model did so far.

    `generated` and `scored` count prompts answered with text and with a score, `batches` the forward passes or
    requests in which the scored ones were put. Tokens are the model's own, as its engine counts them. `cost` is in
    US dollars, 0 where the model has no price. `seconds` is time in which it was busy.
    """

    name: str
    generated: int = 0
    scored: int = 0
    batches: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


Usage = TypeVar("Usage", bound=SourceUsage | ModelUsage)


def added(past: Mapping[str, Usage], now: Sequence[Usage]) -> tuple[Usage, ...]:
    """The usage of this run on top of that of earlier runs, by name; of words the later."""
    totals: list[Usage] = []
    for usage in now:
        before = past.get(usage.name)
        sums: dict[str, Any] = {}
        for item in fields(usage) if before else ():
            old, new = getattr(before, item.name), getattr(usage, item.name)
            sums[item.name] = (new or old) if isinstance(new, str) else _rounded(old + new)
        totals.append(replace(usage, **sums))
    names = {usage.name for usage in now}
    return (*(usage for name, usage in past.items() if name not in names), *totals)


def _rounded(number: float) -> float:
    # Of seconds three digits mean something, of dollars six.
    return round(number, 6) if isinstance(number, float) else number
