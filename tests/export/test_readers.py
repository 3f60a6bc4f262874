"""What biber, bibtex with pdflatex, and Pandoc make of the nasty collection. Each test skips without its tool."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pasa_tui.export.bibtex import to_bibtex
from pasa_tui.export.keys import citation_keys
from pasa_tui.papers import Paper, clean_text
from tests.export.nasty import MATH, nasty_papers

DOCUMENT = r"""\documentclass{article}
\usepackage{amsfonts}%s
\begin{document}\nocite{*}\bibliographystyle{%s}\bibliography{papers}\end{document}
"""
MODES = pytest.mark.parametrize("latex", [False, True], ids=["utf8", "latex"])


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(folder: Path, *command: str) -> str:
    """Run in `folder`; the output, stdout and stderr together. The exit status must be 0."""
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, output[-3000:]
    return output


def write(folder: Path, papers: list[Paper], *, latex: bool) -> Path:
    path = folder / "papers.bib"
    path.write_text(to_bibtex(papers, latex=latex), encoding="utf-8")
    return path


@needs("biber")
@MODES
def test_biber_finds_nothing_to_say(tmp_path: Path, latex: bool) -> None:
    papers = nasty_papers() + MATH
    write(tmp_path, papers, latex=latex)
    output = run(tmp_path, "biber", "--tool", "--validate-datamodel", "--output-file", "out.bib", "papers.bib")
    assert "Datamodel validation complete" in output
    assert not re.search("WARN|ERROR", output), output
    assert (tmp_path / "out.bib").read_text(encoding="utf-8").count("\n@") + 1 == len(papers)


@needs("bibtex", "pdflatex")
@pytest.mark.parametrize(
    ("latex", "style", "encoding"),
    [
        (True, "plain", ""),
        (True, "abbrv", r"\usepackage[T1]{fontenc}"),
        (True, "alpha", ""),
        (False, "plain", r"\usepackage[T1]{fontenc}"),
    ],
)
def test_bibtex_and_pdflatex_typeset_it(tmp_path: Path, latex: bool, style: str, encoding: str) -> None:
    papers = nasty_papers() + MATH
    if not latex:
        papers = [paper for paper in papers if _is_western(paper)]
        assert len(papers) > 30
    write(tmp_path, papers, latex=latex)
    (tmp_path / "main.tex").write_text(DOCUMENT % (encoding, style))
    pdflatex = ("pdflatex", "-draftmode", "-recorder", "-interaction=nonstopmode", "-halt-on-error", "main.tex")
    run(tmp_path, *pdflatex)
    output = run(tmp_path, "bibtex", "main")
    assert not re.search("warning|error", output, re.IGNORECASE), output
    run(tmp_path, *pdflatex)
    assert (tmp_path / "main.bbl").read_text(encoding="utf-8").count(r"\bibitem") == len(papers)
    log = (tmp_path / "main.log").read_text(encoding="utf-8", errors="replace")
    assert "LaTeX Warning" not in log.replace("LaTeX Warning: Label(s) may have changed", "")
    # What TeX read, and what it wrote: nothing that a title asked for.
    files = (tmp_path / "main.fls").read_text(encoding="utf-8")
    assert "passwd" not in files and "secret" not in files
    assert {path.suffix for path in tmp_path.iterdir()} <= {".aux", ".bbl", ".bib", ".blg", ".fls", ".log", ".tex"}


def _is_western(paper: Paper) -> bool:
    """Whether pdflatex's fonts hold every character that standard styles print of this paper."""
    text = paper.title + "".join(paper.authors) + (paper.venue or "")
    return all(ord(char) < 0x180 or char in "–—“”‘’…" for char in clean_text(text))


@needs("pandoc")
@pytest.mark.parametrize("target", ["csljson", "biblatex"])
@MODES
def test_pandoc_finds_nothing_to_say(tmp_path: Path, latex: bool, target: str) -> None:
    write(tmp_path, nasty_papers() + MATH, latex=latex)
    command = ("pandoc", "-f", "bibtex", "-t", target, "--fail-if-warnings", "-o", "out", "papers.bib")
    assert run(tmp_path, *command) == ""


@needs("pandoc")
def test_pandoc_reads_back_what_was_written(tmp_path: Path) -> None:
    papers = nasty_papers()
    write(tmp_path, papers, latex=False)
    items = json.loads(run(tmp_path, "pandoc", "-f", "bibtex", "-t", "csljson", "papers.bib"))
    read = {item["id"]: item for item in items}
    assert len(read) == len(papers)
    keys = citation_keys(papers)
    for paper in papers:
        item = read[keys[paper.id]]
        assert _folded(item["title"]) == _folded(paper.title)
        assert [_folded(_displayed(name)) for name in item.get("author", [])] == _expected_authors(paper)
        assert _year(item) == _expected_year(paper)
        if paper.abstract and paper.abstract_kind == "abstract":
            assert _folded(item["abstract"]) == _folded(paper.abstract)


def _folded(text: str) -> str:
    """Text up to what Pandoc changes: sentence case, printed quotes and dashes.

    Its reader leaves out \\textbraceleft, which stands for a brace without a partner.
    """
    text = clean_text(text).casefold()
    if text.count("{") != text.count("}") or text.startswith("}"):
        text = clean_text(re.sub("[{}]", "", text))
    for source, printed in (("---", "—"), ("--", "–"), ("``", '"'), ("''", '"'), ("`", "'")):
        text = text.replace(source, printed)
    text = re.sub("[“”]", '"', re.sub("[‘’]", "'", text))
    return re.sub(r"(?<=\.)\s*", "", text).strip()


def _displayed(name: dict[str, str]) -> str:
    order = ("literal", "given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return " ".join(name[part] for part in order if part in name)


def _expected_authors(paper: Paper) -> list[str]:
    authors = paper.authors[:-1] + (("others",) if paper.authors[-1:] == ("others",) else paper.authors[-1:])
    if all(author == "others" for author in authors):
        return []
    turned = {
        "Doe, Jane": "Jane Doe",
        "van der Berg, Jan": "Jan van der Berg",
        "García y Vega, Juan": "Juan García y Vega",
        "Henry Ford, Jr.": "Henry Ford Jr.",
        "King, Jr., Martin Luther": "Martin Luther King Jr.",
        "family=Evil, given=Very": "given=Very family=Evil",
        "O'Brien, Pat": "Pat O'Brien",
        "lower, case": "case lower",
    }
    # Lone braces in names are left out by Pandoc, see `_folded`; names have no others.
    return [
        _folded(re.sub("[{}]", "", turned.get(author, author))) for author in authors if any(map(str.isalnum, author))
    ]


def _year(item: dict[str, Any]) -> int | None:
    return item["issued"]["date-parts"][0][0] if "issued" in item else None


def _expected_year(paper: Paper) -> int | None:
    """The venue's year, for the two venues that have one; else the date's; else the arXiv id's."""
    by_venue = {"ICLR 2023": 2023, "Proceedings of the 3rd Workshop on #Hashes_2020": 2020}
    if year := by_venue.get(paper.venue or ""):
        return year
    if paper.date:
        return paper.date.year
    return 2000 + int(paper.arxiv_id[:2]) if paper.arxiv_id else None
