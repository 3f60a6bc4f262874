"""One world and one SFT policy for all tests of training."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

pytest.importorskip("torch")
pytest.importorskip("accelerate")

from pasa_tui.assembly.places import Place, one_corpus
from pasa_tui.config import Paths
from tests.training import world as world_module
from tests.training.world import build_world, make_policy


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return build_world(tmp_path_factory.mktemp("world") / "home")


@pytest.fixture(scope="session")
def policy(pytestconfig: pytest.Config) -> Path:
    # Made once by the first worker that asks, and kept for as long as what it is made by stays the same.
    import torch

    from tests import tiny

    made_by = b"".join(Path(str(module.__file__)).read_bytes() for module in (tiny, world_module))
    digest = hashlib.sha256(made_by + torch.__version__.encode()).hexdigest()[:16]
    folder = Path(pytestconfig.cache.mkdir("tiny-models")) / f"sft-policy-{digest}"
    with FileLock(f"{folder}.lock"):
        return folder if (folder / "model.safetensors").exists() else make_policy(folder)


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
