import dataclasses
import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pasa_tui.errors import LibraryError
from pasa_tui.events import FUNNEL_STAGES, Event, Funnel, SearchState
from pasa_tui.events.codec import EVENT_TYPES
from pasa_tui.library import Library
from pasa_tui.papers import Paper, Provenance, Query, clean_text
from tests.helpers import paper
from tests.library.builders import QUERY, found, judged, kept, whole


def test_what_is_recorded_comes_back(library: Library, path: Path) -> None:
    search_id = kept(library, 1, 2, 3)
    with Library.open(path) as again:
        assert again.events(search_id) == whole(1, 2, 3)
        row = again.search(search_id)
    assert (row.query, row.before, row.settings) == (QUERY.text, QUERY.before, {"corpus": "sample"})
    assert (row.status, row.met, row.selected) == ("done", 3, 2)
    assert row.ended_at is not None and row.ended_at >= row.started_at


# Making a library takes longer than an example does: all examples of a test share one.
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# -- any events -------------------------------------------------------------------------------------------

SMALL = st.integers(0, 4)
PAPER_IDS = SMALL.map(lambda number: paper(number).id)
BY_NAME: Mapping[str, st.SearchStrategy[Any]] = {
    "at": st.floats(0, 1e6),
    "score": st.floats(0, 1),
    "paper": SMALL.map(paper),
    "paper_id": PAPER_IDS,
    "provenance": st.builds(
        Provenance, st.sampled_from(["search", "section"]), st.text(max_size=9), st.none() | PAPER_IDS, SMALL
    ),
    "funnel": st.builds(Funnel, **dict.fromkeys(FUNNEL_STAGES, SMALL)),
}


