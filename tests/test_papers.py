import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import QueryError
from pasa_tui.papers import (
    MAX_QUERY_LENGTH,
    Citation,
    Paper,
    Query,
    clean_text,
    paper_id,
    parse_arxiv_id,
    parse_doi,
    title_key,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2501.10120", "2501.10120"),
        ("2501.10120v3", "2501.10120"),
        ("arXiv:2501.10120v1", "2501.10120"),
        ("https://arxiv.org/abs/2501.10120v2", "2501.10120"),
        ("http://www.arxiv.org/pdf/0704.0001.pdf", "0704.0001"),
        ("export.arxiv.org/abs/2501.10120?context=cs", "2501.10120"),
        ("https://arxiv.org/html/2501.10120v1#S2", "2501.10120"),
        ("hep-th/9901001", "hep-th/9901001"),
        ("https://arxiv.org/abs/math.GT/0309136v2", "math.GT/0309136"),
        ("MATH.gt/0309136", "math.GT/0309136"),
        ("2513.10120", None),  # no 13th month
        ("hep-th/9913001", None),
        ("1234.567", None),
        ("https://example.org/abs/2501.10120", None),
        ("see 2501.10120", None),
        ("", None),
    ],
)
def test_parse_arxiv_id(text: str, expected: str | None) -> None:
    assert parse_arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1145/3397271.3401075", "10.1145/3397271.3401075"),
        ("https://doi.org/10.1145/ABC", "10.1145/abc"),
        ("doi: 10.1000/182", "10.1000/182"),
        ("11.1000/182", None),
        ("10.1000/", None),
    ],
)
def test_parse_doi(text: str, expected: str | None) -> None:
    assert parse_doi(text) == expected


def test_identity_is_arxiv_then_doi_then_title() -> None:
    assert Paper("A Title", arxiv_id="2001.00001", doi="10.1/x").id == "arxiv:2001.00001"
    assert Paper("A Title", doi="10.1/X", source_id="s2:9").id == "doi:10.1/x"
    assert Paper("A 2nd Title!", source_id="acl:P18-1").id == "title:andtitle"
    assert Paper("1917", source_id="venue:1917").id == "venue:1917"
    assert Paper("1917").id == "title:1917"
    assert paper_id("x", doi="10.48550/arXiv.2001.00001") == "arxiv:2001.00001"


def test_a_citation_that_is_only_a_corpus_id_is_named_by_it() -> None:
    assert Citation(source_id="acl:P18-1").id == "acl:P18-1"
    assert Citation(source_id="x", arxiv_id="2001.00001").id == "arxiv:2001.00001"
    assert Citation(title="Two words").id == Paper("Two Words.").id


def test_title_key_keeps_letters_of_every_script() -> None:
    assert title_key("GPT-4: 注意力 – É!") == "gpt注意力é"


def test_clean_text_takes_escape_sequences_whole() -> None:
    assert clean_text("a\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 b\r\nc\x00\x9b1md") == "ared link b cd"


def test_clean_text_drops_overrides_and_keeps_joined_emoji() -> None:
    assert clean_text("a\u202eb\u2066c \ud800 👩\u200d🔬 שלום") == "abc 👩\u200d🔬 שלום"


@given(st.text(alphabet=st.characters()))
def test_clean_text_is_safe_and_idempotent(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in cleaned)
    cleaned.encode("utf-8")


@given(st.text())
def test_clean_text_loses_no_letter_outside_escapes(text: str) -> None:
    plain = text.replace("\x1b", "").replace("\x9b", "")
    kept = [char for char in unicodedata.normalize("NFC", plain) if char.isalpha()]
    assert [char for char in clean_text(plain) if char.isalpha()] == kept


def test_query_keeps_lines_and_reads_the_cut_off() -> None:
    query = Query.parse("  which papers\r\n\tuse  RL? \x1b[1m", "2024-10-01")
    assert query == Query("which papers\nuse RL?", date(2024, 10, 1))


@pytest.mark.parametrize("text", ["", "  \n\t", "?!…", "\x1b[31m", "🙂"])
def test_a_query_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="empty"):
        Query.parse(text)


def test_a_query_that_is_too_long_is_refused_with_both_numbers() -> None:
    with pytest.raises(QueryError, match="20,000 characters; at most 4,000"):
        Query.parse("a" * 20_000)
    assert len(Query.parse("a" * MAX_QUERY_LENGTH).text) == MAX_QUERY_LENGTH


@pytest.mark.parametrize("before", ["yesterday", "2024-13-01", "", "20241x"])
def test_a_cut_off_that_is_no_date_is_refused(before: str) -> None:
    with pytest.raises(QueryError, match="is not a date") as caught:
        Query.parse("papers", before)
    assert "YYYY-MM-DD" in caught.value.hint


def test_marks_without_end_are_cut_and_dois_are_clean() -> None:
    assert len(clean_text("a" + "\u0301\u0316" * 40_000)) < 30
    assert parse_doi("10.1234/\x1b]0;PWNED\x07\x1b[31m\u202ex") == "10.1234/x"
    assert parse_arxiv_id("\u0662\u066301.00001") is None
