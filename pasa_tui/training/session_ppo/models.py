"""The policy with its SFT copy, and the value model: forward passes that keep the answers' tokens alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pasa_tui.training.session_ppo.batches import Batch

if TYPE_CHECKING:
    from torch import Tensor

LOGITS_AT_ONCE = 1_024
"""Answer tokens whose logits over the vocabulary stand in memory at once."""


def autocast(device: Any, dtype: str) -> Callable[[], AbstractContextManager[Any]]:
    """Computing in `dtype` where it is not float32; weights stay float32, or small steps would be rounded away."""
    import torch

    if dtype == "float32":
        return nullcontext
    return lambda: torch.autocast(device.type, dtype=getattr(torch, dtype))


def answer_logprobs(model: Any, batch: Batch, *, temperature: float, entropy: bool = False) -> "tuple[Tensor, Tensor]":
    """Log-probabilities `[N]` of the answers' tokens, and the entropies `[N]` there (zeros where not asked for).

    The output layer is applied to the states before answer tokens only, `LOGITS_AT_ONCE` at a time and once more in the
    backward pass, so that logits take `LOGITS_AT_ONCE * vocabulary` numbers, however long prompts are.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    hidden = model.get_decoder()(input_ids=batch.tokens, attention_mask=batch.attended, use_cache=False)
    states = hidden.last_hidden_state[batch.rows, batch.places]
    head = model.get_output_embeddings()

    def piece(states: "Tensor", targets: "Tensor") -> "tuple[Tensor, Tensor]":
        logits = head(states).float() / temperature
        scores = torch.log_softmax(logits, dim=-1)
        found = scores.gather(-1, targets[:, None])[:, 0]
        spread = -(scores.exp() * scores).sum(-1).detach() if entropy else torch.zeros_like(found).detach()
        return found, spread

    parts = [
        checkpoint(piece, some, targets, use_reentrant=False) if torch.is_grad_enabled() else piece(some, targets)
        for some, targets in zip(states.split(LOGITS_AT_ONCE), batch.targets.split(LOGITS_AT_ONCE), strict=True)
    ]
    return torch.cat([found for found, _ in parts]), torch.cat([spread for _, spread in parts])


def answer_values(critic: Any, batch: Batch) -> "Tensor":
    """The value model's estimates `[N]` for the states before the answers' tokens."""
    hidden = critic.trunk(input_ids=batch.tokens, attention_mask=batch.attended, use_cache=False).last_hidden_state
    values: Tensor = critic.head(hidden[batch.rows, batch.places].float())[:, 0]
    return values


def load_policy(folder: Path, device: Any, *, attention: str, checkpointing: bool) -> Any:
    """The policy in float32, for training. Raises ModelError."""
    from transformers import AutoModelForCausalLM

    quieten()
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype="float32", attn_implementation=attention, local_files_only=True, trust_remote_code=False
    ).to(device)
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model


def load_critic(folder: Path, device: Any, *, attention: str, checkpointing: bool) -> Any:
    """A value model: the trunk of the SFT policy, and a head that begins with 0 everywhere."""
    import torch
    from transformers import AutoModel

    trunk = AutoModel.from_pretrained(
        folder, dtype="float32", attn_implementation=attention, local_files_only=True, trust_remote_code=False
    )
    head = torch.nn.Linear(trunk.config.hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    if checkpointing:
        trunk.gradient_checkpointing_enable({"use_reentrant": False})
    critic = torch.nn.Module()
    critic.trunk, critic.head = trunk, head
    return critic.to(device)


def dtype_of(wanted: str, device: Any) -> str:
    """What to compute in: for "auto" bfloat16 on GPUs that know it, else float32."""
    import torch

    if wanted != "auto":
        return wanted
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def quieten() -> None:
    """Keep transformers from telling of each folder it reads, and of names that the libraries above it still use."""
    import warnings

    from transformers.utils import logging

    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def attention_of(device: Any) -> str:
    """The attention implementation that is installed and fits: FlashAttention 2 on CUDA, else PyTorch's own."""
    from importlib.util import find_spec

    return "flash_attention_2" if device.type == "cuda" and find_spec("flash_attn") else "sdpa"
