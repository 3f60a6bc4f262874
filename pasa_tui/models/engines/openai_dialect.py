"""What a server understands of the format, learnt from what it refuses."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.retries import AgainError, duration, retry_after

_DROPPED = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "stop",
    "stream_options",
    "response_format",
)
"""Fields that a request can do without: we cut at stop strings ourselves, and read answers leniently."""
_LOGPROBS = re.compile(r"log_?prob", re.I)
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size|limit)|maximum context|exceed_context|prompt is too long|too many tokens", re.I
)
_TOO_SHORT = re.compile(r"could not finish the message|output limit was reached", re.I)
_NO_SYSTEM = re.compile(r"system[^.]{0,20}\brole|role[^.]{0,30}\bsystem|system message|roles must alternate", re.I)
_NO_MODEL = re.compile(
    r"model\b.*(?:not found|not exist|not a valid|unknown)|(?:no such|not a valid|unknown) model", re.I
)
_NO_CREDIT = re.compile(r"insufficient_quota|exceeded your current quota|credit", re.I)
_STOPS = 4
"""Stop strings in one request; OpenAI takes no more."""


class RefusedError(Exception):
    """The server gives no log probabilities, or not so many."""


class NoRoomError(Exception):
    """The model was still thinking when the tokens of its answer ended."""


class MissingError(ModelError):
    """There is no such model, or no such address, on the server."""


class Dialect:
    """How requests are put to one server. Used by one thread."""

    def __init__(self, name: str, model: str, *, has_key: bool) -> None:
        self._name = name
        self._model = model
        self._has_key = has_key
        self._refused: set[str] = set()
        self.extra: dict[str, Any] = {}
        """Fields that this kind of server has beyond OpenAI's."""

    def body(self, prompt: Prompt, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The whole request: a chat, or a text to go on with where the prompt is raw."""
        fields = {"model": self._model, **self._said(prompt), **self.extra, **fields}
        if not prompt.raw and "max_tokens" in self._refused:
            fields["max_completion_tokens"] = fields.pop("max_tokens")
        if stop := fields.get("stop"):
            fields["stop"] = list(stop)[:_STOPS]
        return {name: value for name, value in fields.items() if name not in self._refused}

    def _said(self, prompt: Prompt) -> dict[str, Any]:
        if prompt.raw:
            return {"prompt": prompt.text}
        if prompt.system and "system" in self._refused:
            return {"messages": [{"role": "user", "content": f"{prompt.system}\n\n{prompt.text}"}]}
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        return {"messages": [*system, {"role": "user", "content": prompt.text}]}

    def learn(self, body: Mapping[str, Any], message: str) -> bool:
        """Take up that the server refused a request with these words; whether it is worth to ask again otherwise."""
        if _TOO_LONG.search(message):
            return False
        named = [name for name in ("max_tokens", *_DROPPED) if name in body and _names(message, name)]
        roles = [message["role"] for message in body.get("messages", ())]
        if not named and "system" in roles and _NO_SYSTEM.search(message):
            named = ["system"]
        # The field that is to be used instead is named as well.
        if "max_tokens" in named and ("prompt" in body or "max_completion_tokens" not in message):
            named.remove("max_tokens")
        self._refused.update(named)
        return bool(named)

    def refuse(self, status: int, message: str, after: str | None) -> NoReturn:
        """Raise what an answer that is none stands for: AgainError where another attempt may do better."""
        said = f": {message}" if message else ""
        if _LOGPROBS.search(message):
            raise RefusedError(message)
        if _TOO_SHORT.search(message):
            raise NoRoomError
        if status in (401, 403):
            reason = "the server does not accept the key" if self._has_key else "the server wants a key"
            raise ModelError(
                f"{self._name}: {reason} (HTTP {status}).",
                "Let `key` of the profile name one, kept with `pasa-tui config set-key` or in a variable.",
            )
        if status == 402 or (status == 429 and _NO_CREDIT.search(message)):
            raise ModelError(f"{self._name}: the account has no credit left (HTTP {status}).", "Top it up, or wait.")
        if status in (408, 425, 429) or (status >= 500 and status != 501):
            seconds = retry_after(after)
            wait = f"; it wants {duration(seconds)} of rest" if seconds else ""
            kind = "too many requests" if status == 429 else f"it failed with HTTP {status}"
            raise AgainError(f"{kind}{said}{wait}", seconds)
        if status in (404, 405) or (status == 400 and _NO_MODEL.search(message)):
            raise MissingError(f"{self._name}: the server has no such model or address (HTTP {status}{said}).")
        if status == 413 or _TOO_LONG.search(message):
            raise ModelError(
                f"{self._name}: the prompt is longer than the model's context{said}.",
                "Give the model a larger context on the server, or take another for this profile.",
            )
        raise ModelError(f"{self._name}: the server refuses the request (HTTP {status}){said or '.'}")


def _names(message: str, field: str) -> bool:
    return re.search(rf"(?<![A-Za-z_]){field}(?![A-Za-z_])", message) is not None


def sampling_fields(max_tokens: int, temperature: float, top_p: float, stop: Sequence[str]) -> dict[str, Any]:
    """The fields of a request that say how text is written; those that say nothing are left out."""
    fields: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
    if temperature > 0 and top_p < 1:
        fields["top_p"] = top_p
    if stop:
        fields["stop"] = list(stop)
    return fields
