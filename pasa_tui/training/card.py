"""The model card of a trained folder, and what was used to make it."""

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pasa_tui import __version__

_PACKAGES = ("torch", "transformers", "accelerate", "trl", "peft")


def versions() -> dict[str, str]:
    """The versions of all that has a part in the numbers; packages that are not there are left out."""
    found = {"pasa-tui": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def write_card(
    folder: Path,
    *,
    title: str,
    about: str,
    data: Mapping[str, Any],
    settings: Mapping[str, Any],
    figures: Mapping[str, Any],
) -> None:
    """Write README.md into a trained folder: what it is, its data, settings, versions and figures.

    Figures are those measured in the training that made it, and nothing else.
    """
    parts = [
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\ntags: [pasa, literature-search]\n---\n",
        f"# {title}\n\n{about}\n",
        f"Use it: `pasa-tui search --model {_code(str(folder.resolve()))} “your question”`\n",
        _section("Data", data),
        _section("Figures", figures),
        _section("Settings", settings),
        _section("Versions", versions()),
    ]
    (folder / "README.md").write_text("\n".join(parts), encoding="utf-8")


def _section(title: str, values: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {_cell(name)} | {_cell(value)} |" for name, value in values.items())
    return f"## {title}\n\n| | |\n| --- | --- |\n{rows}\n"


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f'"{text}"' if " " in text else text
