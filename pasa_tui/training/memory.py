"""What a model will use of memory, reckoned from its files."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shape:
    """Parameters, size of a token's state, layers and vocabulary of a model."""

    parameters: int
    hidden: int
    layers: int
    vocabulary: int

    def activations(self, tokens: int, *, size: int, checkpointing: bool) -> int:
        """Bytes kept for the backward pass of so many tokens of `size` bytes a number.

        Some 16 numbers of a state's size per token and layer; with gradient checkpointing the layers' inputs, and one
        layer's worth that is computed anew.
        """
        return tokens * self.hidden * (self.layers + 16 if checkpointing else 16 * self.layers) * size

    def logits(self, tokens: int) -> int:
        """Bytes of float32 logits of so many tokens: themselves, their logarithms and their gradients."""
        return 3 * 4 * tokens * self.vocabulary

    @property
    def learning(self) -> int:
        """Bytes of float32 weights, gradients and AdamW's two moments."""
        return 16 * self.parameters


def shape_of(model: Path) -> Shape:
    """The shape of the model in a folder, as its files say."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config = config.get("text_config", config)
    size = {"float32": 4, "float16": 2, "bfloat16": 2}.get(str(config.get("dtype") or config.get("torch_dtype")), 2)
    weights = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    names = ("hidden_size", "num_hidden_layers", "vocab_size")
    return Shape(weights // size, *(int(config.get(name) or 0) for name in names))
