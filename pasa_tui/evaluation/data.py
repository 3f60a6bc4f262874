"""Where PaSa's published data lies on this machine."""

from pathlib import Path

from pasa_tui.config import Paths
from pasa_tui.config.paths import checkout_data


def data_folders(paths: Paths) -> list[Path]:
    """Where named query sets are looked for, the first being where they are fetched to.

    That is the checkout's `data/`, where pasa-tui runs from one, else a folder of the user's.
    """
    return [*filter(None, [checkout_data()]), paths.data_dir / "benchmarks"]
