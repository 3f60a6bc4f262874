"""Zotero's web API, version 3: libraries with versions, and the rules for writing to them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.services.messages import Call, Reply, json_reply, text_reply, whole

KEY = "rightkeyrightkey"
USER_ID = 475425
_PATH = re.compile(r"/(users|groups)/(\d+)/(items/top|items|collections)")
_OBJECT_KEY = re.compile(r"[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}")
_MOST_WRITTEN = 50
_LONGEST_PAGE = 100
_COMMON = set(
    "title abstractNote date shortTitle language url accessDate archive archiveLocation libraryCatalog callNumber "
    "rights extra DOI citationKey".split()
)
FIELDS = {
    "preprint": _COMMON | set("genre repository archiveID place series seriesNumber".split()),
    "journalArticle": _COMMON
    | set(
        "publicationTitle publisher place volume issue section partNumber partTitle pages series seriesTitle "
        "seriesText journalAbbreviation ISSN PMID PMCID".split()
    ),
    "conferencePaper": _COMMON
    | set(
        "proceedingsTitle conferenceName publisher place eventPlace volume issue numberOfVolumes pages series "
        "seriesNumber ISBN ISSN".split()
    ),
    "note": {"note"},
}
"""The fields of the item types that are used here, as in Zotero's schema."""
_OF_ALL = set("key version itemType tags collections relations parentItem dateAdded dateModified creators".split())


class Refused(Exception):
    """An answer other than 200, or the failure of one object of a write."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Library:
    """The objects of a library, each the JSON of its data with key and version."""

    version: int = 0
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, key: str, **data: Any) -> None:
        """Make an item, as somebody else may at any moment."""
        self.version += 1
        filled = {"itemType": "preprint", "creators": [], "tags": [], "collections": [], **data}
        self.items[key] = {"key": key, "version": self.version, **filled}

    @property
    def papers(self) -> list[dict[str, Any]]:
        """The items that are no notes."""
        return [item for item in self.items.values() if item["itemType"] != "note"]

    @property
    def notes(self) -> list[dict[str, Any]]:
        """The notes."""
        return [item for item in self.items.values() if item["itemType"] == "note"]

    def listing(self, what: str, query: dict[str, str], url: str) -> Reply:
        """A page of a list, with Link, Total-Results and Last-Modified-Version."""
        objects = list((self.collections if what == "collections" else self.items).values())
        if what == "items/top":
            objects = [one for one in objects if "parentItem" not in one]
        since = whole(query.get("since"), 0)
        start, limit = whole(query.get("start"), 0), whole(query.get("limit"), 25)
        if since is None or start is None or not limit:
            raise Refused(400, "Invalid 'since', 'start' or 'limit'")
        objects = [one for one in objects if one["version"] > since]
        limit = min(limit, _LONGEST_PAGE)
        headers = {"Total-Results": str(len(objects)), "Last-Modified-Version": str(self.version)}
        if start + limit < len(objects):
            following = urlencode({**query, "start": start + limit, "limit": limit})
            headers["Link"] = f'<{url}?{following}>; rel="next"'
        page = [{"key": one["key"], "version": one["version"], "data": one} for one in objects[start : start + limit]]
        return json_reply(200, page, headers)

    def write(self, what: str, objects: list[Any], versioned: bool) -> Reply:
        """Make or change objects one by one; a failure of one does not keep the others from being written."""
        shelf = self.collections if what == "collections" else self.items
        answer: dict[str, dict[str, Any]] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
        version = self.version + 1
        for place, given in enumerate(objects):
            try:
                key = self._check_key(given, place, versioned)
                old = shelf.get(key, {})
                new = {**old, **given, "key": key, "version": version}
                self._check(what, new)
            except Refused as refused:
                answer["failed"][str(place)] = {"code": refused.status, "message": refused.message}
                continue
            if old and {**new, "version": 0} == {**old, "version": 0}:
                answer["unchanged"][str(place)] = key
                continue
            shelf[key] = new
            answer["success"][str(place)] = key
            answer["successful"][str(place)] = {"key": key, "version": version, "data": new}
        if answer["success"]:
            self.version = version
        return json_reply(200, answer, {"Last-Modified-Version": str(self.version)})

    def _check_key(self, given: Any, place: int, versioned: bool) -> str:
        if not isinstance(given, dict):
            raise Refused(400, f"Invalid value for index {place} in uploaded data; expected JSON object")
        if "key" not in given:
            return f"SERVER{len(self.items) + len(self.collections) + 22:02d}"[-8:]
        if not isinstance(given["key"], str) or not _OBJECT_KEY.fullmatch(given["key"]):
            raise Refused(400, f"'{given['key']}' is not a valid object key")
        if not versioned and "version" not in given:
            raise Refused(428, "If-Unmodified-Since-Version or a 'version' property must be provided for a key")
        return str(given["key"])

    def _check(self, what: str, new: dict[str, Any]) -> None:
        if what == "collections":
            if not isinstance(new.get("name"), str) or not new["name"].strip():
                raise Refused(400, "Collection name cannot be empty")
            if extra := set(new) - {"key", "version", "name", "parentCollection", "relations"}:
                raise Refused(400, f"Invalid property '{min(extra)}'")
            return
        check_item(new, _OF_ALL)
        if (parent := new.get("parentItem")) and self.items.get(parent, {}).get("itemType") in (None, "note"):
            raise Refused(409, f"Parent item {parent} not found")
        for key in new.get("collections", ()):
            if key not in self.collections:
                raise Refused(409, f"Collection {key} not found")


def check_item(item: dict[str, Any], of_all: set[str]) -> None:
    """Raise Refused for what Zotero's schema does not allow in an item."""
    kind = item.get("itemType")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Refused(400, f"'{kind}' is not a valid itemType")
    if unknown := set(item) - FIELDS[kind] - of_all:
        raise Refused(400, f"'{min(unknown)}' is not a valid field for type '{kind}'")
    for name in FIELDS[kind] & set(item):
        if not isinstance(item[name], str):
            raise Refused(400, f"'{name}' must be a string")
        if len(item[name].encode()) > (250_000 if name == "note" else 65_535):
            raise Refused(413, f"{name} value too long")
    _check_creators(item.get("creators", ()))
    for tag in item.get("tags", ()):
        if set(tag) - {"tag", "type"} or not isinstance(tag.get("tag"), str) or not tag["tag"]:
            raise Refused(400, "Invalid tag")
        if len(tag["tag"]) > 255:
            raise Refused(413, f"Tag '{tag['tag'][:20]}…' too long")


