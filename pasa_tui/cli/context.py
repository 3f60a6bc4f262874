"""What every command gets: where things are, and the settings, read when first asked for."""

from functools import cached_property
from typing import TYPE_CHECKING

from pasa_tui.config import Paths

if TYPE_CHECKING:
    from pasa_tui.config.settings import Settings
    from pasa_tui.library import Library
    from pasa_tui.models.engines.pool import EnginePool
    from pasa_tui.session import Session


class Context:
    """Made once per run by the group and passed to commands with `@click.pass_obj`."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    @cached_property
    def settings(self) -> "Settings":
        """The settings of this run. Raises ConfigError."""
        from pasa_tui.config.settings import load_settings

        return load_settings(self.paths.config_file)

    def open_session(self, library: "Library", *, falls_back: bool = True) -> "Session":
        """A session over the library, with the agents that the settings ask for. Raises ConfigError.

        `falls_back` as `AgentAssembly` takes it.
        """
        from pasa_tui.assembly import AgentAssembly
        from pasa_tui.session import Session

        assembly = AgentAssembly(self.settings, library, pool=self.pool, falls_back=falls_back)
        return Session(library, self.paths, build_agent=assembly)

    @cached_property
    def pool(self) -> "EnginePool":
        """The models in this process, for as long as the command runs."""
        from pasa_tui.models.engines.pool import EnginePool

        return EnginePool()

    def close(self) -> None:
        """Give back the models that were loaded, if any were."""
        if "pool" in vars(self):
            import asyncio

            asyncio.run(self.pool.close())

    def open_library(self) -> "Library":
        """The user's library, open; the caller closes it. Raises LibraryError."""
        from pasa_tui.library import Library

        return Library.open(self.paths.library_file)
