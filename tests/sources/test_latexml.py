"""Pages of LaTeXML's HTML: small ones of ours, and papers in many styles that the real LaTeXML converted."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasa_tui.papers import clean_text
from pasa_tui.sources.latexml import FullText, parse_full_text
from tests.latexml.measure import PAPERS, Score, can_convert, convert, score

BIBLIOGRAPHY = """
<section id="bib" class="ltx_bibliography"><h2 class="ltx_title ltx_title_bibliography">References</h2>
<ul class="ltx_biblist">
<li id="bib.bib1" class="ltx_bibitem"><span class="ltx_tag ltx_role_refnum ltx_tag_bibitem">Mori (2020)</span>
<span class="ltx_bibblock">T. Mori. </span><span class="ltx_bibblock">One page. </span>
<span class="ltx_bibblock"><em class="ltx_emph ltx_font_italic">Pages</em>, 12.
<a href="https://doi.org/10.5555/P1" class="ltx_ref ltx_href">link</a></span>
<span class="ltx_bibblock ltx_bib_cited">Cited by: <a href="#S1" class="ltx_ref">§1</a></span></li>
<li id="bib.bib2" class="ltx_bibitem"><span class="ltx_tag ltx_tag_bibitem">[2]</span>
<span class="ltx_bibblock">D. Stern. </span><span class="ltx_bibblock">Two pages,
<math alttext="x^{2}" class="ltx_Math"><semantics><msup><mi>x</mi><mn>2</mn></msup>
<annotation encoding="application/x-tex">x^{2}</annotation></semantics></math>. </span>
<span class="ltx_bibblock">arXiv:2004.05150v2, 2020.</span></li>
<li id="bib.bib3" class="ltx_bibitem"><span class="ltx_bibblock">L. Ek. </span>
<span class="ltx_bibblock">Uncited.</span></li>
</ul></section>
"""


def page(body: str, bibliography: str = BIBLIOGRAPHY) -> str:
    return (
        '<!DOCTYPE html><html><head><title>x</title></head><body><nav class="ltx_page_navbar"><a href="#bib.bib3">3</a>'
        '</nav><article class="ltx_document"><h1 class="ltx_title ltx_title_document">On <em>Pages</em>'
        '<span class="ltx_note ltx_role_thanks"><sup>1</sup><span class="ltx_note_outer">thanks</span></span></h1>'
        f"{body}{bibliography}</article></body></html>"
    )


def section(kind: str, title: str, body: str, level: int = 2, number: str = "1 ") -> str:
    tag = f'<span class="ltx_tag ltx_tag_{kind}">{number}</span>'
    heading = f'<h{level} class="ltx_title ltx_title_{kind}">{tag}{title}</h{level}>'
    return f'<section class="ltx_{kind}">{heading}{body}</section>'


def cite(*numbers: int) -> str:
    links = ", ".join(f'<a href="#bib.bib{number}" class="ltx_ref">{number}</a>' for number in numbers)
    return f'<p class="ltx_p">As in <cite class="ltx_cite">[{links}]</cite>.</p>'


def cited(full_text: FullText) -> list[tuple[str, tuple[str, ...]]]:
    names = [s.name for s in full_text.sections]
    return list(
        zip(names, [tuple(key.removeprefix("bib.bib") for key in keys) for keys in full_text.keys], strict=True)
    )


def test_entries_are_read_with_their_titles_and_links() -> None:
    full_text = parse_full_text(page(""))
    assert full_text.title == "On Pages"
    assert full_text.sections == () and full_text.keys == ()
    first, second, third = full_text.entries
    assert first.key == "bib.bib1"
    assert first.text == "T. Mori. One page. Pages, 12. link"
    assert (first.citation.title, first.citation.year, first.citation.doi) == ("One page", 2020, "10.5555/p1")
    assert first.citation.authors == ("T. Mori",)
    assert second.citation.title == "Two pages, x^2"
    assert second.citation.arxiv_id == "2004.05150"
    assert third.citation.title == "Uncited"


def test_a_word_before_a_colon_is_an_author_where_the_others_have_theirs_there() -> None:
    def bibliography(*entries: str) -> str:
        items = (
            f'<li id="bib.bib{number}" class="ltx_bibitem"><span class="ltx_bibblock">{entry}</span></li>'
            for number, entry in enumerate(entries, start=1)
        )
        return f'<section class="ltx_bibliography"><ul class="ltx_biblist">{"".join(items)}</ul></section>'

    colons = ("Mori, T.: One page. Pages 1, 2 (2020)", "Stern, D., Ek, L.: Two pages. Pages 2, 4 (2021)")
    alone = "Suharto: Three pages. Pages 3, 6 (2022)"
    entries = parse_full_text(page("", bibliography(*colons, alone))).entries
    assert [(entry.citation.title, entry.citation.authors[-1:]) for entry in entries] == [
        ("One page", ("T. Mori",)),
        ("Two pages", ("L. Ek",)),
        ("Three pages", ("Suharto",)),
    ]
    stops = ("T. Mori. One page. Pages 1, 2 (2020)", "D. Stern and L. Ek. Two pages. Pages 2, 4 (2021)")
    entries = parse_full_text(page("", bibliography(*stops, alone))).entries
    assert entries[2].citation.title == "Suharto: Three pages"


def test_a_section_is_named_by_the_path_of_its_titles() -> None:
    inner = section("subsubsection", "Deep", cite(2), 4)
    middle = section("subsection", 'A <math alttext="k"><mi>k</mi></math> of <b>it</b>', cite(1) + inner, 3)
    full_text = parse_full_text(page(section("section", "Related  Work", cite(2, 1, 2) + middle)))
    assert cited(full_text) == [
        ("Related Work", ("2", "1")),
        ("Related Work > A k of it", ("1",)),
        ("Related Work > A k of it > Deep", ("2",)),
    ]
    assert [c.title for c in full_text.sections[0].citations] == ["Two pages, x^2", "One page"]


def test_paragraphs_footnotes_captions_and_tables_count_for_their_section() -> None:
    paragraph = section("paragraph", "Learned weights.", cite(1), 5)
    note = '<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup>' + cite(2) + "</span>"
    table = f'<figure class="ltx_table"><figcaption class="ltx_caption">{cite(3)}</figcaption></figure>'
    full_text = parse_full_text(page(section("section", "Data", paragraph + note + table)))
    assert cited(full_text) == [("Data", ("1", "2", "3"))]


def test_abstract_appendix_and_what_stands_outside_of_any_section() -> None:
    abstract = f'<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Zusammenfassung</h6>{cite(1)}</div>'
    full_text = parse_full_text(page(cite(3) + abstract + section("appendix", "Proofs", cite(2), number="Appendix A ")))
    assert cited(full_text) == [("", ("3",)), ("Abstract", ("1",)), ("Proofs", ("2",))]


def test_a_section_that_cites_nothing_is_left_out() -> None:
    links = '<a href="#S1.F1">Figure 1</a><a href="#bib.bib9">?</a><a>none</a><a href="https://x.org/#top">y</a>'
    assert cited(parse_full_text(page(section("section", "Method", links)))) == []


def test_absolute_links_to_the_same_page_count() -> None:
    link = '<a class="ltx_ref" href="https://arxiv.org/html/2501.10120v1#bib.bib2">2</a>'
    assert cited(parse_full_text(page(section("section", "Method", link)))) == [("Method", ("2",))]


def test_a_formula_without_mathml_is_read_from_its_tex() -> None:
    title = 'The <math alttext="\\mathbf{k}\\alpha"></math> way'
    assert cited(parse_full_text(page(section("section", title, cite(1))))) == [("The kalpha way", ("1",))]


@pytest.mark.parametrize(
    "garbage",
    ["", " ", "\0", "<", "not html", "<html><body><h1>404 Not Found</h1></body></html>", b"\xff\xfe\x00", b"%PDF-1.5",
     "<?xml version='1.0' encoding='utf-16'?><a/>", "<!-- ltx_ -->", "ltx_", "<ltx_>", "\ud800 ltx_"],
)  # fmt: skip
def test_what_is_no_page_of_latexml_is_empty(garbage: str | bytes) -> None:
    assert parse_full_text(garbage) == FullText()


def test_half_a_page_gives_what_is_there() -> None:
    whole = page(section("section", "Intro", cite(1)))
    for cut in range(0, len(whole), 37):
        full_text = parse_full_text(whole[:cut])
        assert len(full_text.sections) <= 1 and len(full_text.entries) <= 3
    cut = whole.index('bib.bib2" class="ltx_bibitem') - 10
    assert cited(parse_full_text(whole[:cut])) == [("Intro", ("1",))]


def test_no_entity_is_expanded_and_nothing_fetched() -> None:
    head = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "yyyy">]>'
    source = page(section("section", "A &x; B &y;", cite(1))).replace("<!DOCTYPE html>", head)
    assert "root" not in repr(parse_full_text(source)) and "yyyy" not in repr(parse_full_text(source).sections)


@pytest.mark.parametrize("depth", [300, 5_000, 100_000])
def test_deep_nesting_is_no_error(depth: int) -> None:
    for opening, closing in (("<div>", "</div>"), ('<section class="ltx_section">', "</section>"), ("<em>", "</em>")):
        parse_full_text(page(opening * depth + cite(1) + closing * depth))
        item = f'<li id="bib.bib1" class="ltx_bibitem">{opening * depth}T. Mori{closing * depth}</li>'
        parse_full_text(page(cite(1), item))


def test_ten_megabytes_are_read_in_seconds() -> None:
    words = "word <em>word</em> <math alttext='x'><mi>x</mi></math> "
    prose = f"<p class='ltx_p'>{words * 400}{cite(1, 2)}</p>"
    body = "".join(section("section", f"Part {number}", prose) for number in range(450))
    source = page(body)
    assert len(source) > 10_000_000
    assert len(parse_full_text(source).sections) == 450


PIECES = st.sampled_from(
    ['<section class="ltx_section">', "</section>", '<h2 class="ltx_title ltx_title_section">', "</h2>", "&#27;[31m",
     '<a href="#bib.bib1">', "</a>", '<li class="ltx_bibitem" id="bib.bib1">', "</li>", '<span class="ltx_bibblock">',
     "</span>", "<math>", "<mi>x</mi>", "</math>", "T. Mori. ", "Pages. ", "2020", "&#8238;", "&#55296;", "é", "\u202e",
     '<em class="ltx_font_italic">', "</em>", "<script>", "<!--", "&amp;", "<svg>", '<div class="ltx_abstract">']
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=200), st.binary(max_size=200)))
def test_any_page_is_read_without_an_error(source: str | bytes) -> None:
    full_text = parse_full_text(source)
    texts = [full_text.title, *(s.name for s in full_text.sections)]
    for entry in full_text.entries:
        texts += [entry.key, entry.text, entry.citation.title, *entry.citation.authors]
    assert all(text == clean_text(text) for text in texts)
    assert sum(map(len, texts)) <= 60 * len(source) + 100
    assert len(full_text.keys) == len(full_text.sections)
    for keys, one in zip(full_text.keys, full_text.sections, strict=True):
        assert len(keys) == len(set(keys)) == len(one.citations) > 0


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    if not can_convert():
        pytest.skip("LaTeXML is not installed")
    pages = convert(Path(tempfile.gettempdir()) / "pasa-tui-latexml")
    return {style: score(style, page) for style, page in pages.items()}


def test_98_of_100_titles_are_right(scores: dict[str, Score]) -> None:
    titled = [result for result in scores.values() if "titles" in result.shown]
    right = sum(result.right["titles"] for result in titled)
    shown = sum(result.shown["titles"] for result in titled)
    assert len(titled) >= 14
    assert right >= 0.98 * shown


@pytest.mark.parametrize("style", PAPERS)
def test_a_paper_in_each_style(scores: dict[str, Score], style: str) -> None:
    result = scores[style]
    assert result.share("titles") >= 0.98, result.wrong
    for what in ("entries", "title", "sections", "number of sections"):
        assert result.share(what) == 1, result.wrong
    for what in ("years", "arXiv ids", "DOIs", "authors", "no false titles", "no false arXiv ids"):
        assert result.share(what) >= 0.92, result.wrong
