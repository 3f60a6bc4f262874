"""A user's or a group's library at Zotero: whether the key may write there, its collections, and what is in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pasa_tui.errors import ExportError
from pasa_tui.export.zotero.api import Json, OutdatedError, ZoteroApi, new_key
from pasa_tui.export.zotero.items import names_in_zotero, paper_of
from pasa_tui.papers import Paper, clean_text

_GROUP = re.compile(r"group/(\d+)")
_TRIES = 10
_KEY_HINT = "Allow it at https://www.zotero.org/settings/keys, or make another key."


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens. `path` is where the library is below the API's address, `name` what to call it."""

    path: str
    name: str
    user: str
    can_write: bool
    can_note: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection: its key, and its names from the outermost collection in."""

    key: str
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its names with slashes, as `find_collection` takes them."""
        return "/".join(self.names)


@dataclass(frozen=True, slots=True)
class Held:
    """A paper that a library holds, the key of its item, and the keys of the collections that is in."""

    paper: Paper
    key: str
    collections: frozenset[str]


@dataclass(slots=True)
class Holdings:
    """The papers of a library at a version, found by their names; `keys` are those of all items, notes included."""

    version: int = 0
    keys: set[str] = field(default_factory=set)
    _held: dict[str, Held] = field(default_factory=dict)
    _by_name: dict[str, list[str]] = field(default_factory=dict)

    def add(self, objects: Iterable[Json]) -> None:
        """Take in items as the API gives them, also anew where they were changed."""
        for one in objects:
            key, data = str(one["key"]), _dict(one.get("data"))
            self.keys.add(key)
            paper = paper_of(data)
            if paper is None:
                continue
            listed = data.get("collections")
            self._held[key] = Held(paper, key, frozenset(map(str, listed if isinstance(listed, list) else ())))
            for name in names_in_zotero(paper):
                keys = self._by_name.setdefault(name, [])
                if key not in keys:
                    keys.append(key)

    def papers(self) -> list[Paper]:
        """All papers."""
        return [held.paper for held in self._held.values()]

    def find(self, paper: Paper) -> Held | None:
        """The item of this paper: one with its arXiv id or DOI, else one of its title without other ids."""
        names = sorted(names_in_zotero(paper), key=lambda name: (name.startswith("title:"), name))
        for name in names:
            for key in self._by_name.get(name, ()):
                held = self._held[key]
                if not name.startswith("title:") or _may_be_one(paper, held.paper):
                    return held
        return None


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _may_be_one(one: Paper, other: Paper) -> bool:
    """Whether nothing tells papers of one title apart: they have no different ids of one kind."""
    return all(
        not (mine and theirs) or mine.lower() == theirs.lower()
        for mine, theirs in ((one.arxiv_id, other.arxiv_id), (one.doi, other.doi))
    )


async def check_access(api: ZoteroApi, library: str = "user") -> Access:
    """What the key may do in `library`: "user", or "group/" and a number. Raises ExportError where it opens nothing."""
    key = await api.get("/keys/current")
    if (
        not isinstance(key, dict)
        or not isinstance(access := key.get("access"), dict)
        or not str(key.get("userID", "")).isdigit()
    ):
        raise ExportError("Zotero does not say what the key is for.", "Check zotero.url.")
    user = clean_text(str(key.get("username") or key["userID"]))
    if library == "user":
        rights = _dict(access.get("user"))
        path, name, can_note = f"/users/{key['userID']}", f"{user}'s library", bool(rights.get("notes"))
    elif match := _GROUP.fullmatch(library):
        groups = _dict(access.get("groups"))
        rights = _dict(groups.get(match[1]) or groups.get("all"))
        path, name, can_note = f"/groups/{match[1]}", f"group {match[1]}", True
    else:
        raise ExportError(f"{library!r} is no library.", 'Name "user", or "group/" and its number.')
    if not rights.get("library"):
        raise ExportError(f"The key of {user} does not open {name}.", _KEY_HINT)
    return Access(path, name, user, bool(rights.get("write")), can_note)


async def read_collections(api: ZoteroApi, path: str) -> list[Collection]:
    """All collections of a library, each after the one it is in, in the order of their names."""
    return _collections_of((await api.read(f"{path}/collections")).objects)


def _collections_of(objects: Iterable[Json]) -> list[Collection]:
    data: dict[str, Json] = {str(one["key"]): _dict(one.get("data")) for one in objects}

    def names(key: str) -> tuple[str, ...]:
        found: list[str] = []
        seen: set[str] = set()
        while key in data and key not in seen:
            seen.add(key)
            found.append(clean_text(str(data[key].get("name", ""))))
            key = str(data[key].get("parentCollection") or "")
        return tuple(reversed(found))

    return sorted(
        (Collection(key, names(key)) for key in data), key=lambda one: [name.casefold() for name in one.names]
    )


def find_collection(collections: Iterable[Collection], wanted: str) -> Collection | None:
    """The collection of that name or path of names, or of that key; raises ExportError where several are."""
    wanted = clean_text(wanted)
    listed = list(collections)
    by_path = [one for one in listed if one.path == wanted]
    found = by_path or [one for one in listed if one.names[-1:] == (wanted,)] or [o for o in listed if o.key == wanted]
    if len(found) > 1:
        paths = ", ".join(f"{one.path} ({one.key})" for one in found[:5])
        raise ExportError(f"{len(found)} collections are named {wanted}.", f"Name one by its key: {paths}.")
    return found[0] if found else None


async def ensure_collection(api: ZoteroApi, path: str, wanted: str) -> tuple[Collection, bool]:
    """The collection of that name, made at the top of the library if there is none; whether it was made.

    Raises ExportError where several have the name.
    """
    key, name = new_key(), clean_text(wanted)
    if not name:
        raise ExportError("A collection needs a name.", "Name one.")
    for _ in range(_TRIES):
        pages = await api.read(f"{path}/collections")
        if found := find_collection(_collections_of(pages.objects), name):
            return found, found.key == key
        try:
            written = await api.write(f"{path}/collections", [{"key": key, "name": name}], pages.version)
        except OutdatedError:
            continue
        if written.failed:
            raise ExportError(f"The collection can't be made: {next(iter(written.failed.values()))}")
        return Collection(key, (name,)), True
    raise ExportError("The library changes all the time.", "Try again when nothing else writes to it.")


async def read_holdings(api: ZoteroApi, path: str) -> Holdings:
    """All papers of a library, those in the trash excepted."""
    holdings = Holdings()
    pages = await api.read(f"{path}/items/top", sort="dateAdded", direction="asc")
    holdings.version = pages.version
    holdings.add(pages.objects)
    return holdings


async def refresh(api: ZoteroApi, path: str, holdings: Holdings) -> None:
    """Take in what was made or changed since `holdings` was read, notes included."""
    pages = await api.read(f"{path}/items", since=str(holdings.version), sort="dateAdded", direction="asc")
    holdings.version = pages.version
    holdings.add(pages.objects)


async def read_library(api: ZoteroApi, library: str = "user") -> list[Paper]:
    """The identities of all papers in a library: title, authors, arXiv id and DOI."""
    access = await check_access(api, library)
    return (await read_holdings(api, access.path)).papers()
