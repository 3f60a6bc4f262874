"""Whatever the papers hold, the file parses, its braces pair up, and its text can be read back."""

import random
import re
from datetime import date

import pytest
from bibtexparser.entrypoint import parse_string
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc import latexwalker, macrospec
from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

from pasa_tui.export.bibtex import to_bibtex
from pasa_tui.export.latex import to_latex
from pasa_tui.export.record import merged_papers
from pasa_tui.papers import Paper, clean_text

# Any text, and text crowded with what LaTeX and BibTeX act on.
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text("\\{}$%&#_^~<>|\"'`@=,-?! \nabAB1é中🤖\u0302\u200d", max_size=40),
    st.lists(
        st.sampled_from(
            ["xdata=", r"\input{x}", r"$\alpha$", "$x_1$", " and ", "others", "@misc{a,", "}", "BERT", "é", '"']
        ),
        max_size=8,
    ).map("".join),
)
PAPERS = st.builds(
    Paper,
    title=HOSTILE,
    abstract=HOSTILE,
    authors=st.lists(HOSTILE, max_size=4).map(tuple),
    date=st.none() | st.dates(),
    arxiv_id=st.none() | st.sampled_from(["2001.00001", "hep-th/9901001"]) | HOSTILE,
    doi=st.none() | HOSTILE.map(lambda text: f"10.1234/{text}"),
    venue=st.none() | HOSTILE | st.sampled_from(["ICLR 2023", "Journal of X"]),
    categories=st.lists(HOSTILE, max_size=1).map(tuple),
    abstract_kind=st.sampled_from(["abstract", "summary"]),
)
PAPER_LISTS = st.lists(PAPERS, max_size=6)


def braces_pair_up(text: str) -> bool:
    """Count as BibTeX does, to which an escaped brace is a brace."""
    depth = 0
    for brace in re.findall("[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


@given(PAPER_LISTS, st.booleans())
def test_every_file_parses(papers: list[Paper], latex: bool) -> None:
    text = to_bibtex(papers, latex=latex)
    library = parse_string(text)
    keys = [entry.key for entry in library.entries]
    assert not library.failed_blocks and not library.comments
    assert len(keys) == len(merged_papers(papers)) == len(set(keys))
    assert all(re.fullmatch("[a-z0-9]+", key) for key in keys)
    assert all(braces_pair_up(field.value) for entry in library.entries for field in entry.fields)
    assert braces_pair_up(text)
    assert text.isascii() or not latex
    assert text == "" if not papers else text.endswith("}\n")


@given(PAPER_LISTS, st.randoms(use_true_random=False))
def test_order_changes_no_entry(papers: list[Paper], rng: random.Random) -> None:
    shuffled = rng.sample(papers, len(papers))
    assert to_bibtex(papers) == to_bibtex(papers)
    assert {entry.raw for entry in parse_string(to_bibtex(papers)).entries} == {
        entry.raw for entry in parse_string(to_bibtex(shuffled)).entries
    }


def _decoder() -> LatexNodes2Text:
    """pylatexenc's decoder, taught the two brace commands it lacks and circumflex and tilde as ASCII."""
    context = get_default_latex_context_db()
    context.add_context_category(
        "ours",
        prepend=True,
        macros=[
            MacroTextSpec("textbraceleft", "{"),
            MacroTextSpec("textbraceright", "}"),
            MacroTextSpec("textasciicircum", "^"),
            MacroTextSpec("textasciitilde", "~"),
            MacroTextSpec("textless", "<"),
            MacroTextSpec("textgreater", ">"),
            MacroTextSpec("ensuremath", "%s"),
        ],
    )
    return LatexNodes2Text(latex_context=context, math_mode="text", strict_latex_spaces=True, keep_braced_groups=False)


DECODER = _decoder()
WALKER_CONTEXT = latexwalker.get_default_latex_context_db()
WALKER_CONTEXT.add_context_category("ours", prepend=True, macros=[macrospec.std_macro("ensuremath", "{")])


def decode(latex: str) -> str:
    nodes, _, _ = latexwalker.LatexWalker(latex, latex_context=WALKER_CONTEXT).get_latex_nodes()
    return str(DECODER.nodelist_to_text(nodes))


def typeset(text: str) -> str:
    """`text` as TeX prints it: its quotes and dashes are made of several characters."""
    for source, printed in (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("`", "‘"), ("'", "’")):
        text = text.replace(source, printed)
    return re.sub("[“”]", '"', text)


@given(HOSTILE, st.booleans())
def test_text_is_read_back(text: str, protect: bool) -> None:
    assert typeset(decode(to_latex(text, protect=protect))) == typeset(clean_text(text))


@given(st.text('\\{}$%&#_^~<>|"@=,-?! abAB1éÀñüçøÆßŁőšĞėạ', max_size=40), st.booleans())
def test_western_text_is_read_back_from_ascii(text: str, protect: bool) -> None:
    encoded = to_latex(text, latex=True, protect=protect)
    assert encoded.isascii()
    assert typeset(decode(encoded)) == typeset(clean_text(text))


@given(st.characters(min_codepoint=0x80))
def test_every_character_has_an_ascii_form(char: str) -> None:
    encoded = to_latex(f"a{char}b", latex=True)
    assert encoded.isascii() and encoded.isprintable() and braces_pair_up(encoded)
    assert encoded.startswith(("a", "{\\"))


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_years_have_four_digits(day: date) -> None:
    [entry] = parse_string(to_bibtex([Paper("T", date=day)])).entries
    assert entry["year"] == f"{day.year:04d}"
