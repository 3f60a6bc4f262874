"""Themes as TOML files: ours, and the user's beside them."""

import tomllib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

_COLOURS = (
    "primary",
    "secondary",
    "accent",
    "warning",
    "error",
    "success",
    "foreground",
    "background",
    "surface",
    "panel",
)
FALLBACK_THEME = "textual-dark"
"""Shown where the theme that was asked for is not there."""
_KNOWN = {item.name for item in fields(Theme)}


def load_themes(folders: Iterable[Path]) -> tuple[list[Theme], list[str]]:
    """All themes in these folders, a later one of the same name in place of an earlier, and what was wrong.

    A file that is no theme costs only itself: the second list has a sentence on each.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = _read_theme(path)
                themes[theme.name] = theme
            except (OSError, ValueError, TypeError, ColorParseError) as error:
                problems.append(f"{path.name} is not a theme: {error}")
    return list(themes.values()), problems


def _read_theme(path: Path) -> Theme:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := set(values) - _KNOWN:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}")
    for name in _COLOURS:
        if name in values:
            Color.parse(values[name])
    return Theme(**{"name": path.stem, **values})
