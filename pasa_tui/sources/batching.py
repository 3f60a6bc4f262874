"""Many small questions, asked at about the same time by different expansions, put together into few requests."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from pasa_tui.errors import SourceError

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Batcher(Generic[Key, Found]):
    """Collects keys and looks them up at most `size` at a time; each key is asked for once.

    A batch leaves when it is full, or `window` seconds after its first key; those that find `lookup` busy gather until
    it is free, so a slow source gets few large requests. With `is_busy`, a batch that is not full waits on for as long
    as others are at work whose keys may still join it, but no longer than `patience` seconds.
    """

    def __init__(
        self,
        lookup: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]],
        *,
        size: int,
        window: float = 0.03,
        parallel: int = 1,
        is_busy: Callable[[], bool] = lambda: False,
        patience: float = 10.0,
    ) -> None:
        self._lookup = lookup
        self._size = size
        self._window = window
        self._slots = asyncio.Semaphore(parallel)
        self._is_busy = is_busy
        self._patience = patience
        self._known: dict[Key, asyncio.Future[Found | None]] = {}
        self._waiting: list[Key] = []
        self._full = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathering = False

    async def get(self, keys: Sequence[Key]) -> dict[Key, Found]:
        """What is found for `keys`; those not found are left out. A lookup that fails finds nothing for its keys.

        Raises SourceError where the lookups of all of `keys` failed.
        """
        loop = asyncio.get_running_loop()
        for key in keys:
            if key not in self._known:
                self._known[key] = loop.create_future()
                self._waiting.append(key)
        if len(self._waiting) >= self._size:
            self._full.set()
        if self._waiting and not self._gathering:
            self._gathering = True
            task = asyncio.create_task(self._send())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        found: dict[Key, Found] = {}
        failure: SourceError | None = None
        answered = False
        # All taken now: a key whose look-up fails is forgotten, to be asked for again by whoever comes later.
        waited = {key: self._known[key] for key in keys}
        for key, future in waited.items():
            try:
                # Shielded: others may wait for the same key when the one who asked first is cancelled.
                value = await asyncio.shield(future)
            except SourceError as error:
                failure = error
            else:
                answered = True
                if value is not None:
                    found[key] = value
        if failure is not None and not answered:
            raise failure
        return found

    async def close(self) -> None:
        """Cancel what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self) -> None:
        try:
            await self._gather()
        finally:
            self._gathering = False
        while self._waiting:
            async with self._slots:
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                if len(self._waiting) < self._size:
                    self._full.clear()
                if batch:
                    await self._look_up(batch)

    async def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._patience
        while True:
            try:
                async with asyncio.timeout(self._window):
                    await self._full.wait()
            except TimeoutError:
                if self._is_busy() and loop.time() < ends:
                    continue
            return

    async def _look_up(self, batch: Sequence[Key]) -> None:
        try:
            found = await self._lookup(batch)
        except Exception as error:
            # Those who wait raise it, a SourceError as well as a defect.
            for key in batch:
                future = self._known.pop(key)
                future.set_exception(error)
                # One that nobody waits for any more is not to be complained about.
                future.exception()
        except asyncio.CancelledError:
            for key in batch:
                self._known.pop(key).cancel()
            raise
        else:
            for key in batch:
                self._known[key].set_result(found.get(key))
