"""Full texts of arXiv papers as HTML: ar5iv's, and arXiv's own for those that ar5iv lacks."""

import asyncio
from collections.abc import Sequence

from pasa_tui.errors import SourceError
from pasa_tui.sources import arxiv
from pasa_tui.sources.asking import DAY, Answer, Ask, Service
from pasa_tui.sources.http import Http
from pasa_tui.sources.latexml import FullText, parse_full_text

AR5IV, ARXIV_HTML = "ar5iv", "arxiv-html"
NAMES = (AR5IV, ARXIV_HTML)
_MAX_BYTES = 30_000_000
_TAIL = 4_096


def service(name: str, base_url: str, *, paced: bool = True, max_requests: int = 0) -> Service:
    """ar5iv is a site for readers, so few connections; arXiv's own pages keep one pace with its API."""
    own = name == ARXIV_HTML
    return Service(
        name=name,
        base_url=base_url,
        gate=arxiv.NAME if own else "",
        interval=(3.0 if own else 0.2) if paced else 0.0,
        shared=own and paced,
        connections=(1 if own else 6) if paced else 64,
        attempt_seconds=45.0,
        max_bytes=_MAX_BYTES,
        lifetime=90 * DAY,
        max_requests=max_requests,
    )


class FullTexts:
    """Asks the services in order until one has the paper."""

    def __init__(self, http: Http, services: Sequence[str]) -> None:
        self._http = http
        self._services = services

    async def read(self, arxiv_id: str) -> FullText | None:
        """The text of a paper; None where no service has it as HTML. Raises SourceError where one of them failed."""
        failure: SourceError | None = None
        for name in self._services:
            ask = Ask(path=f"/{arxiv_id}", accept=frozenset({404}), within=True)
            try:
                page = await self._http.ask(name, ask, _page)
            except SourceError as error:
                failure = error
                continue
            if page is not None:
                # Pages of some megabytes take longer than other answers may be kept waiting.
                return await asyncio.to_thread(parse_full_text, page)
        if failure is not None:
            raise failure
        return None


def _page(answer: Answer) -> bytes | None:
    if answer.status == 404:
        return None
    if b"ltx_" not in answer.body or b"</html>" not in answer.body[-_TAIL:].lower():
        raise ValueError("no LaTeXML page, or not all of it")
    return answer.body
