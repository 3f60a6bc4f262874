"""What happens in a search, as values; how they are written down; what they amount to."""

from pasa_tui.events.codec import event_from_json, event_to_json
from pasa_tui.events.state import Action, FoundPaper, SearchState
from pasa_tui.events.types import (
    FUNNEL_STAGES,
    ActionFailed,
    Counted,
    Ending,
    Event,
    ExpandFinished,
    ExpandStarted,
    Funnel,
    PaperFound,
    PaperJudged,
    PaperMetAgain,
    SearchEnded,
    SearchFinished,
    SearchPlanned,
    SearchStarted,
    SectionsChosen,
    Warned,
)

__all__ = [
    "FUNNEL_STAGES",
    "Action",
    "ActionFailed",
    "Counted",
    "Ending",
    "Event",
    "ExpandFinished",
    "ExpandStarted",
    "FoundPaper",
    "Funnel",
    "PaperFound",
    "PaperJudged",
    "PaperMetAgain",
    "SearchEnded",
    "SearchFinished",
    "SearchPlanned",
    "SearchStarted",
    "SearchState",
    "SectionsChosen",
    "Warned",
    "event_from_json",
    "event_to_json",
]
