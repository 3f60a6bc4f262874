"""Papers in the HTML that LaTeXML makes, as ar5iv and arXiv serve it: sections, what they cite, the bibliography.

The class names are those of LaTeXML's own schema (https://math.nist.gov/~BMiller/LaTeXML/manual/schema/).
"""

import io
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree, html

from pasa_tui.papers import Citation, Section, clean_text
from pasa_tui.sources.bibliography import Entry, Mark, parse_entry

_SECTIONS = frozenset(
    f"ltx_{name}" for name in ("part", "chapter", "section", "subsection", "subsubsection", "appendix", "abstract")
) | {"ltx_acknowledgements"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_HIDDEN = frozenset({"ltx_note", "ltx_ERROR", "ltx_bib_cited", "ltx_role_refnum", "ltx_tag_bibitem", "ltx_tag_note"})
_HIDDEN_TAGS = frozenset({"annotation", "annotation-xml", "script", "style", "button", "svg"})
_KINDS = (
    ("ltx_bib_title", "title"),
    ("ltx_bib_author", "author"),
    ("ltx_bib_year", "year"),
    ("ltx_font_italic", "italic"),
    ("ltx_font_slanted", "italic"),
    ("ltx_font_bold", "bold"),
)
_MAX_TITLE = 1_000
_MOSTLY, _NAME_WORDS = 0.6, 2
"""The share of entries that make a bibliography's style; the most words of an author who is no person."""
_PATIENCE = 10.0
"""Seconds for the bibliography of a page; a thousand ordinary entries take about one."""


@dataclass(frozen=True, slots=True)
class BibEntry:
    """One entry of the bibliography. `key` is its id in the page ("bib.bib12"), `text` all of it on one line."""

    key: str
    text: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class FullText:
    """A paper as far as its page gives it; all empty where the page is none of LaTeXML's.

    `sections` are those that cite something, in the page's order; a section's name is the path of its titles
    ("Related Work > Dense Retrieval"). `keys[i]` are the keys of the entries that `sections[i]` cites, in order of
    first mention, parallel to `sections[i].citations`.
    """

    title: str = ""
    sections: tuple[Section, ...] = ()
    entries: tuple[BibEntry, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class _OpenSection:
    """A section while the walk is inside it."""

    kind: str
    path: tuple[str, ...]
    title: str = ""
    keys: dict[str, None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return " > ".join(title for title in (*self.path, self.title) if title)


def parse_full_text(page: bytes | str) -> FullText:
    """Read a page of LaTeXML's HTML, the bytes being UTF-8.

    Never raises: what is no such page gives an empty FullText, half a page gives what is there.
    """
    root = _tree(page)
    if root is None:
        return FullText()
    ends = time.monotonic() + _PATIENCE
    read = (_bib_entry(item, ends) for item in _with_class(root, "li", "ltx_bibitem"))
    # Macros in front of the first \bibitem make an empty one.
    entries = _names_before_colons(tuple(entry for entry in read if entry.text))
    citations = {entry.key: entry.citation for entry in reversed(entries) if entry.key}
    headings = _with_class(root, "h1", "ltx_title_document")
    title = next((_heading(heading) for heading in headings), "")
    citing = [section for section in _sections(root, citations) if section.keys]
    sections = tuple(Section(s.name, tuple(citations[key] for key in s.keys)) for s in citing)
    return FullText(title, sections, entries, tuple(tuple(s.keys) for s in citing))


def _tree(page: bytes | str) -> etree._Element | None:
    """The page's elements, or None where there are none. Nothing is fetched and no entity expanded."""
    text = page if isinstance(page, str) else page.decode("utf-8", "replace")
    # libxml2 ends a document at a NUL, and a declaration of another encoding would win over ours.
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.replace("\0", "")).encode("utf-8", "replace")
    if "ltx_" not in text:
        return None
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return html.document_fromstring(source, parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


def _with_class(root: etree._Element, tag: str, name: str) -> Iterator[etree._Element]:
    return (element for element in root.iter(tag) if name in _classes(element))


def _sections(root: etree._Element, citable: dict[str, Citation]) -> list[_OpenSection]:
    """All sections in the page's order, the first being what stands outside of any."""
    found = [_OpenSection("", ())]
    open_sections = [(root, found[0])]
    walk = etree.iterwalk(root, events=("start", "end"), tag=("section", "div", "nav", "ul", "a", *_HEADINGS))
    for event, element in walk:
        if event == "end":
            if element is open_sections[-1][0] and len(open_sections) > 1:
                open_sections.pop()
            continue
        classes, inside = _classes(element), open_sections[-1][1]
        if element.tag == "nav" or "ltx_biblist" in classes:
            walk.skip_subtree()
        elif element.tag == "a":
            key = (element.get("href") or "").rpartition("#")[2]
            if key in citable:
                inside.keys.setdefault(key)
        elif element.tag in _HEADINGS:
            if f"ltx_title_{inside.kind}" in classes and not inside.title:
                inside.title = _heading(element)
        elif kind := next((name for name in classes if name in _SECTIONS), None):
            path = (*inside.path, inside.title) if inside.kind else ()
            section = _OpenSection(kind.removeprefix("ltx_"), path, "Abstract" if kind == "ltx_abstract" else "")
            found.append(section)
            open_sections.append((element, section))
    return found


def _heading(element: etree._Element) -> str:
    """The words of a heading, without its number and its footnotes."""
    return clean_text(_flatten(element, _HIDDEN | {"ltx_tag"}).text[:_MAX_TITLE])


def _bib_entry(item: etree._Element, ends: float) -> BibEntry:
    entry = _flatten(item, _HIDDEN)
    tags = (element for element in item.iter("span") if "ltx_tag_bibitem" in _classes(element))
    label = next((_flatten(tag, frozenset({"ltx_ERROR"})).text for tag in tags), "")
    key = clean_text(item.get("id") or "")
    # Past the time for a page its entries are read as text alone: they can still be recognised by their letters.
    late = time.monotonic() > ends
    citation = Citation() if late else parse_entry(Entry(entry.text, entry.marks, entry.blocks, label))
    return BibEntry(key, clean_text(entry.text), citation)


def _names_before_colons(entries: tuple[BibEntry, ...]) -> tuple[BibEntry, ...]:
    """Entries of one bibliography, in which a word before a colon is an author where that is its style.

    Of a single entry "Word: More words" nobody can tell if the word is part of the title; the others show it.
    """
    titled = [entry for entry in entries if entry.citation.title and entry.citation.authors]
    before = (entry.text.partition(entry.citation.title)[0].rstrip() for entry in titled)
    if sum(text.endswith(":") for text in before) <= _MOSTLY * len(titled):
        return entries
    return tuple(_with_name_before_colon(entry) for entry in entries)


def _with_name_before_colon(entry: BibEntry) -> BibEntry:
    name, colon, title = entry.citation.title.partition(": ")
    if entry.citation.authors or not colon or len(name.split()) > _NAME_WORDS or not entry.text.startswith(name):
        return entry
    return replace(entry, citation=replace(entry.citation, title=title, authors=(name,)))


def _flatten(root: etree._Element, hidden: frozenset[str]) -> Entry:
    """The text below an element on one line with its marks and blocks; elements of the `hidden` classes left out."""
    text = io.StringIO()
    marks: list[tuple[int, int, str, str]] = []
    blocks: list[int] = []
    opened: list[tuple[etree._Element, int, str, str]] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            while opened and opened[-1][0] is element:
                _, start, kind, href = opened.pop()
                marks.append((start, text.tell(), kind, href))
            text.write(element.tail or "" if element is not root else "")
            continue
        classes = _classes(element)
        nested = element is not root and "ltx_bibitem" in classes
        if element.tag == "math" or element.tag in _HIDDEN_TAGS or nested or not hidden.isdisjoint(classes):
            text.write(_math(element) if element.tag == "math" else "")
            walk.skip_subtree()
            continue
        if element.tag == "br" or "ltx_bibblock" in classes:
            text.write(" ")
        if "ltx_bibblock" in classes:
            blocks.append(text.tell())
        opened.extend((element, text.tell(), kind, href) for kind, href in _kinds(element, classes))
        text.write(element.text or "")
    return _on_one_line(text.getvalue(), marks, blocks)


def _kinds(element: etree._Element, classes: list[str]) -> Iterator[tuple[str, str]]:
    """What an element says of its text, as kind and address of a Mark."""
    if element.tag == "a":
        yield "link", element.get("href") or ""
    kinds = {kind for name, kind in _KINDS if name in classes}
    if element.tag in ("em", "i"):
        kinds.add("italic")
    if element.tag in ("b", "strong"):
        kinds.add("bold")
    for kind in sorted(kinds):
        yield kind, ""


def _on_one_line(text: str, marks: list[tuple[int, int, str, str]], blocks: list[int]) -> Entry:
    """Runs of white space become one space; the offsets move along, marks onto their first and last letters."""
    places: list[int] = []
    line: list[str] = []
    for char in text:
        places.append(len(line))
        if not char.isspace():
            line.append(char)
        elif line and line[-1] != " ":
            line.append(" ")
    places.append(len(line))
    single = "".join(line)

    def moved(start: int, end: int) -> tuple[int, int]:
        inner = text[start:end]
        end = start + len(inner.rstrip())
        start = min(start + len(inner) - len(inner.lstrip()), end)
        return places[start], places[end] if end == len(text) or end == start else places[end - 1] + 1

    kept = [Mark(*moved(start, end), kind, href) for start, end, kind, href in marks]  # type: ignore[arg-type]
    starts = sorted({moved(start, len(text))[0] for start in blocks} | {0})
    return Entry(single.rstrip(), tuple(sorted(kept, key=lambda mark: (mark.start, -mark.end))), tuple(starts))


def _math(element: etree._Element) -> str:
    """A formula as letters: the characters of its MathML, else its TeX without the commands' backslashes."""
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start",))
    for _, node in walk:
        if node.tag in _HIDDEN_TAGS:
            walk.skip_subtree()
            continue
        parent = node.getparent()
        if parent is not None and node is not element and parent.tag in ("msub", "msup", "msubsup"):
            # Not `parent.index`: a hostile formula may have a hundred thousand children.
            earlier = node.getprevious()
            place = 0 if earlier is None else 1 if earlier.getprevious() is None else 2
            if place:
                parts.append("^" if parent.tag == "msup" or place == 2 else "_")
        if node.tag in ("mi", "mn", "mo", "mtext", "ms"):
            word = (
                " "
                if (node.text or "").strip() == "\u2061"
                else re.sub(r"[\u2061-\u2064]", "", node.text or "").strip()
            )
            # The name of a function stands apart from the letter before it: n log n.
            parts.append(f" {word}" if len(word) > 1 and word.isalpha() else word)
    # The mathematical alphabets' letters become those that a person would type.
    shown = unicodedata.normalize("NFKC", "".join(parts))
    if shown.strip():
        return shown
    tex = re.sub(r"\\(?:math|text|operator)\w+\s*", "", element.get("alttext") or "")
    return re.sub(r"[\\{}$]", "", tex)
