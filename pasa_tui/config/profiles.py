"""Named models: what `--model NAME` means."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from pasa_tui.errors import ConfigError

BUILTIN = "builtin"
"""The agent that needs no language model."""
PROMPT_FILE = "agent_prompt.json"
"""The file that PaSa's prompts travel in, beside the folders of its checkpoints or in one of them."""
PASA = "pasa-7b"
"""PaSa's own checkpoints (Hugging Face organisation bytedance-research), with the prompts they were trained with."""

Engine = Literal["auto", "transformers", "vllm", "openai"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`[profiles.NAME]`: a model, what runs it, and what it costs."""

    engine: Annotated[
        Engine,
        Meta(
            description="openai: a server that speaks OpenAI's format, at `url`; transformers or vllm: in this "
            "process, from weights on the disk; auto: vllm where there are a GPU and the package, else transformers."
        ),
    ] = "openai"
    url: Annotated[str, Meta(pattern=r"^(https?://[!-~]+)?$", description="Where the server is, /v1 included.")] = ""
    model: Annotated[str, Meta(description="The model's name on the server, or a folder of weights.")] = ""
    crawler: Annotated[str, Meta(description="A model of the Crawler's own.")] = ""
    selector: Annotated[str, Meta(description="A model of the Selector's own.")] = ""
    selector_url: Annotated[
        str, Meta(pattern=r"^(https?://[!-~]+)?$", description="Where the Selector's server is, if not at `url`.")
    ] = ""
    api: Annotated[
        Literal["chat", "completions"],
        Meta(description="Which of the server's two ways is used for scores; published prompts need completions."),
    ] = "chat"
    key: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]*$",
            description="The name of the key that the server wants: openai, openrouter, or a variable that holds it.",
        ),
    ] = ""
    prompts: Annotated[
        Literal["general", "published"],
        Meta(description="published: the agent_prompt.json beside the weights, for PaSa's checkpoints alone."),
    ] = "general"
    concurrency: Annotated[int, Meta(ge=1, le=512, description="Requests to the server at once.")] = 8
    price_in: Annotated[float, Meta(ge=0, description="US dollars per million tokens read.")] = 0.0
    price_out: Annotated[float, Meta(ge=0, description="US dollars per million tokens written.")] = 0.0
    device: Annotated[str, Meta(description="transformers: auto, cpu, cuda, cuda:1, mps.")] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], Meta(description="The numbers' format in memory.")
    ] = "auto"
    tensor_parallel: Annotated[int, Meta(ge=1, le=64, description="vllm: GPUs that one model is spread over.")] = 1
    gpu_memory: Annotated[
        float, Meta(gt=0, le=1, description="vllm: the share of a GPU's memory for all models together.")
    ] = 0.9

    @property
    def crawler_model(self) -> str:
        """The Crawler's model."""
        return self.crawler or self.model

    @property
    def selector_model(self) -> str:
        """The Selector's model."""
        return self.selector or self.model

    @property
    def address(self) -> str:
        """`url` without a name and password that may stand in it: the part to be shown and kept."""
        scheme, separator, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return scheme + separator + host.rpartition("@")[2] + slash + path

    @property
    def is_paid(self) -> bool:
        """Whether tokens have a price."""
        return bool(self.price_in or self.price_out)


KNOWN: Mapping[str, Profile] = {
    PASA: Profile(engine="auto", crawler="pasa-7b-crawler", selector="pasa-7b-selector", prompts="published")
}
"""Profiles that need no settings; one of the same name in the settings takes its place."""


def find_profile(name: str, own: Mapping[str, Profile]) -> Profile:
    """The profile of that name out of the settings, a known one, or that of a folder of weights. Raises ConfigError."""
    if name in own:
        profile = own[name]
    elif name in KNOWN:
        profile = KNOWN[name]
    elif (folder := Path(name).expanduser()).joinpath("config.json").is_file():
        prompts: Literal["general", "published"] = "published" if (folder / PROMPT_FILE).is_file() else "general"
        profile = Profile(engine="auto", model=str(folder.resolve()), prompts=prompts)
    else:
        names = ", ".join(dict.fromkeys((BUILTIN, *KNOWN, *own)))
        raise ConfigError(
            f"There is no model {name!r}.",
            f"Known: {names}; or the path of a folder with weights. A section "
            f"[profiles.{name if name.isidentifier() else 'NAME'}] of the settings makes another; see "
            "`pasa-tui models list`.",
        )
    if not profile.crawler_model or not profile.selector_model:
        raise ConfigError(f"The profile {name} names no model.", f"Set `model` under [profiles.{name}].")
    if profile.engine == "openai" and not profile.url:
        raise ConfigError(
            f"The profile {name} has no `url`.",
            f"Set it under [profiles.{name}], such as http://localhost:11434/v1 for Ollama.",
        )
    return profile
