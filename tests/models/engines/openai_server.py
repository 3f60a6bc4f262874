"""A server on loopback that speaks OpenAI's format as several servers do, with faults.

To try the app by hand: `python -m tests.models.engines.openai_server --port 8902`, and a profile with
`url = "http://127.0.0.1:8902/v1"` and `model = "words"`.
"""

import argparse
import asyncio
import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.models.engines.openai_faults import Fault, send, spoil
from tests.models.engines.openai_script import WordModel

MODES = ("openai", "vllm", "ollama", "llama.cpp", "llama-cpp-python", "transformers")
_OWNERS = {"vllm": "vllm", "llama.cpp": "llamacpp", "llama-cpp-python": "me"}
_KNOWN = set(
    "model messages prompt max_tokens max_completion_tokens temperature top_p stop stream stream_options logprobs "
    "top_logprobs response_format".split()
)
_TRUE_ID = 2514


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; `in_flight` counts those being answered at that moment, itself included."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    in_flight: int


class Refusal(Exception):
    """The server answers with an error."""

    def __init__(self, status: int, message: str | dict[str, Any], **more: Any) -> None:
        super().__init__(message)
        self.status = status
        said = {"error": {"message": message, "type": "invalid_request_error", **more}}
        self.body: dict[str, Any] = message if isinstance(message, dict) else said


