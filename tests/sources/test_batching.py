import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.errors import SourceError
from pasa_tui.sources.batching import Batcher


class Lookup:
    """Squares even numbers, knows no odd ones, fails for the numbers in `broken`."""

    def __init__(self, broken: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[int]] = []
        self.broken = broken

    async def __call__(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.batches.append(list(keys))
        await asyncio.sleep(0)
        if self.broken & set(keys):
            raise SourceError("broken")
        return {key: key * key for key in keys if key % 2 == 0}


async def test_questions_of_the_same_moment_are_one_request() -> None:
    lookup = Lookup()
    batcher = Batcher(lookup, size=100)
    answers = await asyncio.gather(*(batcher.get([number, 2, 4]) for number in range(10)))
    assert len(lookup.batches) == 1 and answers[6] == {6: 36, 2: 4, 4: 16} and answers[7] == {2: 4, 4: 16}
    assert await batcher.get([8]) == {8: 64} and len(lookup.batches) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=8), st.integers(1, 10))
def test_every_key_is_asked_once_in_batches_of_the_size(asked: list[list[int]], size: int) -> None:
    async def run() -> None:
        lookup = Lookup()
        batcher = Batcher(lookup, size=size, window=0.001)
        answers = await asyncio.gather(*(batcher.get(keys) for keys in asked))
        for keys, answer in zip(asked, answers, strict=True):
            assert answer == {key: key * key for key in keys if key % 2 == 0}
        sent = [key for batch in lookup.batches for key in batch]
        assert sorted(sent) == sorted({key for keys in asked for key in keys})
        assert all(len(batch) <= size for batch in lookup.batches)

    asyncio.run(run())


async def test_a_failed_batch_fails_those_who_have_nothing_else() -> None:
    batcher = Batcher(Lookup(frozenset({1})), size=1)
    with pytest.raises(SourceError):
        await batcher.get([1])
    assert await batcher.get([1, 2]) == {2: 4}


async def test_a_defect_reaches_who_asked() -> None:
    async def look_up(keys: Sequence[int]) -> Mapping[int, int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Batcher(look_up, size=5).get([1])


async def test_one_who_is_cancelled_takes_nothing_from_the_others() -> None:
    lookup = Lookup()
    batcher = Batcher(lookup, size=10)
    first = asyncio.create_task(batcher.get([2]))
    second = asyncio.create_task(batcher.get([2, 4]))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {2: 4, 4: 16} and len(lookup.batches) == 1


async def test_a_batch_waits_for_those_still_at_work() -> None:
    lookup, busy, looks = Lookup(), True, asyncio.Semaphore(0)

    def is_busy() -> bool:
        looks.release()
        return busy

    batcher = Batcher(lookup, size=10, window=0.001, is_busy=is_busy)
    first = asyncio.create_task(batcher.get([2]))
    for _ in range(3):
        await looks.acquire()
    assert lookup.batches == []
    second = asyncio.create_task(batcher.get([4]))
    busy = False
    assert await asyncio.gather(first, second) == [{2: 4}, {4: 16}]
    assert lookup.batches == [[2, 4]]


async def test_close_cancels_what_is_under_way() -> None:
    begun = asyncio.Event()

    async def look_up(keys: Sequence[int]) -> Mapping[int, int]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    batcher = Batcher(look_up, size=1)
    asking = asyncio.create_task(batcher.get([1]))
    await begun.wait()
    await batcher.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
