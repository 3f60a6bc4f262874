"""The application over a real session and library; only the agent is scripted."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from pasa_tui.assembly import Expectation
from pasa_tui.config import Paths
from pasa_tui.config.settings import InterfaceSettings, SearchSettings, Settings
from pasa_tui.errors import CorpusError
from pasa_tui.library import Library
from pasa_tui.models.protocols import ModelRuntime
from pasa_tui.papers import Paper
from pasa_tui.session import Agent, SearchRequest, Session
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.query import QueryEditor
from pasa_tui.tui.screens.choosing import Choices
from pasa_tui.tui.screens.search import SearchScreen
from tests.helpers import ScriptedCrawler, ScriptedSelector, World, paper

HOSTILE = Paper(
    "[red]Not red[/red] \\[b] $(rm) 注意力机制 e\u0301 👩\u200d🔬",
    "[link=https://x]An abstract[/link] with [bold]brackets[/] about retrieval.",
    authors=tuple(f"[b]Author[/b] {number}" for number in range(5_000)),
    arxiv_id="2002.00001",
)


@dataclass
class Script:
    """What the agent of a test finds, and whether its reader waits until `released` is set."""

    papers: tuple[Paper, ...] = (
        paper(1, title="Dense retrieval with few labels", authors=("Ada Lovelace", "Bo Beta"), venue="ICLR 2020"),
        paper(2, title="Sparse retrieval for long questions", abstract_kind="summary"),
        HOSTILE,
    )
    cited: tuple[Paper, ...] = (paper(11, title="Retrieval cited by the first"), paper(12, title="Off topic"))
    scores: tuple[float, ...] = (0.93, 0.61, 0.55)
    hanging: bool = False
    broken: frozenset[str] = frozenset()
    notice: tuple[str, str] = ("", "")
    runtime: ModelRuntime = field(default_factory=ModelRuntime)
    expected: Expectation | None = None

    def expect(self, request: SearchRequest, library: Library) -> Expectation | None:
        return self.expected if request.model != "builtin" else None

    def agent(self, request: SearchRequest, paths: Paths) -> Agent:
        if request.corpus == "nowhere":
            raise CorpusError("No corpus is named nowhere.", "Known: sample.")
        world: World = _Hanging() if self.hanging else World()
        world = replace(
            world,
            results={"first search": self.papers, "second search": self.papers[:1]},
            sections={best.id: {"Related Work": self.cited, "skip this": self.cited} for best in self.papers[:1]},
            broken=self.broken,
            name="sample",
        )
        table = {found.id: score for found, score in zip(self.papers, self.scores, strict=False)}
        crawler = ScriptedCrawler([["first search", "second search"]])
        selector = ScriptedSelector({**table, self.cited[0].id: 0.7})
        return Agent((crawler,), selector, world.sources(), lambda: None, notice=self.notice, runtime=self.runtime)


class _Hanging(World):
    async def read(self, paper: Any) -> Any:
        await asyncio.Event().wait()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.default({"PASA_TUI_HOME": str(tmp_path / "home")})


@pytest.fixture
def library(paths: Paths) -> Iterator[Library]:
    with Library.open(paths.library_file) as library:
        yield library


Running = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def app_for(paths: Paths, library: Library) -> Callable[..., PasaApp]:
    """Make an application over a script; `theme` and `corpora` as in the settings and the corpus dialog."""

    def make(
        script: Script | None = None, theme: str = "pasa-night", sources: str = "corpus", online: bool = True
    ) -> PasaApp:
        build = (script or Script()).agent
        return PasaApp(
            paths=paths,
            settings=Settings(search=SearchSettings(sources=sources), interface=InterfaceSettings(theme=theme)),
            open_session=lambda: Session(library, paths, build_agent=build),
            choices=Choices(
                corpora=lambda: [("sample", "803 papers"), ("nowhere", "gone")],
                models=lambda: [("builtin", "needs no language model"), ("mine", "qwen3:8b, localhost:11434")],
                expect=(script or Script()).expect,
            ),
            is_online=lambda: online,
        )

    return make


@pytest.fixture
def running(app_for: Callable[..., PasaApp]) -> Running:
    """Run an application under the Pilot, with its library open."""

    @asynccontextmanager
    async def run(script: Script | None = None, size: tuple[int, int] = (120, 36)) -> AsyncGenerator[Pilot[None], None]:
        app = app_for(script)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: screen_of(pilot).ready)
            yield pilot

    return run


def screen_of(pilot: Pilot[None]) -> SearchScreen:
    app = pilot.app
    assert isinstance(app, PasaApp)
    return app.search_screen


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the application work until the condition holds; fail after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await pilot.pause()


async def ask(pilot: Pilot[None], question: str = "papers on dense retrieval") -> None:
    """Put a question into the editor, search, and wait for the end."""
    screen = screen_of(pilot)
    editor = screen.query_one(QueryEditor)
    editor.focus()
    editor.text = question
    await pilot.press("enter")
    await until(pilot, lambda: screen.idle and screen.state is not None and screen.state.ending is not None)
    await pilot.pause()
