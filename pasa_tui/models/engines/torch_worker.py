"""The one thread that owns a model: it loads it, and shares its time between scoring and writing."""

import contextlib
import gc
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import TRUE, Progress
from pasa_tui.models.engines.torch_loading import LoadedModel, LoadingCancelled, first_line
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from pasa_tui.models.engines.torch_scoring import ScoreCall, ScoreItem, Scorer
from pasa_tui.models.engines.torch_writing import WriteCall, Writer
from pasa_tui.usage import ModelUsage

_GATHER_SECONDS = 0.002
"""How long the first call after a pause waits for others, which come at the same moment as a rule."""

Load = Callable[..., LoadedModel]
"""`load_model` with all arguments but `tell` and `cancelled`."""
Call = ScoreCall | WriteCall


@dataclass(slots=True)
class _Shared:
    """Seconds spent on scoring and on writing while both had work."""

    scoring: float = 0.0
    writing: float = 0.0


class Worker:
    """Loads a model with `load` in a thread of its own, and then does the calls that are submitted.

    While prompts to score and texts to write both wait, each gets half of the time, in batches and tokens.
    """

    def __init__(
        self, load: Load, usage: ModelUsage, *, seed: int, batch_tokens: int | None, batch_papers: int | None
    ) -> None:
        self.loaded: Future[None] = Future()
        self.loaded.set_running_or_notify_cancel()
        self.usage = usage
        self._load = load
        self._seed = seed
        self._bounds = {"batch_tokens": batch_tokens, "batch_papers": batch_papers}
        self._closed = threading.Event()
        self._inbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._tells: list[Callable[[Progress], None]] = []
        self._shared = _Shared()
        self._ended = False
        # A daemon, so that a process that ends without closing does not wait for the model.
        self._thread = threading.Thread(target=self._run, name=f"model {usage.name}", daemon=True)
        self._thread.start()

    def listen(self, tell: Callable[[Progress], None]) -> None:
        """Call `tell` with the progress of the loading from now on."""
        with self._lock:
            self._tells.append(tell)

    @property
    def closing(self) -> bool:
        """Whether it takes no more calls: it was closed, or its model could not be loaded."""
        return self._closed.is_set()

    def submit(self, call: Call) -> None:
        """Put a call to those that wait; it is told where the worker has ended."""
        with self._lock:
            if not self._ended:
                self._inbox.put(call)
                return
        _refuse(call, _closed(self.usage.name))

    def wake(self) -> None:
        """Have the thread look at what was cancelled."""
        self._inbox.put(None)

    def close(self) -> None:
        """End the thread after the forward pass under way, and wait for that. Harmless more than once."""
        self._closed.set()
        self.wake()
        self._thread.join()

    def _tell(self, progress: Progress) -> None:
        with self._lock:
            tells = tuple(self._tells)
        for tell in tells:
            with contextlib.suppress(RuntimeError):  # the loop it belongs to may be closed by now
                tell(progress)

    def _run(self) -> None:
        loaded = self._loaded_or_told()
        if loaded:
            with inference_mode():
                self._serve(loaded)
            del loaded
            _give_back()
        with self._lock:
            self._ended = True
        while not self._inbox.empty():
            if (call := self._inbox.get_nowait()) is not None:
                _refuse(call, _closed(self.usage.name))

    def _loaded_or_told(self) -> LoadedModel | None:
        try:
            loaded = self._load(tell=self._tell, cancelled=self._closed)
        except LoadingCancelled:
            error = _closed(self.usage.name)
        except ModelError as told:
            error = told
        except Exception as failed:
            error = ModelError(f"{self.usage.name} can't be loaded: {first_line(failed)}")
        else:
            self.loaded.set_result(None)
            return loaded
        # First, so that whoever is told and starts again has a new worker.
        self._closed.set()
        self.loaded.set_exception(error)
        return None

    def _serve(self, loaded: LoadedModel) -> None:
        desk = _Desk(
            loaded,
            PromptEncoder(loaded.tokenizer, self.usage.name),
            Scorer(loaded, self.usage.name, self._count, **self._bounds),
            Writer(loaded, self.usage.name, self._count),
        )
        while True:
            self._receive(desk)
            if self._closed.is_set():
                break
            began = time.perf_counter()
            self._work(desk)
            self._count(seconds=time.perf_counter() - began)
        desk.refuse_all(_closed(self.usage.name))

    def _receive(self, desk: "_Desk") -> None:
        """Take in all calls that came; where there is nothing else to do, wait for the next."""
        wait = not desk.busy
        while not self._closed.is_set():
            try:
                call = self._inbox.get(block=wait, timeout=None if not desk.busy else _GATHER_SECONDS)
            except queue.Empty:
                break
            if call is not None:
                tokens = desk.admit(call, self._next_seed())
                self._count(prompt_tokens=tokens)
        desk.drop_cancelled()

    def _work(self, desk: "_Desk") -> None:
        """One batch of scores, or one token of each text: whichever had less of the time while both wait."""
        both = bool(desk.scorer.waiting and desk.writer.busy)
        if not both:
            self._shared = _Shared()
        began = time.perf_counter()
        if desk.scorer.waiting and (not both or self._shared.scoring <= self._shared.writing):
            desk.score()
            self._shared.scoring += time.perf_counter() - began
        elif desk.writer.busy:
            desk.write()
            self._shared.writing += time.perf_counter() - began

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed

    def _count(self, **more: Any) -> None:
        self.usage = replace(self.usage, **{key: getattr(self.usage, key) + value for key, value in more.items()})


