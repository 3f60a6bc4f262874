import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from click.testing import Result
from keyring.backends import fail

from pasa_tui.errors import SecretError
from tests.services.literature import Literature
from tests.services.server import Fault, Services

Invoke = Callable[..., Result]


@pytest.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Services, None]:
    async with Services(Literature.invent(60)) as services:
        monkeypatch.setenv("PASA_TUI_SEARCH__SOURCES", "auto")
        for name, url in services.urls.items():
            monkeypatch.setenv(f"PASA_TUI_SOURCES__{name.replace('-', '_').upper()}_URL", url)
        yield services


@pytest.fixture
def doctor(invoke: Invoke) -> Callable[..., object]:
    """Run the command in a thread: the services answer in this test's event loop."""
    import asyncio

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(invoke, "doctor", *words)

    return run


async def test_all_is_well(services: Services, doctor: Callable[..., object]) -> None:
    done = await doctor()  # type: ignore[misc]
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[-1] == "A search will work."
    assert [line.split()[:2] for line in lines if line.startswith("ok ")] == [
        ["ok", name] for name in ("arxiv", "ar5iv", "arxiv-html", "semantic-scholar", "openalex")
    ]
    assert "credits left today" in done.stdout and "corpora: sample" in done.stdout
    assert "pasa-tui config set-key serper" in done.stdout
    assert services.openalex.spent == 1


async def test_keys_are_tried(
    services: Services, doctor: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.keys = {"serper": "right", "semantic-scholar": "right"}
    monkeypatch.setenv("SERPER_API_KEY", "right")
    monkeypatch.setenv("S2_API_KEY", "wrong-s3cret")
    done = await doctor("--format", "json")  # type: ignore[misc]
    checks = {check["name"]: check for check in json.loads(done.stdout)["sources"]}
    assert checks["serper"]["ok"] and checks["serper"]["key"] == "set"
    assert not checks["semantic-scholar"]["ok"] and "not accepted" in checks["semantic-scholar"]["said"]
    assert "wrong-s3cret" not in done.output


async def test_one_source_down_is_not_the_end_all_down_is(services: Services, doctor: Callable[..., object]) -> None:
    services.faults = [Fault("500", "arxiv")]
    assert (await doctor()).exit_code == 0  # type: ignore[misc]
    services.faults = [Fault("500")]
    done = await doctor()  # type: ignore[misc]
    assert done.exit_code == 1 and "can't work now" in done.stdout and "takes the corpora instead" in done.stdout


def test_the_corpus_alone_needs_no_source(invoke: Invoke) -> None:
    done = invoke("doctor")
    assert done.exit_code == 0 and "A search will work." in done.stdout
    done = invoke("doctor", "--sources", "nonsense")
    assert done.exit_code == 1 or done.exception is not None


def test_an_embedding_model_that_is_not_there_is_told_of(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PASA_TUI_MODELS__EMBEDDINGS", str(tmp_path))
    done = invoke("doctor", "--sources", "corpus")
    assert done.exit_code == 1
    assert "holds no embedding model" in done.stdout
    assert "A search would work without it: take models.embeddings out of the settings." in done.stdout


def test_set_key_asks_for_it_and_keeps_it_from_sight(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, str] = {}
    monkeypatch.setattr("pasa_tui.config.secrets.store_key", kept.__setitem__)
    done = invoke("config", "set-key", "serper", text="s3cret\n")
    assert done.exit_code == 0 and kept == {"serper": "s3cret\n"} and "s3cret" not in done.output


def test_set_key_asks_for_nothing_where_it_cannot_be_kept(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    done = invoke("config", "set-key", "serper", text="s3cret\n")
    assert isinstance(done.exception, SecretError) and "SERPER_API_KEY" in done.exception.hint
    assert isinstance(invoke("config", "set-key", "scopus").exception, SecretError)
