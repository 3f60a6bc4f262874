import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pasa_tui.cli.context import Context
from pasa_tui.config import Paths
from pasa_tui.library import Library
from tests.models.engines.openai_script import WordModel
from tests.models.engines.openai_server import Fault, ModelServer
from tests.models.model_thread import serving

Invoke = Callable[..., Result]
QUESTION = "dense retrieval without labelled data, no surveys"


@pytest.fixture(scope="module")
def _served() -> Iterator[ModelServer]:
    words = WordModel()
    made = ModelServer(model="words", answer=words.answer, probabilities=words.probabilities)
    with serving(made) as server:
        yield server


@pytest.fixture
def server(_served: ModelServer) -> ModelServer:
    _served.requests.clear()
    _served.faults.clear()
    return _served


@pytest.fixture
def profiles(paths: Paths, server: ModelServer) -> Path:
    """Settings with a free and a paid profile on the server."""
    paths.config_dir.mkdir(parents=True)
    url = f'url = "{server.url}"\nmodel = "words"\n'
    text = f"# kept\n[profiles.free]\n{url}\n[profiles.paid]\n{url}price_in = 0.5\nprice_out = 1.5\n"
    paths.config_file.write_text(text, encoding="utf-8")
    return paths.config_file


def test_models_are_listed_with_what_they_need(invoke: Invoke, profiles: Path) -> None:
    rows = {row["name"]: row for row in json.loads(invoke("models", "list", "--format", "json").stdout)}
    assert list(rows) == ["builtin", "pasa-7b", "free", "paid"]
    assert rows["builtin"]["default"] and not rows["free"]["default"]
    assert rows["pasa-7b"]["status"] == "not fetched" and rows["paid"]["paid"]
    assert "* builtin" in invoke("models", "list").stdout


def test_the_default_is_changed_and_the_rest_of_the_file_stays(invoke: Invoke, profiles: Path) -> None:
    before = profiles.read_text(encoding="utf-8")
    assert invoke("models", "set-default", "free").exit_code == 0
    after = profiles.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip()) and 'default = "free"' in after
    assert "* free" in invoke("models", "list").stdout
    done = invoke("models", "set-default", "nope")
    assert done.exit_code != 0 and profiles.read_text(encoding="utf-8") == after


def test_a_check_says_what_a_model_is_good_for_and_keeps_its_speed(
    invoke: Invoke, profiles: Path, paths: Paths, server: ModelServer
) -> None:
    done = invoke("models", "check", "free", "--format", "json")
    report = json.loads(done.stdout)
    assert done.exit_code == 0 and report["ok"] and report["meets"] > report["misses"]
    assert report["searches"] and report["papers"] > 0
    assert "free" in json.loads(paths.speeds_file.read_text(encoding="utf-8"))


def test_a_check_of_nothing(invoke: Invoke) -> None:
    assert "nothing to check" in invoke("models", "check").stdout


def test_a_search_by_a_model_says_before_what_it_takes_and_after_what_it_took(
    invoke: Invoke, profiles: Path, paths: Paths
) -> None:
    done = invoke("search", QUESTION, "--model", "paid", "--max-cost", "0.5", "--format", "json")
    assert done.exit_code == 0, done.output
    assert "paid: about" in done.stderr and "at most $0.5" in done.stderr
    assert "criteria: about dense retrieval" in done.stderr
    papers = json.loads(done.stdout)["papers"]
    best = papers[0]
    assert best["score"] > 0.5 and best["criteria"][0]["level"] == "yes" and best["criteria"][0]["found"]
    with Library.open(paths.library_file) as library:
        row, state = library.search(1), library.state(1)
    record = row.settings["models"]
    assert (record["profile"], record["selector"], record["prompts"]) == ("paid", "words", "general")
    assert state.model == "paid" and state.prompts == record["prompts_digest"] and len(state.prompts) == 12
    assert state.models[0].scored == state.funnel.judged and 0 < state.models[0].cost < 0.5
    assert row.settings["agent"]["max_cost"] == 0.5
    (told,) = json.loads(invoke("history", "--format", "json").stdout)
    assert told["model"] == record


def test_the_limit_of_cost_is_kept_and_can_be_raised(invoke: Invoke, profiles: Path, paths: Paths) -> None:
    done = invoke("search", QUESTION, "--model", "paid", "--max-cost", "0.002", "--quiet")
    assert done.exit_code == 0 and "agent.max_cost" in done.stderr
    with Library.open(paths.library_file) as library:
        first = library.state(1)
    assert first.ending == "budget" and first.models[0].cost <= 0.002
    again = invoke("resume", "1", "--max-cost", "1")
    assert again.exit_code == 0, again.output
    with Library.open(paths.library_file) as library:
        state = library.state(1)
    assert state.ending == "done" and first.models[0].cost < state.models[0].cost < 1
    assert state.funnel.judged > first.funnel.judged


def test_an_iterative_planner_and_an_ensemble(invoke: Invoke, profiles: Path, server: ModelServer) -> None:
    done = invoke("search", QUESTION, "--model", "free", "--planner", "iterative")
    assert done.exit_code == 0 and "turn 1: " in done.stderr
    server.requests.clear()
    done = invoke("search", QUESTION, "--model", "free", "--ensemble", "2")
    plans = [body for body in server.asked() if "Write up to five searches" in json.dumps(body)]
    assert [body.get("temperature") for body in plans] in ([0, 1.0], [1.0, 0], [0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--model", "nope"), "no model 'nope'"),
        (("--model", "pasa-7b"), "agent_prompt.json"),
        (("--planner", "iterative"), "--planner iterative"),
        (("--ensemble", "3"), "--ensemble"),
        (("--max-cost", "0"), "max-cost"),
    ],
)
def test_what_a_model_can_not_do_is_one_clear_message(
    invoke: Invoke, profiles: Path, paths: Paths, words: tuple[str, ...], says: str
) -> None:
    from pasa_tui.errors import PasaError

    done = invoke("search", QUESTION, *words)
    assert isinstance(done.exception, PasaError | SystemExit)
    assert says in (str(done.exception) + done.output)


def test_a_server_that_is_gone_ends_the_search_with_what_to_do(
    invoke: Invoke, profiles: Path, server: ModelServer
) -> None:
    server.faults.append(Fault("500", times=99))
    done = invoke("search", QUESTION, "--model", "free")
    assert done.exit_code == 1 and "Traceback" not in done.output


def test_the_doctor_looks_at_the_default_model(invoke: Invoke, profiles: Path, server: ModelServer) -> None:
    assert "model: builtin" in invoke("doctor").stdout
    invoke("models", "set-default", "free")
    done = invoke("doctor")
    assert done.exit_code == 0 and "model: free" in done.stdout and "A search will work." in done.stdout
    server.model = "another"
    done = invoke("doctor", "--format", "json")
    server.model = "words"
    report = json.loads(done.stdout)
    assert done.exit_code == 1 and not report["ok"] and "words" in report["model"]["problem"]


def test_the_pool_is_closed_with_the_command(paths: Paths) -> None:
    context = Context(paths)
    context.close()
    assert "pool" not in vars(context)
    assert context.pool is context.pool
    context.close()
