"""What a good Crawler and Selector would have answered, found by trying it out on a corpus."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pasa_tui.models.builtin import BuiltinCrawler, FacetCrawler
from pasa_tui.models.builtin.question import parse_question
from pasa_tui.models.builtin.statistics import TermStatistics, Vocabulary
from pasa_tui.models.protocols import Crawler
from pasa_tui.papers import Paper, PaperId, Query, Section
from pasa_tui.training.session_ppo.environment import Environment

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

_PHRASE = (2, 4)
"""Words of a phrase out of answers' titles, at least and at most."""
_PHRASES = 12
"""Phrases that are tried, the commonest among the answers first."""
_SEARCHES = 5
"""Searches of a session (arXiv 2501.10120)."""
_LONGEST = 12
"""Words of a search: longer ones are bags of words that nobody would write."""
_PAIRED = 5
"""Phrases of a question that are also searched for two by two."""
_CITED_ONLY = 0.5
_REASON_WORDS = 6


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """What was found for one question.

    `searches` reach `reached` of the `answers` that the corpus has. `expansions` are papers with all their sections and
    those worth following, best first. `judged` are papers with whether they are answers and why.
    """

    searches: tuple[str, ...]
    expansions: tuple[tuple[Paper, tuple[str, ...], tuple[str, ...]], ...]
    judged: tuple[tuple[Paper, bool, str], ...]
    answers: int
    reached: int


Reason = Callable[[Query, Paper, bool], Awaitable[str]]
"""Why a paper does, or does not, meet a question."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many rows a question gives: papers expanded, answers judged, and negatives for each of these."""

    expansions: int = 6
    empty_share: float = 0.25
    judged: int = 4
    hard: float = 1.0
    easy: float = 0.5


class Demonstrator:
    """Finds demonstrations by trying. `crawlers` propose searches beside the words of the answers' titles."""

    def __init__(
        self, corpus: "Corpus", crawlers: Sequence[Crawler], amounts: Amounts, reason: Reason | None = None
    ) -> None:
        from pasa_tui.agent.protocols import Sources

        self._environment = Environment(Sources(search=(corpus,), reader=corpus, resolver=corpus))
        self._crawlers = (BuiltinCrawler(corpus), FacetCrawler(corpus), *crawlers)
        self._amounts = amounts
        self._vocabulary = Vocabulary(corpus)
        self._reason = reason or WordReason(corpus)

    async def demonstrate(
        self, query: Query, answers: Sequence[Paper], others: Sequence[Paper], rng: random.Random
    ) -> Demonstrated:
        """The sessions and judgements for a question; `others` answer other questions. Raises ModelError."""
        wanted = {paper.id for paper in answers}
        tried = await self._tried(query, answers)
        papers = {paper.id: paper for found in tried.values() for paper in found}
        leads = await self._leads(query, list(papers.values()), wanted)
        searches, reached = self._chosen(tried, wanted, leads)
        met = {paper.id: paper for text in searches for paper in tried[text]}
        expansions = await self._expansions(query, met, wanted - reached, rng)
        return Demonstrated(
            searches,
            tuple(expansions),
            tuple([each async for each in self._judged(query, answers, tried, others, rng)]),
            len(wanted),
            len(reached),
        )

    async def _tried(self, query: Query, answers: Sequence[Paper]) -> dict[str, list[Paper]]:
        """Every search that was thought of, with its papers.

        They come from the question, or from words that several answers share: what only results of earlier searches
        show could not be known to a Crawler that writes its searches at once.
        """
        texts: dict[str, None] = {}
        for crawler in self._crawlers:
            texts |= dict.fromkeys([" ".join(text.split()) async for text in crawler.plan(query, ())])
        phrases = [" ".join(phrase) for phrase in parse_question(query.text, self._vocabulary).phrases]
        texts |= dict.fromkeys(phrases)
        texts |= dict.fromkeys(f"{first} {second}" for first, second in combinations(phrases[:_PAIRED], 2))
        texts |= dict.fromkeys(shared_phrases([paper.title for paper in answers]))
        short = [text for text in texts if 0 < len(text.split()) <= _LONGEST]
        return {text: await self._environment.search(query, text) for text in short or texts}

    async def _leads(self, query: Query, papers: Sequence[Paper], wanted: set[PaperId]) -> dict[PaperId, set[PaperId]]:
        """The answers that each paper cites in a section that has a name."""
        leads: dict[PaperId, set[PaperId]] = {}
        for paper in papers:
            found: set[PaperId] = set()
            for section in await self._environment.sections(paper):
                if section.name:
                    found |= {one.id for one in await self._environment.follow(query, paper, section.name)}
            leads[paper.id] = wanted & found
        return leads

    def _chosen(
        self,
        tried: Mapping[str, Sequence[Paper]],
        wanted: set[PaperId],
        leads: Mapping[PaperId, set[PaperId]],
    ) -> tuple[tuple[str, ...], set[PaperId]]:
        """The searches that together bring most answers, each the best next one, and the answers they bring.

        An answer that a paper of a search only cites counts half: it takes another step.
        """
        chosen: list[str] = []
        reached: set[PaperId] = set()
        led: set[PaperId] = set()
        brings = {text: wanted & {paper.id for paper in papers} for text, papers in tried.items()}
        points = {text: set().union(*(leads[one.id] for one in papers)) for text, papers in tried.items()}

        def worth(text: str) -> float:
            new = brings[text] - reached
            return len(new) + _CITED_ONLY * len(points[text] - reached - led - new)

        while len(chosen) < _SEARCHES:
            # Of equal ones the earlier: the words of the question itself come before those of the answers.
            best = max(brings, key=worth, default=None)
            if best is None or not worth(best):
                break
            reached |= brings[best]
            led |= points[best]
            chosen.append(best)
        return tuple(chosen), reached

    async def _expansions(
        self, query: Query, met: Mapping[PaperId, Paper], wanted: set[PaperId], rng: random.Random
    ) -> list[tuple[Paper, tuple[str, ...], tuple[str, ...]]]:
        good, empty = [], []
        for paper in met.values():
            sections = await self._environment.sections(paper)
            if not sections:
                continue
            names = tuple(section.name for section in sections)
            if chosen := await self._worth_following(query, paper, sections, wanted):
                good.append((paper, names, chosen))
            else:
                empty.append((paper, names, ()))
        good = good[: self._amounts.expansions]
        share = self._amounts.empty_share
        room = self._amounts.expansions - len(good)
        most = room if share >= 1 else min(room, max(1, round(len(good) * share / (1 - share)))) if share else 0
        return [*good, *rng.sample(empty, min(most, len(empty)))]

    async def _worth_following(
        self, query: Query, paper: Paper, sections: Sequence[Section], wanted: set[PaperId]
    ) -> tuple[str, ...]:
        """The sections that together bring all answers the paper leads to, each the best next one."""
        brings = {
            section.name: wanted & {one.id for one in await self._environment.follow(query, paper, section.name)}
            for section in sections
            if section.name
        }
        chosen: list[str] = []
        reached: set[PaperId] = set()
        while brings:
            best = max(brings, key=lambda name: len(brings[name] - reached))
            if not brings[best] - reached:
                break
            reached |= brings.pop(best)
            chosen.append(best)
        return tuple(chosen)

    async def _judged(
        self,
        query: Query,
        answers: Sequence[Paper],
        tried: Mapping[str, Sequence[Paper]],
        others: Sequence[Paper],
        rng: random.Random,
    ) -> AsyncIterator[tuple[Paper, bool, str]]:
        wanted = {paper.id for paper in answers}
        positives = rng.sample(list(answers), min(self._amounts.judged, len(answers)))
        hard = list({one.id: one for found in tried.values() for one in found if one.id not in wanted}.values())
        near = hard[: round(self._amounts.hard * len(positives))]
        far = [one for one in others if one.id not in wanted]
        easy = rng.sample(far, min(round(self._amounts.easy * len(positives)), len(far)))
        for paper, label in [*((one, True) for one in positives), *((one, False) for one in [*near, *easy])]:
            yield paper, label, " ".join((await self._reason(query, paper, label)).split())


