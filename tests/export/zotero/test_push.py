"""Pushing to the web API: all there once, whatever happens on the way."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pasa_tui.errors import ExportError
from pasa_tui.export.record import Record
from pasa_tui.export.zotero import library
from pasa_tui.export.zotero import push as pushing
from pasa_tui.export.zotero.api import OutdatedError, ZoteroApi
from pasa_tui.export.zotero.library import check_access
from pasa_tui.export.zotero.push import Pushed
from pasa_tui.papers import Paper
from tests.export.nasty import nasty_papers
from tests.export.zotero.conftest import Clock, records
from tests.helpers import paper
from tests.services.server import Fault, Loopback
from tests.services.zotero import Library, Zotero

OpenApi = Callable[..., ZoteroApi]


async def push(api: ZoteroApi, records: list[Record], to: str = "user", **more: Any) -> Pushed:
    return await pushing.push(api, await check_access(api, to), records, **more)


def check_no_doubles(library: Library, count: int, notes: int | None = None) -> None:
    titles = Counter(item["title"] for item in library.papers)
    assert len(titles) == count and set(titles.values()) == {1}
    parents = Counter(note["parentItem"] for note in library.notes)
    assert len(parents) == (count if notes is None else notes) and set(parents.values()) <= {1}
    assert set(parents) <= {item["key"] for item in library.papers}


async def test_120_papers_are_made_with_their_notes_and_a_second_push_makes_none(
    api: ZoteroApi, zotero: Zotero, server: Loopback
) -> None:
    told: list[tuple[int, int]] = []
    done = await push(api, records(120), collection="Agents", progress=lambda *numbers: told.append(numbers))
    assert (done.made, done.there, done.failed) == (120, 0, [])
    check_no_doubles(zotero.mine, 120)
    # 240 objects, 50 in a request.
    assert server.count("zotero", "write items") == 5
    assert told[-1] == (120, 120) and told == sorted(told)
    (collection,) = zotero.mine.collections.values()
    assert collection["name"] == "Agents"
    assert all(item["collections"] == [collection["key"]] for item in zotero.mine.papers)
    version = zotero.mine.version
    again = await push(api, records(120), collection="Agents")
    assert (again.made, again.added, again.there) == (0, 0, 120)
    assert zotero.mine.version == version


async def test_papers_there_already_are_added_to_the_collection_and_else_left_alone(
    api: ZoteroApi, zotero: Zotero
) -> None:
    zotero.mine.collections["CCCCCCCC"] = {"key": "CCCCCCCC", "version": 0, "name": "Own", "parentCollection": False}
    extra = {"title": "My title", "extra": "arXiv:2001.00001 [cs.IR]", "collections": ["CCCCCCCC"], "rights": "mine"}
    zotero.mine.add("AAAAAAAA", **extra)
    done = await push(api, records(3), collection="New")
    assert (done.made, done.added, done.there) == (2, 1, 0)
    item = zotero.mine.items["AAAAAAAA"]
    assert item["title"] == "My title" and item["rights"] == "mine" and len(item["collections"]) == 2
    again = await push(api, records(3), collection="New")
    assert (again.made, again.added, again.there) == (0, 0, 3)


@pytest.mark.parametrize("field", ["extra", "archiveID", "url", "DOI", "doi in extra", "title alone"])
async def test_a_paper_is_known_by_any_of_its_names(api: ZoteroApi, zotero: Zotero, field: str) -> None:
    item: dict[str, str] = {
        "extra": {"extra": "tldr: x\narXiv: 2001.00007v3 [cs.IR]"},
        "archiveID": {"archiveID": "arXiv:2001.00007"},
        "url": {"url": "http://arxiv.org/pdf/2001.00007v2"},
        "DOI": {"DOI": "https://doi.org/10.1000/ABC"},
        "doi in extra": {"extra": "DOI: 10.1000/abc"},
        "title alone": {"title": "Paper Number Seven: a study"},
    }[field]
    zotero.mine.add("AAAAAAAA", **{"title": "x", **item})
    wanted = Paper("Paper number seven - A Study", arxiv_id="2001.00007", doi="10.1000/abc")
    done = await push(api, [Record(wanted)])
    assert (done.made, done.there) == (0, 1)


async def test_papers_of_one_title_with_different_ids_are_two(api: ZoteroApi, zotero: Zotero) -> None:
    zotero.mine.add("AAAAAAAA", title="A survey of everything", DOI="10.1000/other")
    done = await push(api, [Record(Paper("A survey of everything", doi="10.1000/this"))])
    assert done.made == 1


@pytest.mark.parametrize("kind", ["cut", "half-json", "reset", "503", "html"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_write_whose_answer_is_lost_is_repeated_with_its_token(
    api: ZoteroApi, zotero: Zotero, server: Loopback, kind: str, nth: int
) -> None:
    server.faults.append(Fault(kind, "zotero write items", every=nth, times=1))
    done = await push(api, records(60))
    assert (done.made, done.failed) == (60, [])
    check_no_doubles(zotero.mine, 60)
    writes = [request for request in server.requests if request.kind == "write items"]
    tokens = [request.headers["zotero-write-token"] for request in writes]
    assert tokens[nth - 1] == tokens[nth] and writes[nth - 1].body == writes[nth].body
    # Each other write has its own.
    assert len(set(tokens)) == len(tokens) - 1


async def test_a_collection_whose_making_was_not_answered_is_made_once(
    api: ZoteroApi, zotero: Zotero, server: Loopback
) -> None:
    server.faults.append(Fault("cut", "zotero write collections", times=1))
    await push(api, records(2), collection="Agents")
    assert [collection["name"] for collection in zotero.mine.collections.values()] == ["Agents"]


@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_killed_in_the_middle_and_made_again_nothing_is_doubled(
    open_api: OpenApi, zotero: Zotero, server: Loopback, nth: int
) -> None:
    class Killed(BaseException):
        pass

    def kill(done: int, total: int) -> None:
        if done >= 25 * nth:
            raise Killed

    with pytest.raises(Killed):
        async with open_api() as api:
            await push(api, records(120), collection="Agents", progress=kill)
    assert 0 < len(zotero.mine.papers) < 120
    async with open_api() as api:
        done = await push(api, records(120), collection="Agents")
    assert done.made + done.there == 120
    check_no_doubles(zotero.mine, 120)


async def test_a_library_that_others_write_to_meanwhile(api: ZoteroApi, zotero: Zotero) -> None:
    count = 0

    def others() -> None:
        nonlocal count
        count += 1
        if count in (1, 3, 5):
            zotero.mine.add("ABCDE"[count - 1] * 8, title="x", extra=f"arXiv:2001.{count + 50:05d}")

    zotero.before_write = others
    done = await push(api, records(60, note=False), collection="Agents")
    # The making of the collection and both writes of papers find one more there, which goes into the collection.
    assert (done.made, done.added, done.there, done.failed) == (57, 3, 0, [])
    assert all(item["collections"] for item in zotero.mine.papers)
    names = Counter(name for item in zotero.mine.papers for name in [item["extra"].split()[0]])
    assert set(names.values()) == {1} and len(names) == 60


async def test_a_library_that_changes_before_every_write_is_given_up(api: ZoteroApi, zotero: Zotero) -> None:
    zotero.before_write = lambda: zotero.mine.add(f"ANDERS{zotero.mine.version + 22:02d}", title="x")
    with pytest.raises(ExportError, match="changes all the time"):
        await push(api, records(2))


async def test_backoff_and_retry_after_are_waited_for(
    api: ZoteroApi, zotero: Zotero, server: Loopback, clock: Clock
) -> None:
    zotero.backoff = 7
    server.faults.append(Fault("429", "zotero write items", every=2, times=1, retry_after=12))
    done = await push(api, records(60))
    assert done.made == 60
    # After every answer but the last, and the 429, which has no Backoff.
    assert clock.slept.count(7) == len(server.requests) - 2
    assert clock.slept.count(12) == 1 and len(clock.slept) == len(server.requests) - 1


async def test_a_rest_too_long_to_wait_for_is_told(api: ZoteroApi, server: Loopback, clock: Clock) -> None:
    server.faults.append(Fault("503", "zotero write items", retry_after=7200))
    with pytest.raises(ExportError, match=r"asks for 2\.0 h of rest") as told:
        await push(api, records(2))
    assert "not made twice" in told.value.hint and clock.slept == []


async def test_a_long_backoff_ends_the_push(api: ZoteroApi, zotero: Zotero) -> None:
    zotero.backoff = 86_400
    with pytest.raises(ExportError, match=r"left alone for 24\.0 h"):
        await push(api, records(2))


async def test_a_locked_library_is_asked_again(api: ZoteroApi, zotero: Zotero) -> None:
    zotero.locked = 2
    assert (await push(api, records(2))).made == 2


async def test_a_server_that_is_not_there(open_api: OpenApi, server: Loopback) -> None:
    await server.stop_serving()
    async with open_api() as api:
        with pytest.raises(ExportError, match="Zotero can't be reached: it refuses the connection"):
            await check_access(api)
    with pytest.raises(ExportError, match="address of Zotero is none"):
        ZoteroApi("http://127.0.0.1:port", "key")


async def test_a_server_that_fails_always_is_given_up(api: ZoteroApi, server: Loopback, zotero: Zotero) -> None:
    server.faults.append(Fault("500", "zotero write items"))
    with pytest.raises(ExportError, match="HTTP 500"):
        await push(api, records(2))
    assert server.count("zotero", "write items") == 4 and not zotero.mine.items


async def test_a_group_library(api: ZoteroApi, zotero: Zotero) -> None:
    done = await push(api, records(3), "group/77", collection="Agents")
    assert done.made == 3 and not zotero.mine.items
    check_no_doubles(zotero.groups["77"], 3)
    with pytest.raises(ExportError, match="does not open group 78"):
        await check_access(api, "group/78")
    with pytest.raises(ExportError, match="is no library"):
        await check_access(api, "group/lab")


async def test_rights_of_the_key(open_api: OpenApi, zotero: Zotero) -> None:
    async with open_api("wrongkey") as api:
        with pytest.raises(ExportError, match="refuses this") as told:
            await check_access(api)
    assert "wrongkey" not in str(told.value) and "Invalid key" in told.value.message
    zotero.rights = {"library": True, "write": False}
    async with open_api() as api:
        with pytest.raises(ExportError, match="may not write to ada's library"):
            await push(api, records(1))
        zotero.rights = {"library": True, "write": True}
        done = await push(api, records(1))
    assert done.made == 1 and not zotero.mine.notes


async def test_what_fails_is_told_and_the_rest_is_made(
    api: ZoteroApi, zotero: Zotero, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = pushing.item_of

    def spoiled(record: Record, **more: Any) -> dict[str, Any]:
        item = true(record, **more)
        return item | {"volume": "3"} if record.paper.arxiv_id == "2001.00001" else item

    monkeypatch.setattr(pushing, "item_of", spoiled)
    done = await push(api, records(3))
    assert done.made == 2 and done.total == 3
    ((title, reason),) = done.failed
    assert title == "Paper number 1" and reason == "'volume' is not a valid field for type 'preprint'"
    check_no_doubles(zotero.mine, 2)


async def test_the_servers_rules_are_enforced(api: ZoteroApi, zotero: Zotero, server: Loopback) -> None:
    with pytest.raises(ExportError, match="too large"):
        await api.write("/users/475425/items", [{"itemType": "preprint", "title": "x"}] * 51, 0)
    zotero.mine.add("AAAAAAAA", title="x")
    with pytest.raises(OutdatedError):
        await api.write("/users/475425/items", [{"itemType": "preprint", "title": "x"}], 0)
    with pytest.raises(ExportError, match="nothing there"):
        await api.read("/users/1/items")


async def test_hostile_papers_are_pushed_once(api: ZoteroApi, zotero: Zotero) -> None:
    papers = [Record(paper, 0.5, reason=paper.title, tags=(paper.title,)) for paper in nasty_papers()]
    first = await push(api, papers, collection="</b> & Co\x1b[31m")
    assert first.failed == [] and first.made == len(zotero.mine.papers) > 30
    again = await push(api, papers, collection="</b> & Co\x1b[31m")
    assert (again.made, again.added, again.failed) == (0, 0, []) and len(zotero.mine.collections) == 1


async def test_reading_pages(api: ZoteroApi, zotero: Zotero, server: Loopback) -> None:
    for number in range(250):
        zotero.mine.add(f"K{number:07d}", title=f"Number {number} of a long row", archiveID=f"arXiv:2001.{number:05d}")
    zotero.mine.add("NNNNNNNN", itemType="note", note="x", parentItem="K0000000")
    papers = await library.read_library(api)
    assert [one.arxiv_id for one in papers] == [f"2001.{number:05d}" for number in range(250)]
    assert server.count("zotero", "items/top") == 3


async def test_a_list_that_changes_while_it_is_read_is_read_again(
    api: ZoteroApi, zotero: Zotero, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        zotero.mine.add(f"K{number:07d}", title=f"Number {number} of a long row")
    true, changed = Library.listing, []

    def meddle(self: Library, *asked: Any) -> Any:
        reply = true(self, *asked)
        if not changed:
            changed.append(self.items.pop("K0000000"))
            self.version += 1
        return reply

    monkeypatch.setattr(Library, "listing", meddle)
    papers = await library.read_library(api)
    assert [one.title for one in papers] == [f"Number {number} of a long row" for number in range(1, 150)]


async def test_collections_by_name_path_and_key(api: ZoteroApi, zotero: Zotero) -> None:
    for key, name, parent in (
        ("AAAAAAAA", "Agents", False),
        ("BBBBBBBB", "Old", "AAAAAAAA"),
        ("CCCCCCCC", "Old", False),
    ):
        zotero.mine.collections[key] = {"key": key, "version": 1, "name": name, "parentCollection": parent}
    found = await library.read_collections(api, "/users/475425")
    assert [one.path for one in found] == ["Agents", "Agents/Old", "Old"]
    for wanted, key in (("Agents", "AAAAAAAA"), ("Agents/Old", "BBBBBBBB"), ("Old", "CCCCCCCC"), ("BBBBBBBB",) * 2):
        chosen = library.find_collection(found, wanted)
        assert chosen is not None and chosen.key == key
    assert library.find_collection(found, "None") is None
    zotero.mine.collections["DDDDDDDD"] = {"key": "DDDDDDDD", "version": 1, "name": "Old", "parentCollection": False}
    with pytest.raises(ExportError, match="2 collections are named Old"):
        await library.ensure_collection(api, "/users/475425", "Old")


async def test_no_records_and_records_of_one_paper(api: ZoteroApi, zotero: Zotero) -> None:
    assert (await push(api, [])).total == 0 and not zotero.mine.items
    done = await push(api, [Record(paper(1), 0.5, tags=("a",)), Record(paper(1), 0.7, tags=("b",))])
    assert done.made == 1
    (item,) = zotero.mine.papers
    assert item["tags"] == [{"tag": "a"}, {"tag": "b"}]
