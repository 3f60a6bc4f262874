"""The builtin Selector: a learned model over lexical, feedback and citation evidence."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from pasa_tui.models.builtin.evidence import MEASURES, QuerySession
from pasa_tui.models.builtin.reasons import reason
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.builtin.trees import BoostedTrees, load_trees
from pasa_tui.models.protocols import Candidate, Judgement
from pasa_tui.papers import Paper, PaperId, Query

BROAD_RESULTS = 350
"""Papers of each search that it ranks, where results cost nothing."""

_ASKED_KIND = 1.0
"""Added to the logit of a paper that is of the kind, or from the years, that the question names.

Set, not fitted: of 714 questions 45 name one, too few to learn from. Over all of them it changes recall@20 from 0.456
to 0.455, but whoever asks for surveys, or for papers of 2021, means it.
"""
_SESSIONS = 4


_KIND = MEASURES.index("kind")


class BuiltinSelector:
    """Judges papers by title, abstract and what led to them, each in comparison with all others met.

    So a score may change in both directions as papers arrive; at the end of a search `rank` judges all together.
    0.5 is where, over the questions the model was made from, the papers above have the best mean F1. It is not where
    a paper is as likely an answer as not: those who wrote down the answers left out most papers that meet a question.
    """

    name = "builtin"
    uses_provenance = True

    def __init__(self, statistics: TermStatistics, model: BoostedTrees | None = None) -> None:
        """Without a `model` the shipped one is read when it is first needed."""
        self._vocabulary = Vocabulary(statistics)
        self._model = model
        self._sessions: OrderedDict[Query, QuerySession] = OrderedDict()

    async def judge(self, query: Query, candidates: Sequence[Candidate]) -> Sequence[Judgement]:
        """One judgement per candidate, in order, among all candidates of the query so far."""
        return self._judged(self._session(query), candidates)

    async def rank(
        self, query: Query, candidates: Sequence[Candidate], guides: Mapping[PaperId, Paper]
    ) -> Sequence[Judgement]:
        """One judgement per candidate, in order, among these."""
        session = self._session(query)
        session.forget()
        session.guides.update(guides)
        return self._judged(session, candidates)

    def _judged(self, session: QuerySession, candidates: Sequence[Candidate]) -> list[Judgement]:
        session.learn(candidates)
        measured = session.measure()
        model = self._model or load_trees()
        rows = [measured[candidate.paper.id] for candidate in candidates]
        scores = model.probabilities(rows, [_ASKED_KIND * row[_KIND] for row in rows])
        return [
            Judgement(score, reason(session, candidate)) for score, candidate in zip(scores, candidates, strict=True)
        ]

    def _session(self, query: Query) -> QuerySession:
        session = self._sessions.pop(query, None) or QuerySession(query, self._vocabulary)
        self._sessions[query] = session
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        return session
