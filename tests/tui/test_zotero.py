"""Papers from the screen into a loopback Zotero."""

from collections.abc import AsyncGenerator

import pytest
from textual.widgets import Input

from pasa_tui.config.settings import ZoteroSettings
from pasa_tui.tui.screens.dialogs import ErrorDialog
from pasa_tui.tui.screens.labelling import LineDialog
from tests.services.server import Loopback
from tests.services.zotero import KEY, Zotero
from tests.tui.conftest import Running, ask, screen_of, until
from tests.tui.test_app import notes


@pytest.fixture
async def zotero() -> AsyncGenerator[tuple[Zotero, ZoteroSettings], None]:
    service = Zotero()
    async with Loopback({"zotero": service}, {"zotero": "/zotero"}) as server:
        yield service, ZoteroSettings(url=server.urls["zotero"], connector_url="http://127.0.0.1:9")


async def test_the_selected_are_pushed_once(
    running: Running, zotero: tuple[Zotero, ZoteroSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", KEY)
    async with running() as pilot:
        await ask(pilot)
        screen_of(pilot)._zotero = zotero[1]
        for expected in ("4 made", "4 there already"):
            await pilot.press("Z")
            await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
            pilot.app.screen.query_one(Input).value = "Agents"
            await pilot.press("enter")
            await until(pilot, lambda expected=expected: expected in notes(pilot))  # type: ignore[misc]


async def test_without_key_or_program_one_message_says_what_to_do(
    running: Running, zotero: tuple[Zotero, ZoteroSettings]
) -> None:
    async with running() as pilot:
        await pilot.press("escape", "Z")
        await until(pilot, lambda: "no paper to push" in notes(pilot))
        await ask(pilot)
        screen_of(pilot)._zotero = zotero[1]
        await pilot.press("Z")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorDialog))
