"""A record as Zotero's item, and back."""

import html.parser
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.export.record import Record
from pasa_tui.export.zotero.items import item_of, names_in_zotero, note_of, paper_of
from pasa_tui.export.zotero.library import Holdings
from pasa_tui.papers import Paper
from tests.export.nasty import MATH, nasty_papers
from tests.export.test_properties import PAPERS
from tests.services.zotero import FIELDS, check_item

_OF_ALL = {"itemType", "creators", "tags"}


def test_a_preprint_is_as_zoteros_arxiv_translator_writes_it() -> None:
    paper = Paper(
        "PaSa",
        "We search.",
        ("Yichen He", "Ludwig van Beethoven", "Plato", "The ATLAS Collaboration", "Henry Ford, Jr.", "others"),
        date(2025, 1, 17),
        arxiv_id="2501.10120",
        categories=("cs.IR", "cs.LG"),
        venue="arXiv",
    )
    assert item_of(Record(paper, tags=("a", "b")), our_tag=True) == {
        "itemType": "preprint",
        "title": "PaSa",
        "creators": [
            {"creatorType": "author", "firstName": "Yichen", "lastName": "He"},
            {"creatorType": "author", "firstName": "Ludwig", "lastName": "van Beethoven"},
            {"creatorType": "author", "name": "Plato"},
            {"creatorType": "author", "name": "The ATLAS Collaboration"},
            {"creatorType": "author", "firstName": "Henry, Jr.", "lastName": "Ford"},
        ],
        "abstractNote": "We search.",
        "repository": "arXiv",
        "archiveID": "arXiv:2501.10120",
        "date": "2025-01-17",
        "DOI": "10.48550/arXiv.2501.10120",
        "url": "https://arxiv.org/abs/2501.10120",
        "libraryCatalog": "arXiv.org",
        "extra": "arXiv:2501.10120 [cs.IR]",
        "tags": [{"tag": "a"}, {"tag": "b"}, {"tag": "pasa-tui"}],
    }


@pytest.mark.parametrize(
    ("paper", "kind", "venue"),
    [
        (Paper("A", arxiv_id="2001.00001", doi="10.1145/3397271", venue="SIGIR 2020"), "conferencePaper", "SIGIR 2020"),
        (Paper("A", doi="10.1016/j.x", venue="Journal of Things"), "journalArticle", "Journal of Things"),
        (Paper("A", doi="10.1016/j.x"), "journalArticle", ""),
        (Paper("A", doi="10.18653/v1/2020.acl-main.1"), "conferencePaper", ""),
        (Paper("A", doi="10.48550/arxiv.2001.00001"), "preprint", "arXiv"),
        (Paper("A", venue="a blog"), "preprint", "a blog"),
        (Paper(""), "preprint", ""),
    ],
)
def test_what_kind_of_item_a_paper_is(paper: Paper, kind: str, venue: str) -> None:
    item = item_of(Record(paper))
    place = {"preprint": "repository", "journalArticle": "publicationTitle"}.get(kind, "proceedingsTitle")
    assert (item["itemType"], item.get(place, "")) == (kind, venue)
    check_item(item, _OF_ALL)


def test_an_old_arxiv_id_stands_without_its_category() -> None:
    item = item_of(Record(Paper("A", arxiv_id="hep-th/9901001", categories=("hep-th",))))
    assert item["extra"] == "arXiv:hep-th/9901001"


def test_a_published_paper_keeps_both_ids() -> None:
    item = item_of(Record(Paper("A title of a paper", arxiv_id="2001.00001", doi="10.1145/3397271", venue="SIGIR")))
    back = paper_of(item)
    assert back is not None and (back.arxiv_id, back.doi) == ("2001.00001", "10.1145/3397271")


class _Texts(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@given(st.text(), st.text())
def test_a_note_shows_texts_as_they_are(reason: str, note: str) -> None:
    told = _Texts(note_of(Record(Paper("A"), 0.5, reason=reason, note=note)))
    assert told.tags <= {"p", "b"}
    shown = "".join(told.texts)
    assert "Score: 0.50" in shown
    assert all(word in shown for word in reason.split() if word.isascii() and word.isalnum())


def test_a_note_tells_nothing_of_nothing() -> None:
    assert note_of(Record(Paper("A"))) == ""
    assert note_of(Record(Paper("A"), note="<script>\nb")) == ("<p><b>pasa-tui</b></p><p>&lt;script&gt;</p><p>b</p>")


@given(PAPERS | st.sampled_from(nasty_papers()), st.lists(st.text(max_size=300), max_size=3))
def test_any_paper_is_an_item_that_zotero_takes_and_that_is_found_again(paper: Paper, tags: list[str]) -> None:
    item = item_of(Record(paper, tags=tuple(tags)), our_tag=True)
    check_item(item, _OF_ALL)
    assert set(item) <= FIELDS[item["itemType"]] | _OF_ALL
    back = paper_of(item)
    assert back is not None and names_in_zotero(back)
    holdings = Holdings()
    holdings.add([{"key": "AAAAAAAA", "data": item}])
    assert holdings.find(back) is not None


def test_huge_papers() -> None:
    paper = Paper("长" * 40_000, "x" * 100_000, tuple(f"Ann Author{number}" for number in range(5_000)))
    item = item_of(Record(paper, tags=("t" * 300,)))
    check_item(item, _OF_ALL)
    assert len(item["creators"]) == 5_000 and len(item["title"].encode()) <= 60_000
    for math in MATH:
        assert item_of(Record(math))["title"] == math.title


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from("title itemType DOI url extra archiveID creators collections".split())


@given(st.dictionaries(_NAMES, _JSON))
def test_any_json_is_read(item: dict[str, object]) -> None:
    holdings = Holdings()
    holdings.add([{"key": "AAAAAAAA", "data": item}])
    assert len(holdings.papers()) <= 1
    assert (paper_of(item) is not None) == bool(holdings.papers())
