"""The corpus that ships: its form, and its facts against the real corpus where that is at hand."""

import json
import lzma
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.config import shipped_dir
from pasa_tui.papers import clean_text, parse_arxiv_id, title_key

BENCH = Path(__file__).parents[2] / "shared" / "bench"


def rows(name: str) -> Iterator[dict[str, Any]]:
    with (shipped_dir("sample") / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


PAPERS = {row["id"]: row for row in rows("papers.jsonl")}
CITATIONS = {row["id"]: row["sections"] for row in rows("citations.jsonl")}


def test_there_are_enough_papers_and_none_twice() -> None:
    assert len(PAPERS) >= 300 and len(PAPERS) == sum(1 for _ in rows("papers.jsonl"))
    # Reports of one series ("Qwen2 Technical Report") share the letters of their titles.
    assert len({title_key(row["title"]) for row in PAPERS.values()}) >= len(PAPERS) - 5
    assert len(CITATIONS) >= 100 and sum(len(ids) for s in CITATIONS.values() for ids in s.values()) >= 1_000


def test_papers_are_complete_and_their_text_is_labelled_a_summary() -> None:
    for paper_id, row in PAPERS.items():
        assert parse_arxiv_id(paper_id.removeprefix("arxiv:")) == paper_id.removeprefix("arxiv:")
        assert "abstract" not in row and 12 <= len(row["summary"].split()) <= 80, paper_id
        assert row["title"] == clean_text(row["title"]) and row["summary"] == clean_text(row["summary"])
        assert row["authors"] and all(name == clean_text(name) and name for name in row["authors"])
        assert "others" not in row["authors"][:-1], paper_id
        # arXiv ids since April 2007 name the month of the first version; a few came in weeks before.
        published = date.fromisoformat(row["date"])
        month = date(2000 + int(paper_id[6:8]), int(paper_id[8:10]), 1)
        assert month - timedelta(days=15) <= published <= month + timedelta(days=33), paper_id


def test_citations_name_papers_of_the_sample_and_no_later_ones() -> None:
    for citing, sections in CITATIONS.items():
        latest = date.fromisoformat(PAPERS[citing]["date"]) + timedelta(days=730)
        for name, cited in sections.items():
            assert name and cited and len(set(cited)) == len(cited), citing
            for paper_id in cited:
                assert paper_id in PAPERS and paper_id != citing
                # A paper's later versions may cite what appeared after its first.
                assert date.fromisoformat(PAPERS[paper_id]["date"]) <= latest, (citing, paper_id)


@pytest.mark.bench
@pytest.mark.skipif(not BENCH.is_dir(), reason="../shared/bench is absent")
def test_titles_and_dates_agree_with_the_real_corpus() -> None:
    titles = dates = seen = 0
    with lzma.open(BENCH / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            real = json.loads(line)
            if row := PAPERS.get(real["id"]):
                seen += 1
                titles += title_key(row["title"]) == title_key(real["title"])
                days = abs(date.fromisoformat(row["date"]) - date.fromisoformat(real["date"])).days
                dates += days <= 7
                assert row["summary"] not in real["abstract"], real["id"]
    # Some papers changed their title between versions, and some dates there are those of a later version.
    assert seen >= 500 and titles >= 0.96 * seen and dates >= 0.7 * seen, (seen, titles, dates)
