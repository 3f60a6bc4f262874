"""What servers that speak OpenAI's format send, read so that no answer of theirs can do harm."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pasa_tui.models.engines.protocol import TRUE
from pasa_tui.papers import clean_text

_LONGEST_LINE = 1 << 20
_LONGEST_MESSAGE = 300
_OPENINGS = ("<think>", "<thinking>")
_CLOSING = re.compile(r"</think(?:ing)?>", re.I)
_LONGEST_CLOSING = len("</thinking>")
# A model that isn't stopped may repeat itself: `TrueTrue`.
_DECISION = re.compile(r"\b(?:([Tt]rue|TRUE|(?i:yes)\b)|[Ff]alse|FALSE|(?i:no)\b)(?![a-z])")
_EDGES = " \t\r\n\"'*`.:▁Ġ"


class EventParser:
    """Takes a stream of server-sent events in pieces and gives the data of those that are whole.

    Each line of data is an event: the JSON of these servers has no line breaks. Comments, names and numbers of events
    are left out. Raises ValueError for a line of more than a megabyte.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """The data that this piece completes."""
        *lines, self._rest = (self._rest + piece).replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise ValueError("a line without an end")
        return [data for line in lines if (data := _data(line))]

    def finish(self) -> list[str]:
        """The data of a last line that was not ended."""
        data = _data(self._rest)
        self._rest = b""
        return [data] if data else []


def _data(line: bytes) -> str:
    return line[5:].decode("utf-8", "replace").strip() if line.startswith(b"data:") else ""


class AnswerText:
    """Takes the text of an answer in pieces and gives what of it counts, as soon as that is certain.

    Thoughts between `<think>` and `</think>` at the beginning are left out, and so is everything from that of the
    strings `stop` on which is complete first.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        self._stop = tuple(text for text in stop if text)
        self._state = "beginning"
        self._text = ""

    @property
    def has_begun(self) -> bool:
        """Whether there is any text that counts."""
        return self._state == "answering"

    def feed(self, piece: str) -> str:
        """The text that this piece makes certain."""
        self._text += piece
        if self._state == "beginning":
            self._begin()
        if self._state == "thinking":
            self._think()
        if self._state == "after thoughts":
            self._text = self._text.lstrip()
            if self._text:
                self._state = "answering"
        return self._answer(complete=False) if self._state == "answering" else ""

    def finish(self) -> str:
        """The text that was not certain before the end; none of thoughts that never ended."""
        return self._answer(complete=True) if self._state in ("beginning", "answering") else ""

    def _begin(self) -> None:
        start = self._text.lstrip().lower()
        if start.startswith(_OPENINGS):
            self._state = "thinking"
        elif not any(opening.startswith(start) for opening in _OPENINGS):
            self._state = "answering"

    def _think(self) -> None:
        if match := _CLOSING.search(self._text):
            self._text = self._text[match.end() :]
            self._state = "after thoughts"
        else:
            self._text = self._text[-_LONGEST_CLOSING:]

    def _answer(self, *, complete: bool) -> str:
        if self.stopped:
            return ""
        places = [(place + len(text), place) for text in self._stop if (place := self._text.find(text)) >= 0]
        if places:
            self.stopped = True
            return self._text[: min(places)[1]]
        certain = len(self._text) - (0 if complete else self._uncertain())
        given, self._text = self._text[:certain], self._text[certain:]
        return given

    def _uncertain(self) -> int:
        """Characters at the end that may be the beginning of a stop string."""
        longest = max((len(text) for text in self._stop), default=1) - 1
        for size in range(min(longest, len(self._text)), 0, -1):
            if any(text.startswith(self._text[-size:]) for text in self._stop):
                return size
        return 0


def decoded(data: bytes | str) -> dict[str, Any]:
    """An object in JSON. Raises ValueError for anything else."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def choice_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of an answer or of a piece of one; empty where there is none."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def text_of(choice: Mapping[str, Any]) -> str:
    """The text of a choice of any kind: a message, a piece of one, a completion. Reasoning is no part of it."""
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            return _text(choice[name].get("content"))
    return _text(choice.get("text"))


def has_reasoning(choice: Mapping[str, Any]) -> bool:
    """Whether a choice brings thoughts apart from its text, as some servers send them."""
    message = choice.get("message") or choice.get("delta")
    return isinstance(message, dict) and any(message.get(name) for name in ("reasoning_content", "reasoning"))


def _text(content: Any) -> str:
    # Some servers send the content in parts.
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def usage_of(answer: Mapping[str, Any]) -> tuple[int, int] | None:
    """Tokens read and written, as the server counts them; None where it doesn't say."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return None if read is None else (read, written or 0)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None


def named_tokens(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """The probabilities that a choice names for its first token, by the token's text; None where it names none.

    Chats list objects with `token` and `logprob`, completions have an object of log probabilities; llama.cpp's server
    sends the former for both. Other tokens with the same text are added together.
    """
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return None
    named: dict[str, float] = {}
    if isinstance(content := logprobs.get("content"), list):
        first = content[0] if content and isinstance(content[0], dict) else {}
        listed = first.get("top_logprobs")
        for item in [*(listed if isinstance(listed, list) else ()), first]:
            if isinstance(item, dict) and isinstance(item.get("token"), str) and _is_number(item.get("logprob")):
                token = item["token"]
                # What was sampled is mostly in the list as well.
                if item is not first or token not in named:
                    named[token] = named.get(token, 0.0) + _probability(item["logprob"])
    elif isinstance(tops := logprobs.get("top_logprobs"), list) and tops and isinstance(tops[0], dict):
        named = {token: _probability(value) for token, value in tops[0].items() if _is_number(value)}
    return {token: min(1.0, value) for token, value in named.items()} or None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _probability(logprob: float) -> float:
    return math.exp(min(0.0, logprob))


def true_share(named: Mapping[str, float]) -> float:
    """The probability of all tokens that mean `True`: other case, a space or a quote before it."""
    return min(1.0, sum(value for token, value in named.items() if _bare(token) == TRUE.lower()))


def false_share(named: Mapping[str, float]) -> float:
    """The probability of all tokens that mean `False`."""
    return min(1.0, sum(value for token, value in named.items() if _bare(token) == "false"))


def unnamed_bound(named: Mapping[str, float]) -> float:
    """The most that the probability of a token can be which is not among the likeliest that are named."""
    return max(0.0, min(min(named.values()), 1.0 - sum(named.values())))


def _bare(token: str) -> str:
    return token.strip(_EDGES).lower()


def decision_of(text: str) -> bool | None:
    """What an answer to a question of True or False says; None where it says neither. Never raises."""
    *thoughts, answer = _CLOSING.split(text)
    if not thoughts and text.lstrip().lower().startswith(_OPENINGS):
        return None
    match = _DECISION.search(answer)
    return None if match is None else match[1] is not None


def error_text(body: bytes, secret: str = "") -> str:
    """What an answer with an error says, in a line, without the secret; empty where it isn't JSON."""
    try:
        message = _message(decoded(body))
    except ValueError:
        return ""
    if secret:
        message = message.replace(secret, "…")
    return clean_text(message)[:_LONGEST_MESSAGE]


def _message(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_message, value[:5])))
    if not isinstance(value, dict):
        return ""
    text = next((text for name in ("error", "detail", "message", "msg") if (text := _message(value.get(name)))), "")
    # The field that is wrong, as FastAPI and OpenAI give it.
    place = value.get("loc") or value.get("param") or ""
    place = ".".join(map(str, place)) if isinstance(place, list) else str(place)
    return f"{text} ({place})" if text and place and place not in text else text
