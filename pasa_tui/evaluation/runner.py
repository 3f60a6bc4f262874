"""Answering a query set with a system: claims, trees, and what our run adds to them."""

import asyncio
import hashlib
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pasa_tui import __version__
from pasa_tui.config.settings import ModelSettings
from pasa_tui.corpus import open_corpus
from pasa_tui.errors import QueryError
from pasa_tui.evaluation.folder import RENEWAL_SECONDS, ResultFolder, RunFile
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.protocol import Outcome, Place, System
from pasa_tui.evaluation.tree import EXTRA, Node, Notes, paper_keys
from pasa_tui.papers import Citation, Paper, PaperId
from pasa_tui.sources.catalogue import CORPUS

if TYPE_CHECKING:
    from pasa_tui.corpus.corpus import Corpus

_LIBRARIES = ("httpx", "tantivy", "torch", "transformers", "vllm", "sentence-transformers")
_POLL_SECONDS = 1.0
"""Between looks at questions that other workers are at."""


def describe_run(system: str, queries: Path, named: str, chosen: Sequence[BenchmarkQuery], place: Place) -> RunFile:
    """What a run is, for its folder. Raises EvaluationError or CorpusError."""
    on_corpus = not place.sources or CORPUS in place.sources
    with ExitStack() as opened:
        corpus = opened.enter_context(open_corpus(place.corpus, place.paths)) if on_corpus else None
        info = corpus.info if corpus else None
    return RunFile(
        system=system,
        queries=named,
        queries_sha256=hashlib.sha256(queries.read_bytes()).hexdigest(),
        total=len(chosen),
        corpus=info.name if info else "",
        corpus_key=f"{info.papers} papers, {info.citations} citations" if info else "",
        sources=place.sources,
        seed=place.seed,
        settings={
            "agent": asdict(place.agent),
            "model": place.model,
            "weights": str(place.weights.resolve()) if place.weights else "",
            **_own(place.settings.models),
        },
        versions=_versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _own(models: ModelSettings) -> dict[str, str | float]:
    """What the settings say of the builtin agent's models, where that is not the default."""
    usual = ModelSettings()
    names = ("builtin", "embeddings", "embeddings_weight")
    return {name: getattr(models, name) for name in names if getattr(models, name) != getattr(usual, name)}


async def papers_of_answers(query: BenchmarkQuery, corpus: "Corpus") -> list[Paper | None]:
    """The corpus's paper for each answer, in order; None where it has none.

    That which the query set names is believed; others are resolved as citations are.
    """
    named = [corpus.get(PaperId(answer.source_id)) if answer.source_id else None for answer in query.answers]
    citations = [Citation(answer.title, arxiv_id=answer.arxiv_id) for answer in query.answers]
    resolved = await corpus.resolve(citations)
    return [first or second for first, second in zip(named, resolved, strict=True)]


class Worker:
    """Answers the questions of a run that nobody else has answered or is at, until all are answered."""

    def __init__(
        self, system: System, queries: Sequence[BenchmarkQuery], folder: ResultFolder, place: Place, *, parallel: int
    ) -> None:
        """`parallel` questions at once, where the system waits for others more than it computes."""
        self._system = system
        self._queries = queries
        self._folder = folder
        self._parallel = parallel if system.waits else 1
        self._place = place
        self._corpus: Corpus | None = None

    async def work(self, tell: Callable[[BenchmarkQuery, Outcome], None]) -> None:
        """Answer, and `tell` each outcome. Raises PasaError where going on makes no sense."""
        with ExitStack() as opened:
            if not self._place.sources or CORPUS in self._place.sources:
                self._corpus = opened.enter_context(open_corpus(self._place.corpus, self._place.paths))
            renewing = asyncio.create_task(self._renew())
            try:
                await self._answer_all(tell)
            finally:
                renewing.cancel()
                self._folder.release_all()

    async def _answer_all(self, tell: Callable[[BenchmarkQuery, Outcome], None]) -> None:
        while open_ := self._open():
            waiting = iter(open_)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._parallel):
                    tasks.create_task(self._answer_each(waiting, tell))
            if self._open():
                # Others are at them. One that was killed left a claim, which is taken over in time.
                await asyncio.sleep(_POLL_SECONDS)

    def _open(self) -> list[BenchmarkQuery]:
        done = self._folder.done()
        return [query for query in self._queries if query.index not in done]

    async def _answer_each(
        self, waiting: Iterator[BenchmarkQuery], tell: Callable[[BenchmarkQuery, Outcome], None]
    ) -> None:
        for query in waiting:
            if not self._folder.claim(query.index):
                continue
            try:
                outcome = await self._system.answer(query)
            except QueryError as error:
                outcome = Outcome(Node(title=query.question), ending="failed", message=str(error))
            await self._annotate(query, outcome)
            self._folder.write(query.index, outcome.root, failed=outcome.ending == "failed")
            tell(query, outcome)

    async def _annotate(self, query: BenchmarkQuery, outcome: Outcome) -> None:
        found = await papers_of_answers(query, self._corpus) if self._corpus is not None else []
        notes = Notes(
            qid=query.qid,
            system=self._system.name,
            published=query.published.isoformat() if query.published else "",
            answer_arxiv_id=[answer.arxiv_id for answer in query.answers],
            in_corpus=[paper is not None for paper in found],
            names_in_corpus=[list(paper_keys(paper.title, paper.arxiv_id)) if paper else [] for paper in found],
            spent=outcome.spent,
            ending=outcome.ending,
            message=outcome.message,
        )
        outcome.root.extra = {
            "touch_ids": [node.arxiv_id for node in outcome.root.walk() if node.arxiv_id],
            "crawler_recall_papers": [node.title for node in outcome.root.walk()],
            "recall_papers": [node.title for node in outcome.root.walk() if node.score > 0.5],
            "answer": [answer.title for answer in query.answers],
            EXTRA: msgspec.to_builtins(notes),
        }

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            self._folder.renew()


def _versions() -> dict[str, str]:
    found = {"pasa-tui": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
