"""Settings, and where they and everything else are kept.

`pasa_tui.config.settings` is imported by those who read settings: it costs more than finding a path does.
"""

from pasa_tui.config.paths import Paths, private_dir, private_file, shipped_dir

__all__ = ["Paths", "private_dir", "private_file", "shipped_dir"]
