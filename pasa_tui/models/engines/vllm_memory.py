"""How models share the memory of a GPU."""

import functools
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.torch_loading import check_files

GIB = 1 << 30
CACHE_PARTS = (3.0, 1.0)
"""How the Crawler and the Selector share what the weights leave: one keeps the keys and values of all texts it is
writing, the other is done with a prompt in one step."""
_LARGE_GPU = 70 * GIB
"""From here on vLLM puts up to 16,384 tokens and 1,024 prompts into a batch, below that 8,192 and 256."""
_CACHE_LEAST = 1 * GIB
"""The least for keys and values: 18,700 tokens of a model of Qwen2.5-7B's shape."""
_PROBE = (
    "import json, torch; gpus = range(torch.cuda.device_count()); "
    "print(json.dumps([torch.cuda.get_device_properties(gpu).total_memory for gpu in gpus]))"
)
_HINT = (
    "Close what else uses the GPU, set gpu_memory lower if that is to stay, spread the model over several GPUs "
    "(tensor_parallel), use the transformers engine, or use a server."
)


def memory_shares(folders: Sequence[Path], limit: float = 0.9, *, tensor_parallel: int = 1) -> list[float]:
    """The share of each GPU's memory for the model in each folder, `limit` for all: the Crawler's, then the Selector's.

    They depend on the size of weights and GPUs alone, not on what is in use, so that they stay the same from search to
    search. Blocks some seconds the first time. Where no GPU is seen they are equal, and loading says what is wrong.
    Raises ModelError where files are missing, or where GPUs are too few or too small.
    """
    weights = [sum(path.stat().st_size for path in check_files(folder, folder.name)) for folder in folders]
    gpus = gpu_sizes()
    if not gpus:
        return [limit / len(folders)] * len(folders)
    return split_memory(weights, gpus, limit=limit, tensor_parallel=tensor_parallel)


def split_memory(weights: Sequence[int], gpus: Sequence[int], *, limit: float, tensor_parallel: int = 1) -> list[float]:
    """The shares for models of so many bytes, each spread over the first `tensor_parallel` GPUs of so many bytes.

    Each model gets what its weights and the work on a batch take, and its part of the rest. Raises ModelError where
    GPUs are too few or too small.
    """
    if len(gpus) < tensor_parallel:
        raise ModelError(
            f"The model is to be spread over {tensor_parallel} GPUs, and there are {len(gpus)}.",
            f"Set tensor_parallel to {len(gpus)} or less.",
        )
    total = min(gpus[:tensor_parallel])
    work = (5 if total >= _LARGE_GPU else 2) * GIB
    fixed = [size / tensor_parallel + work + _CACHE_LEAST for size in weights]
    rest = limit * total - sum(fixed)
    if rest < 0:
        raise ModelError(
            f"The GPU's memory is too small: {_gib(sum(fixed))} GiB are needed, {_gib(limit * total)} GiB can be had.",
            _HINT,
        )
    parts = CACHE_PARTS[: len(weights)]
    sizes = [size + rest * part / sum(parts) for size, part in zip(fixed, parts, strict=True)]
    return [size / total for size in sizes]


@functools.cache
def gpu_sizes() -> tuple[int, ...]:
    """Bytes of memory of the GPUs that this process may use, in PyTorch's order; none without PyTorch or a driver.

    Asked in a process of its own: PyTorch may not be loaded here yet, and takes its time.
    """
    try:
        asked = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=120, check=True)
        return tuple(json.loads(asked.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def no_gpu() -> ModelError:
    """Says that vLLM has no GPU to run on."""
    return ModelError(
        "vLLM needs a GPU, and none was found.",
        "Check the driver (nvidia-smi), or use the transformers engine or a server.",
    )


def out_of_memory() -> ModelError:
    """Says that a model didn't fit."""
    return ModelError("The GPU's memory is too small for the model, or others have taken it.", _HINT)


def _gib(size: float) -> str:
    return f"{size / GIB:.1f}"
