"""The Zotero program on one's desk: the server it has for browsers, and its local API, which may be switched off."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.services.messages import Call, Reply, json_reply, text_reply
from tests.services.zotero import Library, Refused, check_item

_LOCAL = re.compile(r"/api/users/0/(items/top|items|collections)")
_OF_ALL = {"id", "itemType", "creators", "tags", "notes", "attachments"}


@dataclass
class ZoteroConnector:
    """A running Zotero. `selected` is the id of what is selected: "L1", or "C" and a number.

    `targets` are the libraries and collections in the order of their tree, each collection under its library.
    """

    mine: Library = field(default_factory=Library)
    targets: list[tuple[str, str, int]] = field(
        default_factory=lambda: [("L1", "My Library", 0), ("C5", "Agents", 1), ("C6", "Old", 2), ("L2", "Lab", 0)]
    )
    selected: str = "L1"
    local_api: bool = True
    editable: bool = True
    before_save: Callable[[], None] = lambda: None
    sessions: dict[str, list[str]] = field(default_factory=dict)

    def kind(self, call: Call) -> str:
        """The endpoint's name."""
        return call.path.rsplit("/", 1)[-1] if call.path.startswith("/connector/") else "local"

    def authorised(self, call: Call, key: str) -> bool:
        """It knows no keys."""
        return True

    def unauthorised(self) -> Reply:
        """Never said."""
        return text_reply(403, "", "text/plain")

    def too_many(self) -> Reply:
        """Never said by a real one."""
        return text_reply(429, "", "text/plain")

    def answer(self, call: Call) -> Reply:
        """The answer of an endpoint; 404 for others."""
        if match := _LOCAL.fullmatch(call.path):
            if not self.local_api:
                return text_reply(403, "Local API is not enabled", "text/plain")
            return self.mine.listing(match[1], call.query, call.path)
        if call.path == "/connector/ping" and call.method == "GET":
            return text_reply(200, "<!DOCTYPE html><html><body>Zotero is running</body></html>", "text/html")
        handler = {
            "/connector/ping": lambda asked: json_reply(200, {"prefs": {}}),
            "/connector/getSelectedCollection": self._selected,
            "/connector/saveItems": self._save,
            "/connector/updateSession": self._update,
        }.get(call.path)
        if handler is None:
            return text_reply(404, "No endpoint found", "text/plain")
        if call.method != "POST" or call.headers.get("content-type") != "application/json":
            return text_reply(400, "Endpoint does not support content-type", "text/plain")
        # Zotero turns away what could be a page in a browser.
        if "x-zotero-connector-api-version" not in call.headers:
            return text_reply(403, "Request not allowed", "text/plain")
        return handler(call.json())

    def _library_of(self, target: str) -> int:
        library = 0
        for name, _, _ in self.targets:
            library = int(name[1:]) if name.startswith("L") else library
            if name == target:
                return library
        return 0

    def _selected(self, asked: Any) -> Reply:
        library = self._library_of(self.selected)
        names = {target: name for target, name, _ in self.targets}
        answer = {
            "libraryID": library,
            "libraryName": names[f"L{library}"],
            "libraryEditable": self.editable,
            "editable": self.editable,
            "id": int(self.selected[1:]) if self.selected.startswith("C") else None,
            "name": names[self.selected],
            "targets": [{"id": target, "name": name, "level": level} for target, name, level in self.targets],
        }
        return json_reply(200, answer)

    def _save(self, asked: Any) -> Reply:
        self.before_save()
        if asked["sessionID"] in self.sessions:
            return json_reply(409, {"error": "SESSION_EXISTS"})
        if not self.editable:
            return json_reply(500, {"libraryEditable": False})
        made = self.sessions[asked["sessionID"]] = []
        for item in asked["items"]:
            try:
                check_item(item, _OF_ALL)
            except Refused as refused:
                return json_reply(500, {"error": refused.message})
            key = f"DESK{len(self.mine.items) + 2222:04d}"
            made.append(key)
            data = {name: value for name, value in item.items() if name not in ("id", "notes", "attachments")}
            self.mine.add(key, **data, collections=[self.selected] if self.selected.startswith("C") else [])
            for note in item["notes"]:
                assert set(note) == {"note"}
                self.mine.add(f"NOTE{len(self.mine.items) + 2222:04d}", itemType="note", parentItem=key, **note)
        return json_reply(201, {"items": asked["items"]})

    def _update(self, asked: Any) -> Reply:
        if asked.get("sessionID") not in self.sessions:
            return json_reply(400, {"error": "SESSION_NOT_FOUND"})
        if not self._library_of(asked["target"]):
            return json_reply(400, {"error": "COLLECTION_NOT_FOUND"})
        self.selected = asked["target"]
        for key in self.sessions[asked["sessionID"]]:
            self.mine.items[key]["collections"] = [self.selected] if self.selected.startswith("C") else []
        return json_reply(200, {})
