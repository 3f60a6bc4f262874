"""A search in a thread of its own: its events come back in batches, and it can be stopped from the screen."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pasa_tui.events import Event

# Seconds between batches: short enough to look live, long enough that the screen draws a batch at once.
_BATCH_SECONDS = 0.05


class Running(Protocol):
    """What is followed: `session.RunningSearch`, or a script of events in tests."""

    @property
    def search_id(self) -> int:
        """Its number in the library."""
        ...

    @property
    def brought(self) -> "Sequence[Event]":
        """What it begins with, before its own events: the papers of a search that it goes on from."""
        ...

    def events(self) -> "AsyncGenerator[Event, None]":
        """All events to the end; closing it stops the search."""
        ...


class Follower:
    """Runs one search to its end. `follow` is called in a worker thread, `stop` from any other."""

    def __init__(self, start: Callable[[], Running]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def follow(self, deliver: "Callable[[int, Sequence[Event]], None]") -> None:
        """Run the search, handing its number and each batch of events to `deliver`, which must not block.

        Returns when it has ended, of itself or by `stop`. Raises PasaError where it can't be started.
        """
        asyncio.run(self._follow(deliver))

    def stop(self) -> None:
        """Ask the search to stop; it records that it was cancelled."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _follow(self, deliver: "Callable[[int, Sequence[Event]], None]") -> None:
        running = self._start()
        batch: list[Event] = list(running.brought)

        def flush() -> None:
            if batch:
                deliver(running.search_id, tuple(batch))
                batch.clear()

        async def flush_regularly() -> None:
            while True:
                await asyncio.sleep(_BATCH_SECONDS)
                flush()

        flushing = asyncio.create_task(flush_regularly())
        task = asyncio.create_task(self._iterate(running, batch, flush))
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), task
            if self._stopped:
                task.cancel()
        try:
            await asyncio.wait({task})
        finally:
            flushing.cancel()
            flush()
            with self._lock:
                self._task = None
        if not task.cancelled():
            task.result()

    async def _iterate(self, running: Running, batch: "list[Event]", flush: Callable[[], None]) -> None:
        events = running.events()
        due = asyncio.get_running_loop().time() + _BATCH_SECONDS
        try:
            async for event in events:
                batch.append(event)
                # A search that never waits would keep the regular flush from running.
                if (now := asyncio.get_running_loop().time()) >= due:
                    flush()
                    due = now + _BATCH_SECONDS
        finally:
            await events.aclose()
