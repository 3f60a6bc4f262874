"""The builtin Crawler: searches from the question's own words, then from what the first results have in common."""

from collections.abc import AsyncIterator, Iterator, Sequence

from pasa_tui.models.builtin.feedback import relevant_papers, term_weights
from pasa_tui.models.builtin.question import Question, parse_question
from pasa_tui.models.builtin.sections import choose_sections
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.protocols import SearchResults
from pasa_tui.papers import Paper, Query

_FEEDBACK_PAPERS = 10
_EXPANSION_TERMS = (5, 10)


class BuiltinCrawler:
    """Plans searches and chooses sections by the words of the question. Deterministic.

    The first round searches for the whole subject and its weightiest phrases; the second adds terms by relevance
    feedback, which reaches papers that say the same in other words. What is likely to bring most comes first.
    """

    name = "builtin"

    def __init__(self, statistics: TermStatistics) -> None:
        self._vocabulary = Vocabulary(statistics)

    async def plan(self, query: Query, found: Sequence[SearchResults]) -> AsyncIterator[str]:
        """Yield search texts of at most `question.MAX_WORDS` words, and a few more in the second round."""
        question = parse_question(query.text, self._vocabulary)
        searches = self._expansions(question, found) if found else self._openings(question)
        seen = {_key(results.text) for results in found}
        for text in searches:
            if _key(text) not in seen:
                seen.add(_key(text))
                yield text

    async def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncIterator[str]:
        """Yield the sections that review what others did, or that are about the question's subject."""
        question = parse_question(query.text, self._vocabulary)
        for name in choose_sections(question, paper, sections, self._vocabulary):
            yield name

    def _openings(self, question: Question) -> Iterator[str]:
        yield question.text
        weight = {phrase: sum(self._vocabulary.idf(word) for word in phrase) for phrase in question.phrases}
        weighty = sorted(question.phrases, key=lambda phrase: -weight[phrase])
        for phrase in weighty[:2]:
            yield " ".join(phrase)

    def _expansions(self, question: Question, found: Sequence[SearchResults]) -> Iterator[str]:
        papers = relevant_papers(found)[:_FEEDBACK_PAPERS]
        asked = set(self._vocabulary.terms(question.text))
        terms = [word for word in term_weights(papers, self._vocabulary) if self._vocabulary.term(word) not in asked]
        for count in _EXPANSION_TERMS:
            if terms:
                yield " ".join([question.text, *terms[:count]])


def _key(text: str) -> str:
    return " ".join(text.lower().split())
