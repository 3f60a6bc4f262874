"""Write the measured papers: one per bibliography style, all over the invented references of references.jsonl.

    python tests/latexml/make.py

Needs TeX Live's bibtex with texlive-publishers and texlive-bibtex-extra. The .tex files carry their bibliographies, so
that reading them again needs nothing but latexml. `papers.json` says what each paper must give: its entries in order,
and its sections with the keys that each cites.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pylatexenc.latexencode import UnicodeToLatexEncoder

HERE = Path(__file__).parent
Reference = dict[str, Any]

_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="keep", replacement_latex_protection="braces-all")
_UNCITED = ("noyear", "masters")


@dataclass(frozen=True)
class Style:
    """How one paper is set. `bst` is a BibTeX style, or `entry` writes an entry by hand."""

    name: str
    documentclass: str = r"\documentclass{article}"
    preamble: str = ""
    bst: str = ""
    entry: Callable[[Reference], str] | None = None
    author_year: bool = False
    titles: bool = True


def tex(text: str) -> str:
    """Text with accents as TeX commands; what already is TeX stays."""
    quotes = {"“": "``", "”": "''", "‘": "`", "’": "'", "—": "---"}
    return "".join(quotes.get(char) or (_ENCODER.unicode_to_latex(char) if ord(char) > 127 else char) for char in text)


def split_name(name: str) -> tuple[str, str]:
    """Given names and family name, particles with the family; a name in braces has no given names."""
    if name.startswith("{"):
        return "", name.strip("{}")
    name, _, suffix = name.partition(", Jr.")
    words = name.split()
    cut = next((i for i, word in enumerate(words) if word[0].islower() or word in ("Le", "del")), len(words) - 1)
    return " ".join(words[:cut]), " ".join(words[cut:]) + (", Jr." if "Jr" in suffix else "")


def initials(given: str, dot: str = ".", gap: str = "~") -> str:
    """The initials of given names: `Maria del Carmen` gives `M.~C.`."""
    words = re.split(r"\s+", given)
    short = ["-".join(part[0] + dot for part in word.split("-") if part) for word in words if word[:1].isupper()]
    return gap.join(short)


def bib_entry(reference: Reference) -> str:
    """One reference as BibTeX."""
    authors = " and ".join(reference["authors"] + (["others"] if reference.get("others") else []))
    fields = {
        "author": re.sub(r"(\w+ \w\.) (\w+), Jr\.", r"\2, Jr., \1", authors),
        "title": f"{{{reference['title']}}}",
    }
    skip = {"key", "type", "title", "plain", "authors", "others", "arxiv"}
    fields |= {name: str(value) for name, value in reference.items() if name not in skip and value is not None}
    if "howpublished" in fields and fields["howpublished"].startswith("http"):
        fields["howpublished"] = rf"\url{{{fields['howpublished']}}}"
    if "eprint" in fields:
        fields["archiveprefix"] = "arXiv"
    raw = {"url", "howpublished", "doi", "eprint"}
    lines = [f"  {name} = {{{value if name in raw else tex(value)}}}" for name, value in fields.items()]
    return f"@{reference['type']}{{{reference['key']},\n" + ",\n".join(lines) + "\n}\n"


def where(reference: Reference, *, emphasis: str = r"\emph") -> str:
    """Where a reference appeared, as hand-written entries say it, without its year."""
    if reference.get("eprint") and not reference.get("journal") and not reference.get("booktitle"):
        return f"arXiv:{reference['eprint']}"
    if journal := reference.get("journal"):
        volume = f" {reference['volume']}" if "volume" in reference else ""
        number = f"({reference['number']})" if "number" in reference else ""
        pages = f", {reference['pages']}" if "pages" in reference else ""
        return f"{emphasis}{{{tex(journal)}}}{volume}{number}{pages}"
    if booktitle := reference.get("booktitle"):
        pages = f", pp.~{reference['pages']}" if "pages" in reference else ""
        return f"In {emphasis}{{{tex(booktitle)}}}{pages}"
    if "howpublished" in reference:
        return rf"\url{{{reference['howpublished']}}}"
    kinds = {"phdthesis": "PhD thesis, ", "mastersthesis": "Master's thesis, ", "techreport": "Technical report, "}
    place = reference.get("publisher") or reference.get("school") or reference.get("institution")
    return kinds.get(reference["type"], "") + tex(place or reference.get("note", ""))


def names(reference: Reference, one: Callable[[str, str], str], *, last: str = " and ", comma: str = ",") -> str:
    """The author list, each name written by `one(given, family)`."""
    written = [tex(one(*split_name(name))) for name in reference["authors"]]
    if reference.get("others"):
        return ", ".join(written) + " et al."
    if len(written) == 1:
        return written[0]
    return ", ".join(written[:-1]) + (comma if len(written) > 2 else "") + last + written[-1]


def straight(given: str, family: str) -> str:
    """`J. K. Family`."""
    return f"{initials(given)}~{family}" if given else family


def full(given: str, family: str) -> str:
    """`Given Family`."""
    return f"{given} {family}".strip()


def inverted(given: str, family: str) -> str:
    """`Family, J. K.`."""
    return f"{family}, {initials(given, gap=' ')}" if given else family


def closed(text: str) -> str:
    """A sentence with exactly one final mark."""
    return text if text.endswith((".", "?", "!")) else text + "."


def dated(reference: Reference, form: str) -> str:
    """`form` with the year in it, or nothing where there is no year."""
    return form.format(reference["year"]) if reference["year"] else ""


def doi(reference: Reference) -> str:
    """The DOI as a link at the end of an entry, or nothing."""
    return rf" \url{{https://doi.org/{reference['doi']}}}" if "doi" in reference else ""


def newblock(reference: Reference) -> str:
    parts = [closed(names(reference, full)), closed(tex(reference["title"]))]
    return "\n\\newblock ".join([*parts, where(reference) + dated(reference, ", {}") + "." + doi(reference)])


def blob_sentences(reference: Reference) -> str:
    title = closed(tex(reference["title"]))
    return f"{closed(names(reference, straight))} {title} {where(reference)}{dated(reference, ', {}')}."


def blob_apa(reference: Reference) -> str:
    title, authors = closed(tex(reference["title"])), names(reference, inverted, last=" \\& ")
    return f"{authors} ({reference['year'] or 'n.d.'}). {title} {where(reference)}.{doi(reference)}"


def blob_quotes(reference: Reference) -> str:
    title = re.sub("[“”]", lambda mark: "‘" if mark[0] == "“" else "’", reference["title"])
    return f"{names(reference, full)}. ``{tex(title)},'' {where(reference)}{dated(reference, ' ({})')}."


def blob_commas(reference: Reference) -> str:
    place = where(reference, emphasis="").replace("In {", "in: {")
    authors = names(reference, straight, last=", ", comma="")
    return f"{authors}, {tex(reference['title'])}, {place}{dated(reference, ' ({})')}."


def linked(reference: Reference) -> str:
    link = reference.get("url") or (f"https://arxiv.org/abs/{reference['arxiv']}" if "arxiv" in reference else "")
    link = link or (f"https://doi.org/{reference['doi']}" if "doi" in reference else "https://example.org/paper")
    title = rf"\href{{{link}}}{{{tex(reference['title'])}}}"
    parts = [closed(names(reference, full)), f"{title}.", f"{where(reference)}{dated(reference, ', {}')}."]
    return "\n\\newblock ".join(parts)


# What REVTeX's longbibliography option writes, so that entries show their titles.
_CONTROL = """@CONTROL{REVTEX42Control}
@CONTROL{apsrev42Control,author="08",editor="1",pages="0",title="0",year="1"}
"""
_NATBIB = r"\usepackage{natbib}"
_LINKS = r"\usepackage{hyperref}"
STYLES = (
    Style("plain", bst="plain", preamble=r"\usepackage{url}"),
    Style("plainnat", bst="plainnat", preamble=_NATBIB + _LINKS, author_year=True),
    Style("unsrtnat", bst="unsrtnat", preamble=r"\usepackage[numbers]{natbib}" + _LINKS),
    Style("alpha", bst="alpha", preamble=r"\usepackage{url}"),
    Style("abbrv", bst="abbrv", preamble=_LINKS),
    Style("unsrt", bst="unsrt", preamble=_LINKS),
    Style("ieeetr", bst="ieeetr", preamble=_LINKS),
    Style("ieeetran", r"\documentclass{IEEEtran}", r"\usepackage{url}", bst="IEEEtran"),
    Style("apalike", bst="apalike", preamble=_NATBIB + _LINKS, author_year=True),
    Style("aps", r"\documentclass[prl]{revtex4-2}", bst="apsrev4-2", titles=False),
    Style("aps-long", r"\documentclass[prl,longbibliography]{revtex4-2}", bst="apsrev4-2"),
    Style("mnras", bst="mnras", preamble=_NATBIB + _LINKS, author_year=True, titles=False),
    Style("amsplain", r"\documentclass{amsart}", _LINKS, bst="amsplain"),
    Style("newblock", entry=newblock, preamble=_LINKS),
    Style("sentences", entry=blob_sentences, preamble=_LINKS),
    Style("quotes", entry=blob_quotes, preamble=_LINKS),
    Style("linked", entry=linked, preamble=_LINKS),
    Style("latexml-bib", preamble=_LINKS),
    Style("acm", r"\documentclass[sigconf]{acmart}", bst="ACM-Reference-Format", author_year=True),
    Style("elsarticle-harv", r"\documentclass{elsarticle}", _LINKS, bst="elsarticle-harv", author_year=True),
    Style("splncs04", r"\documentclass{llncs}", _LINKS, bst="splncs04"),
    Style("chicago", bst="chicago", preamble=_NATBIB + _LINKS, author_year=True),
    Style("vancouver", bst="vancouver", preamble=_LINKS),
    Style("apa-blob", entry=blob_apa, preamble=_LINKS),
    Style("commas", entry=blob_commas, preamble=_LINKS),
)


def body(style: Style, keys: list[str]) -> tuple[str, list[tuple[str, list[str]]]]:
    """The text of a paper that cites all `keys`, and the sections that must be read from it."""
    rest = iter(keys)
    take = lambda count: [next(rest) for _ in range(count)]  # noqa: E731
    abstract, intro, related, dense, sparse, losses, data, results, proofs = map(take, (1, 8, 4, 9, 7, 5, 3, 8, 3))
    last = list(rest)
    cite, text = (r"\citep", r"\citet") if style.author_year else (r"\cite", r"\cite")
    note = "[see][p.~3]" if style.author_year or "natbib" in style.preamble else "[p.~3]"
    by_name = rf"\citeauthor{{{dense[1]}}} and in \citeyear{{{dense[2]}}}" if style.author_year else ""
    apart = "".join(f"Here is {text}{{{key}}}. " for key in dense)
    source = rf"""
