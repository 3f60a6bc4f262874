"""A loopback server that speaks the Hugging Face hub's format, and serves GitHub's raw files beside it.

Files of 1 kB and more stand for those that the hub keeps in Git LFS: it redirects to another host for them, here the
same server under another port. Tests put faults into `faults` and read `requests`.
"""

import hashlib
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

LFS = 1000
"""Bytes from which on a file is in Git LFS."""
COMMIT = "4f2b9c1d" * 5
_PAGE = 3


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Fault:
    """What goes wrong once: the connection ends after `cut` bytes of the body, or an answer in its place."""

    cut: int | None = None
    body: bytes | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    ignores_range: bool = False
    start: int | None = None
    """Of the range that is sent, whatever was asked for."""


@dataclass
class Asked:
    method: str
    path: str
    range: str
    authorization: str
    on_cdn: bool


class HubServer:
    """Repositories by name with their files by path. `gated` and `private` ones want the token `hf_good`."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.raw: dict[str, bytes] = {}
        self.gated: set[str] = set()
        self.private: set[str] = set()
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        """By file name, each used once, in order; of requests for content alone."""
        self.listing: Any = None
        """Sent in place of what the API says of a model."""
        self.requests: list[Asked] = []
        self.before_body: Any = None
        """Called with the path before a file is sent."""
        self._hub, self._cdn = (_Server(("127.0.0.1", 0), _Handler) for _ in range(2))
        for server in (self._hub, self._cdn):
            server.owner = self
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._hub.server_port}"
        self.cdn_url = f"http://127.0.0.1:{self._cdn.server_port}"
        self.raw_url = f"{self.url}/raw"

    def close(self) -> None:
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    def is_cdn(self, server: object) -> bool:
        return server is self._cdn

    def content_requests(self, name: str) -> list[Asked]:
        """The requests for a file's bytes where these come from."""
        wanted = [asked for asked in self.requests if asked.method == "GET" and asked.path.endswith("/" + name)]
        return [asked for asked in wanted if asked.path.startswith(("/cdn/", "/api/resolve-cache/", "/raw/"))]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid answer is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read `requests`."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server.owner
        path = unquote(urlsplit(self.path).path)
        asked = Asked(
            self.command,
            path,
            self.headers.get("Range", ""),
            self.headers.get("Authorization", ""),
            hub.is_cdn(self.server),
        )
        hub.requests.append(asked)
        parts = path.strip("/").split("/")
        if parts[0] == "datasets":
            # Repositories of data have addresses of their own for the same.
            parts = parts[1:]
        if asked.on_cdn:
            self._content("/".join(parts[1:3]), "/".join(parts[3:]))
        elif parts[0] == "raw":
            self._raw(path.removeprefix("/raw"))
        elif parts[:2] in (["api", "models"], ["api", "datasets"]):
            self._api("/".join(parts[2:4]), parts[4:])
        elif parts[:3] == ["api", "resolve-cache", "models"]:
            self._content("/".join(parts[3:5]), "/".join(parts[6:]))
        elif len(parts) > 4 and parts[2] == "resolve":
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._send(404, b"", {})

    # Who may see a repository

    def _is_open(self, repository: str, *, files: bool) -> bool:
        hub = self.server.owner
        token = self.headers.get("Authorization", "")
        if token and token != "Bearer hf_good":
            self._error(401, "", "Invalid credentials in Authorization header")
        elif repository not in hub.repositories or (repository in hub.private and not token):
            if token:
                self._error(404, "RepoNotFound", "Repository not found")
            else:
                self._error(401, "", "Invalid username or password.")
        elif files and repository in hub.gated and not token:
            self._error(401, "GatedRepo", f"Access to model {repository} is restricted. Please log in.")
        else:
            return True
        return False

    def _error(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers)

    # The API

    def _api(self, repository: str, rest: list[str]) -> None:
        hub = self.server.owner
        if not self._is_open(repository, files=False):
            return
        query = parse_qs(urlsplit(self.path).query)
        files = hub.repositories[repository]
        if rest[:1] == ["tree"]:
            self._tree(repository, files, int(query.get("cursor", ["0"])[0]))
        elif hub.listing is not None:
            self._json(hub.listing)
        else:
            blobs = "blobs" in query
            self._json(
                {
                    "_id": "621ffdc036468d709f174338",
                    "id": repository,
                    "modelId": repository,
                    "author": repository.partition("/")[0],
                    "sha": COMMIT,
                    "lastModified": "2025-01-20T08:00:00.000Z",
                    "createdAt": "2025-01-19T08:00:00.000Z",
                    "private": repository in hub.private,
                    "gated": "auto" if repository in hub.gated else False,
                    "disabled": False,
                    "downloads": 12,
                    "likes": 3,
                    "tags": ["transformers", "safetensors", "qwen2"],
                    "pipeline_tag": "text-generation",
                    "library_name": "transformers",
                    "siblings": [sibling(path, content, blobs=blobs) for path, content in files.items()],
                }
            )

    def _tree(self, repository: str, files: dict[str, bytes], start: int) -> None:
        entries = []
        for path, content in files.items():
            entry: dict[str, Any] = {"type": "file", "oid": git_sha1(content), "size": len(content), "path": path}
            if len(content) >= LFS:
                oid = hashlib.sha256(content).hexdigest()
                entry |= {"lfs": {"oid": oid, "size": len(content), "pointerSize": 135}}
            entries.append(entry)
        headers = {}
        if start + _PAGE < len(entries):
            url = f"{self.server.owner.url}/api/models/{repository}/tree/{COMMIT}"
            headers["Link"] = f'<{url}?recursive=True&cursor={start + _PAGE}>; rel="next"'
        self._json(entries[start : start + _PAGE], headers)

    def _json(self, data: Any, headers: dict[str, str] | None = None) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self._send(200, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})

    # Files

    def _resolve(self, repository: str, revision: str, path: str) -> None:
        hub = self.server.owner
        if not self._is_open(repository, files=True):
            return None
        content = hub.repositories[repository].get(path)
        if revision not in ("main", COMMIT):
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if content is None:
            return self._error(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes", "X-Linked-Size": str(len(content))}
        if len(content) >= LFS:
            headers |= {
                "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
                "Location": f"{hub.cdn_url}/cdn/{repository}/{quote(path)}?Expires=1&Signature=x",
            }
            return self._send(302, b"Found. Redirecting", headers)
        etag = git_sha1(content)
        headers |= {
            "X-Linked-Etag": f'"{etag}"',
            "Location": f"/api/resolve-cache/models/{repository}/{COMMIT}/{quote(path)}?%2F=&etag=%22{etag}%22",
        }
        return self._send(307, b"Temporary Redirect", headers)

    def _raw(self, path: str) -> None:
        content = self.server.owner.raw.get(path)
        if content is None:
            return self._send(404, b"404: Not Found", {})
        return self._bytes(path, content, {})

    def _content(self, repository: str, path: str) -> None:
        content = self.server.owner.repositories.get(repository, {}).get(path)
        if content is None:
            return self._send(404, b"", {})
        etag = hashlib.sha256(content).hexdigest() if len(content) >= LFS else git_sha1(content)
        return self._bytes(path, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})

    def _bytes(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        hub = self.server.owner
        faults = hub.faults[path.rpartition("/")[2]]
        fault = faults.pop(0) if faults and self.command == "GET" else Fault()
        if hub.before_body and self.command == "GET":
            hub.before_body(path)
        if fault.status:
            return self._send(fault.status, b"", fault.headers)
        content = content if fault.body is None else fault.body
        status, size = 200, len(content)
        asked = self.headers.get("Range", "")
        if asked and not fault.ignores_range:
            start = int(asked.removeprefix("bytes=").rstrip("-")) if fault.start is None else fault.start
            if start >= size:
                return self._send(416, b"", {"Content-Range": f"bytes */{size}"})
            status, content = 206, content[start:]
            headers = {**headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return self._send(status, content, {**headers, **fault.headers}, cut=fault.cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True


def sibling(path: str, content: bytes, *, blobs: bool = True) -> dict[str, Any]:
    """What the API says of a file."""
    entry: dict[str, Any] = {"rfilename": path}
    if blobs:
        entry |= {"blobId": git_sha1(content), "size": len(content)}
        if len(content) >= LFS:
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 135}
    return entry
