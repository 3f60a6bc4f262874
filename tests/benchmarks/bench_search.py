"""Whole searches with the builtin agent: seconds and recall, on ../shared/bench and on the sample corpus.

    python -m tests.benchmarks.bench_search [--queries 100] [--home FOLDER]

`--home` keeps the built corpus for the next run. Goals (issue 2): median under 1.5 s on the bench, under
0.3 s on the sample. Recall is over the answers that the corpus has; papers dated after a question's
published_time are left out of the ranking, as the bench's README says.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pasa_tui.config import Paths
from pasa_tui.config.settings import load_settings
from pasa_tui.corpus import available
from pasa_tui.library import Library
from pasa_tui.papers import Query
from pasa_tui.session import RunningSearch, SearchRequest, Session

BENCH = Path(__file__).parents[3] / "shared" / "bench"
SAMPLE_QUESTIONS = (
    "Which papers use reinforcement learning to train search agents?",
    "How can dense retrievers be trained without labelled data?",
    "papers on tool use by language models",
    "benchmarks for web agents",
    "Which works align language models with human preferences without reinforcement learning?",
)


@dataclass
class Run:
    """One search: seconds from question to last event, and what it found."""

    seconds: float
    running: RunningSearch


def search(session: Session, request: SearchRequest) -> Run:
    async def follow(running: RunningSearch) -> None:
        async for _ in running.events():
            pass

    began = time.perf_counter()
    running = session.start(request)
    asyncio.run(follow(running))
    return Run(time.perf_counter() - began, running)


def recalls(run: Run, answers: set[str], published: str) -> dict[str, float]:
    limit = datetime.strptime(published, "%Y%m%d").date()
    ranked = [found for found in run.running.state.ranked() if found.paper.date is None or found.paper.date <= limit]
    ids = [found.paper.source_id for found in ranked]
    selected = {found.paper.source_id for found in ranked if found.selected}
    hits = len(selected & answers)
    figures = {f"recall@{k}": len(answers & set(ids[:k])) / len(answers) for k in (20, 50, 100)}
    figures["crawler recall"] = len(answers & set(ids)) / len(answers)
    figures["recall"] = hits / len(answers)
    figures["precision"] = hits / len(selected) if selected else 0.0
    figures["papers met"] = float(len(run.running.state.papers))
    return figures


def questions(count: int) -> Iterable[tuple[str, set[str], str]]:
    rows = [json.loads(line) for line in (BENCH / "autoscholar_dev.jsonl").open(encoding="utf-8")]
    answerable = [
        (row["question"], {one for one in row["corpus_id"] if one}, row["source_meta"]["published_time"])
        for row in rows
        if any(row["corpus_id"])
    ]
    return answerable[:: max(1, len(answerable) // count)][:count]


def report(name: str, seconds: list[float], goal: float) -> bool:
    median = statistics.median(seconds)
    p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else median
    print(f"{name}: {len(seconds)} searches, median {median:.3f} s (goal < {goal} s), p95 {p95:.3f} s")
    return median < goal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        paths = Paths.default({"PASA_TUI_HOME": str(arguments.home or temporary)})
        with Library.open(paths.library_file) as library:
            session = Session(library, paths)
            settings = load_settings(paths.config_file).agent
            search(session, SearchRequest(Query("warm up"), "sample", settings))
            good = report(
                "sample",
                [
                    search(session, SearchRequest(Query(question), "sample", settings)).seconds
                    for question in SAMPLE_QUESTIONS * 4
                ],
                0.3,
            )
            if not BENCH.is_dir():
                print("bench: skipped, ../shared/bench is absent")
                return 0 if good else 1
            if "bench" not in {info.name for info in available(paths)}:
                from pasa_tui.cli.main import cli

                files = ["--papers", str(BENCH / "corpus.jsonl.xz"), "--citations", str(BENCH / "citations.jsonl.xz")]
                from pasa_tui.cli.context import Context

                cli(["corpus", "build", "bench", *files], standalone_mode=False, obj=Context(paths))
            seconds, figures = [], []
            for question, answers, published in questions(arguments.queries):
                run = search(session, SearchRequest(Query(question), "bench", settings))
                seconds.append(run.seconds)
                figures.append(recalls(run, answers, published))
            good = report("bench", seconds, 1.5) and good
            for name in figures[0]:
                print(f"  {name:<15} {statistics.mean(figure[name] for figure in figures):.3f}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
