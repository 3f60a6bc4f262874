"""What stands in an entry: type, fields, keys; which papers become one."""

import subprocess
import sys
from datetime import date
from itertools import permutations

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.model import Entry

from pasa_tui.export.bibtex import to_bibtex
from pasa_tui.papers import Paper

REACT = Paper(
    "ReAct: Planning in Loops",
    "We plan.",
    ("Shunyu Yao", "Jeffrey Zhao", "others"),
    date(2022, 10, 6),
    arxiv_id="2210.00001",
    categories=("cs.CL", "cs.AI"),
)


def entries(*papers: Paper, latex: bool = False) -> list[Entry]:
    library = parse_string(to_bibtex(papers, latex=latex))
    assert not library.failed_blocks
    return library.entries


def test_a_preprint_as_written() -> None:
    assert to_bibtex([REACT]) == (
        "@misc{yao2022react,\n"
        "  author = {Yao, Shunyu and Zhao, Jeffrey and others},\n"
        "  title = {{ReAct}: Planning in Loops},\n"
        "  year = {2022},\n"
        "  month = oct,\n"
        "  eprint = {2210.00001},\n"
        "  archivePrefix = {arXiv},\n"
        "  primaryClass = {cs.CL},\n"
        "  url = {https://arxiv.org/abs/2210.00001},\n"
        "  abstract = {We plan.},\n"
        "}\n"
    )


def test_no_papers_no_text() -> None:
    assert to_bibtex([]) == ""


def test_a_published_preprint_keeps_both_and_takes_the_venue_s_year() -> None:
    [entry] = entries(Paper(REACT.title, authors=("A B",), date=REACT.date, arxiv_id="2210.00001", venue="ICLR 2023"))
    assert entry.entry_type == "inproceedings"
    assert (entry["booktitle"], entry["year"], entry["eprint"]) == ("ICLR 2023", "2023", "2210.00001")
    assert "month" not in entry


@pytest.mark.parametrize(
    ("venue", "doi", "kind", "field"),
    [
        ("Journal of Searching", None, "article", "journal"),
        ("Trans. Assoc. Comput. Linguistics", None, "article", "journal"),
        ("Proceedings of the National Academy of Sciences", None, "article", "journal"),
        ("Machine Learning", None, "article", "journal"),
        ("International Conference on Machine Learning", None, "inproceedings", "booktitle"),
        ("NeurIPS", None, "inproceedings", "booktitle"),
        ("Workshop on Agents", "10.1145/1.2", "inproceedings", "booktitle"),
        ("Somewhere", "10.18653/v1/2020.x-1", "inproceedings", "booktitle"),
        ("Somewhere", "10.1234/5", "article", "journal"),
        ("Somewhere", None, "misc", "howpublished"),
    ],
)
def test_the_venue_decides_the_type(venue: str, doi: str | None, kind: str, field: str) -> None:
    [entry] = entries(Paper("T", authors=("A B",), date=date(2020, 7, 1), venue=venue, doi=doi))
    assert (entry.entry_type, entry[field]) == (kind, venue)
    assert "month" not in entry


@pytest.mark.parametrize("venue", ["arXiv", "arXiv.org", "CoRR", "arXiv preprint arXiv:2001.00001"])
def test_preprint_servers_are_no_venues(venue: str) -> None:
    [entry] = entries(Paper("T", authors=("A B",), date=date(2020, 7, 1), venue=venue, arxiv_id="2007.00001"))
    assert entry.entry_type == "misc"
    assert "howpublished" not in entry


@pytest.mark.parametrize("changes", [{"authors": ()}, {"authors": ("others",)}, {"date": None}])
def test_what_other_types_demand_is_missing(changes: dict[str, object]) -> None:
    fields: dict[str, object] = {"authors": ("A B",), "date": date(2020, 1, 1), "venue": "NeurIPS", **changes}
    [entry] = entries(Paper("A Title", **fields))  # type: ignore[arg-type]
    assert (entry.entry_type, entry["howpublished"]) == ("misc", "NeurIPS")
    assert ("key" in entry) == ("author" not in entry)
    assert entry.get("date") is None if "year" in entry else entry["date"] == "XXXX"


