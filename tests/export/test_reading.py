"""References read back: what was written, what other programs write, and what is broken."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pasa_tui.errors import ExportError
from pasa_tui.export.formats import FORMATS, render
from pasa_tui.export.reading import References, read_references
from pasa_tui.export.record import Record, merged
from pasa_tui.papers import Paper, names_of
from tests.export.hostile import hostile_records
from tests.export.test_properties import HOSTILE

READABLE = ["bibtex", "biblatex", "ris", "csl-json"]
WRITTEN = st.builds(
    Paper,
    title=st.sampled_from(
        ["Déjà Vu: 50% of R&D in {Loops}", "BERT, $O(n^2)$ and x_1", "中文 retrieval", "A “Quote” -- no?"]
    ),
    abstract=HOSTILE,
    authors=st.lists(HOSTILE, max_size=3).map(tuple),
    date=st.none() | st.dates(date(1991, 1, 1), date(2090, 1, 1)),
    arxiv_id=st.none() | st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])\.[0-9]{5}", fullmatch=True).filter(str.isascii),
    doi=st.none() | st.from_regex(r"10\.[0-9]{4}/[a-z0-9._;()/-]{1,20}", fullmatch=True).filter(str.isascii),
    venue=st.none() | st.sampled_from(["ICLR 2023", "Journal of X", "arXiv.org"]),
)


def read(folder: Path, name: str, text: str) -> References:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_references(path)


@pytest.mark.parametrize("name", READABLE)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(papers=st.lists(WRITTEN, max_size=4), latex=st.booleans())
def test_what_was_written_is_known_again(tmp_path: Path, name: str, papers: list[Paper], latex: bool) -> None:
    records = merged(map(Record, papers))
    result = read(tmp_path, f"papers{FORMATS[name].suffix}", render(records, name, latex=latex and name == "ris"))
    assert result.skipped == 0
    assert [paper.id for paper in result] == [record.paper.id for record in records]
    for paper, record in zip(result, records, strict=True):
        assert set(names_of(record.paper)) <= set(names_of(paper))


@pytest.mark.parametrize("name", READABLE)
def test_ids_of_hostile_papers_are_known_again(tmp_path: Path, name: str) -> None:
    records = hostile_records(300)
    result = read(tmp_path, f"papers{FORMATS[name].suffix}", render(records, name, latex=False))
    assert len(result) == len(records) and result.skipped == 0
    for paper, record in zip(result, records, strict=True):
        assert paper.arxiv_id == record.paper.arxiv_id


def test_a_bib_file_of_another_program(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        "refs.bib",
        r"""@string{iclr = "ICLR"}
