"""From a profile to a search, with a real tiny model in this process."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from pasa_tui.assembly import AgentAssembly, SearchRequest
from pasa_tui.config import Paths
from pasa_tui.config.profiles import PROMPT_FILE, Profile
from pasa_tui.config.settings import AgentSettings, Settings
from pasa_tui.errors import ConfigError, ModelError
from pasa_tui.events import ModelLoading, SearchState
from pasa_tui.library import Library
from pasa_tui.models.engines.pool import EnginePool
from pasa_tui.models.weights import find_prompts, find_weights
from pasa_tui.papers import Query
from pasa_tui.session import Session
from tests import tiny
from tests.models.scripted import ScriptedEngine

QUERY = Query("papers on dense retrieval")
AGENT = AgentSettings(expand_layers=1, near_papers=0, criteria="off", search_papers=4, schedule="layered")
PROMPTS = {
    "generate_query": "Searches for {user_query}.",
    "select_section": "On {user_query}: {title} {abstract} {sections}",
    "get_selected": "Is this on {user_query}? {title} {abstract}\nDecision:",
    "get_value": "{user_query} {title} {abstract}",
}


@pytest.fixture(scope="session")
def weights(pytestconfig: pytest.Config) -> Path:
    pytest.importorskip("transformers")
    assert pytestconfig.cache is not None
    return tiny.tiny_model_once(Path(pytestconfig.cache.mkdir("tiny-models")))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.default({"PASA_TUI_HOME": str(tmp_path)})


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    made = EnginePool()
    yield made
    await made.close()


def settings(**profiles: Profile) -> Settings:
    return Settings(profiles=profiles)


async def search(assembly: AgentAssembly, paths: Paths, request: SearchRequest) -> tuple[SearchState, int]:
    """The search's state, and how many steps of loading it told."""
    loading = 0
    with Library.open(paths.library_file) as library:
        running = Session(library, paths, build_agent=assembly).start(request)
        async for event in running.events():
            loading += isinstance(event, ModelLoading)
        record = library.search(running.search_id).settings["models"]
        assert record["profile"] == request.model and len(record["prompts_digest"]) == 12
    return running.state, loading


async def test_a_model_in_this_process_is_loaded_once_for_all_searches(
    weights: Path, paths: Paths, pool: EnginePool
) -> None:
    profile = Profile(engine="transformers", model=str(weights), device="cpu")
    assembly = AgentAssembly(settings(tiny=profile), pool=pool)
    request = SearchRequest(QUERY, "sample", AGENT, model="tiny")
    first, told = await search(assembly, paths, request)
    again, told_again = await search(assembly, paths, request)
    assert first.ending == again.ending == "done" and told > 0 and told_again == 0
    assert first.funnel.searches >= 1 and first.funnel.judged == first.funnel.met > 0
    assert {key: found.score for key, found in first.papers.items()} == {
        key: found.score for key, found in again.papers.items()
    }
    assert again.models[0].scored == again.funnel.judged, "counted from the beginning of this search"
    assert 0 < first.models[0].batches <= first.models[0].scored


async def test_both_schedules_meet_the_same_papers(weights: Path, paths: Paths, pool: EnginePool) -> None:
    profile = Profile(engine="transformers", model=str(weights), device="cpu")
    assembly = AgentAssembly(settings(tiny=profile), pool=pool)
    found = []
    for schedule in ("layered", "best-first"):
        agent = replace(AGENT, schedule=schedule)  # type: ignore[arg-type]
        state, _ = await search(assembly, paths, SearchRequest(QUERY, "sample", agent, model="tiny"))
        found.append({key: round(paper.score or 0.0, 4) for key, paper in state.papers.items()})
    assert found[0] == found[1]


async def test_published_prompts_come_from_beside_the_weights(
    weights: Path, paths: Paths, pool: EnginePool, tmp_path: Path
) -> None:
    folder = paths.checkpoints_dir
    folder.mkdir(parents=True)
    for name in ("pasa-7b-crawler", "pasa-7b-selector"):
        (folder / name).symlink_to(weights, target_is_directory=True)
    assembly = AgentAssembly(Settings(profiles={"pasa-7b": _on_cpu()}), pool=pool)
    request = SearchRequest(QUERY, "sample", AGENT, model="pasa-7b")
    with pytest.raises(ModelError, match=PROMPT_FILE):
        assembly(request, paths)
    (folder / PROMPT_FILE).write_text(json.dumps(PROMPTS), encoding="utf-8")
    state, _ = await search(assembly, paths, request)
    assert state.ending == "done" and state.funnel.judged > 0
    with pytest.raises(ConfigError, match="can't plan in turns"):
        assembly(replace(request, settings=replace(AGENT, planner="iterative")), paths)


def _on_cpu() -> Profile:
    return Profile(
        engine="transformers",
        crawler="pasa-7b-crawler",
        selector="pasa-7b-selector",
        prompts="published",
        device="cpu",
    )


def test_weights_are_found_by_path_by_name_and_by_repository(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "config.json").write_text("{}")
    for name in (str(tmp_path / "small"), "small", "lab/small"):
        assert find_weights(name, [tmp_path / "elsewhere", tmp_path]) == tmp_path / "small"
    with pytest.raises(ModelError, match=r"weights of large are not there.*config\.json") as caught:
        find_weights("large", [tmp_path])
    assert "models fetch" in caught.value.hint
    with pytest.raises(ModelError, match=PROMPT_FILE):
        find_prompts([], [tmp_path])


async def test_a_pool_keeps_what_is_wanted_and_closes_the_rest() -> None:
    pool, first, second = EnginePool(), ScriptedEngine(), ScriptedEngine()
    assert pool.take([("a", lambda: first)]) == [first]
    assert pool.take([("a", lambda: second)]) == [first]
    await pool.close_unwanted()
    assert not first.closed
    assert pool.take([("b", lambda: second)]) == [second]
    await pool.close_unwanted()
    assert first.closed == 1 and not second.closed
    await pool.close()
    await pool.close()
    assert second.closed == 1
