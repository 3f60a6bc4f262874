"""BibTeX and BibLaTeX files as papers, their LaTeX as text."""

import functools
import logging
import re
from datetime import date
from pathlib import Path
from typing import Any

from pasa_tui.errors import ExportError
from pasa_tui.export.names import OTHERS
from pasa_tui.export.references import References, day_of, names_arxiv, reference
from pasa_tui.papers import Paper

_MONTHS = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
# What LaTeX acts on; text without it is its own meaning.
_LATEX = re.compile(r"[\\{}$~]|--|``|''")
_BRACES = re.compile(r"[{}]")
_TYPOGRAPHY = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))


def read_bibtex(text: str, path: Path) -> References:
    """The papers of a .bib text. An entry whose key stands there before counts as well; broken ones are skipped.

    Raises ExportError, with the line of the first broken entry, where no entry can be read.
    """
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.model import DuplicateBlockKeyBlock, DuplicateFieldKeyBlock, Entry

    # What it finds broken is counted here; its warnings would land on the screen.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    library = parse_string(text)
    result = References()
    broken = []
    for block in library.blocks:
        if isinstance(block, (DuplicateBlockKeyBlock, DuplicateFieldKeyBlock)):
            block = block.ignore_error_block or block
        if isinstance(block, Entry):
            result.keep(_paper({field.key.lower(): str(field.value) for field in reversed(block.fields)}))
        elif block in library.failed_blocks:
            broken.append(block)
    result.skipped += len(broken)
    if not result and text.strip():
        line = f" (line {broken[0].start_line + 1})" if broken and broken[0].start_line is not None else ""
        raise ExportError(f"{path} has no BibTeX entry that can be read{line}.", "An entry begins with @ and its type.")
    return result


def _paper(fields: dict[str, Any]) -> Paper | None:
    def raw(*names: str) -> str:
        return next((value for name in names if (value := fields.get(name, "").strip())), "")

    archive = raw("archiveprefix", "eprinttype").lower()
    place = raw("journal", "journaltitle", "booktitle", "howpublished")
    plain = {name: _BRACES.sub("", raw(name)) for name in ("eprint", "doi", "url")}
    return reference(
        _decoded(raw("title")),
        _authors(raw("author")),
        eprint=plain["eprint"] if archive in ("", "arxiv") else "",
        doi=plain["doi"].replace("\\_", "_"),
        links=[plain["url"], raw("howpublished"), *filter(names_arxiv, (raw("note"), raw("number"), place))],
        day=_day(raw("date"), raw("year"), raw("month"), raw("day")),
        venue=_decoded(place),
        abstract=_decoded(raw("abstract")),
    )


def _day(whole: str, year: str, month: str, day: str) -> date | None:
    if whole:
        return day_of(*whole.split("-"))
    return day_of(year, _MONTHS.get(month[:3].lower(), month), day)


def _authors(text: str) -> list[str]:
    from bibtexparser.middlewares.names import split_multiple_persons_names

    names = [_displayed(name) for name in split_multiple_persons_names(text)] if text else []
    if text and names[-1:] == ["others"]:
        names[-1] = OTHERS
    return names


def _displayed(name: str) -> str:
    """ "von Last, Jr., First" as it is displayed; a name in braces, or one that can't be taken apart, as it stands."""
    from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

    if "," not in name or (name.startswith("{") and name.endswith("}")):
        return _decoded(name)
    try:
        parts = parse_single_name_into_parts(name, strict=False)
    except InvalidNameError:
        return _decoded(name)
    return _decoded(" ".join((*parts.first, *parts.von, *parts.last, *parts.jr)))


@functools.cache
def _decoder() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

    context = get_default_latex_context_db()
    plain = {
        "textbraceleft": "{", "textbraceright": "}", "textasciicircum": "^", "textasciitilde": "~",
        "textless": "<", "textgreater": ">", "ensuremath": "%s",
    }  # fmt: skip
    context.add_context_category("plain", prepend=True, macros=[MacroTextSpec(*pair) for pair in plain.items()])
    return LatexNodes2Text(
        latex_context=context,
        math_mode="verbatim",
        strict_latex_spaces=True,
        keep_comments=True,
        keep_braced_groups=False,
    )


@functools.cache
def _walker_context() -> Any:
    from pylatexenc import latexwalker, macrospec

    context = latexwalker.get_default_latex_context_db()
    context.add_context_category("plain", prepend=True, macros=[macrospec.std_macro("ensuremath", "{")])
    return context


def _decoded(latex: str) -> str:
    """LaTeX as text, formulas as they stand; what can't be understood as LaTeX loses its braces alone."""
    if not _LATEX.search(latex):
        return latex
    if not re.search(r"[\\$~]", latex):
        text = _BRACES.sub("", latex)
    else:
        from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

        # A bare percent sign is no comment to BibTeX.
        source = re.sub(r"(?<!\\)%", r"\\%", latex)
        try:
            nodes, _, _ = LatexWalker(source, latex_context=_walker_context(), tolerant_parsing=True).get_latex_nodes()
            text = _decoder().nodelist_to_text(nodes)
        except (LatexWalkerError, RecursionError, ValueError, IndexError):
            text = _BRACES.sub("", latex)
    for source, printed in _TYPOGRAPHY:
        text = text.replace(source, printed)
    return text
