"""Loads a model from a folder in Hugging Face format: never from the network, never with code of its own."""

import json
import os
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pasa_tui.errors import ModelError
from pasa_tui.models.engines.protocol import TRUE, Progress

_AGAIN = "Fetch the model again: pasa-tui models fetch."
_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
_OLD_WEIGHTS = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_DTYPES = ("float32", "float16", "bfloat16")
_PLAIN_LAYERS = {"full_attention", "sliding_attention"}


class LoadingCancelled(Exception):
    """The engine was closed while its model was loaded."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready, with what the work needs to know of it.

    `true` is the token `True`; `ends` are the tokens that end an answer; `max_length` counts tokens of prompt and
    answer. With `full_attention` every token attends to all before it, whatever the distance.
    """

    model: Any
    tokenizer: Any
    device: Any
    true: int | None
    ends: frozenset[int]
    max_length: int
    full_attention: bool


def load_model(
    folder: Path,
    *,
    name: str,
    device: str,
    dtype: str,
    max_length: int | None,
    tell: Callable[[Progress], None],
    cancelled: threading.Event,
) -> LoadedModel:
    """Load model and tokenizer; blocks. Raises ModelError with what to do about it, and LoadingCancelled."""
    try:
        import torch
        import transformers
    except ImportError:
        raise ModelError(
            "This model needs PyTorch and transformers, which are not installed.",
            "In the clone: pip install -e '.[transformers]'",
        ) from None
    files = check_files(folder, name)
    chosen = choose_device(device, torch)
    kind = choose_dtype(dtype, chosen, torch)
    _check_memory(files, name, chosen, kind)
    transformers.utils.logging.set_verbosity_error()
    tell(Progress(f"loading the tokenizer of {name}"))
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, padding_side="left"
        )
        with _reported(tell, cancelled):
            model, report = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=kind, local_files_only=True, trust_remote_code=False, output_loading_info=True
            )
        if report["missing_keys"]:
            raise ModelError(
                f"The weights in {folder} are incomplete: {min(report['missing_keys'])} is missing.", _AGAIN
            )
        if chosen.type != "cpu":
            tell(Progress(f"moving the weights to the {chosen.type.upper()} device"))
            model = model.to(chosen)
    except (ModelError, LoadingCancelled):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise _no_memory(name, chosen) from None
        raise ModelError(f"The files of {name} in {folder} can't be loaded: {first_line(error)}", _AGAIN) from None
    return _described(model.eval(), tokenizer, chosen, max_length, name)


def check_files(folder: Path, name: str) -> list[Path]:
    """The files of the weights, all of which are there. Raises ModelError with what is expected where."""
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder} with the model {name}.", "Fetch it: pasa-tui models fetch.")
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} holds no model: config.json is missing.",
            f"It should hold config.json, tokenizer.json and {_WEIGHTS} as the Hugging Face hub has them.",
        )
    _read(folder / "config.json")
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if (folder / _SHARDS).is_file():
        parts = _read(folder / _SHARDS).get("weight_map")
        if not isinstance(parts, dict) or not parts:
            raise ModelError(f"{folder / _SHARDS} is damaged.", _AGAIN)
        shards = sorted(set(map(str, parts.values())))
        missing = [shard for shard in shards if not (folder / shard).is_file()]
        if missing:
            raise ModelError(
                f"{len(missing)} of {len(shards)} files of weights are missing, {missing[0]} first.", _AGAIN
            )
        return [folder / shard for shard in shards]
    if any((folder / old).is_file() for old in _OLD_WEIGHTS):
        return sorted(folder.glob("pytorch_model*.bin"))
    raise ModelError(f"{folder} holds no weights.", f"It should hold {_WEIGHTS}, or its parts with {_SHARDS}.")


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):
        data = None
    if not isinstance(data, dict):
        raise ModelError(f"{file} is damaged.", _AGAIN)
    return data


def choose_device(wanted: str, torch: Any) -> Any:
    """The torch.device: for "auto" CUDA before MPS before the CPU. Raises ModelError where it is not there."""
    mps = torch.backends.mps.is_available()
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ModelError(f"There is no device {wanted!r}.", "Take auto, cpu, cuda, cuda:1 or mps.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        hint = "Take the device auto or cpu, or install the CUDA build of PyTorch and NVIDIA's driver."
        raise ModelError("CUDA was asked for, and PyTorch sees no GPU.", hint)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"There is no GPU {device.index}: PyTorch sees {torch.cuda.device_count()}.", "They count from 0."
        )
    if device.type == "mps" and not mps:
        raise ModelError("MPS was asked for, and this machine has none.", "Take the device auto or cpu.")
    return device


