"""A model asked directly, without a search, and BM25 over the searches that a model writes."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from pasa_tui.corpus import open_corpus
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.baseline_prompts import name_papers
from pasa_tui.evaluation.systems.language_models import LanguageModels, missing_model
from pasa_tui.evaluation.systems.lookups import Lookups, ranked
from pasa_tui.evaluation.systems.protocol import Outcome, Place, SystemInfo, ranked_tree, score_of_rank
from pasa_tui.evaluation.systems.spending import Bill, settled
from pasa_tui.evaluation.systems.titles import NamedPaper, read_titles
from pasa_tui.evaluation.tree import Node
from pasa_tui.papers import Citation, Paper, PaperId, Query

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

ANSWER_TOKENS = 8_192
"""Tokens of an answer with titles, thoughts included where a server counts them so."""
MOST_RESULTS = 100
"""Papers taken from one search, and returned of all together: the deepest rank that is measured."""
_RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
DIRECT_MODEL, SUBQUERY_MODEL = "o1", "gpt-4o"


class AskedDirectly:
    """A model names the papers that it knows; their titles are looked up."""

    waits = True

    def __init__(self, name: str, models: LanguageModels, lookups: Lookups) -> None:
        self.name = name
        self._models = models
        self._lookups = lookups

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The papers that the model names, in its order. Raises ModelError where its key is refused."""

        async def work(bill: Bill) -> Node:
            text = await self._models.write(name_papers(query.query), ANSWER_TOKENS, bill)
            return await named_tree(query, read_titles(text), self._lookups, bill, self.name)

        return await settled(query, work)

    async def close(self) -> None:
        """Give back the corpus and the model's connections."""
        self._lookups.close()
        await self._models.close()


class SubQueries:
    """BM25 over a corpus with the question and with each search that a model's Crawler plans for it, fused."""

    name = "bm25+subqueries"
    waits = True

    def __init__(self, models: LanguageModels, corpus: "Corpus", *, most_searches: int) -> None:
        """At most `most_searches` are taken from the model."""
        self._models = models
        self._corpus = corpus
        self._most_searches = most_searches

    async def answer(self, query: BenchmarkQuery) -> Outcome:
        """The best papers of all searches together. Raises ModelError where the model's key is refused."""

        async def work(bill: Bill) -> Node:
            asked = query.query
            found: dict[str, Sequence[Paper]] = {}
            for text in (asked.text, *await self._planned(asked, bill)):
                found[text] = await self._corpus.search(text, limit=MOST_RESULTS, before=asked.before)
            return ranked_tree(query, fused(found, MOST_RESULTS), self.name)

        return await settled(query, work)

    async def close(self) -> None:
        """Give back the corpus and the model's connections."""
        self._corpus.close()
        await self._models.close()

    async def _planned(self, query: Query, bill: Bill) -> list[str]:
        texts: dict[str, None] = {}
        async with self._models.borrow(bill) as agent, aclosing(agent.crawlers[0].plan(query, ())) as planned:  # type: ignore[type-var]
            async for text in planned:
                texts[text] = None
                if len(texts) >= self._most_searches:
                    break
        if not texts:
            bill.note("The model wrote no searches, so the question alone was searched.")
        return list(texts)


def fused(found: Mapping[str, Sequence[Paper]], limit: int) -> dict[str, list[tuple[Paper, float]]]:
    """The `limit` best papers of several searches by reciprocal rank fusion, each under the searches that found it.

    A paper's sum is over 1 / (60 + its rank) in each search; its score is that of its rank by this sum.
    """
    sums: dict[PaperId, float] = {}
    for papers in found.values():
        for rank, paper in enumerate(papers, start=1):
            sums[paper.id] = sums.get(paper.id, 0.0) + 1 / (_RRF_K + rank)
    best = sorted(sums, key=lambda paper_id: -sums[paper_id])[:limit]
    scores = {paper_id: score_of_rank(rank) for rank, paper_id in enumerate(best, start=1)}
    return {
        text: [(paper, scores[paper.id]) for paper in papers if paper.id in scores] for text, papers in found.items()
    }


async def named_tree(
    query: BenchmarkQuery, named: Sequence[NamedPaper], lookups: Lookups, bill: Bill, source: str
) -> Node:
    """The tree of papers that a model named, in its order. Raises SourceError where the corpus can't be read."""
    if not named:
        bill.note("The model's answer names no paper.")
    citations = [Citation(title=paper.title, arxiv_id=paper.arxiv_id) for paper in named]
    papers = await lookups.papers_of(citations, bill)
    return ranked_tree(query, {query.question: ranked(papers)}, source)


def _gpt_o1(place: Place) -> AskedDirectly:
    return AskedDirectly("gpt-o1", LanguageModels(place, DIRECT_MODEL, general=True), Lookups.of_titles(place))


def _subqueries(place: Place) -> SubQueries:
    models = LanguageModels(place, SUBQUERY_MODEL, general=False)
    return SubQueries(models, open_corpus(place.corpus, place.paths), most_searches=place.agent.search_queries)


INFO_GPT_O1 = SystemInfo(
    name="gpt-o1",
    summary="A model names the papers it knows, without a search.",
    needs=f"a profile, or OpenAI's key for {DIRECT_MODEL}",
    make=_gpt_o1,
    missing=lambda place: missing_model(place, DIRECT_MODEL),
)
INFO_SUBQUERIES = SystemInfo(
    name=SubQueries.name,
    summary="BM25 with the question and with a model's searches, by reciprocal rank fusion.",
    needs=f"a profile, or OpenAI's key for {SUBQUERY_MODEL}",
    make=_subqueries,
    missing=lambda place: missing_model(place, SUBQUERY_MODEL),
)
