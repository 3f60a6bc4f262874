"""The model server of the tests in a thread of its own, for commands, which have event loops themselves."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.models.engines.openai_server import ModelServer


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Serve until the end of the block."""
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with server:
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
