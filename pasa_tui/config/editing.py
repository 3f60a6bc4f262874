"""Changing the settings file and leaving the rest of it as its owner wrote it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pasa_tui.config.paths import private_file
from pasa_tui.errors import ConfigError


def change_setting(path: Path, section: str, name: str, value: bool | int | float | str) -> None:
    """Set one setting in the file at `path`, which is made where it is not there; comments stay.

    `section` is a table's name, dotted for one within another (`profiles.mine`).

    Raises ConfigError where the file can't be read or written, or is not TOML.
    """
    with _changed(path) as document:
        table: Any = document
        for part in section.split("."):
            table = table.setdefault(part, tomlkit.table())
        table[name] = value


def unset_setting(path: Path, section: str, name: str) -> None:
    """Take one setting out of the file at `path`, so that its default holds. Raises ConfigError as `change_setting`."""
    with _changed(path) as document:
        table: Any = document.get(section, {})
        table.pop(name, None)


@contextmanager
def _changed(path: Path) -> Iterator[tomlkit.TOMLDocument]:
    private_file(path)
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        yield document
        aside = path.with_name(f"{path.name}.{os.getpid()}.part")
        private_file(aside).write_text(tomlkit.dumps(document), encoding="utf-8")
        # Over what a link leads to, so that settings kept elsewhere stay linked.
        os.replace(aside, path.resolve())
    except (TOMLKitError, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.", "Mend that line, or move the file away.") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be changed: {error.strerror}.", "Make it writable.") from error
