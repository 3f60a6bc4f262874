"""Entries of bibliographies in the forms that papers have them, all invented.

In these entries `|` begins a new block, `*…*` is slanted, `**…**` is bold, and `[…](…)` is a link.
"""

import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.papers import Citation, clean_text
from pasa_tui.sources.authors import name_list
from pasa_tui.sources.bibliography import Entry, Mark, parse_entry

MARKUP = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*|\[(?P<link>[^\]]+)\]\((?P<href>[^)\s]+)\)")
KINDS: tuple[Literal["bold", "italic", "link"], ...] = ("bold", "italic", "link")


def entry(source: str, label: str = "") -> Entry:
    text, blocks, marks = "", [], []
    for part in source.split("|"):
        part, at = part.strip(), 0
        text += " " * bool(text)
        blocks.append(len(text))
        for match in MARKUP.finditer(part):
            text += part[at : match.start()]
            kind = next(kind for kind in KINDS if match[kind])
            marks.append(Mark(len(text), len(text) + len(match[kind]), kind, match["href"] or ""))
            text += match[kind]
            at = match.end()
        text += part[at:]
    return Entry(text, tuple(marks), tuple(blocks), label)


def read(source: str, label: str = "") -> Citation:
    return parse_entry(entry(source, label))


TITLED = [
    # AAAI, ACS: semicolons
    ("Mori, T.; Popescu, E.; and Stern, D. 2022. Parsing Pages. In *Proc. of Pages*, 5–9.", "Parsing Pages"),
    ("Mori, T.; Stern, D. Parsing Pages. *J. Page Phys.* **2020**, *12*, 345.", "Parsing Pages"),
    # JHEP, SciPost
    (
        "T. Mori and D. Stern, *Parsing pages on the lattice*, [Phys. Rev. D **12** (2020) 345]"
        "(https://doi.org/10.5555/prd.1), [[2004.05150]](https://arxiv.org/abs/2004.05150).",
        "Parsing pages on the lattice",
    ),
    # Nature, Science, PNAS, Cell
    (
        "Mori, T. B., Stern, D. & Ek, L. Parsing pages in mice. *Pages* **521**, 436–444 (2015).",
        "Parsing pages in mice",
    ),
    ("T. Mori, D. Stern, Parsing pages in mice. *Science* **12**, 3 (2020).", "Parsing pages in mice"),
    ("Mori, T.B., and Stern, D. (2020). Parsing pages in mice. Pages 12, 1–2.", "Parsing pages in mice"),
    ("T Mori, D Stern, Parsing pages in mice. *Proc Natl Acad Sci* **12**, 3 (2020).", "Parsing pages in mice"),
    # Optica, AIP, SIAM, spbasic, spmpsci
    ("T. Mori and D. Stern, “Parsing pages,” Opt. Pages **12**, 345 (2020).", "Parsing pages"),
    ("T. Mori and D. Stern, *Parsing pages*, SIAM J. Pages, 12 (2020), pp. 1–2.", "Parsing pages"),
    ("Mori T, Stern D (2020) Parsing pages. J Pages 12(3):1–2", "Parsing pages"),
    ("Mori, T., Stern, D.: Parsing pages. J. Pages **12**(3), 1–2 (2020)", "Parsing pages"),
    # MLA and APA as search engines give them
    ('Mori, Takeshi, and Dora Stern. "Parsing pages." Pages 12.3 (2020): 1-2.', "Parsing pages"),
    ('Mori, Takeshi, et al. "Parsing is all you need." Advances in pages 30 (2017).', "Parsing is all you need"),
    ("Mori, T., Stern, D., Ek, L., ... & Roe, R. (2020). Parsing pages. Pages, 12(3), 1-2.", "Parsing pages"),
    ("Mori, T., Stern, D., et al. (2020). Parsing pages. arXiv preprint arXiv:2004.05150.", "Parsing pages"),
    ("Takeshi Mori, Dora Stern, and Lars Ek. Parsing pages. *Pages*, 12:1–2, 2020.", "Parsing pages"),
    # national standards
    ("Mori T, Stern D. Parsing pages[J]. Pages, 2020, 12(3): 1-2.", "Parsing pages"),
    ("MORI T, STERN D. Parsing pages[C/OL]//Proceedings of Pages. 2020: 1-2.", "Parsing pages"),
    ("Mori, Takeshi ; Stern, Dora: Parsing pages. In: *Pages* 12 (2020), S. 1–2", "Parsing pages"),
    ("Mori, T. og Stern, D. (2020). | Parsing pages. | *Pages*, 12.", "Parsing pages"),
    ("Mori, T. and Stern, D. (2020) ‘Parsing the reader’s pages’. *Pages*, 12, pp. 1–2.", "Parsing the reader’s pages"),
    ("T. Mori, ‘‘Parsing pages,’’ *Pages*, vol. 12, 2020.", "Parsing pages"),
    ("T. Mori – *Parsing pages*, North Press, 2020.", "Parsing pages"),
    ("Mori, T. | 2014. | Parsing pages. | Master’s thesis.", "Parsing pages"),
    # ACL: the title is a link
    (
        "Takeshi Mori and Dora Stern. 2019. | [PAGE: Parsing of pages](https://doi.org/10.5555/p19). | In *Proc. P*.",
        "PAGE: Parsing of pages",
    ),
    # companies, teams, no authors
    ("OpenPages. 2023. | Pages-4 technical report. | *arXiv preprint arXiv:2303.08774*.", "Pages-4 technical report"),
    (
        "OpenPages. | Pages-4 technical report, 2023. | URL [x](https://arxiv.org/abs/2303.08774).",
        "Pages-4 technical report",
    ),
    ("OpenPages. Pages-4 technical report. *arXiv preprint arXiv:2303.08774*, 2023.", "Pages-4 technical report"),
    ("Page-Seek AI. Page-v3 technical report, 2024.", "Page-v3 technical report"),
    ("T. Mori. Reading “the signs”, a study. In *Pages*, 2020.", "Reading “the signs”, a study"),
    ("“Pages for all,” https://pages.example.org, 2020, accessed: 2020-01-01.", "Pages for all"),
    ("Pages for all. | https://pages.example.org. | Accessed: 2020-01-01.", "Pages for all"),
    ("Pages for all. https://pages.example.org.", "Pages for all"),
    ("Page Systems Inc., “Pages for all,” 2020. [Online]. Available: https://p.example.org", "Pages for all"),
    # blocks
    ("Takeshi Mori. | Is it parsing? a study of pages. | In *Pages*, 2020.", "Is it parsing? a study of pages"),
    ("Takeshi Mori. | Pages vs. books. Who wins. | *Pages*, 12, 2020.", "Pages vs. books. Who wins"),
    ("Takeshi Mori. | *The Book of Pages*, volume 3 of *Books*. | North Press, 2020.", "The Book of Pages"),
    ("Takeshi Mori. | *The Book of Pages*. | North Press, Berlin, 2nd edition, 2020.", "The Book of Pages"),
    ("Takeshi Mori. | Parsing pages. | , abs/2004.05150, 2020.", "Parsing pages"),
    ("Mori, T. and Stern, D. | Parsing pages. | In *Pages*, pp. 1–2. PMLR, 2020.", "Parsing pages"),
    ("Mori T., Stern D., 2020. | Parsing pages, in: Pages, pp. 1–2.", "Parsing pages"),
    (
        "T. Mori. *Caenorhabditis elegans* as a model of pages. *Pages*, 12:1, 2020.",
        "Caenorhabditis elegans as a model of pages",
    ),
    # slanted or quoted parts of a title
    (
        "T. Mori and D. Stern. “Why read pages?”: a study of readers. In *Pages*, 2020.",
        "“Why read pages?”: a study of readers",
    ),
    ("T. Mori, D. Stern. Reading *in vivo* pages. Nature Pages, 2020.", "Reading in vivo pages"),
    # no journal at all, thesis, report, note
    ("T. Mori. Parsing pages. PhD thesis, University of Pages, 2020.", "Parsing pages"),
    ("T. Mori. Parsing pages. Master's thesis, University of Pages, 2020.", "Parsing pages"),
    ("T. Mori. Parsing pages, 2020.", "Parsing pages"),
    ("T. Mori, Parsing pages, arXiv:2004.05150 (2020)", "Parsing pages"),
    ("T. Mori, D. Stern, Parsing pages, J. Pages 12 (2020) 1–2. doi:10.5555/x.1", "Parsing pages"),
    (
        "T. Mori, D. Stern, L. Ek, Parsing pages, scrolls and books, Pages 12 (3) (2020) 1–2.",
        "Parsing pages, scrolls and books",
    ),
    ("T. Mori et al., Parsing pages, Pages 12, 1 (2020).", "Parsing pages"),
    ("T. Mori et al. Parsing pages. Pages, 2020.", "Parsing pages"),
    ("Mori et al. (2020). Parsing pages. Pages.", "Parsing pages"),
    ("Mori et al., “Parsing pages”, Pages 2020", "Parsing pages"),
    # names of all kinds
    ("Jean-Pierre de la Fontaine and Ludwig van den Berg. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("Ngo Bao, X. Y. Li, and Ana-Maria O’Hara. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("Żaneta Łoś, Øystein Ås, and Çağla Şahin. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("李 明, 王 伟. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("The PAGES Collaboration. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("T. Mori, D. Stern, and the PAGES Collaboration. Parsing pages. *Pages*, 2020.", "Parsing pages"),
    ("T. Mori (ed.). Parsing pages. North Press, 2020.", "Parsing pages"),
    ("T. Mori and D. Stern, editors. | *Parsing pages*. | North Press, 2020.", "Parsing pages"),
]


@pytest.mark.parametrize(("source", "title"), TITLED, ids=range(len(TITLED)))
def test_title(source: str, title: str) -> None:
    assert read(source).title == title


UNTITLED = [
    "T. Mori and D. Stern, *Phys. Rev. Lett.* **12**, 345 (2020).",
    "T. Mori, D. Stern, Phys. Rev. D **12**, 345 (2020), arXiv:2004.05150.",
    "T. Mori, D. Stern, and L. Ek, Astrophys. J. 12, 345 (2020).",
    "Mori T., Stern D., 2020, ApJ, 900, 1",
    "Mori, T., & Stern, D. 2020, MNRAS, 500, 100",
    "T. Mori and D. Stern, in *Proceedings of Pages* (2020) pp. 1–2.",
    "T. Mori, arXiv:2004.05150.",
    "https://pages.example.org/a/b",
    "",
    "2020.",
]


@pytest.mark.parametrize("source", UNTITLED)
def test_an_entry_without_a_title_gets_none(source: str) -> None:
    assert read(source).title == ""


@pytest.mark.parametrize(
    ("source", "authors"),
    [
        ("T. Mori and D. Stern. Pages. *X*, 2020.", ("T. Mori", "D. Stern")),
        ("Mori, T. B., Stern, D., & Ek, L. (2020). Pages. *X*.", ("T. B. Mori", "D. Stern", "L. Ek")),
        ("Mori TB, Stern D. Pages. X. 2020;1:2.", ("T. B. Mori", "D. Stern")),
        ("Mori, Takeshi, Dora Stern, and Lars Ek. 2020. | Pages. | *X*.", ("Takeshi Mori", "Dora Stern", "Lars Ek")),
        ("Mori, T.; Stern, D.; and Ek, L. 2020. Pages. *X*.", ("T. Mori", "D. Stern", "L. Ek")),
        ("Mori, T., Stern, D.: Pages. X **1** (2020)", ("T. Mori", "D. Stern")),
        ("Robert T. Hayes, Jr. and Carla Díaz. | Pages. | *X*, 2020.", ("Robert T. Hayes Jr.", "Carla Díaz")),
        ("Jan van der Berg, Maria del Carmen Ruiz. | Pages. | X.", ("Jan van der Berg", "Maria del Carmen Ruiz")),
        ("OpenPages. | Pages. | *X*, 2020.", ("OpenPages",)),
        ("T. Mori, D. Stern, et al. | Pages. | *X*, 2020.", ("T. Mori", "D. Stern")),
    ],
)
def test_authors(source: str, authors: tuple[str, ...]) -> None:
    assert read(source).authors == authors


@pytest.mark.parametrize(
    ("source", "label", "year"),
    [
        ("T. Mori. Pages of 1984. *X*, 12:1999–2010, 2020.", "", 2020),
        ("T. Mori. | Pages. | *X*. arXiv:2012.05150.", "Mori [2021a]", 2021),
        ("T. Mori. | Pages. | *X*, 2019. URL https://x.example/2022/1.", "[12]", 2019),
        ("Mori, T. (2018, May). Pages. X, 2001.", "", 2018),
        ("T. Mori. Pages. Unpublished.", "[Mor20]", None),
    ],
)
def test_year(source: str, label: str, year: int | None) -> None:
    assert read(source, label).year == year


@pytest.mark.parametrize(
    ("source", "arxiv_id", "doi"),
    [
        ("T. Mori. Pages. arXiv preprint arXiv:2004.05150v3, 2020.", "2004.05150", None),
        ("T. Mori. Pages. *CoRR*, abs/2004.05150, 2020.", "2004.05150", None),
        ("T. Mori. Pages. 2020. [link](https://arxiv.org/pdf/2004.05150v2.pdf)", "2004.05150", None),
        ("T. Mori. Pages, 2020, hep-th/9901001.", None, None),
        ("T. Mori. Pages, 2020, arXiv:hep-th/9901001.", "hep-th/9901001", None),
        ("T. Mori. Pages, 2020, [2004.05150](https://arxiv.org/abs/2004.05150) [cs.CL].", "2004.05150", None),
        ("T. Mori. Pages, 2020, 2004.05150 [cs.CL].", "2004.05150", None),
        ("T. Mori. Pages. X, 2020. doi: 10.5555/ABC(12)3.", None, "10.5555/abc(12)3"),
        ("T. Mori. Pages. X, 2020. [x](https://dx.doi.org/10.5555/s1%282%29)", None, "10.5555/s1(2)"),
        ("T. Mori. Pages. X, 2020 (doi:10.5555/x.y).", None, "10.5555/x.y"),
        ("T. Mori. Pages. X, 12(3):2004.0515, 2020.", None, None),
    ],
)
def test_identifiers(source: str, arxiv_id: str | None, doi: str | None) -> None:
    citation = read(source)
    assert (citation.arxiv_id, citation.doi) == (arxiv_id, doi)


def test_what_latexml_marked_wins() -> None:
    text = "T. Mori (2020) A title. Just one. Pages 12"
    marks = (Mark(0, 7, "author"), Mark(7, 14, "year"), Mark(15, 32, "title"))
    citation = parse_entry(Entry(text, marks))
    assert citation == Citation(title="A title. Just one", authors=("T. Mori",), year=2020)


def test_a_very_long_list_of_names_is_read_in_time() -> None:
    names = ", ".join(f"A. B. Name{chr(97 + i % 26)}" for i in range(20_000))
    assert len(name_list(names)[0]) == 20_000
    names = ", ".join(names.split(", ")[:3_000]) + ", and T. Mori."
    for blocks in ((0,), (0, len(names) + 1)):
        citation = parse_entry(Entry(f"{names} A title of pages. X, 2020.", blocks=blocks))
        assert citation.title == "A title of pages" and len(citation.authors) > 500


@pytest.mark.parametrize(
    "piece", ["A", "A. ", "Aa, ", "“a” ", '"a, "', "(2020) ", "Aa, A., ", "van der A ", "AAAA", "A.: ", "J. "]
)
def test_no_entry_takes_long(piece: str) -> None:
    parse_entry(Entry(piece * (10_000 // len(piece)) + "X"))


PIECES = st.sampled_from(
    ["T. Mori", "Mori, T.", " and ", ", ", ". ", "(2020)", "2020", "“", "”", '"', "In ", "*", "**", "|", ": ", "arXiv:",
     "2004.05150", "10.5555/x", "https://x.example ", "et al.", "Proc. ", "Title of pages", "a", "\x1b[31m", "\u202e"]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join)), st.text(max_size=30))
def test_anything_is_read_without_an_error(source: str, label: str) -> None:
    made = entry(source, label)
    citation = parse_entry(made)
    for text in (citation.title, *citation.authors, citation.doi or ""):
        assert text == clean_text(text)
    assert len(citation.title) <= len(made.text) and sum(map(len, citation.authors)) <= 3 * len(made.text) + 10
    assert citation.year is None or 1000 <= citation.year < 2100


@pytest.mark.parametrize(
    "text", ["van der " * 21, "van der " * 2_000, "de la van der den " * 500, "van " * 3_000 + "A. B."]
)
def test_no_run_of_particles_takes_long(text: str) -> None:
    # In combinations these would take hours; the runner's own limit is the bound here.
    assert parse_entry(Entry(text, (), (0,), "")) is not None
