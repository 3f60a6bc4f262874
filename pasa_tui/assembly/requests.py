"""What a search is asked to do."""

from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from pasa_tui.config.profiles import BUILTIN
from pasa_tui.config.settings import AgentSettings
from pasa_tui.errors import LibraryError
from pasa_tui.papers import Query
from pasa_tui.sources.catalogue import CORPUS


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, where, and how.

    `model` is `builtin` or the name of a profile; `sources` are names of the catalogue or `auto`; `corpus` among them
    stands for the corpus of that name. All are checked when the agent is made.
    """

    query: Query
    corpus: str = "sample"
    settings: AgentSettings = field(default_factory=AgentSettings)
    sources: tuple[str, ...] = (CORPUS,)
    model: str = BUILTIN

    @property
    def is_live(self) -> bool:
        """Whether it asks hosts."""
        return any(name != CORPUS for name in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The part that the library keeps beside the query."""
        return {
            "corpus": self.corpus,
            "sources": list(self.sources),
            "model": self.model,
            "agent": asdict(self.settings),
        }

    @classmethod
    def from_json(cls, query: Query, data: dict[str, Any]) -> "SearchRequest":
        """The request of a recorded search; settings this version doesn't know are passed over.

        Raises LibraryError where what is there is not what `to_json` writes.
        """
        try:
            settings = msgspec.convert(data.get("agent", {}), AgentSettings)
            sources = msgspec.convert(data.get("sources", [CORPUS]), tuple[str, ...])
            corpus = msgspec.convert(data.get("corpus", "sample"), str)
            model = msgspec.convert(data.get("model", BUILTIN), str)
            return cls(query, corpus, settings, sources, model)
        except msgspec.ValidationError as error:
            raise LibraryError(f"The settings of this search can't be read: {error}.", "Start it anew.") from error