% a comment
@inproceedings{a, title = {{ReAct}: {\'E}l{\`e}ves \& $\alpha$ -- 50\% {of} {\ss}},
  author = "Yao, Shunyu and {The {ATLAS} Team} and van der Berg, Jr., Jan and Ann Lee and others",
  booktitle = iclr, year = 2023}
@article{b, title={Preprint}, journal={arXiv preprint arXiv:2001.00001v2}, year={2020}}
@misc{c, title={Linked}, url = {https://arxiv.org/abs/2001.00002v1}, date = {2020-01-05}}
@misc{d, title={By DOI}, doi = {https://doi.org/10.48550/arXiv.2001.00003}}
@article{e, Title={Published}, DOI = {10.1145/A\_b}, year=2020, month=feb, day=3}
@misc{f, title={Elsewhere}, eprint={2001.00009}, eprinttype={jstor}}
@misc{g, note={nothing here}}
@misc{b, title={A Key That Stands There Before}}
@misc{broken, title={never closed
""",
    )
    assert [paper.title for paper in result[:1]] == ["ReAct: Élèves & $\\alpha$ – 50% of ß"]
    assert result[0].authors == ("Shunyu Yao", "The ATLAS Team", "Jan van der Berg Jr.", "Ann Lee", "others")
    assert (result[0].venue, result[0].date) == ("ICLR", None)
    assert [paper.arxiv_id for paper in result[1:4]] == ["2001.00001", "2001.00002", "2001.00003"]
    assert (result[2].date, result[4].date, result[4].doi) == (date(2020, 1, 5), date(2020, 2, 3), "10.1145/a_b")
    assert (result[5].arxiv_id, result[6].title) == (None, "A Key That Stands There Before")
    assert (len(result), result.skipped) == (7, 2)


def test_a_ris_file_of_another_program(tmp_path: Path) -> None:
    result = read(
        tmp_path,
        "refs.ris",
        "\ufeffTY  - JOUR\nA1  - Yao, Shunyu\nT1  - ReAct goes\n  on\nPY  - 2022/10/06/\nDO  - doi:10.1145/X\nER  -\n\n"
        "TY  - GEN\nTI  - At arXiv\nUR  - http://arxiv.org/pdf/2001.00002v3\nDA  - 2020\nER  - \n"
        "TY  - GEN\nN1  - nothing\nER  - \n"
        "TY  - GEN\nTI  - Never ended\n",
    )
    assert result == [
        Paper("ReAct goes on", authors=("Shunyu Yao",), date=date(2022, 10, 6), doi="10.1145/x"),
        Paper("At arXiv", arxiv_id="2001.00002"),
    ]
    assert result.skipped == 2


def test_a_csl_file_of_another_program(tmp_path: Path) -> None:
    items = [
        {"title": "H<sub>2</sub>O", "DOI": "10.1145/X", "issued": {"date-parts": [["2022", 10, 6]]},
         "note": "seen\narXiv:2001.00002 [cs]"},
        {"title": "By number", "number": "arXiv:2001.00003",
         "author": [{"family": "Oord", "given": "A.", "non-dropping-particle": "van den"}, 3]},
        {"note": "see arXiv:2001.00004"},
        "no item",
        {"title": 7, "author": "x", "issued": [1]},
    ]  # fmt: skip
    result = read(tmp_path, "refs.json", json.dumps({"items": items}))
    assert result == [
        Paper("H2O", date=date(2022, 10, 6), arxiv_id="2001.00002", doi="10.1145/x"),
        Paper("By number", authors=("A. van den Oord",), arxiv_id="2001.00003"),
    ]
    assert result.skipped == 3


def test_old_files_are_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "refs.bib"
    path.write_bytes("@misc{a, title={Élèves}}".encode("latin-1"))
    assert read_references(path)[0].title == "Élèves"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "no format"),
        ("a.json", b'[{"title": "A"},\n oops]', "not JSON.*line 2"),
        ("a.json", b"{}", "no list of items"),
        ("a.json", b"[1]", "no item names"),
        ("a.json", b"[" * 200_000, "nested|not JSON"),
        ("a.ris", b"hello\nTY  - JOUR\n", "line 1"),
        ("a.ris", b"TY  - JOUR\nTI  - A\n", "no complete"),
        ("a.ris", b"TY  - GEN\nTI  - A\nER  - \nAU  - B\n", "line 4"),
        ("a.bib", b"\n\n@misc{a, title={never closed\n", "line 3"),
        ("a.bib", b"plain words", "no BibTeX entry"),
        ("a.bib", b"@misc{a,\n\x00}", "not a text file .line 2"),
    ],
)
def test_a_bad_file_is_said_to_be_one(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ExportError, match=message) as caught:
        read_references(path)
    assert caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.bib", tmp_path):
        with pytest.raises(ExportError, match=r"can't be read|no format"):
            read_references(path)


SCRAPS = ("@misc{", "a,", "title", "=", "{", "}", '"', "#", "TY  - X\n", "TI  - A\n", "ER  - \n", "[", "]", "\n")


@pytest.mark.parametrize("name", ["a.bib", "a.ris", "a.json"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE | st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join))
def test_whatever_stands_there_is_read_or_refused(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        result = read_references(path)
    except ExportError:
        return
    assert result.skipped >= 0 and all(names_of(paper) or paper.title for paper in result)