def test_an_arxiv_id_tells_the_year() -> None:
    [new, old] = entries(Paper("T", arxiv_id="2210.00001"), Paper("T", arxiv_id="hep-th/9901001"))
    assert (new["year"], old["year"]) == ("2022", "1999")
    assert (new.key, old.key) == ("t2022", "t1999")


def test_a_summary_is_labelled_and_does_not_print() -> None:
    [entry] = entries(Paper("T", "It plans.", abstract_kind="summary"))
    assert "abstract" not in entry and "note" not in entry
    assert entry["annote"] == "Summary by pasa-tui, not the authors' abstract: It plans."


def test_identifiers_that_tex_would_act_on_are_left_out() -> None:
    [entry] = entries(
        Paper("T", doi="10.1/a%b\\input{x}", arxiv_id="2001.00001}{", categories=("cs.CL}",), venue="NeurIPS")
    )
    assert not {"doi", "eprint", "url", "primaryClass"} & set(entry.fields_dict)


def test_a_doi_that_arxiv_gave_out_names_the_preprint() -> None:
    [entry] = entries(Paper("T", doi="10.48550/arxiv.2001.00001"))
    assert (entry["eprint"], entry["url"]) == ("2001.00001", "https://arxiv.org/abs/2001.00001")


def test_duplicates_become_one_entry_whatever_their_order() -> None:
    bare = Paper("T", arxiv_id="2210.00001", venue="ICLR 2023")
    texts = {to_bibtex(papers) for papers in permutations([REACT, bare, REACT])}
    assert len(texts) == 1
    [entry] = parse_string(texts.pop()).entries
    assert (entry["title"], entry["booktitle"]) == ("{ReAct}: Planning in Loops", "ICLR 2023")


def key_of(title: str, *authors: str, year: int | None = 2020, arxiv_id: str | None = None) -> str:
    return str(
        entries(Paper(title, authors=authors, date=date(year, 1, 1) if year else None, arxiv_id=arxiv_id))[0].key
    )


@pytest.mark.parametrize(
    ("title", "author", "key"),
    [
        ("The Art of Search", "Zoë Müller-Lüdenscheidt", "mullerludenscheidt2020art"),
        ("Q-Learning, Again", "Aaron van den Oord", "oord2020qlearning"),
        ("On the Of", "Pat O'Brien", "obrien2020on"),
        ("A Limit", "The ATLAS Collaboration", "atlas2020limit"),
        ("面向检索 BERT", "王小明", "anon2020bert"),
        ("Поиск", "Łukasz Wałęsa", "walesa2020"),
        ("Deep Search", "", "deep2020"),
        ("Поиск", "", "anon2020"),
    ],
)
def test_keys_are_ascii_and_readable(title: str, author: str, key: str) -> None:
    assert key_of(title, *filter(None, [author])) == key


def test_keys_without_latin_letters_or_year() -> None:
    assert key_of("Поиск", "Иван Петров", arxiv_id="2001.00001") == "arxiv200100001"
    assert key_of("Deep Search", "Ann Lee", year=None) == "leedeep"


def test_keys_depend_on_the_set_and_not_on_its_order() -> None:
    same = [Paper(f"Search {end}", authors=("Ann Lee",), date=date(2020, 1, 1)) for end in ("One", "Two", "Three")]
    # Its own key is what the first of the others would have got.
    taken = Paper("Searcha", authors=("Ann Lee",), date=date(2020, 1, 1))
    orders = [{entry["title"]: entry.key for entry in entries(*papers)} for papers in permutations([*same, taken])]
    assert all(keys == orders[0] for keys in orders)
    assert orders[0] == {
        "Searcha": "lee2020searcha",
        "Search One": "lee2020searchb",
        "Search Three": "lee2020searchc",
        "Search Two": "lee2020searchd",
    }


def test_more_papers_with_one_key_than_letters() -> None:
    papers = [Paper(f"Search {'x' * n}", authors=("Ann Lee",), date=date(2020, 1, 1)) for n in range(1, 29)]
    keys = {entry.key for entry in entries(*papers)}
    assert len(keys) == 28 and {"lee2020searcha", "lee2020searchz", "lee2020searchab"} <= keys


def test_importing_the_writer_loads_no_library() -> None:
    code = "import sys, pasa_tui.export.bibtex, pasa_tui.export.files; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"bibtexparser", "pylatexenc"} & set(loaded)
