"""Whole searches over the loopback services, with every fault."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.assembly import AgentAssembly, SearchRequest, any_reachable
from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings, Settings
from pasa_tui.errors import ConfigError, SourceError
from pasa_tui.events import ActionFailed, Event, PaperFound, RequestsCounted, SearchState, SourceTroubled, Warned
from pasa_tui.library import Library
from pasa_tui.papers import Query
from pasa_tui.session import Session
from tests.services.server import Fault, Services
from tests.sources.conftest import DEFAULT, everything_below, settings_for

SHALLOW = AgentSettings(expand_layers=1, citing_papers=0, max_seconds=0)
QUESTION = Query("Which papers improve dense retrieval with query expansion?")


@pytest.fixture
def search(services: Services, tmp_path: Path) -> Callable[..., Any]:
    """Run a search to its end over the loopback services: (events, state)."""

    async def run(
        names: tuple[str, ...] = DEFAULT, agent: AgentSettings = SHALLOW, home: str = "home", **changes: object
    ) -> tuple[list[Event], SearchState]:
        paths = Paths.default({"PASA_TUI_HOME": str(tmp_path / home)})
        settings = Settings(agent=agent, sources=settings_for(services, **changes))
        with Library.open(paths.library_file) as library:
            session = Session(library, paths, build_agent=AgentAssembly(settings, library, paced=False))
            running = session.start(SearchRequest(QUESTION, "sample", agent, names))
            events = [event async for event in running.events()]
            assert library.state(running.search_id).papers.keys() == running.state.papers.keys()
            return events, running.state

    return run


async def test_a_search_meets_papers_by_search_and_by_citation(search: Any, services: Services) -> None:
    _, state = await search(agent=AgentSettings(max_seconds=0))
    kinds = {found.provenance.kind for found in state.papers.values()}
    assert state.ending == "done" and {"search", "section"} <= kinds and state.funnel.followed
    assert state.funnel.failures == 0 and not state.troubles
    assert state.funnel.resolved / state.funnel.citations > 0.95
    usage = {source.name: source for source in state.usage}
    assert {name: source.requests for name, source in usage.items()} == {name: services.count(name) for name in DEFAULT}
    assert state.funnel.requests == len(services.requests)
    single = state.funnel.searches + state.funnel.expanded + state.funnel.met
    assert len(services.requests) <= single / 2
    assert services.count("arxiv") - services.count("arxiv", "search") <= state.funnel.met / 100 + 1
    assert usage["openalex"].left.endswith("credits left today")


async def test_the_second_search_is_answered_from_the_cache(search: Any, services: Services) -> None:
    _, first = await search()
    before = len(services.requests)
    _, second = await search()
    assert second.papers.keys() == first.papers.keys()
    assert len(services.requests) - before < before / 10


@pytest.mark.parametrize("kind", ["500", "503", "429", "cut", "reset", "half-json", "html"])
async def test_with_every_third_request_failing_all_papers_are_found(
    search: Any, services: Services, kind: str
) -> None:
    _, whole = await search(home="whole")
    services.faults = [Fault(kind, every=3, retry_after=None)] if kind == "429" else [Fault(kind, every=3)]
    events, state = await search(home="faulty")
    assert state.ending == "done"
    lost = whole.papers.keys() - state.papers.keys()
    # A request may fail with all its retries; then something is lost, and the log says so.
    told = any(isinstance(event, ActionFailed | SourceTroubled) for event in events)
    assert not lost or told
    assert len(lost) <= len(whole.papers) / 10
    assert sum(source.retried for source in state.usage) > 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault("429", "semantic-scholar", retry_after="86400"),
        Fault("html", "openalex"),
        Fault("charset", "semantic-scholar", declared="x-unheard-of"),
        Fault("charset", "openalex"),
        Fault("huge", "ar5iv", megabytes=40),
        Fault("redirect", "arxiv", location="http://localhost:1/elsewhere"),
        Fault("entity-bomb", "arxiv"),
        Fault("unauthorized", "semantic-scholar"),
        Fault("500", "arxiv"),
    ],
    ids=lambda fault: f"{fault.service} {fault.kind}",
)
async def test_one_source_out_of_order_stops_no_search(search: Any, services: Services, fault: Fault) -> None:
    services.faults = [fault]
    events, state = await search()
    assert state.ending == "done" and len(state.papers) > 30
    failed = {event.source for event in events if isinstance(event, ActionFailed)}
    troubled = {trouble.source for trouble in state.troubles} | failed
    assert troubled <= {fault.service}
    if fault.kind != "charset":
        assert troubled == {fault.service}


async def test_a_slow_drip_is_given_up_and_the_others_go_on(
    search: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pasa_tui.sources import fulltext

    real = fulltext.service
    monkeypatch.setattr(
        fulltext, "service", lambda *args, **options: replace(real(*args, **options), attempt_seconds=0.2)
    )
    services.faults = [Fault("drip", "ar5iv", seconds=0.05)]
    _, state = await search(agent=replace(SHALLOW, search_papers=2, search_queries=1))
    assert state.ending == "done" and state.funnel.resolved > 0
    assert any("No complete answer" in trouble.message for trouble in state.troubles)


async def test_everything_out_of_order_is_a_failed_search(search: Any, services: Services) -> None:
    services.faults = [Fault("500")]
    events, state = await search()
    assert state.ending == "failed" and state.funnel.failures
    assert any(isinstance(event, ActionFailed) for event in events)


async def test_when_the_network_goes_the_search_ends_soon_and_can_be_resumed(
    services: Services, tmp_path: Path
) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    settings = Settings(agent=SHALLOW, sources=settings_for(services, cache_megabytes=0))
    with Library.open(paths.library_file) as library:
        session = Session(library, paths, build_agent=AgentAssembly(settings, library, paced=False))
        running = session.start(SearchRequest(QUESTION, "sample", SHALLOW, DEFAULT))
        async with asyncio.timeout(20):
            async for event in running.events():
                if isinstance(event, PaperFound) and services.is_serving:
                    await services.stop_serving()
        assert running.state.ending == "failed" and "resume" in running.state.message
        assert len(running.state.papers) > 0
        await services.serve_again()
        resumed = session.resume(running.search_id)
        async for _ in resumed.events():
            pass
    assert resumed.state.ending == "done" and len(resumed.state.papers) > len(running.state.papers)
    assert not [warning for warning in resumed.state.warnings if warning.stage == "failures"]


async def test_a_deadline_holds_whatever_hangs(search: Any, services: Services) -> None:
    services.faults = [Fault("latency", seconds=3600)]
    async with asyncio.timeout(20):
        _, state = await search(agent=replace(SHALLOW, max_seconds=0.5))
    assert state.ending == "budget"


async def test_requests_are_told_as_they_are_made(search: Any) -> None:
    events, state = await search(agent=replace(SHALLOW, max_requests=12))
    counted = [event for event in events if isinstance(event, RequestsCounted)]
    totals = [sum(source.requests for source in event.sources) for event in counted]
    assert totals == sorted(totals) and len(totals) > 1
    assert state.ending == "budget" and "max_requests" in state.message


async def test_a_source_has_a_budget_of_its_own(search: Any, services: Services) -> None:
    _, state = await search(max_requests_per_source=3)
    assert state.ending == "done" and services.count("ar5iv") == 3
    assert any("the most for one search" in trouble.message for trouble in state.troubles)


async def test_a_resumed_search_goes_on_counting(services: Services, tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    settings = Settings(agent=SHALLOW, sources=settings_for(services, cache_megabytes=0))
    with Library.open(paths.library_file) as library:
        session = Session(library, paths, build_agent=AgentAssembly(settings, library, paced=False))
        running = session.start(SearchRequest(QUESTION, "sample", SHALLOW, DEFAULT))
        events = running.events()
        async for event in events:
            if isinstance(event, RequestsCounted) and sum(source.requests for source in event.sources) > 8:
                break
        await events.aclose()
        before = sum(source.requests for source in running.state.usage)
        resumed = session.resume(running.search_id)
        async for _ in resumed.events():
            pass
    assert resumed.state.ending == "done"
    assert sum(source.requests for source in resumed.state.usage) > before


async def test_without_a_network_the_corpora_are_searched(services: Services, tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    with Library.open(paths.library_file) as library:
        build = AgentAssembly(
            Settings(sources=settings_for(services)), library, is_online=lambda addresses: not addresses
        )
        running = Session(library, paths, build_agent=build).start(
            SearchRequest(QUESTION, "sample", SHALLOW, ("auto",))
        )
        events = [event async for event in running.events()]
    notice = next(event for event in events if isinstance(event, Warned))
    assert notice.stage == "network" and "sample" in notice.message and "Resume" in notice.hint
    assert running.state.ending == "done" and running.state.papers and running.state.sources == ("sample",)
    assert services.requests == []


async def test_sources_that_were_named_are_not_replaced_by_a_corpus(services: Services, tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    settings, asked = Settings(sources=settings_for(services)), []

    def is_online(addresses: Sequence[str]) -> bool:
        asked.append(list(addresses))
        return False

    with Library.open(paths.library_file) as library:
        build = AgentAssembly(settings, library, is_online=is_online, falls_back=False)
        with pytest.raises(SourceError, match="None of the sources can be reached: arxiv, openalex"):
            Session(library, paths, build_agent=build).start(SearchRequest(QUESTION, sources=("arxiv", "openalex")))
        assert library.searches() == [] and asked == [[services.urls["arxiv"], services.urls["openalex"]]]


async def test_a_source_without_its_key_is_refused_before_anything_is_kept(services: Services, tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    with Library.open(paths.library_file) as library:
        build = AgentAssembly(Settings(sources=settings_for(services)), library)
        with pytest.raises(ConfigError, match="needs a key"):
            Session(library, paths, build_agent=build).start(SearchRequest(QUESTION, sources=("serper",)))
        assert library.searches() == []


async def test_the_key_is_in_no_event_no_library_no_cache(
    search: Any, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "k3y-0f-somebody"
    for name in ("SERPER_API_KEY", "SEMANTIC_SCHOLAR_API_KEY", "OPENALEX_API_KEY"):
        monkeypatch.setenv(name, secret)
    services.keys = {"serper": secret, "semantic-scholar": secret, "openalex": secret}
    services.faults = [Fault("500", every=5)]
    events, state = await search(names=("auto",))
    assert state.ending == "done" and services.count("serper") > 0
    assert secret not in repr(events)
    assert secret.encode() not in everything_below(tmp_path)


def test_a_network_is_one_host_that_takes_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", dict)
    assert not any_reachable(["http://127.0.0.1:9", "http://host.invalid"])
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://proxy:3128"})
    assert any_reachable(["http://127.0.0.1:9"])


async def test_a_server_on_this_machine_is_a_network(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", dict)
    assert await asyncio.to_thread(any_reachable, ["http://127.0.0.1:9", services.urls["arxiv"]])