def any_of_type(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(
        cls,
        **{
            name: BY_NAME[name] if name in BY_NAME else SMALL if hint is int else st.from_type(hint)
            for name, hint in get_type_hints(cls).items()
        },
    )


# Seconds, dollars and shares are finite, as JSON's numbers are.
st.register_type_strategy(float, st.floats(0, 1e6))
EVENTS = st.lists(st.one_of([any_of_type(cls) for cls in EVENT_TYPES.values()]), max_size=25)


@given(events=EVENTS, cuts=st.lists(st.integers(0, 25), max_size=4))
@SHARED
def test_in_whatever_batches_the_state_is_the_fold(
    library: Library, events: Sequence[Event], cuts: Sequence[int]
) -> None:
    expected = SearchState()
    for event in events:
        expected.apply(event)
    search_id = library.create_search(QUERY, {})
    for start, end in pairwise(sorted({0, *[min(cut, len(events)) for cut in cuts], len(events)})):
        library.record(search_id, events[start:end])
    assert library.events(search_id) == events
    assert library.state(search_id) == expected
    row = library.search(search_id)
    assert (row.met, row.selected) == (len(expected.papers), expected.selected)
    assert row.status == (expected.ending or "running")


def test_events_of_a_newer_version_are_passed_over(library: Library, path: Path) -> None:
    search_id = kept(library, 1)
    with sqlite3.connect(path) as newer:
        newer.execute("""INSERT INTO events VALUES (?, 100, 2.0, 'PaperRetracted', '{"paper": {"title": "?"}}')""", [1])
        newer.execute("""UPDATE events SET payload = json_set(payload, '$.colour', 'red') WHERE type = 'PaperFound'""")
    newer.close()
    assert library.events(search_id) == whole(1)


def test_an_event_that_cannot_be_read_is_one_clear_error(library: Library, path: Path) -> None:
    search_id = kept(library, 1)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE events SET payload = '{}' WHERE type = 'PaperJudged'")
    other.close()
    with pytest.raises(LibraryError, match=f"search {search_id} can't be read"):
        library.events(search_id)


def test_a_failed_batch_leaves_no_trace(library: Library) -> None:
    search_id = kept(library, 1)
    unstorable = replace(judged(1, 0.5), reason=object())  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        library.record(search_id, [found(2), unstorable])
    assert library.events(search_id) == whole(1) and library.search(search_id).met == 1
    assert len(library.find_papers("paper")) == 1


# -- papers -----------------------------------------------------------------------------------------------

DESCRIPTIONS = st.builds(
    Paper,
    title=st.sampled_from(["", "One title", "Another title"]),
    abstract=st.sampled_from(["", "Some text", "Other text"]),
    authors=st.sampled_from([(), ("Ann Bee",), ("Cy Dee", "Eve Fay")]),
    date=st.sampled_from([None, date(2020, 1, 1), date(2021, 2, 2)]),
    arxiv_id=st.just("2001.00001"),
    doi=st.sampled_from([None, "10.1234/a", "10.1234/b"]),
    venue=st.sampled_from([None, "", "Venue"]),
    categories=st.sampled_from([(), ("cs.IR",), ("cs.CL", "cs.AI")]),
    source_id=st.sampled_from([None, "acl:1"]),
    abstract_kind=st.sampled_from(["abstract", "summary"]),
)


@given(descriptions=st.lists(DESCRIPTIONS, min_size=1, max_size=5))
@SHARED
def test_a_later_meeting_fills_in_and_never_blanks(library: Library, descriptions: Sequence[Paper]) -> None:
    for row in library.searches():
        library.delete_search(row.id)
    library.purge()
    for description in descriptions:
        search_id = library.create_search(QUERY, {})
        library.record(search_id, [replace(found(1), paper=description)])
    (event,) = library.events(search_id)
    merged = dataclasses.asdict(event)["paper"]
    for name in ("title", "authors", "date", "doi", "venue", "categories", "source_id"):
        known = [value for description in descriptions if (value := getattr(description, name))]
        assert (merged[name] or None) == (known[0] if known else None), name
    texts = [description for description in descriptions if description.abstract]
    by_authors = [description for description in texts if description.abstract_kind == "abstract"]
    best = (by_authors or texts or descriptions)[0]
    assert (merged["abstract"], merged["abstract_kind"]) == (best.abstract, best.abstract_kind)


def test_the_words_of_a_description_filled_in_later_are_found(library: Library) -> None:
    first, second = library.create_search(QUERY, {}), library.create_search(QUERY, {})
    library.record(first, [found(1, abstract="")])
    assert library.find_papers("contrastive") == []
    library.record(second, [found(1, abstract="Contrastive learning of passages.")])
    (row,) = library.find_papers("contrastive")
    assert (row.paper.id, row.searches) == (paper(1).id, 2)


def test_papers_are_found_by_title_first(library: Library) -> None:
    search_id = library.create_search(QUERY, {})
    library.record(search_id, [found(1, abstract="About hubness."), found(2, title="Hubness"), found(3)])
    library.set_tags(paper(2).id, ["read"])
    rows = library.find_papers("hubness")
    assert [row.paper.id for row in rows] == [paper(2).id, paper(1).id]
    assert (rows[0].tags, rows[0].starred, rows[0].note) == (("read",), False, "")
    assert len(library.find_papers("hubness", limit=1)) == 1 and library.find_papers(" ") == []


# -- words ------------------------------------------------------------------------------------------------


def test_searches_are_found_while_a_word_is_being_typed(library: Library) -> None:
    one = kept(library, 1)
    two = kept(library, 2, query=Query("Planning agents, état de l’art, हिन्दी"))
    assert [row.id for row in library.searches()] == [two, one]
    assert [row.id for row in library.searches(limit=1)] == [two]
    for text, expected in (("use dense retrieval", one), ("etat", two), ("agents planning", two), ("हिन्दी", two)):
        for end in range(len(text), text.rfind(" ") + 1, -1):
            assert [row.id for row in library.searches(text[:end])] == [expected], text[:end]


@pytest.mark.parametrize("text", ['"dense', "dense ?! —", "{dense}", "dense-retrieval", "(dense) +retrieval", "^dense"])
def test_punctuation_is_passed_over(library: Library, text: str) -> None:
    one = kept(library, 1)
    assert [row.id for row in library.searches(text)] == [one]


@pytest.mark.parametrize(
    "text", ["dense AND", "dense OR sparse", "NEAR(dense papers)", "query:dense", "NOT sparse", "?!"]
)
def test_operators_are_words(library: Library, text: str) -> None:
    kept(library, 1)
    assert library.searches(text) == []


@given(text=st.text(alphabet=st.characters(exclude_categories=())))
@SHARED
def test_anything_may_be_typed(library: Library, text: str) -> None:
    search_id = library.create_search(Query(text), {"typed": text})
    library.record(search_id, [found(1)])
    library.set_tags(paper(1).id, [text])
    library.set_note(paper(1).id, text)
    assert library.search(search_id).query == library.note(paper(1).id) == clean_text(text, keep_newlines=True)
    assert library.tags(paper(1).id) == tuple(filter(None, [clean_text(text)]))
    assert {row.query for row in library.searches(text)} <= {row.query for row in library.searches()}
    if not any(char.isalnum() or unicodedata.category(char) == "Co" for char in clean_text(text)):
        assert library.find_papers(text) == []


# -- marks and deletion -----------------------------------------------------------------------------------


def test_stars_tags_and_notes_outlive_their_search(library: Library) -> None:
    search_id = kept(library, 1, 2, 3, 4)
    library.set_star(paper(1).id, True)
    library.set_tags(paper(2).id, ["to read", " to  read ", "", "a\x1b[1mb"])
    library.set_note(paper(3).id, "line one\nline two\x00")
    library.delete_search(search_id)
    assert {row.paper.id for row in library.find_papers("paper")} == {paper(n).id for n in (1, 2, 3)}
    assert library.starred() == {paper(1).id}
    assert library.tags(paper(2).id) == ("ab", "to read") and library.all_tags() == {"ab": 1, "to read": 1}
    assert library.note(paper(3).id) == "line one\nline two"


def test_what_nothing_holds_any_more_is_not_found(library: Library) -> None:
    one, two = kept(library, 1, 2), kept(library, 2, 3)
    library.set_star(paper(1).id, True)
    library.set_note(paper(1).id, "read this")
    library.delete_search(one)
    library.set_star(paper(1).id, False)
    library.set_note(paper(1).id, " ")
    assert library.starred() == set() and library.note(paper(1).id) == ""
    assert {row.paper.id for row in library.find_papers("paper")} == {paper(n).id for n in (2, 3)}
    library.delete_search(two)
    assert library.find_papers("paper") == [] and library.searches() == []


def test_papers_of_other_searches_stay(library: Library) -> None:
    one, two = kept(library, 1, 2), kept(library, 2, 3)
    library.delete_search(one)
    assert {row.paper.id for row in library.find_papers("paper")} == {paper(2).id, paper(3).id}
    assert library.events(two) == whole(2, 3)
    assert kept(library, 1) > two


@pytest.mark.parametrize("search_id", [0, 7, -1, 2**63, 10**30])
def test_an_unknown_search_is_one_clear_error(library: Library, search_id: int) -> None:
    for call in (library.search, library.events, library.state, library.claim, library.delete_search):
        with pytest.raises(LibraryError, match=f"no search {search_id}"):
            call(search_id)
    with pytest.raises(LibraryError, match=f"no search {search_id}"):
        library.record(search_id, whole(1))
    assert library.find_papers("paper") == []


def test_a_mark_for_an_unknown_paper_is_refused(library: Library) -> None:
    with pytest.raises(LibraryError, match="no paper"):
        library.set_star(paper(9).id, True)
    with pytest.raises(LibraryError, match="no paper"):
        library.set_tags(paper(9).id, ["x"])
    with pytest.raises(LibraryError, match="no paper"):
        library.set_note(paper(9).id, "x")


def test_a_closed_library_says_so(library: Library) -> None:
    library.close()
    library.close()
    with pytest.raises(LibraryError, match="closed"):
        library.searches()
