"""What there is to search with on this machine: a network, a GPU, an Ollama, keys. For who comes here first."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pasa_tui.config.profiles import BUILTIN
from pasa_tui.config.secrets import find_keys
from pasa_tui.config.settings import Settings
from pasa_tui.models.ollama import installed_models

_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found. `ollama` are the names of its models, None where it does not run; `gpu` its name or empty."""

    online: bool
    gpu: str = ""
    ollama: tuple[str, ...] | None = None
    keys: tuple[str, ...] = ()
    model: str = BUILTIN

    @property
    def facts(self) -> str:
        """All on one line."""
        ollama = "no Ollama" if self.ollama is None else f"Ollama with {len(self.ollama)} models"
        keys = f"keys: {', '.join(self.keys)}" if self.keys else "no keys"
        return " · ".join(("network" if self.online else "no network", self.gpu or "no GPU", ollama, keys))

    @property
    def advice(self) -> str:
        """What to search with, best first."""
        if self.model != BUILTIN:
            return f"{self.model} searches, as your settings say; f9 chooses another."
        where = "the live sources" if self.online else "the collections at hand"
        if self.gpu:
            return f"The builtin agent searches {where} at once. With this GPU: pasa-tui models fetch pasa-7b"
        return f"The builtin agent searches {where} at once, and needs nothing more."


def look_around(
    settings: Settings,
    *,
    online: bool,
    ollama: Callable[[], tuple[str, ...] | None] = installed_models,
    gpus: Path = _GPUS,
) -> Surroundings:
    """See what is there; takes a second at most."""
    return Surroundings(online, _gpu(gpus), ollama(), tuple(find_keys()), settings.models.default)


def _gpu(gpus: Path) -> str:
    """The name of the first GPU as NVIDIA's driver tells it, or of a Mac's own; empty for none."""
    try:
        for file in sorted(gpus.glob("*/information")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, value = line.partition(":")
                if name.strip() == "Model" and value.strip():
                    return value.strip()
    except OSError:
        return ""
    return "Apple GPU" if (platform.system(), platform.machine()) == ("Darwin", "arm64") else ""
