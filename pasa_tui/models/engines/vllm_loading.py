"""Loads a model with vLLM; everything that needs the package is here."""

import contextlib
import importlib.util
import json
import math
import multiprocessing
import os
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import TRUE, Prompt, Sampling
from pasa_tui.models.engines.torch_loading import check_files, first_line
from pasa_tui.models.engines.torch_prompts import PromptEncoder
from pasa_tui.models.engines.vllm_log import EngineLog, failure_reason, speaks_of_memory
from pasa_tui.models.engines.vllm_memory import no_gpu, out_of_memory

_LONGEST = 8192
"""Tokens of prompt and answer where no other limit is set: room for them is taken from the GPU's memory."""
_CPU_CACHE = 1 << 30
"""Bytes for keys and values where vLLM runs on a CPU; it would take a share of all memory."""
_DTYPES = ("float32", "bfloat16", "float16")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class VllmSettings:
    """What to load and how; `name` is what messages call the model.

    `gpu_memory` is the share of each GPU's memory in (0, 1], `max_length` tokens of prompt and answer together, 0 for
    what the model can do, at most 8,192. `eager` starts faster and runs slower: nothing is compiled. With `dtype`
    auto the numbers are as in the files.
    """

    folder: Path
    name: str
    tensor_parallel: int = 1
    gpu_memory: float = 0.9
    dtype: str = "auto"
    max_length: int = 0
    eager: bool = False


class AsyncModel(Protocol):
    """The part of vLLM's AsyncLLM that is used."""

    @property
    def errored(self) -> bool:
        """Whether the engine has stopped for good."""
        ...

    def generate(self, prompt: Any, sampling_params: Any, request_id: str) -> AsyncGenerator[Any, None]:
        """Yield the outputs of a request; closing it aborts the request."""
        ...

    def shutdown(self) -> None:
        """End the engine's processes."""
        ...


class Encoder(Protocol):
    """Makes tokens of prompts."""

    def encode(self, prompt: Prompt, limit: int) -> list[int]:
        """At most `limit` tokens. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that answers, and how to ask it: `prompt`, `writing` and `scoring` make what `model.generate` takes.

    `true` is the token `True`, None in a vocabulary that lacks it; `max_length` counts tokens of prompt and answer;
    `dead` is raised once the engine has stopped.
    """

    model: AsyncModel
    encoder: Encoder
    true: int | None
    max_length: int
    prompt: Callable[[list[int]], Any]
    writing: Callable[[Sampling], Any]
    scoring: Callable[[int], Any]
    dead: type[Exception]

    def encode(self, prompts: Sequence[Prompt], limit: int) -> list[list[int]]:
        """The tokens of each prompt, at most `limit`. Not for two threads at once. Raises ModelError."""
        return [self.encoder.encode(prompt, limit) for prompt in prompts]

    def true_token(self) -> int:
        """The token `True`. Raises ModelError where there is none."""
        if self.true is None:
            hint = "Use it as a crawler only, or take a model whose vocabulary has it."
            raise ModelError(f"The model has no single token {TRUE!r} to score with.", hint)
        return self.true


class Loader(Protocol):
    """Loads a model. Its result is given to the event loop that it lives in from then on."""

    def __call__(self, settings: VllmSettings, log: EngineLog, is_cancelled: Callable[[], bool]) -> LoadedModel:
        """Raises ModelError."""
        ...


def load(settings: VllmSettings, log: EngineLog, is_cancelled: Callable[[], bool]) -> LoadedModel:
    """Load a model with vLLM, after those that are being loaded. Blocks for a minute or two.

    A model that is loaded measures the free memory, so that two can't at the same time. Raises ModelError.
    """
    if importlib.util.find_spec("vllm") is None:
        raise ModelError("The package vllm is not installed.", "In the clone: pip install -e '.[vllm]'")
    check_files(settings.folder, settings.name)
    with _one_at_a_time, log.quiet():
        start = log.size()
        try:
            _set_environment()
            if is_cancelled():
                raise _closed()
            return _load(settings, is_cancelled)
        except ModelError:
            raise
        except ImportError as error:
            raise ModelError(
                f"The package vllm can't be used: {first_line(error)}",
                "Install it again, in an environment of its own: pip install -e '.[vllm]'",
            ) from error
        except Exception as error:
            raise _closed() if is_cancelled() else load_error(error, log.since(start)) from error


def load_error(error: Exception, log_text: str) -> ModelError:
    """What went wrong while a model was loaded, from what was raised here and what vLLM's processes wrote."""
    if speaks_of_memory(log_text) or speaks_of_memory(str(error)):
        return out_of_memory()
    reason = failure_reason(log_text) or first_line(error)
    return ModelError(
        f"vLLM can't load the model: {reason}",
        "Check the folder with `pasa-tui models check`, or use the transformers engine or a server.",
    )


