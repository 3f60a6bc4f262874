"""A whole search with the builtin agent against loopback servers that answer after fixed times.

    python -m tests.benchmarks.bench_sources [--papers 2000] [--sources arxiv,ar5iv,arxiv-html]

Latencies (issue 3): search 600 ms, arXiv 500 ms, full text 1,200 ms, title match and every other look-up 400 ms.
First without rate limits: seconds against the longest chain of calls that depend on each other (goal 1.3 at most),
and requests against one per search, per opened paper and per paper met (goal 0.5 at most). Then with the limits:
requests to arXiv beside its searches against one per 100 papers met (goal 1 at most).

The chain is what the builtin agent must wait for however much is done at once: its three rounds of searches, then
twice (two layers) a full text and the title match of what it cites, then, of the best, their identity, who cites
them, and the papers cited along.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from pasa_tui.assembly import AgentAssembly, SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings, Settings, SourceSettings
from pasa_tui.events import SearchState
from pasa_tui.library import Library
from pasa_tui.papers import Query
from pasa_tui.session import Session
from tests.services.literature import Literature
from tests.services.server import Services

SEARCH, ARXIV, FULL_TEXT, LOOK_UP = 0.6, 0.5, 1.2, 0.4
ROUNDS, LAYERS, NEIGHBOUR_CALLS = 3, 2, 3
QUESTION = "Which papers improve dense retrieval with query expansion or index compression?"
SOURCES = ("arxiv", "ar5iv", "arxiv-html", "semantic-scholar", "openalex")


@dataclass
class Served:
    """The servers' side: their addresses, and after the end how often each kind of request came."""

    urls: dict[str, str]
    counts: Counter[str]


def serve(pipe: Connection, papers: int) -> None:
    async def run() -> None:
        async with Services(Literature.invent(papers)) as services:
            kinds = ("match", "batch", "references", "citations", "snippets", "work", "ids", "list", "paper")
            services.latency.update(dict.fromkeys(kinds, LOOK_UP))
            services.latency.update({"search": SEARCH, "arxiv": ARXIV, "full text": FULL_TEXT})
            services.latency.update({"arxiv search": ARXIV, "arxiv ids": ARXIV})
            pipe.send(services.urls)
            await asyncio.to_thread(pipe.recv)
            pipe.send(Counter(f"{request.service} {request.kind}" for request in services.requests))

    asyncio.run(run())


@contextmanager
def served(papers: int) -> Iterator[Served]:
    """Servers in a process of their own, so that they take none of the search's time."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs, papers))
    process.start()
    result = Served(ours.recv(), Counter())
    yield result
    ours.send("stop")
    result.counts = ours.recv()
    process.join()


def search(urls: dict[str, str], home: Path, names: tuple[str, ...], *, paced: bool) -> tuple[float, SearchState]:
    paths = Paths.default({"PASA_TUI_HOME": str(home)})
    settings = Settings(
        sources=SourceSettings(**{f"{name.replace('-', '_')}_url": url for name, url in urls.items()}),
        agent=AgentSettings(concurrency=64, max_seconds=0),
    )
    settings = replace(settings, sources=replace(settings.sources, max_requests_per_source=0))
    request = SearchRequest(Query(QUESTION), "sample", settings.agent, names)
    with Library.open(paths.library_file) as library:
        session = Session(library, paths, build_agent=AgentAssembly(settings, library, paced=paced))

        async def follow() -> tuple[float, SearchState]:
            running = session.start(request)
            began = time.perf_counter()
            async for _ in running.events():
                pass
            return time.perf_counter() - began, running.state

        return asyncio.run(follow())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=2_000)
    parser.add_argument("--sources", default=",".join(SOURCES))
    parser.add_argument("--skip-paced", action="store_true")
    arguments = parser.parse_args()
    chain = ROUNDS * SEARCH + LAYERS * (FULL_TEXT + LOOK_UP) + NEIGHBOUR_CALLS * LOOK_UP
    for paced in (False, True)[: 1 if arguments.skip_paced else 2]:
        with tempfile.TemporaryDirectory() as home, served(arguments.papers) as servers:
            seconds, state = search(servers.urls, Path(home), tuple(arguments.sources.split(",")), paced=paced)
        funnel = state.funnel
        requests = sum(servers.counts.values())
        single = funnel.searches + funnel.expanded + funnel.met
        print(f"rate limits {'on' if paced else 'off'}: {state.ending}, {seconds:.2f} s, {funnel.met} papers met,")
        print(f"  {funnel.expanded} opened, {funnel.resolved} of {funnel.citations} citations resolved")
        if not paced:
            print(f"  longest chain of dependent calls {chain:.2f} s: {seconds / chain:.2f} of it (goal 1.3)")
        print(f"  {requests} requests, {requests / single:.2f} of one a paper ({single}) (goal 0.5)")
        ids = servers.counts["arxiv ids"]
        print(f"  arXiv: {servers.counts['arxiv search']} searches, {ids} others,")
        print(f"  {ids / (funnel.met / 100):.2f} a hundred papers met (goal 1)")
        for kind, count in servers.counts.most_common():
            print(f"    {kind:<32}{count:>5}")


if __name__ == "__main__":
    main()
