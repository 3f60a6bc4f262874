"""Opening the application: what it is given, and what is closed when it ends."""

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pasa_tui.cli.context import Context
from pasa_tui.sources.catalogue import CORPUS, parse_sources
from pasa_tui.tui.app import PasaApp
from pasa_tui.tui.broken_input import tolerate
from pasa_tui.tui.screens.choosing import Choices

if TYPE_CHECKING:
    from pasa_tui.assembly import Expectation, Surroundings
    from pasa_tui.config.profiles import Profile
    from pasa_tui.library import Library
    from pasa_tui.session import SearchRequest, Session


def settle_memory() -> None:
    """Take what start-up made out of the garbage collector's rounds, for the life of the process.

    Over some 100,000 objects of Textual's a full round takes 50 ms and more, in which no key is shown.
    """
    gc.freeze()


def run_application(context: Context) -> None:
    """Run the application until the user quits. Raises ConfigError for wrong settings, SystemExit if it broke."""
    sessions: list[Session] = []

    def open_session() -> "Session":
        # Called in a thread after the first frame, which the import would hold up.
        settle_memory()
        sessions.append(context.open_session(context.open_library()))
        return sessions[-1]

    def is_online() -> bool:
        from pasa_tui.assembly import addresses_of, any_reachable

        # Nobody is knocked at for who searches a corpus alone.
        live = [name for name in sources if name != CORPUS]
        return not live or any_reachable(addresses_of(live, context.settings))

    def corpora() -> Sequence[tuple[str, str]]:
        from pasa_tui.corpus import available

        return [(info.name, f"{info.papers:,} papers") for info in available(context.paths)]

    def models() -> Sequence[tuple[str, str]]:
        from pasa_tui.config.profiles import BUILTIN, KNOWN

        profiles = {**KNOWN, **context.settings.profiles}
        described = [(name, _described(profile)) for name, profile in profiles.items()]
        return [(BUILTIN, "needs no language model"), *described]

    def expect(request: "SearchRequest", library: "Library") -> "Expectation | None":
        from pasa_tui.assembly import expect

        return expect(request, context.settings, context.paths, library)

    def around(online: bool) -> "Surroundings":
        from pasa_tui.assembly import look_around

        return look_around(context.settings, online=online)

    # A wrong name is better said now than after the first question. Keys are looked for when one is asked.
    sources = parse_sources(context.settings.search.sources, lambda name: True)
    app = PasaApp(
        paths=context.paths,
        settings=context.settings,
        open_session=open_session,
        choices=Choices(corpora, models, expect),
        is_online=is_online,
        look_around=around,
    )
    tolerate()
    app.run()
    for session in sessions:
        session.library.close()
    if app.return_code:
        sys.exit(app.return_code)


def _described(profile: "Profile") -> str:
    models = " and ".join(dict.fromkeys((profile.crawler_model, profile.selector_model)))
    where = profile.address.split("/")[2] if profile.engine == "openai" and profile.url else "in this process"
    return f"{models}, {where}" + (", paid" if profile.is_paid else "")
