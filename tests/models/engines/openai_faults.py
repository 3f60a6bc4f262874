"""What goes wrong on the way between the server on loopback and its client."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

_PAGE = b"<!DOCTYPE html><html><body>Welcome to the router.</body></html>"
_FIXED: dict[str, Any] = {
    "html": (200, _PAGE, "text/html"),
    "html as json": (200, _PAGE),
    "garbage": (200, b"\x00\xff{[" * 50),
    "other json": (200, {"result": "ok"}),
}


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests to paths that end in `path`."""

    kind: str
    times: int = 1
    path: str = "completions"
    detail: dict[str, Any] = field(default_factory=dict)


async def spoil(fault: Fault, writer: asyncio.StreamWriter) -> bool:
    """Faults that need no true answer; whether it was one."""
    detail = fault.detail
    if fault.kind in ("429", "500", "503"):
        headers = {"Retry-After": str(detail["after"])} if "after" in detail else {}
        await send(writer, int(fault.kind), {"error": {"message": detail.get("message", "try again")}}, headers=headers)
    elif fault.kind in _FIXED:
        await send(writer, *_FIXED[fault.kind])
    elif fault.kind == "status":
        await send(writer, detail["status"], detail.get("body", {}))
    elif fault.kind == "redirect":
        await send(writer, 307, b"", headers={"Location": detail["location"]})
    elif fault.kind == "packed":
        await send(writer, 200, b"\x1f\x8b" + b"\0" * 50, headers={"Content-Encoding": "gzip"})
    elif fault.kind == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif fault.kind in ("huge", "drip"):
        await _flood(writer, fault.kind == "drip")
    else:
        return False
    return True


async def _flood(writer: asyncio.StreamWriter, slowly: bool) -> None:
    """Comments without an end: as fast as they are taken, or so that something comes all the time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b": nothing to see here\n" * (1 if slowly else 50_000))
        await writer.drain()
        await asyncio.sleep(0.01 if slowly else 0)


async def send(
    writer: asyncio.StreamWriter,
    status: int,
    body: Any,
    kind: str = "application/json",
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": kind, "Content-Length": len(data), "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + data)
    await writer.drain()
