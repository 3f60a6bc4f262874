r"""Strangers' text as LaTeX: escapes, capitals, mathematics, and the ASCII form."""

import pytest

from pasa_tui.export.formulas import math_spans
from pasa_tui.export.latex import to_latex


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"50% of R&D #1_a $5", r"50\% of R\&D \#1\_a \$5"),
        (r"\input{x}", r"{\textbackslash}input\{x\}"),
        ("a } b {", r"a {\textbraceright} b {\textbraceleft}"),
        ("~ ^ < > |", r"{\textasciitilde} {\textasciicircum} {\textless} {\textgreater} {\ensuremath{|}}"),
        ('Say "yes", or ("no")', "Say ``yes'', or (``no'')"),
        ("\"'a'\"", "{``}'a'{''}"),
        ('5" and ?` !`', "5'' and ?{}` !{}`"),
        ("two\nlines\x1b[31m", "two lines"),
    ],
)
def test_what_tex_acts_on_becomes_text(text: str, expected: str) -> None:
    assert to_latex(text) == expected
    assert to_latex(text, latex=True) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("BERT and RL for arXiv", "{BERT} and {RL} for {arXiv}"),
        ("A Survey of Q-Learning: A View", "A Survey of {Q}-Learning: A View"),
        ("GPT-4, LLaMA-2-7B, T5 and Vitamin C", "{GPT-4}, {LLaMA-2-7B}, {T5} and Vitamin {C}"),
        ("BERT-Based A*", "{BERT}-Based {A}*"),
        ("Deep Learning", "Deep Learning"),
        ("Deep École ÉCOLE", "Deep École {ÉCOLE}"),
        ("AT&T's {BERT}", r"{AT}\&{T}'s \{{BERT}\}"),
        (r"An $\alpha$-Divergence", r"An {$\alpha$}-Divergence"),
    ],
)
def test_capitals_that_a_style_must_keep(title: str, expected: str) -> None:
    assert to_latex(title, protect=True, math=True) == expected


@pytest.mark.parametrize(
    "formula",
    [r"\alpha", "x_1", "O(n^2)", r"\mathcal{L}_{\theta}^{(k)}", r"\frac{1}{\sqrt{n}}", r"\mathbb{R}^d", r"a \le b",
     r"x_{i,j}^2", r"{x}", r"\log n", r"\ell_1", "^2", "_2", r"^{18}", r"{\mathbb Z}^2", r"\textit{Labor Space}"],
)  # fmt: skip
def test_harmless_math_stays(formula: str) -> None:
    text = f"${formula}$"
    assert math_spans(text) == [(0, len(text), text)]
    assert to_latex(text, math=True) == text
    assert to_latex(text) != text


@pytest.mark.parametrize(
    "formula",
    [r"\input{x}", r"\write18{x}", r"\newcommand{\x}{y}", r"\mathcal", r"\frac{1}", "x^", "x^1^2", "x_1_2", "_", "x^_1",
     "{", "}", "{}", "}{", r"x\\", "a%b", "a#b", "a&b", "a~b", r"\alphabet", r"\mathrmx", r"x^\hat{y}", "é", "",
     " x", "x ", "^1^2", "^", r"\mathbb", r"\textbf{x_1}",
     r"\textbf{\alpha}", r"x_\textrm{a}", r"x_\log", r"\textbf",
     "{" * 30 + "x" + "}" * 30, r"\[", r"\(", r"\textsc{x}", "x'"],
)  # fmt: skip
def test_any_other_math_becomes_text(formula: str) -> None:
    text = f"${formula}$"
    assert math_spans(text) == []
    assert to_latex(text, math=True) == to_latex(text)
    assert to_latex(text).replace(r"\$", "").count("$") == 0


def test_prices_are_no_math() -> None:
    text = "from $5 to $10, or US$5-US$10, or $x$"
    assert math_spans(text) == [(text.index("$x$"), len(text), "$x$")]
    assert to_latex("Just $100 More and No $$$", math=True) == r"Just \$100 More and No \$\$\$"


def test_math_is_written_without_packages() -> None:
    assert to_latex("PixArt-$α$ and $x^β$", math=True) == r"PixArt-${\alpha}$ and $x^{\beta}$"
    assert to_latex(r"$\text{EFO}_{k}$-CQA", math=True) == r"$\textrm{EFO}_{k}$-CQA"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Déjà", r"D{\'{e}}j{\`{a}}"),
        ("ế", r"{\'{\^{e}}}"),
        ("x\u0302", r"{\^{x}}"),
        ("Łódź ß Øre æ", r"{\L}{\'{o}}d{\'{z}} {\ss} {\O}re {\ae}"),
        ("α ≤ ∞ — …", r"{\ensuremath{\alpha}} {\ensuremath{\leq}} {\ensuremath{\infty}} {\textemdash} {\textellipsis}"),
        ("Wałęsa Đorđe Þór", r"Wa{\l}esa Dorde Th{\'{o}}r"),
        ("中文 🤖", "[U+4E2D][U+6587] [U+1F916]"),
        ("a\u200db\ufe0f", "ab"),
        ("ﬁ ＡＩ ｛", r"fi AI {\textbraceleft}"),
    ],
)
def test_the_ascii_form(text: str, expected: str) -> None:
    assert to_latex(text, latex=True) == expected
    assert to_latex(text) == text
