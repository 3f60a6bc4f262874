"""Policy, SFT policy and value model over one set of weights: LoRA adapters (arXiv 2106.09685) are what learns.

Of a model with P parameters whole models take 36 P bytes, this 2 P in bfloat16 and little more.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_POLICY, _VALUE = "policy", "value"


class AdaptedModel:
    """One of the models over the common weights: those with the adapter of its name, or without any.

    It is set up by each forward pass, so what a backward pass computes anew must come before another's forward pass.
    """

    def __init__(self, shared: Any, adapter: str | None) -> None:
        self._shared = shared
        self._adapter = adapter

    @property
    def device(self) -> Any:
        """Where the weights are."""
        return self._shared.device

    @property
    def training(self) -> bool:
        """Whether it is in training mode."""
        return bool(self._shared.training)

    def eval(self) -> None:
        """Leave training mode."""
        self._shared.eval()

    def train(self, mode: bool = True) -> None:
        """Enter or leave training mode."""
        self._shared.train(mode)

    @property
    def generation_config(self) -> Any:
        """How the model's files say it writes."""
        return self._shared.get_base_model().generation_config

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self._shared.get_base_model().config

    def get_decoder(self) -> Any:
        """The layers, with this model's adapter."""
        return self._active().get_decoder()

    def get_output_embeddings(self) -> Any:
        """The layer from states to logits."""
        return self._active().get_output_embeddings()

    def generate(self, **values: Any) -> Any:
        """Write, as the model in transformers does."""
        return self._active().generate(**values)

    def named(self) -> "Iterator[tuple[str, Tensor]]":
        """The parameters of the adapter, by name."""
        for name, parameter in self._shared.named_parameters():
            if f".{self._adapter}." in name:
                yield name, parameter

    def parameters(self) -> "Iterator[Tensor]":
        """What learns."""
        return (parameter for _, parameter in self.named())

    def state_dict(self) -> "dict[str, Tensor]":
        """The adapter's weights."""
        return {name: parameter.detach().clone() for name, parameter in self.named()}

    def load_state_dict(self, values: "Mapping[str, Tensor]") -> None:
        """Put an adapter's weights in place."""
        import torch

        with torch.no_grad():
            for name, parameter in self.named():
                parameter.copy_(values[name])

    def save_pretrained(self, folder: Path) -> None:
        """Write the common weights with the adapter merged into them; the model is of no more use then."""
        self._active()
        self._shared.merge_and_unload(adapter_names=[self._adapter]).save_pretrained(folder)

    def _active(self) -> Any:
        if self._adapter is None:
            self._shared.base_model.disable_adapter_layers()
        else:
            self._shared.base_model.enable_adapter_layers()
            self._shared.set_adapter(self._adapter)
        return self._shared.get_base_model()


class AdaptedCritic:
    """The value model: the common weights with an adapter of its own, and a head."""

    def __init__(self, model: AdaptedModel, head: Any) -> None:
        self._model = model
        self.head = head

    @property
    def trunk(self) -> Any:
        """The layers, with this model's adapter."""
        return self._model.get_decoder()

    def parameters(self) -> "Iterator[Tensor]":
        """What learns."""
        yield from self._model.parameters()
        yield from self.head.parameters()

    def state_dict(self) -> dict[str, Any]:
        """The weights of adapter and head."""
        return {"adapter": self._model.state_dict(), "head": self.head.state_dict()}

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Put weights in place."""
        self._model.load_state_dict(values["adapter"])
        self.head.load_state_dict(values["head"])


def load_adapted(
    folder: Path, device: Any, *, rank: int, alpha: int, dtype: str, attention: str, checkpointing: bool, value: bool
) -> "tuple[AdaptedModel, AdaptedModel, AdaptedCritic | None]":
    """Policy, SFT policy and value model (where it is wanted) over the weights in a folder, kept in `dtype`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from pasa_tui.training.session_ppo.models import quieten

    quieten()
    base = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention, local_files_only=True, trust_remote_code=False
    ).to(device)
    if checkpointing:
        base.gradient_checkpointing_enable({"use_reentrant": False})
        base.enable_input_require_grads()
    adapters = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    shared = get_peft_model(base, adapters, adapter_name=_POLICY)
    critic = None
    if value:
        shared.add_adapter(_VALUE, adapters)
        head = torch.nn.Linear(base.config.get_text_config().hidden_size, 1).to(device)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        critic = AdaptedCritic(AdaptedModel(shared, _VALUE), head)
    return AdaptedModel(shared, _POLICY), AdaptedModel(shared, None), critic
