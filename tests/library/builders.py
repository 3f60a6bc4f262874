"""Events of invented searches."""

from datetime import date

from pasa_tui.events import Event, PaperFound, PaperJudged, SearchEnded, SearchPlanned, SearchStarted
from pasa_tui.library import Library
from pasa_tui.papers import Provenance, Query
from tests.helpers import paper

QUERY = Query("which papers use dense retrieval?", date(2024, 5, 1))
WAY = Provenance("search", "dense", None, 1)


def found(number: int, **changes: object) -> PaperFound:
    return PaperFound(paper=paper(number, **changes), provenance=WAY, depth=0, action=1)


def judged(number: int, score: float) -> PaperJudged:
    return PaperJudged(paper_id=paper(number).id, score=score, selected=score > 0.5, reason="because")


def whole(*numbers: int) -> list[Event]:
    """The events of a search that found these papers and selected the odd ones."""
    events: list[Event] = [SearchStarted(query=QUERY.text), SearchPlanned(action=1, text="dense")]
    for number in numbers:
        events += [found(number), judged(number, 0.9 if number % 2 else 0.1)]
    return [*events, SearchEnded(at=1.0, ending="done")]


def kept(library: Library, *numbers: int, query: Query = QUERY) -> int:
    """The id of a finished search in the library that found these papers."""
    search_id = library.create_search(query, {"corpus": "sample"})
    library.record(search_id, whole(*numbers))
    return search_id
