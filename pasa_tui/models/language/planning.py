"""The planner for models that can do more than one turn."""

import re

from rapidfuzz import fuzz, process

from pasa_tui.models.engines.protocol import Engine, Sampling
from pasa_tui.models.language.actions import parse_actions
from pasa_tui.models.language.answers import write_answer
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.models.protocols import Proposal, Standing
from pasa_tui.papers import PaperId, Query

_MAX_TOKENS = 512
_LIKE = 90.0
"""Likeness (0 to 100) of a title written out to one that was shown."""


class ModelPlanner:
    """Shows the model how the search stands and reads what it proposes."""

    def __init__(self, engine: Engine, prompts: GeneralPrompts, *, name: str) -> None:
        self.name = name
        self._engine = engine
        self._prompts = prompts

    async def propose(self, query: Query, standing: Standing) -> Proposal:
        """The next searches and papers to expand, without those done before. Raises ModelError."""
        sampling = Sampling(_MAX_TOKENS, stop=("[Stop]",))
        return read_proposal(await write_answer(self._engine, self._prompts.turn(query, standing), sampling), standing)


def read_proposal(answer: str, standing: Standing) -> Proposal:
    """What an answer proposes; papers by their number in `standing.best`, or by title. Never raises."""
    made = {_key(search.text) for search in standing.searches}
    actions = parse_actions(answer, "search")
    searches = [action.text for action in actions if action.kind == "search" and _key(action.text) not in made]
    expand: dict[PaperId, None] = {}
    for action in actions:
        if action.kind == "expand":
            expand |= dict.fromkeys(_papers(action.text, standing))
    return Proposal(tuple(searches), tuple(expand))


def _papers(text: str, standing: Standing) -> list[PaperId]:
    """The papers that are not expanded yet among those a text names: `3`, `3, 5`, `#3 Title`, or a title."""
    titles = [ranked.paper.title.casefold() for ranked in standing.best]
    numbered = re.fullmatch(r"[\s#]*(?:paper\s*)?(\d{1,3}(?:\s*(?:,|and|;)\s*#?\d{1,3})*)\b.*", text, re.I)
    places = [int(number) - 1 for number in re.findall(r"\d+", numbered[1])] if numbered else []
    # A title may begin with a number of its own.
    best = process.extractOne(text.casefold(), titles, scorer=fuzz.ratio, score_cutoff=_LIKE)
    if best:
        places = [best[2]]
    wanted = [standing.best[place] for place in places if 0 <= place < len(standing.best)]
    return [ranked.paper.id for ranked in wanted if not ranked.expanded]


def _key(text: str) -> str:
    return " ".join(text.lower().split())
