"""Why a paper was scored as it was, in one line for a person."""

from collections.abc import Sequence

from pasa_tui.models.builtin.evidence import QuerySession
from pasa_tui.models.protocols import Candidate

_REASON_WORDS = 4


def reason(session: QuerySession, candidate: Candidate) -> str:
    """Which words of the question match where, and what led to the paper."""
    text = session.text(candidate.paper)
    in_title = _matching(session, text.title)
    in_abstract = [word for word in _matching(session, text.abstract) if word not in in_title]
    searches = len({item.text for item in candidate.provenances if item.kind == "search"})
    citing = len({item.parent for item in candidate.provenances if item.kind == "section"})
    parts = (
        f"title: {', '.join(in_title[:_REASON_WORDS])}" if in_title else "",
        f"abstract: {', '.join(in_abstract[:_REASON_WORDS])}" if in_abstract else "",
        f"in {searches} search{'es' * (searches > 1)}" if searches else "",
        f"cited by {citing} paper{'s' * (citing > 1)}" if citing else "",
    )
    return " · ".join(part for part in parts if part)


def _matching(session: QuerySession, terms: Sequence[str]) -> list[str]:
    """The question's words among `terms`, weightiest first."""
    there = session.weights.keys() & set(terms)
    words = (session.words[term] for term in sorted(there, key=lambda term: (-session.weights[term], term)))
    return list(dict.fromkeys(words))