def _check_creators(creators: Iterable[dict[str, Any]]) -> None:
    for creator in creators:
        if set(creator) not in ({"creatorType", "name"}, {"creatorType", "firstName", "lastName"}):
            raise Refused(400, "creator object must contain 'firstName'/'lastName' or 'name'")
        if creator["creatorType"] not in ("author", "contributor", "editor") or not all(creator.values()):
            raise Refused(400, "Invalid creator")


@dataclass
class Zotero:
    """api.zotero.org for one user, whose key is `KEY`; `rights` is what the key may do in the user's library.

    `backoff` seconds are asked for with every answer; `before_write` is called before each write is looked at;
    that many writes as `locked` says find the library locked.
    """

    rights: dict[str, bool] = field(default_factory=lambda: {"library": True, "notes": True, "write": True})
    group_rights: dict[str, dict[str, bool]] = field(default_factory=lambda: {"77": {"library": True, "write": True}})
    mine: Library = field(default_factory=Library)
    groups: dict[str, Library] = field(default_factory=lambda: {"77": Library(), "78": Library()})
    backoff: float | None = None
    locked: int = 0
    before_write: Callable[[], None] = lambda: None
    _tokens: set[str] = field(default_factory=set)

    def kind(self, call: Call) -> str:
        """The first part of the path, or what is read or written."""
        match = _PATH.fullmatch(call.path)
        return f"{'write ' if call.method == 'POST' else ''}{match[3]}" if match else call.path.strip("/").split("/")[0]

    def authorised(self, call: Call, key: str) -> bool:
        """Whether the header carries the key."""
        return call.headers.get("zotero-api-key") == key

    def unauthorised(self) -> Reply:
        """What a wrong key is told."""
        return text_reply(403, "Invalid key", "text/plain")

    def too_many(self) -> Reply:
        """What one who asks too often is told."""
        return text_reply(429, "Request rate limit exceeded", "text/plain")

    def answer(self, call: Call) -> Reply:
        """The answer to any call, refusals included."""
        try:
            if call.headers.get("zotero-api-version") != "3":
                raise Refused(400, "Ask for version 3")
            reply = self._answer(call)
        except Refused as refused:
            reply = text_reply(refused.status, refused.message, "text/plain")
        reply.headers["Zotero-API-Version"] = "3"
        if self.backoff is not None:
            reply.headers["Backoff"] = f"{self.backoff:g}"
        return reply

    def _answer(self, call: Call) -> Reply:
        if not self.authorised(call, KEY):
            return self.unauthorised()
        if call.path == "/keys/current":
            access = {"user": self.rights, "groups": self.group_rights}
            return json_reply(200, {"key": KEY, "userID": USER_ID, "username": "ada", "access": access})
        match = _PATH.fullmatch(call.path)
        if match is None:
            raise Refused(404, "Not found")
        if match[1] == "users" and match[2] == str(USER_ID):
            library, rights = self.mine, self.rights
        elif match[1] == "groups" and match[2] in self.groups:
            library, rights = self.groups[match[2]], self.group_rights.get(match[2], {})
        else:
            raise Refused(404, "Not found")
        if not rights.get("library"):
            raise Refused(403, "Forbidden")
        if call.method == "GET":
            return library.listing(match[3], call.query, f"https://api.zotero.org{call.path}")
        if call.method != "POST" or match[3] == "items/top":
            raise Refused(405, "Method not allowed")
        if not rights.get("write"):
            raise Refused(403, "Write access denied")
        self.before_write()
        return self._write(call, library, match[3])

    def _write(self, call: Call, library: Library, what: str) -> Reply:
        token, version = (call.headers.get(name) for name in ("zotero-write-token", "if-unmodified-since-version"))
        if token is not None and not 5 <= len(token) <= 32:
            raise Refused(400, "Write token must be 5-32 characters in length")
        if token in self._tokens:
            raise Refused(412, "Write token already used")
        if self.locked:
            self.locked -= 1
            raise Refused(409, "Library is locked")
        if call.headers.get("content-type") != "application/json":
            raise Refused(400, "Content-Type must be application/json")
        objects = call.json()
        if not isinstance(objects, list):
            raise Refused(400, "Uploaded data must be a JSON array")
        if len(objects) > _MOST_WRITTEN:
            raise Refused(413, f"Cannot add more than {_MOST_WRITTEN} {what} at a time")
        if version is not None and library.version > int(version):
            raise Refused(412, f"Library has been modified since specified version (expected {version})")
        reply = library.write(what, objects, version is not None)
        if token is not None:
            self._tokens.add(token)
        return reply