class _Desk:
    """The work on one loaded model; used by its thread alone."""

    def __init__(self, loaded: LoadedModel, encoder: PromptEncoder, scorer: Scorer, writer: Writer) -> None:
        self.loaded = loaded
        self.encoder = encoder
        self.scorer = scorer
        self.writer = writer

    @property
    def busy(self) -> bool:
        return bool(self.scorer.waiting or self.writer.busy)

    def admit(self, call: Call, seed: int) -> int:
        """Tokenize the prompts of a call and let them wait; the number of tokens. A call that can't be is told."""
        try:
            if isinstance(call, ScoreCall):
                return self._admit_scores(call)
            room = self.loaded.max_length - min(call.sampling.max_tokens, self.loaded.max_length // 2)
            tokens = self.encoder.encode(call.prompt, room)
            self.writer.add(call, tokens, seed)
            return len(tokens)
        except ModelError as error:
            _refuse(call, error)
        except Exception as error:
            _refuse(call, ModelError(f"A prompt can't be tokenized: {first_line(error)}"))
        return 0

    def drop_cancelled(self) -> None:
        self.scorer.drop_cancelled()
        self.writer.drop_cancelled()

    def score(self) -> None:
        """Score a batch. Where the model fails, all who wait for scores are told."""
        try:
            self.scorer.step()
        except Exception as error:
            self.refuse_scores(ModelError(f"The model failed: {first_line(error)}"))

    def write(self) -> None:
        """Write a token of each text. Where the model fails, all who wait for text are told."""
        try:
            self.writer.step()
        except Exception as error:
            self.refuse_texts(ModelError(f"The model failed: {first_line(error)}"))

    def refuse_all(self, error: ModelError) -> None:
        self.refuse_scores(error)
        self.refuse_texts(error)

    def refuse_scores(self, error: ModelError) -> None:
        for item in self.scorer.waiting:
            item.call.fail(error)
        self.scorer.waiting = []

    def refuse_texts(self, error: ModelError) -> None:
        for row in self.writer.drop_all():
            row.call.send(error)

    def _admit_scores(self, call: ScoreCall) -> int:
        if self.loaded.true is None:
            hint = "Use it as a crawler only, or take a model whose vocabulary has it."
            raise ModelError(f"The model has no single token {TRUE!r} to score with.", hint)
        items = [
            ScoreItem(call, place, self.encoder.encode(prompt, self.loaded.max_length))
            for place, prompt in enumerate(call.prompts)
        ]
        self.scorer.waiting += items
        return sum(len(item.tokens) for item in items)


def _refuse(call: Call, error: ModelError) -> None:
    if isinstance(call, ScoreCall):
        call.fail(error)
    else:
        call.send(error)


def _closed(name: str) -> ModelError:
    return ModelError(f"{name} was closed while it was asked.")


def inference_mode() -> contextlib.AbstractContextManager[None]:
    """PyTorch's, which holds for the thread that enters it."""
    import torch

    mode: contextlib.AbstractContextManager[None] = torch.inference_mode()
    return mode


def _give_back() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
