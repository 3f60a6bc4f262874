"""Engines that run in this process: each model is loaded once, whatever searches use it one after the other."""

import threading
from collections.abc import Callable, Hashable, Sequence

from pasa_tui.models.engines.protocol import Engine


class EnginePool:
    """Keeps engines until others are wanted: two agents' weights rarely fit into memory together.

    Threads may share it. Whoever made it closes it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[Hashable, Engine] = {}
        self._unwanted: list[Engine] = []

    def take(self, wanted: Sequence[tuple[Hashable, Callable[[], Engine]]]) -> list[Engine]:
        """The engines of these keys, in order, made where they are not there; all others are to be closed."""
        with self._lock:
            keys = {key for key, _ in wanted}
            for key in [key for key in self._engines if key not in keys]:
                self._unwanted.append(self._engines.pop(key))
            for key, make in wanted:
                if key not in self._engines:
                    self._engines[key] = make()
            return [self._engines[key] for key, _ in wanted]

    async def close_unwanted(self) -> None:
        """Give back what the engines hold that nobody asked for the last time."""
        with self._lock:
            unwanted, self._unwanted = self._unwanted, []
        for engine in unwanted:
            await engine.close()

    async def close(self) -> None:
        """Close all of them."""
        self.take(())
        await self.close_unwanted()
