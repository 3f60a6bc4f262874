"""An event loop in a thread of its own, for what lives in one loop but is called from many."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")
_END = object()


class LoopClosed(Exception):
    """The thread was closed under what it ran."""


class LoopThread:
    """Runs coroutines and generators in its loop; they are awaited from any other.

    The thread is a daemon: a process that ends doesn't wait for it.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, _T]) -> "Future[_T]":
        """Begin the coroutine in the thread. Raises LoopClosed."""
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise LoopClosed from None

    async def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Await the coroutine in the thread. Cancelling this cancels it there. Raises LoopClosed."""
        return await outcome(self.submit(coroutine))

    async def stream(self, items: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
        """Yield what the generator, which runs in the thread, yields.

        Closing or cancelling this closes it there, between two of its items or at what it awaits. Raises LoopClosed.
        """
        here = asyncio.get_running_loop()
        queue: asyncio.Queue[Any] = asyncio.Queue()

        def hand_over(item: object) -> None:
            # A loop that was closed meanwhile wants no more items.
            with contextlib.suppress(RuntimeError):
                here.call_soon_threadsafe(queue.put_nowait, item)

        async def pump() -> None:
            try:
                async with contextlib.aclosing(items):
                    async for item in items:
                        hand_over(item)
            finally:
                hand_over(_END)

        pumping = self.submit(pump())
        try:
            while (item := await queue.get()) is not _END:
                yield item
            await outcome(pumping)
        finally:
            pumping.cancel()

    async def close(self) -> None:
        """Cancel what runs, and end the thread. More than once is harmless."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


async def outcome(future: "Future[_T]") -> _T:
    """What the future of another thread brings. Raises LoopClosed where that thread gave it up."""
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise LoopClosed from None


def in_daemon(work: Callable[[], _T], name: str) -> "Future[_T]":
    """Do the work in a thread that a process which ends doesn't wait for, unlike those of an executor."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