class ModelServer:
    """Serves one scripted model until the context is left.

    `answer` gives the text for a prompt, `probabilities` those of its first tokens. `thinks` says how the model shows
    its thoughts, of ten tokens: "tags" in the text, "field" apart from it, "hidden" not at all.
    """

    def __init__(
        self,
        mode: str = "vllm",
        *,
        answer: Callable[[str], str] = lambda prompt: "True",
        probabilities: Callable[[str], Mapping[str, float]] = lambda prompt: {"True": 0.7, "False": 0.2},
        model: str = "tiny",
        key: str | None = None,
        thinks: str = "",
        port: int = 0,
    ) -> None:
        assert mode in MODES
        self.mode, self.model, self.key, self.thinks = mode, model, key, thinks
        self.answer, self.probabilities = answer, probabilities
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.open = asyncio.Event()
        self.open.set()
        self.in_flight = 0
        self.most_in_flight = 0
        self.left = 0
        """Requests whose client went away before its answer was complete."""
        self.pieces_sent = 0
        self.cut = 0
        """The size of the pieces that streams are sent in, in bytes; 0 for an event each."""
        self.honours_stop = self.honours_max = True
        self.names_tokens = True
        """Whether vLLM's server is new enough to name the tokens that are asked for."""
        self.context = 100_000
        self._port = port
        self._connections: set[asyncio.Task[None]] = set()
        self._mistakes: list[Exception] = []

    async def __aenter__(self) -> "ModelServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1 << 24)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._mistakes and error is None:
            raise self._mistakes[0]

    def asked(self, path: str = "completions") -> list[dict[str, Any]]:
        """The bodies of the requests to paths that end so."""
        return [request.body for request in self.requests if request.path.endswith(path)]

    # -- connections --------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                request = await self._receive(reader)
                await self._watched(self._respond(request, writer), reader)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = line.split(" ")
        request = Request(method, path, headers, json.loads(body) if body else {}, self.in_flight + 1)
        self.requests.append(request)
        return request

    async def _watched(self, respond: Any, reader: asyncio.StreamReader) -> None:
        """Answer, unless the client goes away: nothing else is to come from it."""
        answering = asyncio.create_task(respond)
        gone = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.left += 1
                return
            with contextlib.suppress(ConnectionError):
                answering.result()
        except Exception as mistake:
            self._mistakes.append(mistake)
        finally:
            for task in (answering, gone):
                task.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)

    # -- answers ------------------------------------------------------------------------------------------

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._answer(request, writer)
        finally:
            # In the same step of the loop as the last byte: the client may come back at once.
            self.in_flight -= 1

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        faults = (fault for fault in self.faults if fault.times > 0 and request.path.endswith(fault.path))
        fault = next(faults, Fault("none", 0))
        fault.times -= 1
        await self.open.wait()
        if await spoil(fault, writer):
            return
        try:
            if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
                raise Refusal(401, f"Incorrect API key provided: {request.headers.get('authorization')}")
            await self._route(request, fault, writer)
        except Refusal as refusal:
            if self.mode == "llama-cpp-python" and request.body.get("stream"):
                # It has begun its answer by then.
                await send(writer, 200, b"", kind="text/event-stream")
            else:
                await send(writer, refusal.status, refusal.body)

    async def _route(self, request: Request, fault: Fault, writer: asyncio.StreamWriter) -> None:
        if request.path == "/v1/models":
            entry = {"id": self.model, "object": "model", "owned_by": _OWNERS.get(self.mode, "library")}
            await send(writer, 200, {"object": "list", "data": [entry]})
        elif request.path == "/tokenize" and self.mode in ("vllm", "llama.cpp"):
            # llama.cpp's has another name for the text, and finds none.
            tokens = [_TRUE_ID] if self.mode == "vllm" and request.body["prompt"] == "True" else []
            await send(writer, 200, {"count": len(tokens), "max_model_len": self.context, "tokens": tokens})
        elif request.path in ("/v1/chat/completions", "/v1/completions"):
            self._check(request.body)
            choice, usage = self._complete(request.body)
            if request.body.get("stream"):
                await self._stream(request.body, choice, usage, fault, writer)
            else:
                await send(writer, 200, {"object": "chat.completion", "choices": [choice], "usage": usage})
        else:
            raise Refusal(404, "Not Found")

    def _check(self, body: Mapping[str, Any]) -> None:
        """Refuse what the server that this one stands for refuses."""
        wanted, names = body.get("model"), self.mode not in ("llama.cpp", "llama-cpp-python")
        if names and wanted != self.model:
            raise Refusal(404, f"The model `{wanted}` does not exist.", code="model_not_found")
        if self.mode == "transformers" and (unknown := set(body) - _KNOWN):
            raise Refusal(422, {"detail": f"Unexpected fields in the request: {unknown}"})
        if self.mode == "openai" and (unknown := set(body) - _KNOWN):
            raise Refusal(400, f"Unrecognized request argument supplied: {unknown.pop()}")
        if self.mode == "openai" and len(body.get("stop", ())) > 4:
            raise Refusal(400, "Invalid 'stop': array too long.", param="stop")
        if self.mode == "llama-cpp-python" and body.get("logprobs"):
            raise Refusal(500, "logprobs is not supported for models created with logits_all=False")
        count = body.get("top_logprobs") or (body.get("logprobs") if "prompt" in body else 0) or 0
        if self.mode in ("openai", "vllm") and count > (5 if self.mode == "openai" and "prompt" in body else 20):
            raise Refusal(400, f"Invalid value for 'logprobs': {count} is too many.", param="logprobs")
        if self.thinks == "hidden":
            _check_thinking(body)
        if len(_words(_prompt(body))) > self.context:
            raise Refusal(400, f"This model's maximum context length is {self.context} tokens.")

    def _complete(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
        """The whole choice and its usage."""
        prompt, is_chat = _prompt(body), "messages" in body
        text = self.answer(prompt)
        if body.get("response_format") and self.mode != "transformers" and re.match("true|false", text, re.I):
            text = json.dumps({"answer": text})
        if self.honours_stop:
            text = text[
                : min((place for stop in body.get("stop", ()) if (place := text.find(stop)) >= 0), default=None)
            ]
        tokens, thoughts = _words(text), 10 if self.thinks else 0
        room = body.get("max_tokens") or body.get("max_completion_tokens") or 16 if self.honours_max else 100_000
        kept = tokens[: max(0, room - thoughts)]
        content = "".join(kept)
        if self.thinks == "tags":
            content = "<think>" + "hm " * min(room, thoughts) + ("</think>\n\n" + content if room > thoughts else "")
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if len(kept) < len(tokens) else "stop"}
        if is_chat:
            choice["message"] = {"role": "assistant", "content": content}
            if self.thinks == "field":
                choice["message"]["reasoning_content"] = "hm " * min(room, thoughts)
        else:
            choice["text"] = content
        choice["logprobs"] = self._logprobs(body, prompt)
        written = len(kept) + min(room, thoughts)
        read = len(_words(prompt))
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return choice, usage

    def _logprobs(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any] | None:
        if not body.get("logprobs") or self.mode in ("ollama", "transformers"):
            return None
        named = {"<think>": 1.0} if self.thinks == "tags" else self.probabilities(prompt)
        ranked = sorted(named.items(), key=lambda item: -item[1])
        is_chat = "messages" in body
        count = body.get("top_logprobs", 0) if is_chat else body["logprobs"]
        logs = [(token, math.log(share)) for token, share in ranked]
        if self.mode == "vllm" and body.get("return_tokens_as_token_ids"):
            true = math.log(named["True"]) if "True" in named else -9999.0
            first = _TRUE_ID if ranked[0][0] == "True" else 7
            ids = body["logprob_token_ids"] if self.names_tokens else []
            top = {f"token_id:{token}": true if token == _TRUE_ID else -30.0 for token in ids}
            top[f"token_id:{first}"] = logs[0][1]
            return {"tokens": [f"token_id:{first}"], "token_logprobs": [logs[0][1]], "top_logprobs": [top]}
        if is_chat or self.mode == "llama.cpp":
            top_list = [{"token": token, "logprob": value, "bytes": None} for token, value in logs[:count]]
            return {"content": [{"token": logs[0][0], "logprob": logs[0][1], "top_logprobs": top_list}]}
        return {"tokens": [logs[0][0]], "token_logprobs": [logs[0][1]], "top_logprobs": [dict(logs[:count])]}

    async def _stream(
        self,
        body: Mapping[str, Any],
        choice: dict[str, Any],
        usage: dict[str, int],
        fault: Fault,
        writer: asyncio.StreamWriter,
    ) -> None:
        events = _events(body, choice, usage, counted=self.mode not in ("llama-cpp-python", "transformers"))
        if fault.kind == "error in stream":
            events.insert(2, {"error": {"message": "the engine died", "code": 500}})
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
        writer.write(head)
        lines = [b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\r\n\r\n" for event in events]
        if fault.kind in ("broken", "stalled"):
            lines = lines[: fault.detail.get("after", 2)]
        elif fault.kind == "interrupted":
            lines = [*lines[: fault.detail.get("after", 2)], b"data: [DONE]\n\n"]
        else:
            lines.append(b"data: [DONE]\n\n")
        if self.cut:
            whole = b": a comment\n\n" + b"".join(lines)
            lines = [whole[place : place + self.cut] for place in range(0, len(whole), self.cut)]
        for piece in lines:
            await asyncio.sleep(0)
            await self.open.wait()
            writer.write(piece)
            await writer.drain()
            self.pieces_sent += 1
        if fault.kind == "stalled":
            await asyncio.Event().wait()


def _check_thinking(body: Mapping[str, Any]) -> None:
    """Refuse what OpenAI's models that think refuse."""
    if "max_tokens" in body:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        raise Refusal(400, message + "'max_completion_tokens' instead.", param="max_tokens")
    if body.get("temperature", 1) != 1:
        raise Refusal(400, "Unsupported value: 'temperature' does not support 0.0.", param="temperature")
    if body.get("logprobs"):
        raise Refusal(403, "You are not allowed to request logprobs from this model.")


def _events(
    body: Mapping[str, Any], choice: Mapping[str, Any], usage: Mapping[str, int], *, counted: bool
) -> list[dict[str, Any]]:
    """The pieces of a streamed answer."""

    def event(part: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"object": "chat.completion.chunk", "choices": [{"index": 0, **part, "finish_reason": finish}]}

    if "messages" in body:
        message = choice["message"]
        parts: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": ""}}]
        parts += [{"delta": {"reasoning_content": word}} for word in _words(message.get("reasoning_content", ""))]
        parts += [{"delta": {"content": word}} for word in _words(message["content"])]
        last: dict[str, Any] = {"delta": {}}
    else:
        parts, last = [{"text": word} for word in _words(choice["text"])], {"text": ""}
    events = [*map(event, parts), event(last, choice["finish_reason"])]
    if counted and body.get("stream_options", {}).get("include_usage"):
        events.append({"object": "chat.completion.chunk", "choices": [], "usage": usage})
    return events


def _prompt(body: Mapping[str, Any]) -> str:
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+", text)


async def _serve(arguments: argparse.Namespace) -> None:
    model = WordModel()
    server = ModelServer(
        arguments.mode,
        answer=model.answer,
        probabilities=model.probabilities,
        model="words",
        key=arguments.key,
        thinks=arguments.thinks,
        port=arguments.port,
    )
    async with server:
        print(f"The model words at {server.url}, as {arguments.mode} serves it", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.models.engines.openai_server", description=__doc__)
    parser.add_argument("--port", type=int, default=8902)
    parser.add_argument("--mode", choices=MODES, default="vllm")
    parser.add_argument("--key", help="the key that is wanted")
    parser.add_argument("--thinks", choices=("", "tags", "field", "hidden"), default="")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))
