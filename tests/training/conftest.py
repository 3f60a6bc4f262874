"""One world and one SFT policy for all tests of training."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("accelerate")

from pasa_tui.assembly.places import Place, one_corpus
from pasa_tui.config import Paths
from tests.training.world import build_world, make_policy


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return build_world(tmp_path_factory.mktemp("world") / "home")


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_policy(tmp_path_factory.mktemp("policy") / "policy")


@pytest.fixture
def place(world: Paths) -> Iterator[Place]:
    found = one_corpus("world", world)
    yield found
    asyncio.run(found.close_connections())
    found.close()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    # On so small tensors, and beside other tests, threads wait for each other many times longer than they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