\begin{{abstract}}We read papers as they are \cite{{{abstract[0]}}}.\end{{abstract}}
\section{{Introduction}}
Much is known {cite}{{{",".join(intro[:5])}}}. More came later {cite}{note}{{{intro[5]}}}, then
{text}{{{intro[6]}}} and again {text}{{{intro[0]}}}.\footnote{{As {text}{{{intro[7]}}} says.}}
\section{{Related Work}}\label{{sec:related}}
Surveys exist {cite}{{{related[0]},{related[1]}}}, and {text}{{{related[2]}}}.
\subsection{{Dense Retrieval}}
{apart}{by_name}
\subsection{{Sparse and $k$-NN Search\footnote{{A name we keep.}}}}
Sparse methods {cite}{{{",".join(sparse[:4])}}} came first.
\paragraph{{Learned weights.}} These follow {cite}{{{",".join(sparse[4:])}}}.
\section{{Method}}
Nothing is cited here; see Section~\ref{{sec:related}}.
\subsection{{Training}}
Nor here.
\subsubsection{{Losses \& Schedules}}
We use {cite}{{{losses[0]}}}.
\begin{{itemize}}\item One of {text}{{{losses[1]}}}. \item Others {cite}{{{",".join(losses[2:])}}}.\end{{itemize}}
\section{{Experiments: What \emph{{Works}}?}}
\begin{{table}}\caption{{Data of {cite}{{{data[0]}}}.}}
\begin{{tabular}}{{ll}}A & {cite}{{{data[1]}}}\\ B & {cite}{{{data[2]}}}\end{{tabular}}\end{{table}}
All of {cite}{{{",".join(results)}}}, and surveys {cite}{{{related[3]}}}.
\appendix
\section{{Proofs}}
By {text}{{{proofs[0]}}}, with {cite}{{{proofs[1]},{proofs[2]}}} and {cite}{{{",".join(last)}}}.
\nocite{{{",".join(_UNCITED)}}}
"""
    sections = [
        ("Abstract", abstract),
        ("Introduction", [*intro[:7], intro[7]]),
        ("Related Work", related[:3]),
        ("Related Work > Dense Retrieval", dense),
        ("Related Work > Sparse and k-NN Search", sparse),
        ("Method > Training > Losses & Schedules", losses),
        ("Experiments: What Works?", [*data, *results, related[3]]),
        ("Proofs", [*proofs, *last]),
    ]
    return source, sections


def bibliography(style: Style, references: list[Reference], source: str) -> str:
    """The bibliography of a paper as TeX: from BibTeX, or by hand."""
    if style.entry:
        items = [f"\\bibitem{{{reference['key']}}}\n{style.entry(reference)}\n" for reference in references]
        return "\\begin{thebibliography}{99}\n" + "\n".join(items) + "\\end{thebibliography}\n"
    control = ["REVTEX42Control", "apsrev42Control"] if style.bst.startswith("apsrev") and style.titles else []
    keys = dict.fromkeys(
        re.findall(r"[\w-]+", ",".join(re.findall(r"\\(?:no)?cite\w*(?:\[[^]]*\])*\{([^}]*)\}", source)))
    )
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            *(f"\\citation{{{key}}}" for key in control),
            *(f"\\citation{{{key}}}" for key in keys),
            f"\\bibstyle{{{style.bst}}}",
            r"\bibdata{references}",
        ]
        (Path(folder) / "paper.aux").write_text("\n".join(lines) + "\n")
        (Path(folder) / "references.bib").write_text(_CONTROL * bool(control) + "\n".join(map(bib_entry, references)))
        subprocess.run(["bibtex", "-terse", "paper"], cwd=folder, check=False, stdout=subprocess.DEVNULL)
        return (Path(folder) / "paper.bbl").read_text()


def main() -> None:
    """Write every paper and papers.json."""
    references = [json.loads(line) for line in (HERE / "references.jsonl").read_text().splitlines()]
    (HERE / "references.bib").write_text("\n".join(map(bib_entry, references)))
    papers = {}
    for shift, style in enumerate(STYLES):
        keys = [reference["key"] for reference in references if reference["key"] not in _UNCITED]
        keys = keys[7 * shift % len(keys) :] + keys[: 7 * shift % len(keys)]
        text, sections = body(style, keys)
        made = r"\bibliography{references}" if not style.bst and not style.entry else ""
        made = made or bibliography(style, references, text)
        title = f"A Paper in the Style {style.name}"
        head = (
            f"{style.documentclass}\n{style.preamble}\n\\begin{{document}}\n\\title{{{title}}}\n\\author{{A. Nobody}}\n"
        )
        # acmart wants the abstract before \maketitle; the other classes take it either way.
        path = HERE / f"{style.name}.tex"
        path.write_text(f"{head}\\maketitle\n{text}\n{made}\n\\end{{document}}\n")
        order = re.findall(
            r"\\bibitem\s*(?:\[(?:[^][{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*\]%?\s*)?\{([^}]+)\}", made
        )
        # LaTeXML numbers the entries of a bibliography that it makes itself as the file has them.
        order = order or [reference["key"] for reference in references]
        papers[style.name] = {"title": title, "titles": style.titles, "entries": order, "sections": sections}
    (HERE / "papers.json").write_text(json.dumps(papers, indent=1) + "\n")


if __name__ == "__main__":
    main()