def choose_dtype(wanted: str, device: Any, torch: Any) -> Any:
    """The torch.dtype: for "auto" bfloat16 where the device computes in it, else float16 on GPUs, float32 on CPUs."""
    if wanted == "auto":
        if device.type == "cuda":
            fit, other = torch.cuda.is_bf16_supported(including_emulation=False), torch.float16
        elif device.type == "mps":
            fit, other = torch.backends.mps.is_macos_or_newer(14, 0), torch.float16
        else:
            fit, other = cpu_has_bfloat16(), torch.float32
        return torch.bfloat16 if fit else other
    if wanted not in _DTYPES:
        raise ModelError(f"There is no dtype {wanted!r}.", f"Take auto, {', '.join(_DTYPES)}.")
    return getattr(torch, wanted)


def cpu_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU multiplies bfloat16 itself (x86: AVX512-BF16 or AMX; Arm: BF16), as Linux says; else False."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((set(line.lower().split()) for line in lines if line.lower().startswith(("flags", "features"))), set())
    units = {"bf16"} if platform.machine() in ("aarch64", "arm64") else {"avx512_bf16", "amx_bf16"}
    return bool(flags & units)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch failed for want of memory; the CPU's allocator has no error of its own for that."""
    import torch

    words = ("can't allocate memory", "not enough memory", "out of memory", "alloc_cpu")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def first_line(error: BaseException) -> str:
    """One line of an error's text, for a message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _described(model: Any, tokenizer: Any, device: Any, max_length: int | None, name: str) -> LoadedModel:
    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not layers <= _PLAIN_LAYERS:
        hint = "Serve it with vLLM, llama.cpp or Ollama, and use that server."
        raise ModelError(f"{name} is built in a way that this engine can't run: {', '.join(sorted(layers))}.", hint)
    sliding = "sliding_attention" in layers or getattr(config, "sliding_window", None) is not None
    true = tokenizer.convert_tokens_to_ids(TRUE)
    limits = [getattr(config, "max_position_embeddings", None), tokenizer.model_max_length, max_length]
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        device=device,
        true=None if true is None or true == tokenizer.unk_token_id else true,
        ends=ends_of(model, tokenizer),
        max_length=min(int(limit) for limit in limits if limit),
        full_attention=not sliding,
    )


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer, wherever a model's files say so."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    known = [*_listed(ends), *_listed(model.config.get_text_config().eos_token_id), tokenizer.eos_token_id]
    return frozenset(token for token in known if isinstance(token, int))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_memory(files: Sequence[Path], name: str, device: Any, dtype: Any) -> None:
    """Before the system ends the process for it: weights that can't fit into what is free. Linux alone says that."""
    if device.type != "cpu":
        return
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return
    stored = _read(files[0].parent / "config.json")
    wide = "float32" in (stored.get("dtype"), stored.get("torch_dtype"))
    needed = sum(os.path.getsize(file) for file in files) * dtype.itemsize // (4 if wide else 2)
    if needed > free:
        raise _no_memory(name, device, f" It needs {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free.")


def _no_memory(name: str, device: Any, detail: str = "") -> ModelError:
    where = "memory" if device.type == "cpu" else "memory of the GPU"
    hint = "Close what else uses it, take a smaller model, or use one on a server."
    return ModelError(f"{name} does not fit into the {where}.{detail}", hint)


@contextmanager
def _reported(tell: Callable[[Progress], None], cancelled: threading.Event) -> Iterator[None]:
    """Take the progress bars that transformers would print from this thread, and pass on how far they are."""
    from transformers.utils import logging

    thread = threading.get_ident()

    class Bar(logging.EmptyTqdm):  # type: ignore[misc]
        def __init__(self, items: Sequence[Any]) -> None:
            super().__init__(items)
            self._items = items

        def __iter__(self) -> Iterator[Any]:
            told = -1
            for done, item in enumerate(self._items):
                if cancelled.is_set():
                    raise LoadingCancelled
                if (percent := 100 * done // len(self._items)) > told:
                    told = percent
                    tell(Progress("loading the weights", percent / 100))
                yield item
            tell(Progress("loading the weights", 1.0))

    def hook(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if threading.get_ident() != thread:
            return factory(*args, **kwargs)
        return Bar(args[0]) if args and hasattr(args[0], "__len__") else logging.EmptyTqdm(*args, **kwargs)

    before = logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)
