import asyncio
import multiprocessing
import time
from itertools import pairwise
from pathlib import Path

import pytest

from pasa_tui.errors import SourceError
from pasa_tui.sources.gate import Gate

INTERVAL = 0.05


async def passes(gate: Gate, times: int) -> list[float]:
    begun: list[float] = []

    async def one() -> None:
        async with gate.passage(30):
            begun.append(time.time())

    await asyncio.gather(*(one() for _ in range(times)))
    return sorted(begun)


def gaps(begun: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(begun)]


async def test_requests_keep_their_distance() -> None:
    begun = await passes(Gate(interval=INTERVAL, connections=4), 5)
    assert min(gaps(begun)) >= INTERVAL * 0.9


async def test_without_an_interval_nothing_waits_but_for_a_slot() -> None:
    gate = Gate(interval=0.0, connections=1)
    async with gate.passage(1):
        with pytest.raises(SourceError, match="no turn"):
            async with gate.passage(0.01):
                raise AssertionError("two at once")


def _in_process(path: Path, queue: "multiprocessing.Queue[list[float]]") -> None:
    queue.put(asyncio.run(passes(Gate(interval=INTERVAL, connections=4, lock_file=path), 4)))


def test_processes_share_a_gate(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_in_process, args=(tmp_path / "gate", queue)) for _ in range(2)]
    for process in processes:
        process.start()
    begun = sorted(queue.get(timeout=60) + queue.get(timeout=60))
    for process in processes:
        process.join()
    assert len(begun) == 8 and min(gaps(begun)) >= INTERVAL * 0.9


async def test_a_damaged_or_absent_lock_file_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("soon")
    assert len(await passes(Gate(interval=INTERVAL, connections=1, lock_file=tmp_path / "gate"), 2)) == 2
    (tmp_path / "future").write_text(repr(time.time() + 1e6))
    assert len(await passes(Gate(interval=INTERVAL, connections=1, lock_file=tmp_path / "future"), 2)) == 2
    assert len(await passes(Gate(interval=INTERVAL, connections=1, lock_file=tmp_path / "gate" / "no"), 2)) == 2
