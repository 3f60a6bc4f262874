"""The builtin Crawler: searches from the question's own words, then from what the first results have in common."""

from collections.abc import AsyncIterator, Iterator, Sequence

from pasa_tui.models.builtin.acronyms import acronyms_in, spelled_out
from pasa_tui.models.builtin.feedback import relevant_papers, term_weights
from pasa_tui.models.builtin.question import Question, parse_question
from pasa_tui.models.builtin.sections import choose_sections
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.builtin.words import WORD
from pasa_tui.models.protocols import SearchResults
from pasa_tui.papers import Paper, Query

_FEEDBACK_PAPERS = 10
_FEW_TERMS, _MORE_TERMS = 5, 10
_OPENING_PHRASES = 1
_FEEDBACK_SEARCHES = 4
_LIKE_BEST = 3
_TITLE_WORDS = 20
_FACETS = 2


class BuiltinCrawler:
    """Plans searches and chooses sections by the words of the question. Deterministic.

    First round: the whole subject, and its weightiest phrase. Second round: the subject with the terms that its
    first results share, which reaches papers that say the same in other words, and papers like the best result, by
    its title. Third round: the subject with the terms that the results of all searches so far share; then, for those
    who allow more searches, the other phrases and titles.
    """

    name = "builtin"

    def __init__(self, statistics: TermStatistics) -> None:
        self._vocabulary = Vocabulary(statistics)

    async def plan(self, query: Query, found: Sequence[SearchResults]) -> AsyncIterator[str]:
        """Yield search texts, each of at most 60 words."""
        question = parse_question(query.text, self._vocabulary)
        made = {_key(results.text) for results in found}
        for texts in self._rounds(question, found):
            new = {_key(text): text for text in texts if text and _key(text) not in made}
            if new:
                for text in new.values():
                    yield text
                return

    async def choose(self, query: Query, paper: Paper, sections: Sequence[str]) -> AsyncIterator[str]:
        """Yield the sections that review what others did, or that are about the question's subject."""
        question = parse_question(query.text, self._vocabulary)
        for name in choose_sections(question, paper, sections, self._vocabulary):
            yield name

    def _rounds(self, question: Question, found: Sequence[SearchResults]) -> Iterator[list[str]]:
        """The rounds in order. Each depends on the results of those before it only, so that it stays the same."""
        phrases = [" ".join(phrase) for phrase in self._by_weight(question)]
        yield [question.text, *phrases[:_OPENING_PHRASES]]
        if not found:
            return
        alike = list(_titles(found[0].papers[:_LIKE_BEST]))
        yield [self._expanded(question, found[:1], _FEW_TERMS), *alike[:1]]
        yield [
            self._expanded(question, found[:_FEEDBACK_SEARCHES], _MORE_TERMS),
            *phrases[_OPENING_PHRASES:],
            *alike[1:],
        ]

    def _by_weight(self, question: Question) -> list[tuple[str, ...]]:
        return sorted(question.phrases, key=lambda phrase: -self._vocabulary.weigh(phrase))

    def _expanded(self, question: Question, found: Sequence[SearchResults], count: int) -> str:
        return self._expanded_text(question.text, found, count)

    def _expanded_text(self, text: str, found: Sequence[SearchResults], count: int) -> str:
        """A text, what its acronyms stand for, and the `count` weightiest terms of the results beyond these."""
        papers = relevant_papers(found)[:_FEEDBACK_PAPERS]
        texts = [paper.abstract for results in found for paper in results.papers]
        meanings = [words for acronym in acronyms_in(text) if (words := spelled_out(acronym, texts))]
        asked = set(self._vocabulary.terms(" ".join([text, *meanings])))
        terms = [
            word for word in term_weights(papers, self._vocabulary) if asked.isdisjoint(self._vocabulary.split(word))
        ]
        return " ".join([text, *meanings, *terms[:count]])


class FacetCrawler(BuiltinCrawler):
    """The second of an ensemble: searches for parts of the question, which the whole may drown. Deterministic.

    Each phrase alone, weightiest first, and the question without each of its phrases; then each phrase with the terms
    that its own results share.
    """

    name = "builtin-facets"

    def _rounds(self, question: Question, found: Sequence[SearchResults]) -> Iterator[list[str]]:
        phrases = [" ".join(phrase) for phrase in self._by_weight(question)]
        without = [" ".join(other for other in phrases if other != phrase) for phrase in phrases if len(phrases) > 2]
        yield [*phrases[:_FACETS], *without[:_FACETS]] or [question.text]
        if found:
            yield [self._expanded_text(results.text, [results], _FEW_TERMS) for results in found[:_FACETS]]


def _titles(papers: Sequence[Paper]) -> Iterator[str]:
    for paper in papers:
        yield " ".join(WORD.findall(paper.title)[:_TITLE_WORDS])


def _key(text: str) -> str:
    return " ".join(text.lower().split())
