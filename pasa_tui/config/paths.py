"""Where things are kept: XDG folders by platformdirs, all private to the user; what ships with the package."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pasa_tui.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user. Nothing is created until it is needed."""

    config_dir: Path
    data_dir: Path
    cache_dir: Path

    @classmethod
    def default(cls, environ: Mapping[str, str] = os.environ) -> "Paths":
        """The platform's folders, or all three under PASA_TUI_HOME where that is set."""
        if home := environ.get("PASA_TUI_HOME"):
            root = Path(home).expanduser().absolute()
            return cls(root / "config", root / "data", root / "cache")
        dirs = platformdirs.PlatformDirs("pasa-tui", appauthor=False)
        return cls(dirs.user_config_path, dirs.user_data_path, dirs.user_cache_path)

    @property
    def config_file(self) -> Path:
        """The settings, in TOML."""
        return self.config_dir / "config.toml"

    @property
    def themes_dir(self) -> Path:
        """The user's own themes, beside the shipped ones."""
        return self.config_dir / "themes"

    @property
    def library_file(self) -> Path:
        """The SQLite library of searches and papers."""
        return self.data_dir / "library.db"

    @property
    def corpora_dir(self) -> Path:
        """One folder per corpus."""
        return self.data_dir / "corpora"

    @property
    def checkpoints_dir(self) -> Path:
        """The weights of language models, a folder each, where nothing else is set."""
        return self.data_dir / "checkpoints"

    @property
    def panes_file(self) -> Path:
        """How large the panes of the application are."""
        return self.data_dir / "panes.json"

    @property
    def speeds_file(self) -> Path:
        """How fast models were when they were checked."""
        return self.data_dir / "speeds.json"


def private_dir(path: Path) -> Path:
    """Create `path` and its missing parents with mode 0700 and return it.

    Raises ConfigError where that can't be done.
    """
    try:
        missing = [parent for parent in (path, *path.parents) if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise NotADirectoryError(20, "is a file, not a folder")
    except OSError as error:
        raise ConfigError(
            f"The folder {path} can't be made: {error.strerror}.",
            "Make it writable, or set PASA_TUI_HOME to a folder that is.",
        ) from error
    return path


def private_file(path: Path) -> Path:
    """Create `path` empty with mode 0600 where it isn't there yet, its folder included, and return it.

    Raises ConfigError where that can't be done.
    """
    private_dir(path.parent)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise ConfigError(
            f"The file {path} can't be written: {error.strerror}.",
            "Make it writable, or set PASA_TUI_HOME to a folder that is.",
        ) from error
    return path


def checkout_checkpoints() -> Path | None:
    """The folder `checkpoints/` of the checkout that this runs from; None where it was installed otherwise."""
    folder = _PACKAGE.parent / "checkpoints"
    return folder if (folder / "README.md").is_file() else None


def checkout_data() -> Path | None:
    """The folder `data/` of the checkout that this runs from; None where it was installed otherwise."""
    folder = _PACKAGE.parent / "data"
    return folder if (folder / "README.md").is_file() else None


def shipped_dir(name: str) -> Path:
    """The folder `themes` or `sample` that ships with pasa-tui, in a wheel or in a checkout."""
    packaged = _PACKAGE / "_shipped" / name
    if packaged.is_dir():
        return packaged
    return _PACKAGE.parent / ("themes" if name == "themes" else "data/sample")
