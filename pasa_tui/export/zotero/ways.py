"""Which way papers go to Zotero and back, the web API or the running program; each as one call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pasa_tui.config.settings import ZoteroSettings
from pasa_tui.errors import ExportError
from pasa_tui.export.record import Record
from pasa_tui.export.zotero.api import ZoteroApi
from pasa_tui.export.zotero.desktop import Desktop, push_to_desktop, read_local
from pasa_tui.export.zotero.library import check_access, read_collections, read_library
from pasa_tui.export.zotero.push import Pushed, push
from pasa_tui.papers import Paper

Via = Literal["web", "desktop"]

_KEY_HINT = "Get a key at https://www.zotero.org/settings/keys/new, then: pasa-tui config set-key zotero"
_LOCAL_API_HINT = (
    "Allow other applications to communicate with Zotero in its settings under Advanced, or use a key (--via web)."
)


def _silent(text: str) -> None:
    pass


def _uncounted(done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Zotero:
    """The user's Zotero. `key` is that of its web API, empty for none; `library` is "user" or "group/ID".

    `narrate` is told in words what one should know. All methods raise ExportError with what to do about it.
    """

    settings: ZoteroSettings
    key: str
    library: str = "user"
    narrate: Callable[[str], None] = _silent

    def web(self) -> ZoteroApi:
        """A client of the web API."""
        return ZoteroApi(self.settings.url, self.key, narrate=self.narrate)

    def local(self) -> ZoteroApi:
        """A client of the running program's local API, which only reads."""
        return ZoteroApi(self.settings.connector_url, name="The running Zotero")

    async def way(self, via: str = "auto") -> Via:
        """The way to take: as `via` says, or for "auto" the web API where there is a key, else the running program."""
        if via == "web" and not self.key:
            raise ExportError("There is no key for Zotero's web API.", _KEY_HINT)
        if via == "web" or (via == "auto" and self.key):
            return "web"
        if self.library != "user":
            raise ExportError("The running program takes papers for your own library alone.", _KEY_HINT)
        if via == "auto":
            async with Desktop(self.settings.connector_url) as desktop:
                if not await desktop.is_running():
                    raise ExportError(
                        "There is neither a key for Zotero's web API nor a Zotero running on this machine.",
                        f"Start Zotero. Or: {_KEY_HINT}",
                    )
        return "desktop"

    async def push(
        self,
        records: Sequence[Record],
        collection: str,
        *,
        via: str = "auto",
        our_tag: bool = False,
        progress: Callable[[int, int], None] = _uncounted,
    ) -> Pushed:
        """Put papers into Zotero; `progress` is told how many of how many are done."""
        if await self.way(via) == "web":
            async with self.web() as api:
                access = await check_access(api, self.library)
                if not access.can_note:
                    self.narrate("The key gives no access to notes: score and reason stay here.")
                return await push(api, access, records, collection=collection, our_tag=our_tag, progress=progress)
        async with Desktop(self.settings.connector_url) as desktop, self.local() as api:
            holdings = await read_local(api)
            if holdings is None:
                self.narrate(f"What Zotero has can't be told, so papers may be doubled. {_LOCAL_API_HINT}")
            return await push_to_desktop(
                desktop, records, known=holdings, collection=collection, our_tag=our_tag, progress=progress
            )

    async def collections(self, via: str = "auto") -> list[tuple[str, str]]:
        """The key and the path of every collection."""
        if await self.way(via) == "web":
            async with self.web() as api:
                access = await check_access(api, self.library)
                return [(found.key, found.path) for found in await read_collections(api, access.path)]
        async with Desktop(self.settings.connector_url) as desktop:
            return [(target.id, target.name) for target in await desktop.targets() if not target.is_library]

    async def papers(self, via: str = "auto") -> list[Paper]:
        """All that the library has."""
        if await self.way(via) == "web":
            async with self.web() as api:
                return await read_library(api, self.library)
        async with self.local() as api:
            holdings = await read_local(api)
        if holdings is None:
            raise ExportError("Zotero's local API is switched off.", _LOCAL_API_HINT)
        return holdings.papers()
