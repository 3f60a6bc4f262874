"""What each format says of a paper, and that strangers' text stays text in it."""

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from bibtexparser.entrypoint import parse_string
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.export.formats import FORMATS, format_of, render
from pasa_tui.export.record import Record, merged
from pasa_tui.papers import Paper, clean_text
from tests.export.test_properties import HOSTILE, PAPERS

PREPRINT = Record(
    Paper("ReAct: Planning", "We plan.", ("Ann van den Oord", "others"), date(2022, 10, 6), "2210.00001",
          categories=("cs.CL",)),
    score=0.93, selected=True, reason="It plans.", found_by="found by search “plans”", starred=True,
    tags=("a, b", "to read"), note="First line.\nSecond line.",
)  # fmt: skip
PUBLISHED = Record(Paper("On Search", "", ("Bo Li Jr.",), date(2020, 3, 1), None, "10.1/x", "Journal of Searching"))
MET = Record(Paper("On Meeting", "", ("Cy Ng",), date(2021, 3, 1), "2103.00001", None, "ICLR 2022"))
RECORDS = st.lists(
    st.builds(
        Record, PAPERS, st.none() | st.floats(0, 1), st.booleans(), HOSTILE, HOSTILE, st.booleans(),
        st.lists(HOSTILE, max_size=2).map(tuple), HOSTILE,
    ),
    max_size=5,
)  # fmt: skip


def test_a_preprint_in_biblatex() -> None:
    assert render([PREPRINT], "biblatex", latex=False) == (
        "@online{oord2022react,\n"
        "  author = {van den Oord, Ann and others},\n"
        "  title = {{ReAct}: Planning},\n"
        "  date = {2022-10-06},\n"
        "  eprint = {2210.00001},\n"
        "  eprinttype = {arxiv},\n"
        "  eprintclass = {cs.CL},\n"
        "  url = {https://arxiv.org/abs/2210.00001},\n"
        "  abstract = {We plan.},\n"
        "  keywords = {a; b, to read},\n"
        "  annotation = {First line. Second line.},\n"
        "}\n"
    )


def test_publications_in_biblatex() -> None:
    article, meeting = parse_string(render([PUBLISHED, MET], "biblatex", latex=False)).entries
    assert (article.entry_type, article["journaltitle"], article["date"]) == ("article", "Journal of Searching", "2020")
    assert (meeting.entry_type, meeting["booktitle"], meeting["date"]) == ("inproceedings", "ICLR 2022", "2022")
    assert meeting["eprint"] == "2103.00001"


def test_tags_and_notes_in_bibtex() -> None:
    [entry] = parse_string(render([PREPRINT], "bibtex", latex=False)).entries
    assert (entry["keywords"], entry["annote"]) == ("a; b, to read", "First line. Second line.")
    [plain] = parse_string(render([PUBLISHED], "bibtex", latex=False)).entries
    assert "keywords" not in plain and "annote" not in plain


def test_ris_as_written() -> None:
    assert render([PREPRINT, PUBLISHED, MET], "ris", latex=False).split("\r\n") == [
        "TY  - UNPB", "ID  - oord2022react", "AU  - van den Oord, Ann", "TI  - ReAct: Planning", "PY  - 2022",
        "DA  - 2022/10/06", "AN  - arXiv:2210.00001", "UR  - https://arxiv.org/abs/2210.00001", "KW  - a, b",
        "KW  - to read", "AB  - We plan.", "N1  - First line. Second line.",
        "N1  - pasa-tui: score 0.93; found by search “plans”. It plans.", "ER  - ", "",
        "TY  - JOUR", "ID  - li2020search", "AU  - Li, Bo,Jr.", "TI  - On Search", "JO  - Journal of Searching",
        "PY  - 2020",
        "DO  - 10.1/x", "UR  - https://doi.org/10.1/x", "ER  - ", "",
        "TY  - CONF", "ID  - ng2021meeting", "AU  - Ng, Cy", "TI  - On Meeting", "T2  - ICLR 2022", "PY  - 2022",
        "AN  - arXiv:2103.00001", "UR  - https://arxiv.org/abs/2103.00001", "ER  - ", "", "",
    ]  # fmt: skip


@settings(max_examples=40)
@given(RECORDS)
def test_no_text_begins_a_ris_tag(records: list[Record]) -> None:
    text = render(records, "ris", latex=False)
    blocks = re.split(r"ER  - \r\n\r\n", text)
    assert blocks.pop() == "" and len(blocks) == len(merged(records))
    for block in blocks:
        # However a reader breaks lines, each has a tag of ours.
        lines = block.splitlines()
        assert lines[0].startswith("TY  - ")
        assert all(re.match(r"(?:ID|AU|TI|JO|T2|PY|DA|DO|AN|UR|KW|AB|N1)  - \S", line) for line in lines[1:])


