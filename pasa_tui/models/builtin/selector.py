"""The builtin Selector: a logistic model over lexical, feedback and citation evidence."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from pasa_tui.models.builtin.evidence import Evidence, QuerySession
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Query

_SESSIONS = 8
_INTERCEPT = -5.0
_WEIGHTS = Evidence(
    bm25f=3.0, coverage=2.0, title=1.0, pairs=1.5, feedback=1.5, searches=1.0, rank=1.0, citations=1.5, kind=0.5
)


class BuiltinSelector:
    """Judges papers by title, abstract and what led to them."""

    name = "builtin"
    uses_provenance = True

    def __init__(self, statistics: TermStatistics) -> None:
        self._vocabulary = Vocabulary(statistics)
        self._sessions: OrderedDict[Query, QuerySession] = OrderedDict()

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        """One judgement per candidate, in order. A paper judged before never gets less than it had."""
        session = self._session(query)
        session.learn(candidates)
        judgements = []
        for candidate in candidates:
            evidence = session.evidence(candidate)
            score = session.keep(candidate.paper.id, probability(evidence))
            judgements.append(Judgement(score, session.reason(candidate)))
        return judgements

    def _session(self, query: Query) -> QuerySession:
        session = self._sessions.pop(query, None) or QuerySession(query, self._vocabulary)
        self._sessions[query] = session
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        return session


def probability(evidence: Evidence) -> float:
    """The logistic function of the weighted evidence."""
    return 1 / (
        1 + math.exp(-_INTERCEPT - sum(weight * value for weight, value in zip(_WEIGHTS, evidence, strict=True)))
    )
