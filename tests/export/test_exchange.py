"""What the programs that people use make of a thousand hostile papers. Each test skips without its tool."""

import json
import re
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path

import pytest

from pasa_tui.export.formats import render
from pasa_tui.export.record import Record
from pasa_tui.papers import clean_text
from tests.export.hostile import hostile_records

CITE_ALL = "---\nnocite: '@*'\n---\n"


@cache
def records() -> list[Record]:
    found = hostile_records()
    assert len(found) == 1_000
    return found


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(folder: Path, *command: str) -> tuple[str, str]:
    """Run in `folder`; stdout and stderr. The exit status must be 0."""
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    output, errors = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    assert done.returncode == 0, errors[-3000:]
    return output, errors


def write(folder: Path, file: str, name: str, *, latex: bool = False) -> None:
    (folder / file).write_bytes(render(records(), name, latex=latex).encode())


@needs("ris2xml")
def test_bibutils_reads_ris_without_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "papers.ris", "ris")
    output, errors = run(tmp_path, "ris2xml", "papers.ris")
    assert errors.strip() == "ris2xml: Processed 1000 references."
    assert output.count("<mods ") == 1_000


@needs("bib2xml")
def test_bibutils_reads_bibtex_without_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "papers.bib", "bibtex")
    output, errors = run(tmp_path, "bib2xml", "papers.bib")
    assert errors.strip() == "bib2xml: Processed 1000 references."
    assert output.count("<mods ") == 1_000


@needs("biber")
@pytest.mark.parametrize(("name", "latex"), [("bibtex", True), ("biblatex", False)])
def test_biber_finds_nothing_to_say(tmp_path: Path, name: str, latex: bool) -> None:
    write(tmp_path, "papers.bib", name, latex=latex)
    output, _ = run(tmp_path, "biber", "--tool", "--validate-datamodel", "--output-file", "out.bib", "papers.bib")
    assert "Datamodel validation complete" in output
    assert not re.search("WARN|ERROR", output), output[-3000:]
    assert (tmp_path / "out.bib").read_text(encoding="utf-8").count("\n@") + 1 == 1_000


@needs("pandoc")
@pytest.mark.parametrize("name", ["bibtex", "biblatex"])
@pytest.mark.parametrize("latex", [False, True], ids=["utf8", "latex"])
def test_pandoc_reads_it_without_a_warning(tmp_path: Path, name: str, latex: bool) -> None:
    write(tmp_path, "papers.bib", name, latex=latex)
    run(tmp_path, "pandoc", "-f", name, "-t", "csljson", "--fail-if-warnings", "-o", "out.json", "papers.bib")
    assert len(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))) == 1_000


@needs("pandoc")
def test_pandoc_cites_csl_json_without_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "papers.json", "csl-json")
    (tmp_path / "all.md").write_text(CITE_ALL)
    command = ("pandoc", "--citeproc", "--bibliography", "papers.json", "--fail-if-warnings", "-t", "html", "all.md")
    output, errors = run(tmp_path, *command)
    assert errors == "" and output.count('class="csl-entry"') == 1_000
    # No markup but Pandoc's own; it raises characters such as ².
    tags = set(re.findall(r"<(\w+)", output))
    assert tags <= {"div", "span", "a", "em", "sup"}, tags


@needs("pandoc")
def test_pandoc_shows_markdown_as_the_text_it_is(tmp_path: Path) -> None:
    write(tmp_path, "papers.md", "markdown")
    command = ("pandoc", "-f", "gfm+tex_math_dollars", "-t", "json", "--fail-if-warnings", "papers.md")
    output, _ = run(tmp_path, *command)
    [numbered] = json.loads(output)["blocks"]
    items = numbered["c"][1]
    assert numbered["t"] == "OrderedList" and len(items) == 1_000
    for item, record in zip(items, records(), strict=True):
        inlines = item[0]["c"]
        assert inlines[0]["t"] == "Strong"
        assert _squeezed(_text(inlines[0]["c"])) == _squeezed(record.paper.title or "[untitled]")
    kinds = set(re.findall(r'"t":"(\w+)"', output))
    assert kinds <= {
        "OrderedList",
        "BulletList",
        "Plain",
        "Para",
        "Str",
        "Space",
        "Strong",
        "Link",
        "Decimal",
        "Period",
    }


def _text(inlines: list[dict[str, object]]) -> str:
    assert {inline["t"] for inline in inlines} <= {"Str", "Space"}, inlines
    return "".join(str(inline.get("c", " ")) for inline in inlines)


def _squeezed(text: str) -> str:
    return "".join(clean_text(text).split()) or "[untitled]"


def test_citeproc_py_cites_csl_json_without_a_warning() -> None:
    pytest.importorskip("citeproc", reason="not installed: citeproc-py")
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = CiteProcJSON(json.loads(render(records(), "csl-json", latex=False)))
        style = CitationStylesStyle("harvard-cite-them-right", validate=False)
        bibliography = CitationStylesBibliography(style, source, formatter.plain)
        for key in source:
            bibliography.register(Citation([CitationItem(key)]))
        entries = [str(entry) for entry in bibliography.bibliography()]
    assert len(entries) == len(source) == 1_000
