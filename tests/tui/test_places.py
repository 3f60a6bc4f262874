from collections.abc import Callable

from pasa_tui.library import Library
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.log import ActionLog
from pasa_tui.tui.panes.query import SearchOptions
from pasa_tui.tui.panes.status import StatusLine
from pasa_tui.tui.screens.dialogs import ChoiceDialog
from tests.tui.conftest import Script, ask, screen_of, until


async def test_where_to_search_is_chosen_and_said(app_for: Callable[..., PasaApp], library: Library) -> None:
    app = app_for(sources="auto")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: screen_of(pilot).ready)
        assert "live sources" in str(screen_of(pilot).query_one(SearchOptions).render())
        await ask(pilot)
        assert library.search(1).settings["sources"] == ["auto"]
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("down", "enter")
        assert "sample" in str(screen_of(pilot).query_one(SearchOptions).render())
        await ask(pilot)
        assert library.search(2).settings["sources"] == ["corpus"]


async def test_no_network_is_said_before_and_after(app_for: Callable[..., PasaApp]) -> None:
    app = app_for(Script(notice=("No network: none can be reached.", "Try again later.")), sources="auto", online=False)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = screen_of(pilot)
        await until(pilot, lambda: "no network: sample" in str(screen.query_one(StatusLine).render()))
        await ask(pilot)
        assert "no network: sample" in str(screen.query_one(StatusLine).render())
        log = [str(node.label) for node in screen.query_one(ActionLog).root.children]
        assert "No network: none can be reached. Try again later." in " ".join(" ".join(log).split())