class WordReason:
    """Says which words of the question a paper's title and abstract show, and which they don't."""

    def __init__(self, statistics: TermStatistics) -> None:
        self._vocabulary = Vocabulary(statistics)

    async def __call__(self, query: Query, paper: Paper, label: bool) -> str:
        """One sentence, which holds for the paper whatever the label is."""
        there = set(self._vocabulary.terms(f"{paper.title}\n{paper.abstract}"))
        shown: list[str] = []
        missing: list[str] = []
        for word in dict.fromkeys(parse_question(query.text, self._vocabulary).words):
            terms = set(self._vocabulary.terms(word))
            if terms:
                (shown if terms <= there else missing).append(word)
        texts = (
            f"shows {', '.join(shown[:_REASON_WORDS])}" if shown else "shows none of the question's words",
            f"not {', '.join(missing[:_REASON_WORDS])}" if shown and missing else "",
        )
        return f"The paper {' but '.join(filter(None, texts))}."


def shared_phrases(titles: Sequence[str]) -> Iterator[str]:
    """Phrases of two to four words that stand in the titles of two answers or more, the commonest and longest first.

    A word that only one answer's title has could not be known to whoever reads the question alone.
    """
    counts: Counter[str] = Counter()
    least, most = _PHRASE
    for title in titles:
        words = [
            "".join(letter for letter in word if letter.isalnum() or letter == "-") for word in title.lower().split()
        ]
        phrases = {
            " ".join(words[start : start + size])
            for size in range(least, most + 1)
            for start in range(len(words) - size + 1)
            if all(words[start : start + size])
        }
        counts.update(phrases)
    shared = [phrase for phrase, count in counts.items() if count > 1]
    shared.sort(key=lambda phrase: (-counts[phrase], -len(phrase), phrase))
    yield from shared[:_PHRASES]
