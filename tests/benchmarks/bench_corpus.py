"""Build the bench's corpus and ask it 718 questions: seconds, memory, latency, recall, beside the goals.

    python -m tests.benchmarks.bench_corpus [--bench ../shared/bench]

Goals: a build within 60 s and 1 GB of memory on two cores; one full-text query in 10 ms at the median and 40 ms at
the 95th percentile; reading, resolving and citing papers within 1 ms at the median. Recall of one query is printed
beside the reference that the bench's README gives for its first 400 questions. Exits 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.corpus.corpus import Corpus

BENCH = Path(__file__).resolve().parents[3] / "shared" / "bench"
REFERENCE = {20: 0.313, 50: 0.368, 100: 0.431}
REFERENCE_QUESTIONS = 400

Row = tuple[str, float, float | None, str]


def build(bench: Path, home: Path) -> None:
    """Build in a process of its own, so that its peak memory is the build's alone."""
    command = [sys.executable, "-m", "pasa_tui", "corpus", "build", "bench"]
    files = ["--papers", str(bench / "corpus.jsonl.xz"), "--citations", str(bench / "citations.jsonl.xz")]
    subprocess.run([*command, *files], check=True, env={**os.environ, "PASA_TUI_HOME": str(home)})


def questions(bench: Path) -> list[dict[str, Any]]:
    """The dev questions in the bench's order, those without an answer in the corpus included."""
    with (bench / "autoscholar_dev.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


async def ask(corpus: Corpus, asked: list[dict[str, Any]]) -> tuple[list[float], list[dict[int, float] | None]]:
    """Seconds per answerable question (the first 100 papers), and recall at each depth; None where unanswerable."""
    seconds: list[float] = []
    recalls: list[dict[int, float] | None] = []
    for question in asked:
        answers = {answer for answer in question["corpus_id"] if answer}
        if not answers:
            recalls.append(None)
            continue
        before = date.fromisoformat(question["source_meta"]["published_time"])
        began = time.perf_counter()
        papers = await corpus.search(question["question"], limit=100, before=before)
        seconds.append(time.perf_counter() - began)
        found = [paper.source_id for paper in papers]
        recalls.append({depth: len(answers.intersection(found[:depth])) / len(answers) for depth in REFERENCE})
    return seconds, recalls


async def look_up(corpus: Corpus, asked: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds of each read, resolve and cited_by, on papers that searches bring."""
    seconds: dict[str, list[float]] = {"read": [], "resolve a section": [], "cited_by": []}

    async def timed(what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        began = time.perf_counter()
        result = await call()
        seconds[what].append(time.perf_counter() - began)
        return result

    for question in asked[:100]:
        for paper in await corpus.search(question["question"], limit=20, before=None):
            for section in await timed("read", lambda paper=paper: corpus.read(paper)):  # type: ignore[misc]
                await timed("resolve a section", lambda section=section: corpus.resolve(section.citations))  # type: ignore[misc]
            began = time.perf_counter()
            corpus.cited_by(paper.id)
            seconds["cited_by"].append(time.perf_counter() - began)
    return seconds


def mean_recall(recalls: list[dict[int, float] | None], depth: int) -> float:
    """The plain mean over the answerable questions."""
    return statistics.fmean(recall[depth] for recall in recalls if recall)


def measure(bench: Path, home: Path) -> list[Row]:
    """Everything as (what, value, goal or None, unit)."""
    began = time.perf_counter()
    build(bench, home)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    asked = questions(bench)
    with open_corpus("bench", Paths.default({"PASA_TUI_HOME": str(home)})) as corpus:
        seconds, recalls = asyncio.run(ask(corpus, asked))
        looked_up = asyncio.run(look_up(corpus, asked))
    rows: list[Row] = [
        ("build", took, 60, "s"),
        ("build, peak memory", peak, 1024, "MiB"),
        ("query, median", 1000 * statistics.median(seconds), 10, "ms"),
        ("query, 95th percentile", 1000 * statistics.quantiles(seconds, n=20)[-1], 40, "ms"),
    ]
    rows += [(f"{what}, median", 1000 * statistics.median(times), 1, "ms") for what, times in looked_up.items()]
    for depth, reference in REFERENCE.items():
        rows.append((f"recall@{depth}, {len(seconds)} questions", mean_recall(recalls, depth), None, ""))
        first = mean_recall(recalls[:REFERENCE_QUESTIONS], depth)
        rows.append((f"recall@{depth}, first 400 (reference {reference})", first, None, ""))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=BENCH)
    bench = parser.parse_args().bench
    if not (bench / "corpus.jsonl.xz").exists():
        print(f"There is no bench in {bench}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home:
        rows = measure(bench, Path(home))
    for what, value, goal, unit in rows:
        beside = f"(goal <= {goal:g} {unit})" if goal is not None else ""
        print(f"{what:<42} {value:9.3f} {unit:<4} {beside}")
    return 1 if any(goal is not None and value > goal for _, value, goal, _ in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