def test_csl_items() -> None:
    items = json.loads(render([PREPRINT, MET], "csl-json", latex=False))
    assert items[0] == {
        "id": "oord2022react",
        "type": "article",
        "title": "ReAct: Planning",
        "author": [{"family": "Oord", "given": "Ann", "non-dropping-particle": "van den"}, {"literal": "others"}],
        "issued": {"date-parts": [[2022, 10, 6]]},
        "URL": "https://arxiv.org/abs/2210.00001",
        "archive": "arXiv",
        "archive_location": "2210.00001",
        "note": "arXiv:2210.00001 [cs.CL]",
        "abstract": "We plan.",
        "keyword": "a, b, to read",
        "annote": "First line.\nSecond line.",
    }
    assert (items[1]["type"], items[1]["container-title"]) == ("paper-conference", "ICLR 2022")


@settings(max_examples=40)
@given(RECORDS)
def test_no_markup_of_strangers_in_csl(records: list[Record]) -> None:
    items = json.loads(render(records, "csl-json", latex=False))
    assert len({item["id"] for item in items}) == len(items) == len(merged(records))
    texts = [json.dumps({**item, "DOI": ""}, ensure_ascii=False) for item in items]
    assert not any(re.search("<[A-Za-z/!?]", text) for text in texts)


@settings(max_examples=40)
@given(RECORDS)
def test_a_table_of_defused_cells(records: list[Record]) -> None:
    text = render(records, "csv", latex=False)
    assert text.startswith("\ufeffscore,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    kept = merged(records)
    assert len(rows) == len(kept)
    for row, record in zip(rows, kept, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row.values())
        assert row["title"] in (clean_text(record.paper.title), f"'{clean_text(record.paper.title)}")
        assert (row["selected"] == "yes", row["starred"] == "yes") == (record.selected, record.starred)
        assert row["score"] == ("" if record.score is None else f"{record.score:.4f}")


def test_a_formula_is_defused_and_the_rest_is_whole() -> None:
    row = Record(Paper('=HYPERLINK("http://x","y")', "−5 °C; “quoted”, 中文 🤖"), note="-1\n+2", tags=("@SUM(A1)",))
    [cells] = csv.DictReader(io.StringIO(render([row], "csv", latex=False).removeprefix("\ufeff"), newline=""))
    assert cells["title"] == '\'=HYPERLINK("http://x","y")'
    assert (cells["abstract"], cells["note"], cells["tags"]) == ("−5 °C; “quoted”, 中文 🤖", "'-1\n+2", "'@SUM(A1)")


def test_markdown_as_written() -> None:
    assert render([PREPRINT, Record(Paper("*A* <b>b</b> [c](d) $x$ https://e"))], "markdown", latex=False) == (
        "1. **ReAct: Planning** (0.93) ★\n"
        "   - By: Ann van den Oord et al.\n"
        "   - In: 2022\n"
        "   - Link: <https://arxiv.org/abs/2210.00001>\n"
        "   - Why: It plans.\n"
        "   - How: found by search “plans”\n"
        "   - Tags: a, b, to read\n"
        "   - Note: First line. Second line.\n"
        "2. **\\*A\\* &lt;b&gt;b&lt;/b&gt; \\[c\\](d) \\$x\\$ https\\://e**\n"
    )


@settings(max_examples=40)
@given(RECORDS)
def test_json_lines_hold_every_field(records: list[Record]) -> None:
    rows = [json.loads(line) for line in render(records, "jsonl", latex=False).split("\n")[:-1]]
    names = {field.name for field in (*fields(Paper), *fields(Record))} - {"paper"} | {"id", "url"}
    assert len(rows) == len(merged(records))
    for row, record in zip(rows, merged(records), strict=True):
        assert set(row) == names
        assert (row["title"], row["note"], row["tags"]) == (record.paper.title, record.note, list(record.tags))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_paper_is_written_once(name: str) -> None:
    assert render([PREPRINT, PREPRINT], name, latex=False) == render(merged([PREPRINT]), name, latex=False)


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.bib", "bibtex"), ("a.RIS", "ris"), ("a.json", "csl-json"), ("a.csv", "csv"), ("a.md", "markdown"),
     ("a.jsonl", "jsonl"), ("a.txt", None), ("bib", None)],
)  # fmt: skip
def test_a_suffix_tells_the_format(file: str, name: str | None) -> None:
    assert format_of(Path(file)) == name


def test_importing_the_registry_loads_no_library() -> None:
    code = "import sys, pasa_tui.export.formats; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"bibtexparser", "pylatexenc", "csv", "pasa_tui.export.ris", "pasa_tui.export.bibtex"} & set(loaded)
