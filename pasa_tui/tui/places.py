"""Where the next search looks: live sources, or one corpus."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pasa_tui.config.settings import AgentSettings, SearchSettings
    from pasa_tui.events import SearchState
    from pasa_tui.papers import Query
    from pasa_tui.session import SearchRequest

LIVE = "live sources"
_AUTO, _CORPUS = "auto", "corpus"


@dataclass(frozen=True, slots=True)
class Place:
    """`sources` as the setting search.sources names them; `corpus` is searched alone where that says so."""

    sources: str
    corpus: str
    settled: str = _AUTO

    @classmethod
    def of(cls, settings: "SearchSettings") -> "Place":
        """What the settings say. Where they name the corpus, the choice of live sources is all automatic ones."""
        settled = _AUTO if settings.sources == _CORPUS else settings.sources
        return cls(settings.sources, settings.corpus, settled)

    @classmethod
    def of_request(cls, request: "SearchRequest", settled: str) -> "Place":
        """Where a past search looked."""
        return cls(",".join(request.sources), request.corpus, settled)

    @property
    def is_live(self) -> bool:
        """Whether hosts are asked."""
        return self.sources != _CORPUS

    @property
    def named(self) -> tuple[str, ...]:
        """The sources by name, where they are named; none for all automatic ones or a corpus."""
        return () if self.sources in (_AUTO, _CORPUS) else tuple(name.strip() for name in self.sources.split(","))

    @property
    def label(self) -> str:
        """`live sources` for all of them, else their names, or the corpus's."""
        if not self.is_live:
            return self.corpus
        return LIVE if self.sources == _AUTO else self.sources.replace(",", ", ").replace(",  ", ", ")

    def choices(self, corpora: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """(name, description) of all that can be chosen instead: the live sources first."""
        told = "arXiv, Semantic Scholar, OpenAlex, …" if self.settled == _AUTO else "as the settings say"
        return [(replace(self, sources=self.settled).label, told), *corpora]

    def chosen(self, name: str) -> "Place":
        """The place of that name among the choices."""
        live = replace(self, sources=self.settled)
        if name == live.label:
            return live
        return replace(self, sources=_CORPUS, corpus=name)

    def request(self, query: "Query", settings: "AgentSettings", model: str) -> "SearchRequest":
        """The request to search here by `model`."""
        from pasa_tui.session import SearchRequest
        from pasa_tui.sources.catalogue import split_names

        return SearchRequest(query, self.corpus, settings, split_names(self.sources), model)

    def expected(self, *, online: bool) -> str:
        """Where a search would look, as things stand."""
        return self.label if online or not self.is_live else f"no network: {self.corpus}"

    def searched(self, state: "SearchState") -> str:
        """Where a search did look: the place, or the corpora that it fell back to without a network."""
        if any(warning.stage == "network" for warning in state.warnings):
            return f"no network: {', '.join(state.sources)}"
        return self.label
