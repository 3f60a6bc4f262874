"""The question itself to Google and Google Scholar, and to Google in a model's words (arXiv 2501.10120, section 5.2).

Google is restricted to arxiv.org and to the time before the cut-off. All results count, in their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.baseline_prompts import paraphrase, read_paraphrase
from pasa_tui.evaluation.systems.language_models import LanguageModels, missing_model
from pasa_tui.evaluation.systems.lookups import Lookups, missing_key, ranked, resolved
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo, ranked_tree
from pasa_tui.evaluation.systems.spending import Bill, settled
from pasa_tui.evaluation.tree import Node
from pasa_tui.papers import Citation, Paper, PaperId

MOST_RESULTS = 100
"""Papers taken from a search: the deepest rank that is measured."""
_MOST_PAGES = 10
"""Pages asked for at most: Google gives ten results a page where it gives fewest."""
_PARAPHRASE_TOKENS = 256
GOOGLE, SCHOLAR = "serper", "serper-scholar"
DEFAULT_MODEL = "gpt-4o"


class GoogleSystem:
    """Asks one of Serper's searches. With `models`, a model puts the question into other words before."""

    waits = True

    def __init__(
        self, name: str, lookups: Lookups, *, tool: str = GOOGLE, models: LanguageModels | None = None
    ) -> None:
        self.name = name
        self._lookups = lookups
        self._tool = tool
        self._models = models

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The papers of all results. Raises SourceError or ModelError where a key is refused."""

        async def work(bill: Bill) -> Node:
            text = await self._words(query, bill)
            papers = await self._search(text, query.query.before, bill)
            return ranked_tree(query, {text: ranked(papers)}, self.name)

        return await settled(query, work)

    async def close(self) -> None:
        """Give back the corpus and the model's connections."""
        self._lookups.close()
        if self._models:
            await self._models.close()

    async def _words(self, query: BenchmarkQuery, bill: Bill) -> str:
        """What Google is asked: the question, or what the model made of it where that is anything."""
        if self._models is None:
            return query.query.text
        answer = await self._models.write(paraphrase(query.query), _PARAPHRASE_TOKENS, bill)
        if not (text := read_paraphrase(answer)):
            bill.note("The model wrote no search, so the question itself was searched.")
        return text or query.query.text

    async def _search(self, text: str, before: date | None, bill: Bill) -> list[Paper]:
        """Result after result, page after page, until there are enough or no more. Raises SourceError."""
        from pasa_tui.sources.http import Http
        from pasa_tui.sources.serper import Serper, SerperScholar

        found: dict[PaperId, Citation] = {}

        async def collect(citations: Sequence[Citation]) -> Sequence[Paper | None]:
            # Resolved later, all pages together: requests to arXiv have to be few.
            found.update({citation.id: citation for citation in citations if citation.id not in found})
            return ()

        async with self._lookups.open(bill) as sources:
            for page in range(1, _MOST_PAGES + 1):
                known = len(found)
                asked = cast(Http, _Page(sources.http, page))
                tool = SerperScholar(asked, collect) if self._tool == SCHOLAR else Serper(asked, collect)
                await tool.search(text, limit=MOST_RESULTS, before=before)
                if len(found) == known or len(found) >= MOST_RESULTS:
                    break
            return await resolved(sources, list(found.values())[:MOST_RESULTS], bill)


class _Page:
    """Asks what it is given to ask for one page of the results."""

    def __init__(self, http: Any, page: int) -> None:
        self._http = http
        self._page = page

    async def ask(self, name: str, ask: Any, parse: Any) -> Any:
        """As `Http.ask` does. Raises SourceError."""
        if self._page > 1 and isinstance(ask.json, Mapping):
            ask = replace(ask, json={**ask.json, "page": self._page})
        return await self._http.ask(name, ask, parse)


def _google(place: Place) -> GoogleSystem:
    return GoogleSystem("google", Lookups.of_google(place, GOOGLE))


def _google_scholar(place: Place) -> GoogleSystem:
    return GoogleSystem("google-scholar", Lookups.of_google(place, SCHOLAR), tool=SCHOLAR)


def _google_gpt_4o(place: Place) -> GoogleSystem:
    models = LanguageModels(place, DEFAULT_MODEL, general=True)
    return GoogleSystem("google-gpt-4o", Lookups.of_google(place, GOOGLE), models=models)


INFO_GOOGLE = SystemInfo(
    name="google",
    summary="The question to Google through Serper, on arxiv.org and before the cut-off.",
    needs="a key for Serper",
    make=_google,
    missing=lambda place: missing_key(GOOGLE),
)
INFO_GOOGLE_SCHOLAR = SystemInfo(
    name="google-scholar",
    summary="The question to Google Scholar through Serper, up to the year of the cut-off.",
    needs="a key for Serper",
    make=_google_scholar,
    missing=lambda place: missing_key(SCHOLAR),
)
INFO_GOOGLE_GPT_4O = SystemInfo(
    name="google-gpt-4o",
    summary="A model puts the question into other words, once; then as google.",
    needs=f"a key for Serper; a profile, or OpenAI's key for {DEFAULT_MODEL}",
    make=_google_gpt_4o,
    missing=lambda place: "; ".join(filter(None, (missing_key(GOOGLE), missing_model(place, DEFAULT_MODEL)))),
)
