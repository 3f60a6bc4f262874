import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.errors import PasaError
from pasa_tui.library import Library
from tests.services.server import Fault, Loopback
from tests.services.zotero import KEY, Zotero
from tests.services.zotero_connector import ZoteroConnector

Invoke = Callable[..., Result]
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def zotero() -> Zotero:
    return Zotero()


@pytest.fixture
def connector() -> ZoteroConnector:
    return ZoteroConnector()


@pytest.fixture
async def server(
    zotero: Zotero, connector: ZoteroConnector, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Loopback, None]:
    prefixes = {"zotero": "/zotero", "desktop": "/desktop"}
    async with Loopback({"zotero": zotero, "desktop": connector}, prefixes) as made:
        monkeypatch.setenv("PASA_TUI_ZOTERO__URL", made.urls["zotero"])
        monkeypatch.setenv("PASA_TUI_ZOTERO__CONNECTOR_URL", made.urls["desktop"])
        yield made


@pytest.fixture
def run(invoke: Invoke, server: Loopback) -> Run:
    """Run `pasa-tui zotero` in a thread: the services answer in this test's event loop."""

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(invoke, "zotero", *words)

    return run


def refusal(done: Result) -> str:
    """What a person is told by a command that ends with exit code 2."""
    assert isinstance(done.exception, PasaError) and done.exception.exit_code == 2, done.output
    return str(done.exception)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", KEY)


@pytest.fixture
def searched(invoke: Invoke, small: str, paths: Paths) -> int:
    """A recorded search of several papers, of which one is starred, one tagged and noted; how many are selected."""
    done = invoke("search", "dense retrieval in the style of school", "--corpus", small, "--quiet")
    assert done.exit_code == 0, done.output
    with Library.open(paths.library_file) as library:
        found = library.state(1).ranked()
        library.set_star(found[0].paper.id, True)
        library.set_tags(found[1].paper.id, ["to read"])
        library.set_note(found[1].paper.id, "Look at <b>table 2</b> & more")
        return sum(one.selected for one in found)


async def test_push_to_the_web_api_and_again(run: Run, key: None, searched: int, zotero: Zotero) -> None:
    assert searched > 1
    done = await run("push", "1", "--collection", "Agents", "--mark")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{searched} made, 0 added to the collection, 0 there already, 0 failed\n"
    assert f"{searched} of {searched} papers" in done.stderr
    assert len(zotero.mine.papers) == len(zotero.mine.notes) == searched
    assert all({"tag": "pasa-tui"} in item["tags"] for item in zotero.mine.papers)
    (tagged,) = [item for item in zotero.mine.papers if {"tag": "to read"} in item["tags"]]
    (note,) = [note["note"] for note in zotero.mine.notes if note["parentItem"] == tagged["key"]]
    assert "<p>Score: 0." in note and "Look at &lt;b&gt;table 2&lt;/b&gt; &amp; more" in note
    again = await run("push", "1", "--collection", "Agents")
    assert again.stdout == f"0 made, 0 added to the collection, {searched} there already, 0 failed\n"


@pytest.mark.parametrize(("words", "count"), [(["--only", "starred"], 1), (["--only", "tagged"], 1)])
async def test_only_some_are_pushed(
    run: Run, key: None, searched: int, zotero: Zotero, words: list[str], count: int
) -> None:
    done = await run("push", "1", *words)
    assert done.exit_code == 0 and len(zotero.mine.papers) == count
    nothing = await run("push", "1", "--tag", "other")
    assert nothing.exit_code == 0 and nothing.stdout == "" and "--only" in nothing.stderr


async def test_push_to_the_running_program(run: Run, searched: int, connector: ZoteroConnector) -> None:
    done = await run("push", "1", "--collection", "Agents")
    assert done.exit_code == 0, done.output
    assert all(item["collections"] == ["C5"] for item in connector.mine.papers)
    again = await run("push", "1", "--via", "desktop", "--collection", "Agents")
    assert f"{searched} there already" in again.stdout
    connector.local_api = False
    assert "may be doubled" in (await run("push", "1")).stderr
    done = await run("push", "1", "--collection", "New")
    assert "has no collection New" in refusal(done)


