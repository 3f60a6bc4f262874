"""Runs a VllmEngine: python -m tests.real.in_process FOLDER WHAT, by an interpreter that has vLLM.

WHAT is `answers`: everything of questions.py; `search`: the search of searching.py; `abort`: how many requests vLLM
has before and after callers left; `wait`: loaded, then asleep until it is killed; `leave`: loaded, then the end without
closing. Prints lines of JSON, and nothing else is to be printed.
"""

import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Prompt, Sampling
from pasa_tui.models.engines.vllm import VllmEngine
from tests.real.questions import DECISIONS, ask
from tests.real.searching import search


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


async def main(folder: Path, what: str) -> None:
    """See the module's text."""
    engine = VllmEngine(folder, name="tiny", eager=True, max_length=2048)
    stages: list[str] = []
    try:
        await engine.start(lambda progress: stages.append(progress.message))
    except ModelError as error:
        _say({"message": error.message, "hint": error.hint})
        return
    _say({"stages": stages})
    if what == "answers":
        _say((await ask(engine, hostile=True)).to_json())
        usage = engine.usage()
        _say({"scored": usage.scored, "batches": usage.batches, "generated": usage.generated})
    elif what == "search":
        with tempfile.TemporaryDirectory() as home:
            _say(await search(engine, Path(home)))
    elif what == "abort":
        await _abort(engine)
    elif what == "wait":
        await asyncio.sleep(600)
    if what != "leave":
        begun = time.monotonic()
        await engine.close()
        _say({"seconds": time.monotonic() - begun})


async def _abort(engine: VllmEngine) -> None:
    assert engine._loaded is not None
    model: Any = engine._loaded.model

    async def settled(count: int) -> int:
        async with asyncio.timeout(30):
            while model.get_num_unfinished_requests() != count:  # noqa: ASYNC110 - vLLM's loop is in another thread
                await asyncio.sleep(0.01)
        return int(model.get_num_unfinished_requests())

    long = Sampling(max_tokens=1000, temperature=1.0)
    writing = engine.generate(Prompt("User Query: papers on speech"), long)
    await anext(writing)
    _say({"writing": model.get_num_unfinished_requests()})
    await writing.aclose()
    _say({"closed": await settled(0)})
    scoring = asyncio.create_task(engine.score(DECISIONS * 40))
    while not model.get_num_unfinished_requests():  # noqa: ASYNC110
        await asyncio.sleep(0)
    scoring.cancel()
    _say({"cancelled": await settled(0)})
    scores: list[list[float]] = []
    thread = threading.Thread(target=lambda: scores.append(list(asyncio.run(engine.score(DECISIONS)))))
    thread.start()
    scores.append(list(await engine.score(DECISIONS)))
    await asyncio.to_thread(thread.join)
    _say({"scores": scores})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
