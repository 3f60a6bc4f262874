"""How models share the memory of a GPU."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.torch_loading import check_files

GIB = 1 << 30
_SPARED = GIB // 2
"""Left free beside vLLM: what a driver and another process' context take."""
_LARGE_GPU = 70 * GIB
"""From here on vLLM puts up to 16,384 tokens and 1,024 prompts into a batch, below that 8,192 and 256."""
_CACHE_LEAST = 1 * GIB
"""The least for keys and values: 18,700 tokens of a model of Qwen2.5-7B's shape."""
_PROBE = "import json, torch; print(json.dumps([torch.cuda.mem_get_info(i) for i in range(torch.cuda.device_count())]))"
_HINT = (
    "Close what else uses the GPU, spread the model over several (tensor_parallel), use the transformers engine, or "
    "use a server."
)


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory of one GPU in bytes: all of it, and what no process has taken."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What a model needs: bytes of weights, and its part of what the weights leave, relative to the other models'.

    A Crawler keeps the keys and values of all texts it is writing; a Selector is done with a prompt in one step.
    """

    weights: int
    cache_part: float = 1.0


CRAWLER_PART, SELECTOR_PART = 3.0, 1.0


def weights_size(folder: Path, name: str) -> int:
    """Bytes of the weights in the folder of the model `name`. Raises ModelError where files are missing."""
    return sum(path.stat().st_size for path in check_files(folder, name))


def visible_gpus() -> list[GpuMemory]:
    """The GPUs that this process may use, in PyTorch's order; none without PyTorch or a driver.

    Asked in a process of its own: in this one the question would take GPU memory until the end.
    """
    try:
        asked = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=120, check=True)
        return [GpuMemory(total=total, free=free) for free, total in json.loads(asked.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def memory_shares(
    models: Sequence[ModelMemory], gpus: Sequence[GpuMemory], *, tensor_parallel: int = 1, limit: float = 0.9
) -> list[float]:
    """The share of each GPU's memory for each of the models that are loaded one after the other, `limit` for all.

    Each model lies on the first `tensor_parallel` GPUs. It gets what its weights and the work on a batch take, and its
    part of the rest for the keys and values of prompts. Raises ModelError where there are too few GPUs or they are too
    full.
    """
    if not gpus:
        raise no_gpu()
    if len(gpus) < tensor_parallel:
        raise ModelError(
            f"The model is to be spread over {tensor_parallel} GPUs, and there are {len(gpus)}.",
            f"Set tensor_parallel to {len(gpus)} or less.",
        )
    used = gpus[:tensor_parallel]
    total = min(gpu.total for gpu in used)
    usable = min(limit * total, min(gpu.free for gpu in used) - _SPARED)
    work = (5 if total >= _LARGE_GPU else 2) * GIB
    fixed = [model.weights / tensor_parallel + work for model in models]
    rest = usable - sum(fixed)
    if rest < _CACHE_LEAST * len(models):
        needed = sum(fixed) + _CACHE_LEAST * len(models)
        raise ModelError(
            f"The GPU's memory is too small: {_gib(needed)} GiB are needed, {_gib(max(0, usable))} GiB can be had.",
            _HINT,
        )
    spare = rest - _CACHE_LEAST * len(models)
    parts = sum(model.cache_part for model in models)
    sizes = [size + _CACHE_LEAST + spare * model.cache_part / parts for size, model in zip(fixed, models, strict=True)]
    return [size / total for size in sizes]


def no_gpu() -> ModelError:
    """Says that vLLM has no GPU to run on."""
    return ModelError(
        "vLLM needs a GPU, and none was found.",
        "Check the driver (nvidia-smi), or use the transformers engine or a server.",
    )


def out_of_memory() -> ModelError:
    """Says that a model didn't fit."""
    return ModelError("The GPU's memory is too small for the model.", _HINT)


def _gib(size: float) -> str:
    return f"{size / GIB:.1f}"
