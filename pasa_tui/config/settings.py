"""Every setting, documented where it is declared; read from TOML, the environment over it.

A field `search_queries` of the section `[agent]` is also the variable PASA_TUI_AGENT__SEARCH_QUERIES. Models have
sections of their own, `[profiles.NAME]`, and no variables.
"""

import dataclasses
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from pasa_tui.config.profiles import BUILTIN, Profile
from pasa_tui.errors import ConfigError

PUBLISHED_RESULTS = 10
"""Papers that PaSa takes from each search."""

_PREFIX = "PASA_TUI_"
_URL = r"^https?://[!-~]+$"
_NOT_SETTINGS = {"PASA_TUI_HOME"}
_PROFILES = "profiles"
_KEYS = "keys"
_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """`[agent]`: how a search is done. The first four defaults are PaSa's published ones."""

    search_queries: Annotated[int, Meta(ge=1, le=100, description="Searches the Crawler may make for a question.")] = 5
    search_papers: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | Literal["auto"],
        Meta(
            description='Papers taken from each search: a number, or "auto": 10 as published, but as many as it can '
            "rank where the builtin agent searches a corpus."
        ),
    ] = "auto"
    expand_layers: Annotated[int, Meta(ge=0, le=5, description="How deep citations are followed; 0: not at all.")] = 2
    expand_papers: Annotated[
        Annotated[int, Meta(ge=0)] | Literal["all"],
        Meta(description='Papers expanded in each layer after the first: a number, or "all".'),
    ] = 20
    schedule: Annotated[
        Literal["best-first", "layered"],
        Meta(description="best-first starts each step as soon as it can; layered goes layer by layer, as published."),
    ] = "best-first"
    threshold: Annotated[float, Meta(ge=0, le=1, description="Papers scored above this are selected.")] = 0.5
    max_papers: Annotated[
        int, Meta(ge=0, description="Begin no search or expansion after this many papers met; 0: no limit.")
    ] = 5_000
    max_seconds: Annotated[float, Meta(ge=0, description="Stop after this many seconds; 0: no limit.")] = 600.0
    max_requests: Annotated[int, Meta(ge=0, description="Stop after this many requests to sources; 0: no limit.")] = 0
    citing_papers: Annotated[
        int, Meta(ge=0, le=1000, description="The best papers of which to ask who cites them; 0: of none.")
    ] = 10
    near_papers: Annotated[
        int, Meta(ge=0, le=5000, description="Papers taken in, at most, for citing the best or being cited along.")
    ] = 50
    guide_papers: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="Papers of a corpus whose citations the builtin agent follows besides, also those later than "
            "the cut-off: what a later paper cites may be earlier; 0: none.",
        ),
    ] = 50
    concurrency: Annotated[
        int, Meta(ge=0, le=64, description="Searches and expansions under way at once; 0: 4 in corpora, 32 live.")
    ] = 0
    ensemble: Annotated[
        int,
        Meta(
            ge=1,
            le=10,
            description="Runs of the Crawler, those of a language model after the first sampled; builtin: 2.",
        ),
    ] = 1
    planner: Annotated[
        Literal["single", "iterative"],
        Meta(description="iterative: a general model plans on from what was found; single: as published."),
    ] = "single"
    planner_turns: Annotated[
        int, Meta(ge=1, le=20, description="How often an iterative planner may plan on, at most.")
    ] = 4
    criteria: Annotated[
        Literal["off", "selected", "all"],
        Meta(
            description="Papers that a general model judges criterion by criterion, with quotes: one more answer each."
        ),
    ] = "selected"
    early_stop: Annotated[
        Literal["auto", "on", "off"],
        Meta(description="Judge no further papers of results that have run dry; auto: where the model has a price."),
    ] = "auto"
    max_cost: Annotated[
        float, Meta(ge=0, description="US dollars that a model with a price may cost in one search; 0: no limit.")
    ] = 0.0

    def results_of(self, auto: int = PUBLISHED_RESULTS) -> int:
        """Papers taken from each search; `auto` where the setting leaves it open."""
        return auto if self.search_papers == "auto" else self.search_papers


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """`[search]`: where to look when nothing else is said."""

    sources: Annotated[
        str,
        Meta(
            min_length=1,
            description="Names of sources with commas, `corpus` for the corpus alone, or `auto`: all that need no key, "
            "and those whose key is set.",
        ),
    ] = "auto"
    corpus: Annotated[
        str,
        Meta(
            min_length=1, description="The corpus to search without a network, or alone; `sample` ships with pasa-tui."
        ),
    ] = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`[models]`: which model searches, and where weights are."""

    default: Annotated[
        str, Meta(min_length=1, description="The model that searches: builtin, pasa-7b, or the name of a profile.")
    ] = BUILTIN
    builtin: Annotated[
        str, Meta(description="A model of `pasa-tui train builtin` for the builtin agent; empty: the one that ships.")
    ] = ""
    embeddings: Annotated[
        str,
        Meta(
            description="The folder of an embedding model that joins in the builtin agent's last ranking; empty: none."
        ),
    ] = ""
    embeddings_weight: Annotated[
        float, Meta(ge=0, le=10, description="How much that counts: added to a paper's logit per standard deviation.")
    ] = 0.4
    checkpoints: Annotated[
        str, Meta(description="The folder of the models' weights; empty: that of `pasa-tui config path`.")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """`[sources]`: how the live sources are asked. Keys are no settings: see `pasa-tui config set-key`."""

    max_requests_per_source: Annotated[
        int, Meta(ge=0, description="Requests to one source in one search, at most; 0: no limit.")
    ] = 500
    cache_megabytes: Annotated[
        int, Meta(ge=0, le=100_000, description="Size of the cache of answers on the disk; 0: no cache.")
    ] = 300
    contact: Annotated[
        str,
        Meta(
            pattern="^[!-~]*$",
            description="A mail address or page of yours, told to the sources, so that they can reach you.",
        ),
    ] = ""
    arxiv_url: Annotated[str, Meta(pattern=_URL, description="Where the arXiv API is.")] = (
        "https://export.arxiv.org/api"
    )
    arxiv_html_url: Annotated[str, Meta(pattern=_URL, description="Where arXiv's own full texts are.")] = (
        "https://arxiv.org/html"
    )
    ar5iv_url: Annotated[str, Meta(pattern=_URL, description="Where ar5iv's full texts are.")] = (
        "https://ar5iv.labs.arxiv.org/html"
    )
    semantic_scholar_url: Annotated[str, Meta(pattern=_URL, description="Where Semantic Scholar's API is.")] = (
        "https://api.semanticscholar.org"
    )
    openalex_url: Annotated[str, Meta(pattern=_URL, description="Where OpenAlex's API is.")] = (
        "https://api.openalex.org"
    )
    serper_url: Annotated[str, Meta(pattern=_URL, description="Where Serper's API is.")] = "https://google.serper.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """`[export]`: how papers leave."""

    latex: Annotated[bool, Meta(description="Write BibTeX in LaTeX's encoding rather than UTF-8.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoteroSettings:
    """`[zotero]`: where papers go. The key is no setting: see `pasa-tui config set-key`."""

    library: Annotated[
        str,
        Meta(
            pattern=r"^(user|group/[0-9]+)$",
            description='Your own library: "user"; or a group\'s: "group/" and its number.',
        ),
    ] = "user"
    collection: Annotated[str, Meta(description="The collection to push to where none is named; empty: none.")] = ""
    url: Annotated[str, Meta(pattern=_URL, description="Where Zotero's web API is.")] = "https://api.zotero.org"
    connector_url: Annotated[str, Meta(pattern=_URL, description="Where the running Zotero program listens.")] = (
        "http://127.0.0.1:23119"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSettings:
    """`[interface]`: how the application looks."""

    theme: Annotated[
        str,
        Meta(
            min_length=1,
            description="A theme's name; T in the application shows all. ansi-dark and ansi-light take the terminal's "
            "own colours.",
        ),
    ] = "pasa-night"
    notify_after: Annotated[
        float, Meta(ge=0, description="Ring the terminal's bell when a search of so many seconds ends; 0: never.")
    ] = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings."""

    search: SearchSettings = field(default_factory=SearchSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    sources: SourceSettings = field(default_factory=SourceSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    zotero: ZoteroSettings = field(default_factory=ZoteroSettings)
    interface: InterfaceSettings = field(default_factory=InterfaceSettings)
    profiles: dict[str, Profile] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting as `config show` tells it. `name` is dotted, `source` a file, a variable, or "default"."""

    name: str
    value: object
    description: str
    source: str


def load_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `path` (which may be absent) and the variables over it.

    Raises ConfigError naming the file or variable, the setting, and what it should be.
    """
    merged = _read_toml(path)
    _check(merged, f"in {path}")
    for variable, section, name, raw in _variables(environ):
        # One at a time, so that an error names the variable it is about.
        _check({section: {name: raw}}, f"in the variable {variable}", strict=False)
        merged.setdefault(section, {})[name] = raw
    return msgspec.convert(merged, Settings, strict=False)


def explain(settings: Settings, path: Path, environ: Mapping[str, str] = os.environ) -> Iterator[SettingInfo]:
    """Every setting with its value, what it means and where the value is from."""
    in_file = _read_toml(path)
    in_environ = {(section, name): variable for variable, section, name, _ in _variables(environ)}
    for section, cls in _sections().items():
        for name, hint in get_type_hints(cls, include_extras=True).items():
            source = in_environ.get((section, name)) or (str(path) if name in in_file.get(section, {}) else "default")
            value = getattr(getattr(settings, section), name)
            yield SettingInfo(f"{section}.{name}", value, _description(hint), source)
    hints = get_type_hints(Profile, include_extras=True)
    for profile, values in settings.profiles.items():
        for name in in_file.get(_PROFILES, {}).get(profile, {}):
            yield SettingInfo(
                f"{_PROFILES}.{profile}.{name}", getattr(values, name), _description(hints[name]), str(path)
            )
    for action, keys in settings.keys.items():
        yield SettingInfo(f"{_KEYS}.{action}", keys, "Keys of an action of the application.", str(path))


def checked(name: str, text: str) -> bool | int | float | str:
    """What a person typed as the value of the setting of that dotted name, as TOML has it.

    Raises ConfigError where there is no such setting, or that can't be its value.
    """
    section, _, field_name = name.partition(".")
    cls = _sections().get(section)
    if cls is None or field_name not in {item.name for item in dataclasses.fields(cls)}:
        raise ConfigError(f"There is no setting {name}.", "`pasa-tui config show` lists every setting.")
    # Of what a setting may be, text is the last resort: 5 is a number, and "auto" is none.
    wrong = []
    for value in (*_read_value(text), text):
        try:
            given: bool | int | float | str = getattr(msgspec.convert({field_name: value}, cls), field_name)
        except msgspec.ValidationError as error:
            wrong.append(error)
        else:
            return given
    raise _wrong(wrong[0], section, cls, "as typed")


def choices_of(name: str) -> tuple[str, ...]:
    """The words that the setting of that dotted name takes; none where it takes others too. Booleans are two words."""
    section, _, field_name = name.partition(".")
    hint = get_type_hints(_sections()[section])[field_name]
    if hint is bool:
        return ("true", "false")
    return tuple(get_args(hint)) if get_origin(hint) is Literal else ()


def _read_value(text: str) -> Iterator[object]:
    try:
        yield tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return


def _sections() -> dict[str, type]:
    return {name: hint for name, hint in get_type_hints(Settings).items() if name not in (_PROFILES, _KEYS)}


def _tables(values: dict[str, Any], where: str) -> Iterator[tuple[str, Any, type]]:
    """(section, what it holds, what it should be) of each section, those of profiles included. Raises ConfigError."""
    sections = _sections()
    for section, content in values.items():
        if section in sections:
            yield section, content, sections[section]
        elif section == _KEYS:
            yield section, content, dict[str, str]
        elif section != _PROFILES:
            names = ", ".join((*sections, f"{_PROFILES}.NAME", _KEYS))
            raise ConfigError(f"Unknown section [{section}] {where}.", f"Known: {names}.")
        elif not isinstance(content, dict):
            yield section, content, dict[str, Profile]
        else:
            for name, profile in content.items():
                if not _PROFILE_NAME.fullmatch(name) or name == BUILTIN:
                    raise ConfigError(
                        f"A profile can't be named {name!r} {where}.",
                        f"Take letters, digits, dots, - and _; {BUILTIN} is taken.",
                    )
                yield f"{_PROFILES}.{name}", profile, Profile


def _description(hint: object) -> str:
    metas = [meta for meta in get_args(hint)[1:] if isinstance(meta, Meta)]
    return next((meta.description for meta in metas if meta.description), "")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.", "Mend that line, or move the file away.") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.", "Make it readable.") from error


def _check(values: dict[str, Any], where: str, *, strict: bool = True) -> None:
    for section, content, cls in _tables(values, where):
        known = sorted(item.name for item in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else []
        unknown = sorted(set(content) - set(known)) if known and isinstance(content, dict) else []
        if unknown:
            raise ConfigError(f"Unknown setting {section}.{unknown[0]} {where}.", f"Known in it: {', '.join(known)}.")
        try:
            msgspec.convert(content, cls, strict=strict)
        except UnicodeEncodeError as error:
            raise ConfigError(f"A value {where} is not text.", "Write it in UTF-8.") from error
        except msgspec.ValidationError as error:
            raise _wrong(error, section, cls, where) from error


def _wrong(error: msgspec.ValidationError, section: str, cls: type, where: str) -> ConfigError:
    reason, _, at = str(error).partition(" - at ")
    field_name = at.strip("`$.")
    name = f"{section}.{field_name}" if field_name else section
    if "matching regex" in reason:
        hint = get_type_hints(cls, include_extras=True)[field_name]
        return ConfigError(
            f"The value of {name} {where} can't be one.",
            f"{_description(hint)} By default it is {getattr(cls(), field_name)!r}.",
        )
    return ConfigError(f"{reason} for {name} {where}.", "`pasa-tui config show` lists every setting and what it takes.")


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    sections = _sections()
    for variable, raw in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or variable in _NOT_SETTINGS or "__" not in variable:
            continue
        section, _, name = variable.removeprefix(_PREFIX).lower().partition("__")
        names = {item.name for item in dataclasses.fields(sections[section])} if section in sections else set()
        if name not in names:
            raise ConfigError(
                f"The variable {variable} names no setting.", "`pasa-tui config show` lists every setting."
            )
        yield variable, section, name, raw
