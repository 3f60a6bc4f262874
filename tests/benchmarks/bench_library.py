"""A large library: 100,000 papers and 2,000 searches, one of them of 5,000 papers.

    python -m tests.benchmarks.bench_library [--home FOLDER]

`--home` keeps the library for the next run. Goals (issue 6): start within 1.2x of an empty library; history search p95
under 30 ms; a search of 5,000 papers shows its first screen under 150 ms; typing a filter and scrolling in it p95 under
50 ms while papers stream in; memory under 300 MB.
"""

import argparse
import asyncio
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from textual.events import Key

from pasa_tui.cli.application import settle_memory
from pasa_tui.config import Paths
from pasa_tui.config.settings import SearchSettings, Settings
from pasa_tui.events import Event, PaperFound, PaperJudged, SearchEnded, SearchFinished, SearchPlanned, SearchStarted
from pasa_tui.library import Library
from pasa_tui.papers import Paper, Provenance, Query
from pasa_tui.session import Session
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.panes.results import ResultsList
from pasa_tui.tui.screens.choosing import Choices
from tests.benchmarks.bench_screen import _OURS

PAPERS, SEARCHES, LARGE = 100_000, 2_000, 5_000
TYPED = ("dense retrieval", "agents that plan", "bala reno", "neural ranking of")


# The same, until the past searches are shown.
_OPEN = _OURS.replace("on_mount", "session_opened").replace("(self)", "(self, session)")
# Events a second of a search that runs while the user types; the builtin agent makes about as many.
EVENTS_A_SECOND = 500


class Streaming:
    """A search without end: papers that are met, met again and judged."""

    search_id = 1
    brought = ()

    async def events(self) -> AsyncGenerator[Event, None]:
        pick, number = random.Random(1), 0
        while True:
            number += 1
            paper = Paper(f"Streamed paper {number}", "dense words " * 70, arxiv_id=f"2401.{number:05}")
            yield _found(paper, number)
            yield PaperJudged(paper_id=paper.id, score=pick.random(), selected=False, reason="title: words")
            await asyncio.sleep(2 / EVENTS_A_SECOND)


