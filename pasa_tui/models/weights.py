"""Where the weights of models lie, and what can run them."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from pasa_tui.config.profiles import PROMPT_FILE
from pasa_tui.errors import ModelError

Trained = Literal["crawler", "selector", "both"]
"""Which of the two a model was made to be."""


def find_weights(name: str, folders: Sequence[Path]) -> Path:
    """The folder of a model: a path as it is, or its name or repository in one of `folders`. Raises ModelError."""
    given = Path(name).expanduser()
    # A repository `owner/name` is fetched into the folder `name`.
    places = [given] if given.is_absolute() else [*(folder / given.name for folder in folders), given]
    for place in places:
        if (place / "config.json").is_file():
            return place.resolve()
    raise ModelError(
        f"The weights of {name} are not there: no {places[0] / 'config.json'}.",
        "`pasa-tui models fetch` takes them from the hub; or put them into that folder.",
    )


def find_prompts(weights: Sequence[Path], folders: Sequence[Path]) -> Path:
    """PaSa's prompts: beside or in the folders of the weights, or in one of `folders`. Raises ModelError."""
    places = [*weights, *(path.parent for path in weights), *folders]
    for place in dict.fromkeys(places):
        if (place / PROMPT_FILE).is_file():
            return place / PROMPT_FILE
    raise ModelError(
        f"The prompts that go with these weights are not there: no {PROMPT_FILE} in {places[-1]}.",
        "`pasa-tui models fetch pasa-7b` brings them; or take agent_prompt.json from PaSa's repository.",
    )


def trained_as(weights: Path) -> Trained:
    """What `pasa-tui train` made of a model, by the `training.json` in its folder; "both" where it made none."""
    try:
        record = msgspec.json.decode((weights / "training.json").read_bytes(), type=dict[str, object])
    except (OSError, msgspec.DecodeError):
        return "both"
    stages: dict[object, Trained] = {"crawler": "crawler", "ppo": "crawler", "selector": "selector"}
    return stages.get(record.get("stage"), "both")


def best_engine() -> Literal["transformers", "vllm"]:
    """vLLM where it is installed and there is a GPU for it, else transformers."""
    if importlib.util.find_spec("vllm") is None or importlib.util.find_spec("torch") is None:
        return "transformers"
    import torch

    return "vllm" if torch.cuda.is_available() else "transformers"
