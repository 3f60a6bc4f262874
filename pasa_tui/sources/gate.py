"""How often, and how many at once, a host is asked: within this process, and among all processes of the user."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import AsyncFileLock, Timeout

from pasa_tui.config import private_file
from pasa_tui.errors import ConfigError, SourceError


class Gate:
    """Lets requests to one host through, `interval` seconds apart and at most `connections` at once.

    With a `lock_file` this holds for all processes that use the same file: it is locked while a request is under way,
    and its content is when the last one began or ended. The operating system frees the lock of a process that dies.
    """

    def __init__(self, *, interval: float, connections: int, lock_file: Path | None = None) -> None:
        self.interval = interval
        self._slots = asyncio.Semaphore(connections)
        self._spacing = asyncio.Lock()
        self._last = float("-inf")
        self._lock_file = lock_file
        self._waiting = 0

    @property
    def queue_seconds(self) -> float:
        """About how long the next request would wait for those before it."""
        return self._waiting * self.interval

    @asynccontextmanager
    async def passage(self, patience: float) -> AsyncIterator[float]:
        """Wait for one's turn, then hold it; gives the seconds waited.

        Raises SourceError where the turn does not come within `patience` seconds.
        """
        began = time.monotonic()
        self._waiting += 1
        waiting = True
        try:
            async with contextlib.AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(patience):
                        await held.enter_async_context(self._slots)
                        if self._lock_file is not None and self.interval > 0:
                            await held.enter_async_context(_shared_turn(self._lock_file, self.interval, patience))
                        if self.interval > 0:
                            # Also with a lock file, which may be where nothing can be written.
                            await self._own_turn()
                except TimeoutError:
                    raise SourceError(
                        f"Its rate limit of a request every {self.interval:g} s left no turn in {patience:.0f} s."
                    ) from None
                self._waiting -= 1
                waiting = False
                yield time.monotonic() - began
        finally:
            self._waiting -= waiting

    async def _own_turn(self) -> None:
        async with self._spacing:
            await asyncio.sleep(max(0.0, self._last + self.interval - time.monotonic()))
            self._last = time.monotonic()


@asynccontextmanager
async def _shared_turn(path: Path, interval: float, patience: float) -> AsyncIterator[None]:
    try:
        stamp = private_file(path)
        # Without its executor: a thread could take the lock for a task that is cancelled meanwhile. Trying for it
        # takes no time; the waiting between tries is asyncio's.
        lock = AsyncFileLock(f"{path}.lock", timeout=patience, mode=0o600, is_singleton=False, run_in_executor=False)
        await lock.acquire()
    except (OSError, ConfigError, NotImplementedError):
        # A folder that can't be written or locked: other processes can't be known.
        yield
        return
    except Timeout:
        raise TimeoutError from None
    try:
        # The wall clock: it is what processes share. A time in the future is a clock that was set back.
        since = time.time() - _read_time(stamp)
        if 0 <= since < interval:
            await asyncio.sleep(interval - since)
        _write_time(stamp)
        try:
            yield
        finally:
            # Once more: the pace is kept from the end of one request to the beginning of the next.
            _write_time(stamp)
    finally:
        await lock.release()


def _write_time(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.write_text(repr(time.time()), encoding="ascii")


def _read_time(path: Path) -> float:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0
