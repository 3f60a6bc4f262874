"""Runs a model in this process with PyTorch and transformers: on the CPU, on NVIDIA's GPUs, on Apple's."""

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import Progress, Prompt, Sampling, Scoring
from pasa_tui.models.engines.torch_loading import load_model
from pasa_tui.models.engines.torch_scoring import ScoreCall
from pasa_tui.models.engines.torch_worker import Worker
from pasa_tui.models.engines.torch_writing import WriteCall
from pasa_tui.usage import ModelUsage


class TransformersEngine:
    """A model of the folder `path`, in Hugging Face format: config.json, tokenizer files, safetensors.

    `device` is auto, cpu, cuda (cuda:1) or mps; `dtype` auto, float32, float16 or bfloat16. `max_length` bounds the
    tokens of prompt and answer below what the model allows. `batch_tokens` and `batch_papers` bound one forward pass
    of scoring; left out, they suit the device. `seed` makes sampled texts repeat themselves, in the order of calls.

    Nothing is fetched from the network, and no code that comes with a model is run. All work is done in one thread.
    Scores are exact: the softmax over the whole vocabulary in float32, as arXiv 2501.10120 has it; they differ from
    those of one prompt alone by rounding only.
    """

    scoring: Scoring = "exact"

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        device: str = "auto",
        dtype: str = "auto",
        max_length: int | None = None,
        batch_tokens: int | None = None,
        batch_papers: int | None = None,
        seed: int = 0,
    ) -> None:
        self.name = name
        self._load = functools.partial(
            load_model, Path(path), name=name, device=device, dtype=dtype, max_length=max_length
        )
        self._make = functools.partial(Worker, seed=seed, batch_tokens=batch_tokens, batch_papers=batch_papers)
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._past = ModelUsage(name)
        self._closed = False

    async def start(self, tell: Callable[[Progress], None]) -> None:
        """Load the model; at once where that was done. Where it is being loaded, wait for that.

        Raises ModelError where a package, a file, the device or memory is missing; the next start tries again.
        """
        with self._lock:
            self._closed = False
        await self._started(tell)

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Yield the text in pieces, each certain when it comes. Raises ModelError."""
        worker = await self._started(lambda progress: None)
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | ModelError | None] = asyncio.Queue()

        def send(piece: str | ModelError | None) -> None:
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, piece)
            except RuntimeError:  # its loop was closed
                call.cancelled = True

        call = WriteCall(prompt, sampling, send)
        if sampling.max_tokens < 1:
            return
        worker.submit(call)
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
        finally:
            call.cancelled = True
            worker.wake()

    async def score(self, prompts: Sequence[Prompt]) -> Sequence[float]:
        """The probability in [0, 1] that the token `True` comes next, of each prompt, in order. Raises ModelError."""
        if not prompts:
            return []
        worker = await self._started(lambda progress: None)
        call = ScoreCall(tuple(prompts))
        worker.submit(call)
        return await asyncio.wrap_future(call.future)

    def usage(self) -> ModelUsage:
        """What it did since it was made; `seconds` is the time of its thread at work, loading left out."""
        with self._lock:
            return self._worker.usage if self._worker else self._past

    async def close(self) -> None:
        """Give back the memory; calls under way end with a ModelError. `start` loads the model again."""
        with self._lock:
            worker, self._closed = self._worker, True
        if worker:
            await asyncio.to_thread(worker.close)
            with self._lock:
                if self._worker is worker:
                    self._worker, self._past = None, worker.usage

    async def _started(self, tell: Callable[[Progress], None]) -> Worker:
        with self._lock:
            if self._closed:
                raise ModelError(f"{self.name} is closed.")
            worker = self._worker
            if worker is None or worker.closing:
                worker = self._worker = self._make(self._load, worker.usage if worker else self._past)
            worker.listen(tell)
        await asyncio.wrap_future(worker.loaded)
        return worker
