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
_CORPUS = "corpus"


@dataclass(frozen=True, slots=True)
class Place:
    """`sources` as the setting search.sources names them; `corpus` is searched alone where that says so."""

    sources: str
    corpus: str
    settled: str = "auto"

    @classmethod
    def of(cls, settings: "SearchSettings") -> "Place":
        """What the settings say. Where they name the corpus, the choice of live sources is all automatic ones."""
        settled = "auto" if settings.sources == _CORPUS else settings.sources
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
    def label(self) -> str:
        """`live sources`, or the corpus's name."""
        return LIVE if self.is_live else self.corpus

    def choices(self, corpora: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """(name, description) of all that can be chosen instead: the live sources first."""
        told = "arXiv, Semantic Scholar, OpenAlex, …" if self.settled == "auto" else self.settled
        return [(LIVE, told), *corpora]

    def chosen(self, name: str) -> "Place":
        """The place of that name among the choices."""
        if name == LIVE:
            return replace(self, sources=self.settled)
        return replace(self, sources=_CORPUS, corpus=name)

    def request(self, query: "Query", settings: "AgentSettings") -> "SearchRequest":
        """The request to search here."""
        from pasa_tui.session import SearchRequest
        from pasa_tui.sources.catalogue import split_names

        return SearchRequest(query, self.corpus, settings, split_names(self.sources))

    def expected(self, *, online: bool) -> str:
        """Where a search would look, as things stand."""
        return self.label if online or not self.is_live else f"no network: {self.corpus}"

    def searched(self, state: "SearchState") -> str:
        """Where a search did look: the place, or the corpora that it fell back to without a network."""
        if any(warning.stage == "network" for warning in state.warnings):
            return f"no network: {', '.join(state.sources)}"
        return self.label
