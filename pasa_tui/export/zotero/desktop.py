"""The Zotero program running on this machine: saving by the server it has for browsers, as its connectors do.

That server saves items into the user's own library without telling what is there; Zotero 7's local API tells it, where
the user has switched that on.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from pasa_tui import __version__
from pasa_tui.errors import ExportError
from pasa_tui.export.record import Record, merged
from pasa_tui.export.zotero.api import RefusedError, ZoteroApi
from pasa_tui.export.zotero.items import Item, item_of, note_of, paper_of
from pasa_tui.export.zotero.library import Holdings, read_holdings
from pasa_tui.export.zotero.push import Pushed
from pasa_tui.papers import Paper, clean_text
from pasa_tui.retries import ATTEMPTS, unreachable

_BATCH = 25
_API_VERSION = "3"
_LOCAL_PATH = "/api/users/0"
# Saving takes Zotero some time for each item.
_TIMEOUT = httpx.Timeout(120.0, connect=3.0)
_SECONDS_BETWEEN = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where items can be saved: the user's library or a collection of it, as Zotero's tree has them."""

    id: str
    name: str
    is_selected: bool = False

    @property
    def is_library(self) -> bool:
        """Whether it is the library itself."""
        return self.id.startswith("L")


class Desktop:
    """A running Zotero; used by one event loop, as an async context manager. Raises ExportError where none answers."""

    def __init__(self, url: str, *, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
        """`sleep` is in seconds."""
        self._url = url.rstrip("/")
        self._sleep = sleep
        logging.getLogger("httpx").setLevel(logging.WARNING)
        headers = {"X-Zotero-Connector-API-Version": _API_VERSION, "User-Agent": f"pasa-tui/{__version__}"}
        # Without the proxies of the environment: it is on this machine.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, headers=headers, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def is_running(self) -> bool:
        """Whether a Zotero answers."""
        try:
            return (await self._client.get(f"{self._url}/connector/ping")).is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    async def targets(self) -> list[Target]:
        """The user's own library and its collections, in the order of Zotero's tree."""
        answer = await self._post("getSelectedCollection", {})
        told: Any = answer.json() if answer.is_success else None
        if not isinstance(told, dict) or not isinstance(told.get("targets"), list):
            raise ExportError("Zotero does not tell its collections.", "Bring it up to date: version 6 or later.")
        selected = f"C{told['id']}" if told.get("id") else f"L{told.get('libraryID')}"
        targets: list[Target] = []
        for row in (row for row in told["targets"] if isinstance(row, dict) and {"id", "name"} <= set(row)):
            # The user's own library stands first; the libraries of groups follow.
            if targets and not row.get("level"):
                break
            targets.append(Target(str(row["id"]), clean_text(str(row["name"])), str(row["id"]) == selected))
        if not targets:
            raise ExportError("No library of Zotero's can be written to.", "Look at it in Zotero.")
        return targets

    async def save(self, items: Sequence[Item], target: Target) -> None:
        """Save items, notes included, into a target. A save whose answer is lost is not made twice."""
        session = uuid.uuid4().hex
        body = {"sessionID": session, "uri": "https://arxiv.org/", "items": list(items)}
        answer = await self._post("saveItems", body)
        # 409: it has this session already, from the attempt whose answer was lost.
        if answer.status_code not in (200, 201, 409):
            raise ExportError(f"Zotero could not save the papers (HTTP {answer.status_code}).", _why_not(answer))
        moved = await self._post("updateSession", {"sessionID": session, "target": target.id, "tags": []})
        if not moved.is_success:
            raise ExportError(f"Zotero could not put the papers into {target.name}.", "They are where it had selected.")

    async def _post(self, endpoint: str, body: Item) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._client.post(f"{self._url}/connector/{endpoint}", json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise _not_running(unreachable(error)) from None
            except httpx.InvalidURL:
                raise _not_running("zotero.connector_url is no address") from None
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise ExportError(f"The connection to Zotero broke: {type(error).__name__}.") from None
            await self._sleep(_SECONDS_BETWEEN)
        raise AssertionError("the last attempt returns or raises")


def _not_running(reason: str) -> ExportError:
    return ExportError(
        f"Zotero is not running on this machine: {reason}.",
        "Start it, and allow other applications to communicate with it in its settings under Advanced.",
    )


def _why_not(answer: httpx.Response) -> str:
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    if isinstance(told, dict) and told.get("libraryEditable") is False:
        return "The library selected in Zotero is read-only: select another."
    return "Zotero's own log (Help, Debug Output Logging) says more."


def find_target(targets: Iterable[Target], collection: str) -> Target:
    """The collection of that name, or with "" the one that is selected in Zotero, or else the library.

    Raises ExportError where there is none or several.
    """
    listed, wanted = list(targets), clean_text(collection)
    if not wanted:
        return next((target for target in listed if target.is_selected), listed[0])
    found = [target for target in listed if target.name == wanted and not target.is_library]
    if len(found) > 1:
        raise ExportError(f"{len(found)} collections are named {wanted}.", "Give them different names in Zotero.")
    if not found:
        raise ExportError(
            f"Zotero has no collection {wanted}, and can't be asked to make one.",
            "Make it in Zotero first, or push by the web API (--via web), which can.",
        )
    return found[0]


async def read_local(api: ZoteroApi) -> Holdings | None:
    """What the user's library holds, by the local API at the program's address; None where that is switched off."""
    try:
        return await read_holdings(api, _LOCAL_PATH)
    except RefusedError:
        return None


async def push_to_desktop(
    desktop: Desktop,
    records: Iterable[Record],
    *,
    known: Holdings | None,
    collection: str = "",
    our_tag: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pushed:
    """Save records into the running Zotero, those in `known` excepted; into a collection of the user's own library.

    Without `known`, what is there already is made again. Raises ExportError where Zotero is not there, has no such
    collection, or can't save; what was saved by then stays.
    """
    target = find_target(await desktop.targets(), collection)
    pushed = Pushed()
    items: list[tuple[Paper, Item]] = []
    everything = merged(records)
    for record in everything:
        item = item_of(record, our_tag=our_tag)
        paper = paper_of(item)
        # An item of ours always has a title.
        assert paper is not None
        if known is not None and known.find(paper):
            pushed.there += 1
        else:
            note = note_of(record)
            rest = {"id": uuid.uuid4().hex, "notes": [{"note": note}] if note else [], "attachments": []}
            items.append((paper, item | rest))
    for start in range(0, len(items), _BATCH):
        batch = items[start : start + _BATCH]
        await desktop.save([item for _, item in batch], target)
        pushed.made += len(batch)
        progress(pushed.total, len(everything))
    return pushed
