"""Seconds to export 5,000 papers, per format.

    python -m tests.benchmarks.bench_export [--papers 5000] [--runs 3]

Goal (issue 6): under 2 s in each format. The papers are invented: abstracts of 150 words, six authors, a third
published, accents and math in some titles. Prints the best of the runs; exits 1 when a format misses the goal.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from datetime import date

from pasa_tui.export.formats import FORMATS, render
from pasa_tui.export.record import Record
from pasa_tui.papers import Paper

GOAL = 2.0
WORDS = (
    "we retrieval models dense BERT queries GPT-4 the of in search Łódź-based naïve learning rank documents agent "
    "citations propose recall 95% R&D evaluation large-scale neural ranking passage transformer pre-trained show that"
).split()
GIVEN, FAMILIES = ("Ann", "José", "Xi"), ("Müller", "Li", "van den Oord")


def invented(count: int) -> list[Record]:
    """Records with texts of the usual length."""
    rng = random.Random(0)
    records = []
    for number in range(count):
        title = f"{' '.join(rng.choices(WORDS, k=9))} $O(n^{number % 7})$ {number}"
        paper = Paper(
            title,
            " ".join(rng.choices(WORDS, k=150)) + ".",
            tuple(f"{rng.choice(GIVEN)} {rng.choice(FAMILIES)}{number}" for _ in range(6)),
            date(2000 + number % 25, 1 + number % 12, 1 + number % 28),
            arxiv_id=f"{10 + number % 15}{1 + number % 12:02d}.{number:05d}" if number % 3 else None,
            doi=None if number % 3 else f"10.1145/{number}",
            venue=None if number % 3 else "Journal of Searching",
            categories=("cs.IR",),
        )
        reason, found_by = "It ranks passages as asked.", "found by search “dense retrieval”"
        records.append(Record(paper, 0.9, True, reason, found_by, tags=("survey",), note="Read this."))
    return records


def timed(records: list[Record], runs: int) -> Iterator[tuple[str, float, int]]:
    """Name, best seconds and size in bytes of each format; LaTeX's encoding counts as a format of its own."""
    for name, known in FORMATS.items():
        for latex in (False, True) if known.encodes else (False,):
            best = float("inf")
            for _ in range(runs):
                began = time.perf_counter()
                text = render(records, name, latex=latex)
                best = min(best, time.perf_counter() - began)
            yield name + (" --latex" if latex else ""), best, len(text.encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    slowest = 0.0
    for name, seconds, size in timed(invented(arguments.papers), arguments.runs):
        slowest = max(slowest, seconds)
        print(f"{name:<18}{seconds:6.2f} s {size / 1e6:8.1f} MB", flush=True)
    print(f"{arguments.papers:,} papers; the slowest format took {slowest:.2f} s (goal < {GOAL:.0f} s)")
    return 0 if slowest < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
