r"""Invented papers that strangers could have titled, written and signed so as to break a bibliography."""

from datetime import date

from pasa_tui.papers import Paper

MATH = [
    Paper(r"An $\alpha$-Divergence View of $O(n^2)$ Attention", "Let $x_1 \\leq y$.", ("Ann Lee",), date(2019, 3, 1)),
    Paper(r"Learning in $\mathbb{R}^{d+1}$ with $\frac{1}{\sqrt{n}}$ Rates", "", ("Bo Li",), date(2020, 1, 1)),
    Paper(
        r"UG$^{\textbf{2}}$ and C$_2$ in ${\mathbb Z}^2$ by $\text{Labor Space}$, $β$-VAE",
        "",
        ("Di Wu",),
        date(2021, 1, 1),
    ),
    Paper(r"$\ell_1$ Meets $\mathcal{H}_\infty$", "", ("Cy Ng",), date(2021, 1, 1)),
]
"""Titles with real math, which readers show each in their own way."""

_TITLES = [
    r"\input{/etc/passwd} and Other Ways to Read a File",
    r"\immediate\write18{touch pwned} \newcommand{\x}{y} \def\z{} \end{document}",
    r"\\ $\input{secret}$ $\write18{x}$ $x^$ $a__b$ $\mathcal$ $\frac{1}$ $\undefined$",
    "100% Recall @ 10: #1 of the R&D Lists_with_underscores",
    "Costs of $5 and of $10, or US$5-US$10",
    "$unbalanced and {unbalanced and }unbalanced",
    "}}{ The Closing Brace Comes First",
    '"Quoted" Titles, \'single\' ones, and a 5" Screen',
    "``TeX's Own Quotes'' and a -- Dash --- Longer",
    "Tilde ~ Caret ^ Less < Greater > Bar | Backtick ` Slash / Equals = Plus +",
    "@article{evil, title = {Injected}}",
    "Ends with a Backslash \\",
    'Stray Quote " Here',
    "Emoji 🤖🔥 in a Title 👩‍🔬",
    "面向检索的大型语言模型",
    "大規模言語モデルの検索 with Latin",
    "Глубокое обучение для поиска",
    "البحث العلمي باستخدام النماذج",
    "חיפוש מאמרים",
    "Combining Marks: x\u0302 and q\u0323\u0307, Vietnamese Tiếng Việt",
    "Déjà Vu: Über Łódź, Đorđe, Þór, Straße, Ångström, Ǧ and ﬁ",
    "Soft\u00adhyphen, no\u00a0break, zero\u200bwidth, joiner\u200d",
    "and",
    "others",
    "And",
    "HTML &amp; Entities &lt;b&gt; and <i>Tags</i>",
    "BERT, RL, GPT-4, T5, arXiv, Q-Learning, Vitamin C, LLaMA-2-7B, OpenAI's iPhone and McDonald",
    "A",
    "…",
    "123",
    "?` Spanish !` Punctuation",
    "Very Long Title " + "on Attention and Everything Else " * 60,
    "Unbroken" + "x" * 3000,
    "α-Divergence, β ≤ γ, ∞, ½, x², €5, ™ and →",
    "Line\u2028separator",
    "xdata=oord2011spanish-title",
]

_AUTHORS: list[tuple[str, ...]] = [
    ("Aaron van den Oord", "Ludwig van Beethoven", "Charles de la Vallée Poussin"),
    ("Doe, Jane", "van der Berg, Jan", "García y Vega, Juan"),
    ("John Smith Jr.", "Henry Ford, Jr.", "King, Jr., Martin Luther", "Louis Roi XIV", "William Gates III"),
    ("The ATLAS Collaboration", "OpenAI", "Plato", "DeepSeek Team"),
    ("Barnes and Noble", "and", "Ann And", "others", "And Rew"),
    ("others", "Real Person", "others"),
    ("王小明", "李 雷", "Иван Петров", "محمد علي", "דוד כהן"),
    ("José Álvarez", "Łukasz Wałęsa", "Đorđe Đukić", "Søren Kierkegård", "Nguyễn Văn Ánh", "ß Straße"),
    (
        "family=Evil, given=Very",
        "useprefix=true",
        "xdata=a-b",
        "Given = X",
        "a, b, c, d",
        "Semi; Colon",
        'John "Jack" Doe',
        "O'Brien, Pat",
    ),
    (r"\input{x} Name", "{Braced} Name", "50% Person", "A_B C#D", "$x$ Dollar", "T~ilde N^ame", "A & B"),
    ("& &a", "\\ \\and", "}{ ]["),
    ("yoshua bengio", "maria da silva", "bell hooks", "lower, case"),
    ("Robot 🤖 Name", "", "  ", ","),
    ("X.-Y. Zhang", "J. R. R. Tolkien", "C.K. Li"),
    (),
]

_VENUES = [
    None, "ICLR 2023", "Journal of \\Nasty{Things} & 50% More", "Proceedings of the 3rd Workshop on #Hashes_2020", None,
    "arXiv.org", "a {blog", "TACL", "xdata=x-y",
]  # fmt: skip


def nasty_papers() -> list[Paper]:
    """Some 50 papers with every nasty title, author list and venue; about a third have an arXiv id or a DOI."""
    papers = []
    for index, title in enumerate(_TITLES):
        papers.append(
            Paper(
                title=title,
                abstract="" if index % 5 == 0 else f"{title}. We show that {title}",
                authors=_AUTHORS[index % len(_AUTHORS)],
                date=None if index % 7 == 6 else date(2001 + index % 20, 1 + index % 12, 28),
                arxiv_id=f"{10 + index % 15}01.{index:05d}" if index % 3 == 0 else None,
                doi=f"10.1234/a_b.({index})" if index % 4 == 1 else None,
                venue=_VENUES[index % len(_VENUES)],
                categories=("cs.IR", "cs.CL") if index % 2 == 0 else (),
                source_id=f"nasty:{index}",
                abstract_kind="summary" if index % 6 == 2 else "abstract",
            )
        )
    for index, authors in enumerate(_AUTHORS):
        papers.append(Paper(f"Author List Number {index} of Many", "", authors, date(2015, 1, 1), f"1501.{index:05d}"))
    papers.append(
        Paper(
            "Three Hundred Authors",
            "",
            tuple(f"Name{number} Family{number}" for number in range(300)),
            arxiv_id="1601.00001",
        )
    )
    return papers
