"""From the papers on the screen into Zotero: ask for the collection, push in a thread, tell."""

import asyncio
from collections.abc import Sequence
from functools import partial

from textual.screen import Screen

from pasa_tui.config.secrets import find_keys
from pasa_tui.config.settings import ZoteroSettings
from pasa_tui.errors import PasaError
from pasa_tui.export.record import Record
from pasa_tui.export.zotero.push import Pushed
from pasa_tui.export.zotero.ways import Zotero
from pasa_tui.tui.screens.dialogs import ErrorDialog
from pasa_tui.tui.screens.labelling import LineDialog
from pasa_tui.tui.text import plural

_HINT = (
    "A collection's name or path; by the web API it is made if there is none. Papers that Zotero has are not doubled."
)


def push_to_zotero(screen: Screen[None], records: Sequence[Record], settings: ZoteroSettings) -> None:
    """Ask for a collection, and push these papers there."""

    def answered(collection: str | None) -> None:
        if collection is not None:
            work = partial(_push, screen, records, settings, collection.strip())
            screen.app.run_worker(work, thread=True, exit_on_error=False, group="zotero", exclusive=True)
            screen.notify(f"{plural(len(records), 'paper')} on the way to Zotero…", markup=False)

    question = f"Collection for {plural(len(records), 'paper')}; empty for none:"
    screen.app.push_screen(LineDialog("To Zotero", question, settings.collection, _HINT), answered)


def _push(screen: Screen[None], records: Sequence[Record], settings: ZoteroSettings, collection: str) -> None:
    def tell(text: str) -> None:
        screen.app.call_from_thread(partial(screen.notify, text, severity="warning", markup=False))

    try:
        key = find_keys(["zotero"]).get("zotero")
        zotero = Zotero(settings, key.value if key else "", settings.library, tell)
        done = asyncio.run(zotero.push(records, collection))
    except PasaError as error:
        screen.app.call_from_thread(screen.app.push_screen, ErrorDialog(error))
    else:
        screen.app.call_from_thread(_tell, screen, done)


def _tell(screen: Screen[None], done: Pushed) -> None:
    facts = [f"{done.made} made"]
    facts += [f"{done.added} added to the collection"] if done.added else []
    facts += [f"{done.there} there already"] if done.there else []
    failed = [f"{len(done.failed)} failed: {done.failed[0][1]}"] if done.failed else []
    screen.notify(
        ", ".join(facts + failed), title="Zotero", severity="error" if failed else "information", markup=False
    )
