"""Pushing into a running Zotero."""

from collections.abc import AsyncIterator

import pytest

from pasa_tui.errors import ExportError
from pasa_tui.export.zotero.api import ZoteroApi
from pasa_tui.export.zotero.desktop import Desktop, find_target, push_to_desktop, read_local
from pasa_tui.export.zotero.push import Pushed
from tests.export.zotero.conftest import Clock, records
from tests.services.server import Fault, Loopback
from tests.services.zotero_connector import ZoteroConnector


@pytest.fixture
async def desktop(server: Loopback, clock: Clock) -> AsyncIterator[Desktop]:
    async with Desktop(server.urls["desktop"], sleep=clock.sleep) as made:
        yield made


@pytest.fixture
async def local(server: Loopback, clock: Clock) -> AsyncIterator[ZoteroApi]:
    async with ZoteroApi(server.urls["desktop"], sleep=clock.sleep, jitter=0.0) as made:
        yield made


async def push(desktop: Desktop, local: ZoteroApi, count: int, collection: str = "") -> Pushed:
    return await push_to_desktop(desktop, records(count), known=await read_local(local), collection=collection)


async def test_papers_with_notes_go_into_the_collection_once(
    desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector, server: Loopback
) -> None:
    done = await push(desktop, local, 60, "Agents")
    assert (done.made, done.there) == (60, 0)
    assert len(connector.mine.papers) == len(connector.mine.notes) == 60
    assert all(item["collections"] == ["C5"] for item in connector.mine.papers)
    assert {note["parentItem"] for note in connector.mine.notes} == {item["key"] for item in connector.mine.papers}
    assert server.count("desktop", "saveItems") == 3
    again = await push(desktop, local, 62, "Agents")
    assert (again.made, again.there) == (2, 60)


async def test_without_a_name_the_selected_collection_or_the_own_library_is_taken(
    desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector
) -> None:
    connector.selected = "C6"
    await push(desktop, local, 1)
    assert connector.mine.papers[0]["collections"] == ["C6"]
    # A group's library is selected, which the local API of the own one knows nothing of.
    connector.selected = "L2"
    assert find_target(await desktop.targets(), "").id == "L1"
    await push(desktop, local, 2)
    assert connector.mine.papers[1]["collections"] == [] and connector.selected == "L1"


async def test_a_collection_that_is_not_there_or_is_there_twice(desktop: Desktop, connector: ZoteroConnector) -> None:
    with pytest.raises(ExportError, match="has no collection Lab"):
        find_target(await desktop.targets(), "Lab")
    connector.targets.insert(1, ("C9", "Old", 1))
    with pytest.raises(ExportError, match="2 collections are named Old"):
        find_target(await desktop.targets(), "Old")


async def test_the_local_api_may_be_off(desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector) -> None:
    connector.local_api = False
    assert await read_local(local) is None
    assert (await push(desktop, local, 2)).made == 2


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize("endpoint", ["saveItems", "updateSession", "getSelectedCollection"])
async def test_a_broken_connection_doubles_nothing(
    desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector, server: Loopback, kind: str, endpoint: str
) -> None:
    server.faults.append(Fault(kind, f"desktop {endpoint}", times=1))
    done = await push(desktop, local, 30, "Agents")
    assert done.made == 30 and len(connector.mine.papers) == 30
    assert all(item["collections"] == ["C5"] for item in connector.mine.papers)


async def test_a_library_that_is_read_only(desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector) -> None:
    connector.editable = False
    with pytest.raises(ExportError, match="could not save") as told:
        await push(desktop, local, 1)
    assert "read-only" in told.value.hint


async def test_no_zotero_runs(desktop: Desktop, server: Loopback) -> None:
    assert await desktop.is_running()
    await server.stop_serving()
    assert not await desktop.is_running()
    with pytest.raises(ExportError, match="not running on this machine: it refuses the connection") as told:
        await desktop.targets()
    assert "Start it" in told.value.hint


async def test_a_save_whose_answer_is_lost_is_asked_for_again_under_its_session(
    desktop: Desktop, local: ZoteroApi, connector: ZoteroConnector, server: Loopback
) -> None:
    server.faults.append(Fault("cut", "desktop saveItems", times=1))
    await push(desktop, local, 3)
    assert server.count("desktop", "saveItems") == 2 and len(connector.sessions) == 1
    assert len(connector.mine.papers) == 3
