"""The names of the sources, and which of them a search uses. Imports nothing that speaks to a network."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pasa_tui.errors import ConfigError

CORPUS = "corpus"
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A source: what it is for, the setting that says where it is, the key it takes (if any) and whether it must."""

    name: str
    use: str
    url_setting: str
    key: str = ""
    needs_key: bool = False
    searches: bool = False
    automatic: bool = True


SOURCES = {
    info.name: info
    for info in (
        SourceInfo("arxiv", "searches, papers by id", "arxiv_url", searches=True),
        SourceInfo("ar5iv", "full texts", "ar5iv_url"),
        SourceInfo("arxiv-html", "full texts that ar5iv lacks", "arxiv_html_url"),
        SourceInfo(
            "semantic-scholar",
            "searches, references, citing papers, titles",
            "semantic_scholar_url",
            key="semantic-scholar",
            searches=True,
        ),
        SourceInfo(
            "semantic-scholar-snippets",
            "searches in passages of full texts",
            "semantic_scholar_url",
            key="semantic-scholar",
            searches=True,
            automatic=False,
        ),
        SourceInfo(
            "openalex", "searches, references, citing papers, titles", "openalex_url", key="openalex", searches=True
        ),
        SourceInfo("serper", "Google", "serper_url", key="serper", needs_key=True, searches=True),
        SourceInfo(
            "serper-scholar",
            "Google Scholar",
            "serper_url",
            key="serper",
            needs_key=True,
            searches=True,
            automatic=False,
        ),
    )
}


def split_names(text: str) -> tuple[str, ...]:
    """The names in a setting or option, between commas, in lower case, each once."""
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))


def parse_sources(text: str, has_key: Callable[[str], bool]) -> tuple[str, ...]:
    """The sources that a setting or option names, in order; `corpus` stands for a local corpus.

    `auto` is every automatic source that needs no key or has it. Raises ConfigError for an unknown name, a source
    whose key is missing, and a choice that has nothing to search with.
    """
    names = split_names(text)
    if names == (AUTO,):
        return tuple(
            info.name for info in SOURCES.values() if info.automatic and (not info.needs_key or has_key(info.key))
        )
    known = (CORPUS, *SOURCES)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f"Did you mean {close[0]}? " if close else ""
            raise ConfigError(f"There is no source {name!r}.", f"{meant}Known: {', '.join(known)}; or {AUTO}, alone.")
        if name in SOURCES and SOURCES[name].needs_key and not has_key(SOURCES[name].key):
            raise ConfigError(
                f"The source {name!r} needs a key.", f"Store it with: pasa-tui config set-key {SOURCES[name].key}"
            )
    if not any(name == CORPUS or SOURCES[name].searches for name in names):
        raise ConfigError(
            f"None of these sources can search: {', '.join(names) or 'none named'}.",
            f"Add one that does: {', '.join(_searching(known))}.",
        )
    return names


def _searching(names: Sequence[str]) -> list[str]:
    return [name for name in names if name == CORPUS or SOURCES[name].searches]
