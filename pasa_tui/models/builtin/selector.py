"""The builtin Selector: a logistic model over lexical, feedback and citation evidence."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from pasa_tui.models.builtin.evidence import Evidence, QuerySession
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Query

_SESSIONS = 4
_INTERCEPT = -2.4
_WEIGHTS = Evidence(profile=1.8, focus=2.6, pairs=0.25, fused=4.1, rank=0.1, citations=1.45, kind=0.7)


class BuiltinSelector:
    """Judges papers by title, abstract and what led to them.

    The weights are a logistic regression (ridge penalty 2, none of the weights negative) over 79,000 papers that a
    builtin Crawler with slightly other searches met for 340 of the 718 dev questions of AutoScholarQuery that have
    answers in a collection of 112,029 papers: with 10 and 50 results a search, and with and without a cut-off date.
    The share of feedback in the profile and that of citing papers in the fused ranks were set, not fitted. On the
    other 378 questions, 5 searches of 50 results have 0.339, 0.446 and 0.507 of the answers among the best 20, 50 and
    100, of 0.546 met; one BM25 query with the question as it stands has 0.319, 0.396 and 0.468.

    The intercept puts 0.5 where the selected papers have about their best F2, which weighs recall over precision as a
    search for all papers does: over 150 dev questions mean recall 0.263 and precision 0.065, F2 of these 0.163; where
    F1 is best (intercept -3.45) these are 0.178, 0.106 and 0.157. It is not where a paper is as likely an answer as
    not: those who wrote down the answers left out most papers that meet a question, so the fitted probabilities
    (intercept -6.9) hardly ever reach a half.
    """

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
    weighted = sum(weight * value for weight, value in zip(_WEIGHTS, evidence, strict=True))
    return 1 / (1 + math.exp(-_INTERCEPT - weighted))