def end_processes(before: set[int]) -> None:
    """End the processes that were started here since there were those of `before` (process ids)."""
    for process in multiprocessing.active_children():
        if process.pid not in before:
            # While it loads, vLLM's process passes over a request to end.
            process.kill()


def _set_environment() -> None:
    # Forking a process of several threads may hang; and no one is told what runs here.
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


def _load(settings: VllmSettings, is_cancelled: Callable[[], bool]) -> LoadedModel:
    from vllm import SamplingParams
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.inputs.engine import tokens_input
    from vllm.platforms import current_platform
    from vllm.sampling_params import RequestOutputKind
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.exceptions import EngineDeadError

    if not current_platform.device_type:
        raise no_gpu()
    config, tokenizer = _read_files(settings)
    limits = (settings.max_length or _LONGEST, config.get("max_position_embeddings"), tokenizer.model_max_length)
    max_length = min(int(limit) for limit in limits if limit)
    arguments = AsyncEngineArgs(
        model=str(settings.folder),
        tensor_parallel_size=settings.tensor_parallel,
        gpu_memory_utilization=settings.gpu_memory,
        kv_cache_memory_bytes=_CPU_CACHE if current_platform.is_cpu() else None,
        dtype=_dtype(settings.dtype, config),
        max_model_len=max_length,
        enforce_eager=settings.eager,
        enable_prefix_caching=True,
        # The probability over the whole vocabulary, before temperature and any mask.
        logprobs_mode="raw_logprobs",
        trust_remote_code=False,
    )
    if is_cancelled():
        raise _closed()
    # The batches of vLLM's offline class: a server's are smaller, for a first token that comes sooner.
    model = _quiet_async_llm().from_engine_args(
        arguments, usage_context=UsageContext.LLM_CLASS, stat_loggers=[_no_statistics()]
    )

    def scoring(token: int) -> Any:
        return SamplingParams(
            max_tokens=1,
            temperature=0.0,
            logprob_token_ids=[token],
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    true = tokenizer.convert_tokens_to_ids(TRUE)
    return LoadedModel(
        model=model,
        encoder=PromptEncoder(tokenizer, settings.name),
        true=None if true is None or true == tokenizer.unk_token_id else true,
        max_length=max_length,
        prompt=tokens_input,
        writing=_writing,
        scoring=scoring,
        dead=EngineDeadError,
    )


def _writing(sampling: Sampling) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p if sampling.temperature > 0 else 1.0,
        stop=list(sampling.stop),
        output_kind=RequestOutputKind.DELTA,
    )


def _read_files(settings: VllmSettings) -> tuple[dict[str, Any], Any]:
    """The model's configuration and its tokenizer. Raises ModelError where that has no vocabulary."""
    from transformers import AutoTokenizer

    config = json.loads((settings.folder / "config.json").read_text(encoding="utf-8"))
    tokenizer: Any = AutoTokenizer.from_pretrained(settings.folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer(TRUE, add_special_tokens=False)["input_ids"]:
        # Where its vocabulary is missing, transformers makes an empty one.
        raise ModelError(
            f"The tokenizer of {settings.name} in {settings.folder} is missing.",
            "The folder should hold tokenizer.json, or vocab.json and merges.txt, as the Hugging Face hub has them.",
        )
    return config, tokenizer


def true_probability(output: Any, token: int) -> float:
    """The probability of the token in the one step of a request that was made with `scoring`."""
    return math.exp(output.outputs[0].logprobs[0][token].logprob)


def _quiet_async_llm() -> Any:
    """AsyncLLM that doesn't complain where the interpreter ends before it is collected."""
    from vllm.v1.engine.async_llm import AsyncLLM

    class QuietAsyncLLM(AsyncLLM):  # type: ignore[misc]
        def __del__(self) -> None:
            with contextlib.suppress(Exception):
                super().__del__()

    return QuietAsyncLLM


def _no_statistics() -> Any:
    """A logger of statistics that logs none: with one, outputs carry the times of their steps."""
    from vllm.v1.metrics.loggers import StatLoggerBase

    class NoStatistics(StatLoggerBase):  # type: ignore[misc]
        def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
            pass

        def record(self, *_: Any, **__: Any) -> None:
            pass

        def log_engine_initialized(self) -> None:
            pass

    return NoStatistics


def _dtype(wanted: str, config: dict[str, Any]) -> str:
    # Left to itself vLLM halves the precision of float32 weights.
    own = str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")
    if wanted == "auto":
        return own if own in _DTYPES else "auto"
    return wanted


def _closed() -> ModelError:
    return ModelError("The model was closed.", "Start the search again.")
