"""What the tests of fetching share: a hub's models, and looks at what came of them."""

import json
import random
from pathlib import Path

import pytest

from pasa_tui.errors import ModelError
from pasa_tui.models.fetching import FetchPlan, FetchProgress, fetch, plan_fetch
from tests.models.hub_server import HubServer

CRAWLER, SELECTOR = "bytedance-research/pasa-7b-crawler", "bytedance-research/pasa-7b-selector"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
PROMPTS = {
    "generate_query": "Write searches for {user_query}",
    "select_section": "{user_query} {title} {abstract} {sections} which?",
    "get_selected": "{user_query} {title} {abstract} Decision:",
}


def weights(seed: int, size: int = 1_500_000) -> bytes:
    return random.Random(seed).randbytes(size)


def model_files(seed: int) -> dict[str, bytes]:
    index = {"metadata": {}, "weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    return {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "README.md": b"# A model\n",
        "config.json": json.dumps({"model_type": "qwen2", "seed": seed}).encode(),
        "generation_config.json": b"{}",
        "merges.txt": b"#version: 0.2\n",
        SHARDS[0]: weights(seed),
        SHARDS[1]: weights(seed + 100),
        "model.safetensors.index.json": json.dumps(index).encode(),
        "tokenizer.json": b'{"model": "' + b"x" * 5000 + b'"}',
        "vocab.json": b"{}",
    }


TAKEN = sorted(set(model_files(0)) - {".gitattributes", "README.md"})


def planned(server: HubServer, folder: Path, name: str = "lab/small") -> FetchPlan:
    return plan_fetch(name, folder, endpoint=server.url, prompts_at=server.raw_url)


def fetched(plan: FetchPlan) -> list[FetchProgress]:
    told: list[FetchProgress] = []
    fetch(plan, told.append, backoff=0.001)
    return told


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def models_in(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if not Path(name).name.startswith(".")}


def failure(plan: FetchPlan) -> ModelError:
    with pytest.raises(ModelError) as raised:
        fetched(plan)
    assert raised.value.hint
    return raised.value