async def test_collections(run: Run, key: None, zotero: Zotero, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no collection yet" in (await run("collections")).stderr
    for place, (name, parent) in enumerate((("Agents", False), ("Old", "CCCCCCC2"))):
        data = {"key": f"CCCCCCC{place + 2}", "version": 1, "name": name, "parentCollection": parent}
        zotero.mine.collections[f"CCCCCCC{place + 2}"] = data
    assert (await run("collections")).stdout == "CCCCCCC2\tAgents\nCCCCCCC3\tAgents/Old\n"
    assert (await run("collections", "--via", "desktop")).stdout == "C5\tAgents\nC6\tOld\n"


async def test_check(
    run: Run, zotero: Zotero, connector: ZoteroConnector, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await run("check")
    assert done.exit_code == 0 and done.stdout.splitlines()[0].startswith("no  web API  there is no key")
    assert "ok  program  it runs, with 2 collections; its local API is on, 0 papers." in done.stdout
    monkeypatch.setenv("ZOTERO_API_KEY", KEY)
    assert "ok  web API  the key of ada may read and write ada's library." in (await run("check")).stdout
    assert "group 77." in (await run("check", "--library", "group/77")).stdout
    await server.stop_serving()
    monkeypatch.setenv("ZOTERO_API_KEY", "s3cretkey")
    done = await run("check")
    assert done.exit_code == 1 and "not running on this machine" in done.stdout and "s3cretkey" not in done.output
    await server.serve_again()
    done = await run("check")
    assert "no  web API  Zotero refuses this (HTTP 403). It says: Invalid key" in done.stdout
    assert "s3cretkey" not in done.output


async def test_known(run: Run, key: None, zotero: Zotero, connector: ZoteroConnector, paths: Paths) -> None:
    zotero.mine.add("AAAAAAAA", title="Attention Is All You Need", extra="arXiv:1706.03762 [cs]")
    zotero.mine.add("BBBBBBBB", itemType="note", note="x")
    zotero.groups["77"].add("AAAAAAAA", title="Another paper of some length", DOI="10.1000/x")
    connector.mine.add("AAAAAAAA", title="A third paper of some length")
    assert (await run("known")).stdout == "1 papers are known from zotero\n"
    assert (await run("known", "--library", "group/77")).exit_code == 0
    with Library.open(paths.library_file) as library:
        assert library.known_origins() == {"zotero": 1, "zotero group/77": 1}
        assert {"arxiv:1706.03762", "title:attentionisallyouneed", "doi:10.1000/x"} <= library.known_names()
    assert (await run("known", "--via", "desktop")).exit_code == 0
    with Library.open(paths.library_file) as library:
        assert "arxiv:1706.03762" not in library.known_names()
    connector.local_api = False
    done = await run("known", "--via", "desktop")
    assert "switched off" in refusal(done)


async def test_what_cannot_be_done_is_told(
    run: Run, searched: int, server: Loopback, zotero: Zotero, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, told in (
        (("push", "9"), "9"),
        (("push", "1", "--via", "web"), "There is no key"),
        (("push", "1", "--library", "group/77"), "own library alone"),
    ):
        assert told in refusal(await run(*words)), words
    await server.stop_serving()
    assert "neither a key" in refusal(await run("push", "1"))
    await server.serve_again()
    monkeypatch.setenv("ZOTERO_API_KEY", KEY)
    assert "is no library" in refusal(await run("push", "1", "--library", "lab"))
    server.faults.append(Fault("503", "zotero keys", retry_after=7200))
    assert "2.0 h of rest" in refusal(await run("push", "1"))
