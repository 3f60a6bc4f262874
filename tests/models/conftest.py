"""The hub that models are fetched from, and no settings of the machine's own."""

import json
from collections.abc import Iterator

import pytest

from tests.models.fetched import CRAWLER, PROMPTS, SELECTOR, model_files
from tests.models.hub_server import HubServer


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[HubServer]:
    server = HubServer()
    server.repositories = {CRAWLER: model_files(1), SELECTOR: model_files(2), "lab/small": model_files(3)}
    server.raw["/bytedance/pasa/main/agent_prompt.json"] = json.dumps(PROMPTS).encode()
    yield server
    server.close()
