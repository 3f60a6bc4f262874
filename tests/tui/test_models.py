"""Choosing a model, and what the screen says of its work."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from textual.widgets import Static

from pasa_tui.assembly import Expectation
from pasa_tui.criteria import Criterion, Verdict
from pasa_tui.library import Library
from pasa_tui.models.engines.protocol import Progress
from pasa_tui.models.protocols import ModelRuntime
from pasa_tui.papers import Query
from pasa_tui.tui.panes.query import QueryEditor, SearchOptions
from pasa_tui.tui.panes.status import StatusLine
from pasa_tui.tui.screens.dialogs import ChoiceDialog, ConfirmDialog
from pasa_tui.usage import ModelUsage
from tests.agent.test_models_in_the_loop import ScriptedAssessor
from tests.tui.conftest import Running, Script, ask, screen_of, until

CHEAP = Expectation("about 310 papers, 420 requests", limit=0.5, is_paid=True, is_slow=False)
DEAR = Expectation("about 310 papers, $4.20", limit=0.0, is_paid=True, is_slow=False)


async def choose_mine(pilot: object) -> None:
    await pilot.press("f9")  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))  # type: ignore[arg-type, attr-defined]
    await pilot.press("home", "down", "enter")  # type: ignore[attr-defined]
    await until(pilot, lambda: screen_of(pilot).query_one(SearchOptions).model == "mine")  # type: ignore[arg-type]


async def test_the_chosen_model_searches_and_is_kept(running: Running, library: Library) -> None:
    async with running(Script(expected=CHEAP)) as pilot:
        await choose_mine(pilot)
        assert "by mine" in str(screen_of(pilot).query_one(SearchOptions).render())
        await ask(pilot)
        # Money with a limit is told and not asked about.
        assert any("about 310 papers" in note.message for note in pilot.app._notifications)
    assert library.search(1).settings["model"] == "mine"


async def test_money_without_a_limit_is_asked_about_first(running: Running, library: Library) -> None:
    async with running(Script(expected=DEAR)) as pilot:
        await choose_mine(pilot)
        screen = screen_of(pilot)
        for key, started in (("n", False), ("y", True)):
            editor = screen.query_one(QueryEditor)
            editor.focus()
            editor.text = "papers on dense retrieval"
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            assert "$4.20" in "".join(str(label.visual) for label in pilot.app.screen.query(Static))
            await pilot.press(key)
            await until(pilot, lambda: pilot.app.screen is screen)
            await pilot.pause()
            assert bool(library.searches()) is started
        await until(pilot, lambda: screen.idle)


async def test_the_screen_says_what_the_model_does(running: Running) -> None:
    release = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def start(tell: Callable[[Progress], None]) -> None:
        loops.append(asyncio.get_running_loop())
        tell(Progress("loading the weights", 0.42))
        await release.wait()

    usage = ModelUsage("words", 2, 30, 4, prompt_tokens=9_000, completion_tokens=700, cost=0.0123)
    runtime = ModelRuntime(start=start, usage=lambda: (usage,), assessor=ScriptedAssessor())
    async with running(Script(runtime=runtime, expected=CHEAP), size=(200, 50)) as pilot:
        await choose_mine(pilot)
        screen = screen_of(pilot)
        status = screen.query_one(StatusLine)
        screen.query_one(QueryEditor).text = "papers on dense retrieval"
        screen.query_one(QueryEditor).focus()
        await pilot.press("enter")
        await until(pilot, lambda: "loading the weights 42%" in str(status.render()))
        loops[0].call_soon_threadsafe(release.set)
        await until(pilot, lambda: screen.state is not None and screen.state.ending is not None)
        await pilot.pause()
        told = str(status.render())
        assert "$0.012" in told and "batches of 7.5" in told and "10k tokens" in told
        await until(pilot, lambda: "What was asked" in str(screen.query_one("#paper-text", Static).visual))
        shown = str(screen.query_one("#paper-text", Static).visual)
        assert "not: is a survey" in shown and "“a quote”" in shown


async def test_a_search_can_be_stopped_while_its_model_loads(running: Running, library: Library) -> None:
    async def start(tell: Callable[[Progress], None]) -> None:
        tell(Progress("loading the weights"))
        with suppress(TimeoutError):
            await asyncio.Event().wait()

    async with running(Script(runtime=ModelRuntime(start=start), expected=CHEAP)) as pilot:
        await choose_mine(pilot)
        screen = screen_of(pilot)
        screen.query_one(QueryEditor).text = "papers on dense retrieval"
        screen.query_one(QueryEditor).focus()
        await pilot.press("enter")
        await until(pilot, lambda: "loading the weights" in str(screen.query_one(StatusLine).render()))
        screen.action_stop()
        await until(pilot, lambda: screen.idle)
    assert library.search(1).status == "cancelled"


def test_verdicts_and_criteria_are_values(library: Library) -> None:
    """What the screen shows of a past search is read from the library as it was."""
    from pasa_tui.events import PaperAssessed, PaperFound, QuestionSplit, SearchStarted
    from pasa_tui.papers import Provenance
    from tests.helpers import paper

    criterion, verdict = Criterion("is new", 0.5, "exclusion"), Verdict("is new", "mostly", "“q”", True)
    search_id = library.create_search(Query("x y"), {})
    library.record(
        search_id,
        [
            SearchStarted(query="x y", model="mine", prompts="abc"),
            QuestionSplit(criteria=(criterion,)),
            PaperFound(paper=paper(1), provenance=Provenance("search", "a"), depth=0, action=1),
            PaperAssessed(paper_id=paper(1).id, verdicts=(verdict,)),
        ],
    )
    state = library.state(search_id)
    assert state.criteria == (criterion,) and state.papers[paper(1).id].verdicts == (verdict,)
    assert (state.model, state.prompts) == ("mine", "abc")
