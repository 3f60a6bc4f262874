"""The engine for GPUs: vLLM in this process, which batches whatever is asked at the same time."""

import asyncio
import contextlib
import multiprocessing
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import count
from pathlib import Path

from pasa_tui.errors import ModelError
from pasa_tui.models.engines import vllm_loading
from pasa_tui.models.engines.loop_thread import LoopClosed, LoopThread, in_daemon, outcome
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling, Scoring
from pasa_tui.models.engines.vllm_loading import LoadedModel, Loader, VllmSettings
from pasa_tui.models.engines.vllm_log import EngineLog, engine_log, latest_progress
from pasa_tui.models.engines.vllm_memory import memory_shares
from pasa_tui.usage import ModelUsage

__all__ = ["VllmEngine", "memory_shares"]

_LOOK_SECONDS = 0.2
_CHUNK = 32
"""Prompts that are made into tokens at a time."""


class VllmEngine:
    """Engine over vLLM's AsyncLLM (V1), which lives in an event loop of its own.

    A score takes one prefilled token: vLLM gives the log probability of the token `True` alone, over the whole
    vocabulary. Prompts that begin alike are read once. GPU memory is shared among models by `memory_shares`.
    """

    scoring: Scoring = "exact"

    def __init__(
        self,
        model_path: Path,
        *,
        name: str,
        tensor_parallel: int = 1,
        gpu_memory: float = 0.9,
        dtype: str = "auto",
        max_length: int | None = None,
        eager: bool = False,
        loader: Loader = vllm_loading.load,
        log: Callable[[], EngineLog] = engine_log,
    ) -> None:
        """The settings are those of VllmSettings."""
        self.name = name
        self._settings = VllmSettings(
            Path(model_path), name, tensor_parallel, gpu_memory, dtype, max_length or 0, eager
        )
        self._loader = loader
        self._log = log
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._starting: Future[None] | None = None
        self._tells: list[Callable[[Progress], None]] = []
        self._loaded: LoadedModel | None = None
        self._cancelled = threading.Event()
        self._processes_before: set[int] = set()
        self._encoding: asyncio.Lock  # of the thread's loop, made there
        self._ids = count()
        self._meter = _Meter(name)

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """Load the model, also again after `close`. Cancelling this leaves it loading; `close` ends that.

        Raises ModelError where the package, a GPU, files or memory are missing; the next start tries anew.
        """
        if self._loaded is not None and self._loaded.model.errored:
            await self.close()
        with self._lock:
            if self._thread is None:
                self._thread = LoopThread(f"vllm-{self.name}")
                self._starting, self._cancelled = None, threading.Event()
            if self._starting is None or (self._starting.done() and self._loaded is None):
                self._starting = self._thread.submit(self._start(self._cancelled))
            starting = self._starting
            self._tells.append(tell)
        try:
            await asyncio.shield(outcome(starting))
        except LoopClosed:
            raise _was_closed() from None
        finally:
            self._tells.remove(tell)

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Yield the text in pieces as it is written. Raises ModelError."""
        thread, loaded = self._ready()
        async with contextlib.aclosing(thread.stream(self._write(loaded, prompt, sampling))) as pieces:
            with _closing_told():
                async for piece in pieces:
                    yield piece

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        """The probability that the token `True` comes next, of each prompt, in order. Raises ModelError."""
        thread, loaded = self._ready()
        with _closing_told():
            return await thread.run(self._score(loaded, prompts)) if prompts else []

    def usage(self) -> ModelUsage:
        """What it did since it was made. A batch is a step of vLLM's that answered with scores."""
        return self._meter.usage()

    async def close(self) -> None:
        """End vLLM's processes: within seconds, also while it loads; what is under way is cancelled."""
        with self._lock:
            self._cancelled.set()
            thread, self._thread = self._thread, None
            loaded, self._loaded = self._loaded, None
            starting = self._starting
        if thread is None:
            return
        if starting is not None and not starting.done():
            vllm_loading.end_processes(self._processes_before)
        await thread.close()
        if loaded is not None:
            await outcome(in_daemon(loaded.model.shutdown, "vllm-shutdown"))

    def _ready(self) -> tuple[LoopThread, LoadedModel]:
        with self._lock:
            if self._thread is None or self._loaded is None:
                raise ModelError(f"{self.name} is not loaded.", "Start the search again.")
            return self._thread, self._loaded

    async def _start(self, cancelled: threading.Event) -> None:
        log = self._log()
        begun = log.size()
        self._encoding = asyncio.Lock()
        self._processes_before = {process.pid or 0 for process in multiprocessing.active_children()}
        loading = asyncio.wrap_future(in_daemon(partial(self._load, log, cancelled), f"vllm-load-{self.name}"))
        self._tell(Progress("Loading vLLM"))
        last = None
        while not loading.done():
            await asyncio.wait({loading}, timeout=_LOOK_SECONDS)
            progress = latest_progress(log.since(begun))
            if progress is not None and progress != last:
                self._tell(progress)
                last = progress
        await loading
        self._tell(Progress("Ready", 1.0))

    def _load(self, log: EngineLog, cancelled: threading.Event) -> None:
        loaded = self._loader(self._settings, log, cancelled.is_set)
        with self._lock:
            if not cancelled.is_set():
                self._loaded = loaded
                return
        loaded.model.shutdown()
        raise _was_closed()

    def _tell(self, progress: Progress) -> None:
        for tell in tuple(self._tells):
            tell(progress)

    async def _write(self, loaded: LoadedModel, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        room = loaded.max_length - min(sampling.max_tokens, loaded.max_length // 2)
        if sampling.max_tokens < 1:
            return
        with self._meter.busy(), _told(loaded):
            async with self._encoding:
                (ids,) = await asyncio.to_thread(loaded.encode, [prompt], room)
            request = loaded.model.generate(loaded.prompt(ids), loaded.writing(sampling), self._next_id())
            async with contextlib.aclosing(request) as outputs:
                self._meter.prompt_tokens += len(ids)
                async for output in outputs:
                    answer = output.outputs[0]
                    self._meter.completion_tokens += len(answer.token_ids)
                    if answer.text:
                        yield answer.text
                self._meter.generated += 1

    async def _score(self, loaded: LoadedModel, prompts: Sequence[Prompt]) -> list[float]:
        token = loaded.true_token()
        parameters = loaded.scoring(token)
        with self._meter.busy(), _told(loaded):
            async with asyncio.TaskGroup() as group:
                tasks = []
                # The first are scored while the others are encoded.
                for chunk in (prompts[start : start + _CHUNK] for start in range(0, len(prompts), _CHUNK)):
                    async with self._encoding:
                        encoded = await asyncio.to_thread(loaded.encode, chunk, loaded.max_length - 1)
                    tasks += [group.create_task(self._score_one(loaded, ids, parameters, token)) for ids in encoded]
            return [task.result() for task in tasks]

    async def _score_one(self, loaded: LoadedModel, ids: list[int], parameters: object, token: int) -> float:
        request = loaded.model.generate(loaded.prompt(ids), parameters, self._next_id())
        async with contextlib.aclosing(request) as outputs:
            async for output in outputs:
                self._meter.prompt_tokens += len(ids)
                self._meter.completion_tokens += 1
                self._meter.count_score(output.metrics.first_token_ts)
                return vllm_loading.true_probability(output, token)
        raise ModelError("vLLM gave no answer.", "Try again.")

    def _next_id(self) -> str:
        return f"{self.name}-{next(self._ids)}"


class _Meter:
    """Counts what an engine does, in its event loop alone."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.generated = self.prompt_tokens = self.completion_tokens = 0
        self._scored = self._batches = self._running = 0
        self._step = -1.0
        self._seconds = 0.0
        self._since = 0.0

    def usage(self) -> ModelUsage:
        running = time.monotonic() - self._since if self._running else 0.0
        return ModelUsage(
            self._name,
            generated=self.generated,
            scored=self._scored,
            batches=self._batches,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            seconds=self._seconds + running,
        )

    def count_score(self, step: float) -> None:
        """`step` is the time of the engine's step that gave the score: all of one batch have the same."""
        self._scored += 1
        self._batches += step != self._step
        self._step = step

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        if not self._running:
            self._since = time.monotonic()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._seconds += time.monotonic() - self._since


@contextlib.contextmanager
def _told(loaded: LoadedModel) -> Iterator[None]:
    """Turns vLLM's errors into one of ours."""
    try:
        yield
    except ExceptionGroup as errors:
        with _told(loaded):
            raise errors.exceptions[0] from None
    except ModelError:
        raise
    except loaded.dead as error:
        raise ModelError(
            "vLLM's engine has stopped, maybe for lack of memory.",
            "Start the search again; if it stops again, lower gpu_memory, or use the transformers engine or a server.",
        ) from error
    except Exception as error:
        # vLLM wraps what it did not expect.
        reason = str(error.__cause__ or error).strip().partition("\n")[0][:300]
        raise ModelError(f"vLLM could not answer: {reason}", "Try again, or use another engine.") from error


@contextlib.contextmanager
def _closing_told() -> Iterator[None]:
    try:
        yield
    except LoopClosed:
        raise _was_closed() from None


def _was_closed() -> ModelError:
    return ModelError("The model was closed.", "Start the search again.")
