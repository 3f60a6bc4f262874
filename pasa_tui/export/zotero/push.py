"""Putting records into a Zotero library by the web API, so that a push that was cut off can be made again.

A paper that is there is not made a second time: what a library holds is read before, and again whenever a write says
that the library has changed since (HTTP 412). Objects have keys of our making, so that a write whose answer was lost
is found by them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pasa_tui.errors import ExportError
from pasa_tui.export.record import Record, merged
from pasa_tui.export.zotero.api import BATCH, Json, OutdatedError, Written, ZoteroApi, new_key
from pasa_tui.export.zotero.items import item_of, note_of, paper_of
from pasa_tui.export.zotero.library import Access, Holdings, ensure_collection, read_holdings, refresh
from pasa_tui.papers import Paper

_CONFLICTS = 20
"""Writes in a row that may find the library changed by others."""


@dataclass(slots=True)
class Pushed:
    """What a push did with the papers: how many it `made`, `added` to the collection, and found `there` already.

    `failed` has title and reason of each that could not be made or added.
    """

    made: int = 0
    added: int = 0
    there: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many papers there were."""
        return self.made + self.added + self.there + len(self.failed)


@dataclass(slots=True)
class _Entry:
    """A paper to make, as it will stand in Zotero, and its objects: item, and note if any."""

    paper: Paper
    objects: list[Json]

    @property
    def key(self) -> str:
        return str(self.objects[0]["key"])


@dataclass(slots=True)
class _Push:
    api: ZoteroApi
    access: Access
    holdings: Holdings
    collection: str | None
    progress: Callable[[int, int], None]
    pushed: Pushed = field(default_factory=Pushed)
    to_gather: list[Paper] = field(default_factory=list)
    total: int = 0
    conflicts: int = 0

    def is_there(self, paper: Paper) -> bool:
        """Whether the library holds a paper, which is then counted, or kept to be added to the collection."""
        held = self.holdings.find(paper)
        if held is None:
            return False
        if self.collection is None or self.collection in held.collections:
            self.pushed.there += 1
        else:
            self.to_gather.append(paper)
        return True

    async def make(self, entries: list[_Entry]) -> None:
        """Make items, in writes of `BATCH` objects, a note in the same write as its item and after it."""
        waiting = entries
        # Keys of items whose write may have been done; those are ours if they turn up.
        sent: set[str] = set()
        while waiting:
            batch = _first_batch(waiting)
            objects = [one for entry in batch for one in entry.objects]
            sent |= {entry.key for entry in batch}
            written = await self._write(objects)
            if written is None:
                waiting = self._still_to_make(waiting, sent)
                continue
            self._count(batch, written)
            waiting = waiting[len(batch) :]
            self._tell()

    def _still_to_make(self, waiting: list[_Entry], sent: set[str]) -> list[_Entry]:
        """What the library, read again, lacks. Notes whose item was made without them are made alone."""
        left = []
        for entry in waiting:
            missing = [one for one in entry.objects if one["key"] not in self.holdings.keys]
            if entry.key in sent and entry.key in self.holdings.keys:
                if missing:
                    left.append(_Entry(entry.paper, missing))
                else:
                    self.pushed.made += 1
            elif not self.is_there(entry.paper):
                left.append(entry)
        self._tell()
        return left

    def _count(self, batch: Sequence[_Entry], written: Written) -> None:
        place = 0
        for entry in batch:
            places = range(place, place + len(entry.objects))
            place += len(entry.objects)
            reason = next((written.failed[at] for at in places if at in written.failed), None)
            if reason is not None:
                self.pushed.failed.append((entry.paper.title, reason))
            elif all(at in written.done for at in places):
                self.pushed.made += 1
            else:
                self.pushed.failed.append((entry.paper.title, "Zotero does not say what became of it."))

    async def gather(self) -> None:
        """Add items that are there to the collection; nothing else of them is changed."""
        waiting = self.to_gather
        while waiting:
            batch = []
            for paper in waiting[:BATCH]:
                held = self.holdings.find(paper)
                if held is not None and self.collection is not None and self.collection not in held.collections:
                    batch.append(
                        (paper, {"key": held.key, "collections": sorted({*held.collections, self.collection})})
                    )
            written = await self._write([change for _, change in batch]) if batch else Written(frozenset())
            if written is None:
                continue
            for place, (paper, _) in enumerate(batch):
                if place in written.failed:
                    self.pushed.failed.append((paper.title, written.failed[place]))
                else:
                    self.pushed.added += 1
            self.pushed.there += len(waiting[:BATCH]) - len(batch)
            waiting = waiting[BATCH:]
            self._tell()

    async def _write(self, objects: Sequence[Json]) -> Written | None:
        """Write, or None where the library had changed and was read again."""
        try:
            written = await self.api.write(f"{self.access.path}/items", objects, self.holdings.version)
        except OutdatedError:
            self.conflicts += 1
            if self.conflicts > _CONFLICTS:
                raise ExportError(
                    "The library changes all the time.",
                    "Try again when nothing else writes to it: what is there already is not made twice.",
                ) from None
            await refresh(self.api, self.access.path, self.holdings)
            return None
        self.conflicts = 0
        self.holdings.version = written.version
        return written

    def _tell(self) -> None:
        self.progress(self.pushed.total, self.total)


async def push(
    api: ZoteroApi,
    access: Access,
    records: Iterable[Record],
    *,
    collection: str = "",
    our_tag: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pushed:
    """Put records into a library, and into the collection of that name, which is made if there is none.

    Records of one paper are one item. `progress` hears how many papers of how many are done. Raises ExportError where
    the key may not write, or the server can't be had; what was written by then stays.
    """
    if not access.can_write:
        raise ExportError(
            f"The key of {access.user} may not write to {access.name}.",
            "Allow it at https://www.zotero.org/settings/keys, or make another key.",
        )
    chosen = (await ensure_collection(api, access.path, collection))[0].key if collection else None
    run = _Push(api, access, await read_holdings(api, access.path), chosen, progress)
    all_entries = [_entry(record, chosen, our_tag=our_tag, with_note=access.can_note) for record in merged(records)]
    run.total = len(all_entries)
    await run.make([entry for entry in all_entries if not run.is_there(entry.paper)])
    await run.gather()
    return run.pushed


def _entry(record: Record, collection: str | None, *, our_tag: bool, with_note: bool) -> _Entry:
    item = item_of(record, our_tag=our_tag) | {"key": new_key(), "collections": [collection] if collection else []}
    paper = paper_of(item)
    # An item of ours always has a title.
    assert paper is not None
    note = note_of(record) if with_note else ""
    child = {"itemType": "note", "key": new_key(), "parentItem": item["key"], "note": note, "tags": []}
    return _Entry(paper, [item, child] if note else [item])


def _first_batch(entries: Sequence[_Entry]) -> list[_Entry]:
    batch: list[_Entry] = []
    size = 0
    for entry in entries:
        size += len(entry.objects)
        if size > BATCH:
            break
        batch.append(entry)
    return batch
