"""Which records become one: the same paper, and a preprint with its publication."""

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.export.record import Record, merged
from pasa_tui.papers import Paper, title_key

TITLE = "Planning and Acting in Loops"
PREPRINT = Paper(TITLE, "We plan, and then we act.", ("Ann Lee", "Bo Li"), date(2022, 10, 6), "2210.00001")
PUBLISHED = Paper(TITLE.upper() + ".", "", ("Lee, Ann",), date(2023, 5, 1), None, "10.1145/1", "Journal of Loops")


def test_a_publication_takes_in_its_preprint() -> None:
    records = [
        Record(PREPRINT, 0.4, reason="Acts.", tags=("a",), note="One."),
        Record(PUBLISHED, 0.9, True, tags=("b",), note="Two."),
    ]
    for order in (records, records[::-1]):
        [one] = merged(order)
        paper = one.paper
        assert (paper.arxiv_id, paper.doi, paper.venue) == ("2210.00001", "10.1145/1", "Journal of Loops")
        assert (paper.date, paper.abstract) == (date(2023, 5, 1), PREPRINT.abstract)
        assert (one.score, one.selected, one.reason, one.tags) == (0.9, True, "Acts.", ("a", "b"))
        assert one.note == "Two.\nOne."


def test_the_doi_that_arxiv_gave_out_makes_way() -> None:
    [one] = merged([Record(replace(PREPRINT, doi="10.48550/arxiv.2210.00001")), Record(PUBLISHED)])
    assert (one.paper.arxiv_id, one.paper.doi) == ("2210.00001", "10.1145/1")


def test_one_doi_is_one_paper_whatever_the_titles() -> None:
    [one] = merged([Record(replace(PREPRINT, title="Plans", doi="10.1145/1")), Record(PUBLISHED)])
    assert (one.paper.arxiv_id, one.paper.doi) == ("2210.00001", "10.1145/1")


@pytest.mark.parametrize(
    "other",
    [
        replace(PUBLISHED, authors=("Cy Ng",)),
        replace(PUBLISHED, authors=()),
        replace(PUBLISHED, title="Planning and Acting in Loops, Again"),
        replace(PUBLISHED, arxiv_id="2301.00001"),
        replace(PUBLISHED, doi=None),
    ],
)
def test_others_stay_apart(other: Paper) -> None:
    assert len(merged([Record(PREPRINT), Record(other)])) == 2


def test_a_short_title_tells_too_little() -> None:
    short = [Record(replace(paper, title="Introduction")) for paper in (PREPRINT, PUBLISHED)]
    assert len(merged(short)) == 2


def test_where_two_publications_fit_none_is_taken() -> None:
    records = [Record(PREPRINT), Record(PUBLISHED), Record(replace(PUBLISHED, doi="10.1145/2"))]
    assert len(merged(records)) == 3


PAPERS = st.builds(
    Paper,
    title=st.sampled_from([TITLE, TITLE.lower(), "Introduction", "Another Title of Some Length"]),
    abstract=st.sampled_from(["", "Short.", "A longer abstract."]),
    authors=st.sampled_from([(), ("Ann Lee",), ("Lee, Ann", "Bo Li"), ("Cy Ng",)]),
    date=st.none() | st.sampled_from([date(2022, 1, 1), date(2023, 1, 1)]),
    arxiv_id=st.none() | st.sampled_from(["2210.00001", "2210.00002"]),
    doi=st.none() | st.sampled_from(["10.1/1", "10.1/2", "10.48550/arxiv.2210.00001"]),
    venue=st.none() | st.sampled_from(["ICLR 2023", "Journal of Loops"]),
)
RECORDS = st.lists(
    st.builds(
        Record, PAPERS, st.sampled_from([None, 0.2, 0.9]), st.booleans(), st.sampled_from(["", "r", "s"]),
        st.sampled_from(["", "f"]), st.booleans(), st.sampled_from([(), ("a",), ("b", "c")]),
        st.sampled_from(["", "n", "m"]),
    ),
    max_size=7,
)  # fmt: skip


@given(RECORDS)
def test_merging_again_changes_nothing(records: list[Record]) -> None:
    assert merged(merged(records)) == merged(records)


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_changes_no_content(records: list[Record], rng: random.Random) -> None:
    shuffled = rng.sample(records, len(records))
    assert sorted(map(repr, merged(shuffled))) == sorted(map(repr, merged(records)))


@given(RECORDS)
def test_nothing_is_lost(records: list[Record]) -> None:
    result = merged(records)
    ids = {result_id for record in result for result_id in (record.paper.id, f"doi:{record.paper.doi}")}
    assert {record.paper.id for record in records} <= ids
    assert len({record.paper.id for record in result}) == len(result)
    for what in ("tags", "note"):
        kept = {part for record in result for part in (record.tags if what == "tags" else record.note.split("\n"))}
        given_ = {part for record in records for part in (record.tags if what == "tags" else [record.note])}
        assert given_ - {""} <= kept
    assert {title_key(r.paper.title) for r in result} <= {title_key(r.paper.title) for r in records}
    assert any(r.selected for r in result) == any(r.selected for r in records)
    assert max((r.score or 0 for r in result), default=0) == max((r.score or 0 for r in records), default=0)