def build(paths: Paths) -> None:
    """Fill the library; takes a minute or two."""
    pick = random.Random(0)
    syllables = [first + vowel for first in "bcdfghklmnprstvw" for vowel in "aeiou"]
    words = ["".join(pick.choices(syllables, k=pick.randint(2, 4))) for _ in range(4_000)]
    words += "dense retrieval neural ranking agents plan that of".split()

    def text(count: int) -> str:
        return " ".join(pick.choices(words, k=count))

    papers = [
        Paper(
            text(12),
            text(150),
            tuple(f"{text(1)} {text(1)}" for _ in range(4)),
            date(2010, 1, 1) + timedelta(days=number // 20),
            arxiv_id=f"{1001 + number // 10_000 * 100:04}.{number % 10_000:05}",
        )
        for number in range(PAPERS)
    ]
    with Library.open(paths.library_file) as library:
        for number in range(SEARCHES):
            found = papers[:LARGE] if number == 0 else pick.sample(papers, 50)
            library.record(library.create_search(Query(text(10)), {"corpus": "sample"}), _events(found, pick))
        # Those that no search found by chance are in one more.
        rest = library.create_search(Query("the rest"), {"corpus": "sample"})
        library.record(rest, [_found(paper, 1) for paper in papers])


def _events(papers: list[Paper], pick: random.Random) -> list[Event]:
    events: list[Event] = [SearchStarted(query="q"), SearchPlanned(action=1, text="q")]
    events += [_found(paper, rank) for rank, paper in enumerate(papers, start=1)]
    for paper in papers:
        score = pick.random()
        events.append(PaperJudged(paper_id=paper.id, score=score, selected=score > 0.9, reason="title: words"))
    return [*events, SearchFinished(action=1, results=len(papers), new=len(papers)), SearchEnded(ending="done")]


def _found(paper: Paper, rank: int) -> PaperFound:
    return PaperFound(paper=paper, provenance=Provenance("search", "q", None, rank), depth=0, action=1)


def tell(name: str, value: float, goal: float, unit: str) -> None:
    print(f"{name}: {value:.4g} {unit} (goal < {goal:g} {unit}){'' if value < goal else '  MISSED'}", flush=True)


def p95(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(0.95 * (len(seconds) - 1))]


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def start(home: str, code: str) -> float:
    environ = {**os.environ, "PASA_TUI_HOME": home, "TERM": "xterm-256color"}
    command = [sys.executable, "-c", code, str(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    return float(done.stderr.strip().splitlines()[-1])


async def screen(paths: Paths) -> tuple[float, list[float], list[float]]:
    """Seconds until the large search shows its first rows, of each letter of a filter, and of each line scrolled."""
    with Library.open(paths.library_file) as library:
        session = Session(library, paths)

        def open_session() -> Session:
            settle_memory()
            return session

        settings = Settings(search=SearchSettings(sources="corpus"))
        app = PasaApp(paths=paths, settings=settings, open_session=open_session, choices=Choices(list))
        async with app.run_test(size=(120, 36)) as pilot:
            while not app.search_screen.ready:
                await pilot.pause()
            await pilot.pause()
            results = app.search_screen.query_one(ResultsList)

            async def until(condition: Callable[[], bool]) -> float:
                began = time.perf_counter()
                while not condition():  # noqa: ASYNC110
                    # Not without a pause, which would take the interpreter from the thread that reads.
                    await asyncio.sleep(0.001)
                drawn = asyncio.Event()
                app.call_after_refresh(drawn.set)
                await drawn.wait()
                return time.perf_counter() - began

            app.search_screen.open_search(1)
            opened = await until(lambda: results.cursor is not None)
            await until(lambda: app.search_screen.state is not None)
            view = app.search_screen._view
            assert view is not None
            app.search_screen._runs.begin(view, Streaming)
            results.focus()
            typing = []
            for words in TYPED:
                results.action_filter()
                for letter in words:
                    wanted = results.filter_text + letter
                    app.post_message(Key(letter if letter != " " else "space", letter))
                    typing.append(await until(lambda wanted=wanted: results.filter_text == wanted))  # type: ignore[misc]
                results.clear_filter()
                await pilot.pause()
            scrolling = []
            for _ in range(60):
                before = results.cursor
                app.post_message(Key("j", "j"))
                scrolling.append(await until(lambda before=before: results.cursor != before))  # type: ignore[misc]
            await app.search_screen.stop_and_wait()
            return opened, typing, scrolling


@contextmanager
def homes(kept: Path | None) -> Iterator[tuple[Paths, str]]:
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as passing:
        paths = Paths.default({"PASA_TUI_HOME": str(kept or passing)})
        if not paths.library_file.exists():
            build(paths)
        yield paths, empty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    with homes(parser.parse_args().home) as (paths, empty):
        for name, code in (("first frame", _OURS), ("library open", _OPEN)):
            pairs = [(start(str(paths.data_dir.parent), code), start(empty, code)) for _ in range(7)]
            ratio = statistics.median(a / b for a, b in pairs)
            tell(f"start until {name}, against an empty library", ratio, 1.2, "x")
        with Library.open(paths.library_file) as library:
            stats = library.stats()
            print(f"{stats.papers:,} papers, {stats.searches:,} searches, {stats.bytes / 1e6:.0f} MB")
            begun = [text[:end] for text in TYPED for end in range(1, len(text) + 1)]
            tell("history, searches", p95([timed(partial(library.searches, it)) for it in begun]), 30, "ms")
            tell("history, papers", p95([timed(partial(library.find_papers, it)) for it in begun]), 30, "ms")
        opened, typing, scrolling = asyncio.run(screen(paths))
        tell("opening 5,000 papers", 1000 * opened, 150, "ms")
        tell("typing a filter over them", p95(typing), 50, "ms")
        tell("scrolling in them", p95(scrolling), 50, "ms")
        tell("memory at its highest", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 300, "MB")


if __name__ == "__main__":
    main()
