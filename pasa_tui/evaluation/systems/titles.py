"""Papers out of a model's own words: whatever form it lists them in, their titles and arXiv ids. Never fails.

Read in this order: JSON; bulleted, numbered and table lines; lines of prose with quoted titles or links; plain lines.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pasa_tui.models.language.lenient import find_json, without_thoughts
from pasa_tui.papers import clean_text, parse_arxiv_id, title_key

MOST_PAPERS = 200
"""Papers read from one answer: twice the deepest rank that is measured."""
LONGEST_TITLE = 300
"""Characters; of 112,029 papers' titles the longest has 286."""

_LONGEST = 65_536
_LONGEST_LINE = 2_000
_JSON_STARTS = re.compile(r"\[\s{0,50}[{\"'\[]|\{\s{0,50}[\"']")
_MOST_STARTS = 3
_DEEPEST = 6
_TITLES = ("title", "paper_title", "paper", "name", "work")
_IDS = ("arxiv_id", "arxivid", "arxiv", "id", "url", "link", "href")

_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html|format|e-print)/|arxiv\s?:\s?|(?<![\w./-]))"
    r"(\d{4}\.\d{4,5}|[a-z]{2,10}(?:-[a-z]{2,8})?(?:\.[A-Z]{2})?/\d{7})(?!\d)",
    re.I,
)
_MARKER = re.compile(
    r"^(?P<indent>\s*)(?:#{1,6}\s+)?(?:>\s?)?"
    r"(?P<mark>(?:\*\*|__)\d{1,3}[.)](?=[\s*_])|[-*•‣◦–+]|\(?\d{1,3}[.):\]]|\[\d{1,3}\])\s*(?P<rest>.*)$"
)
_LINK = re.compile(r"\[((?:\[[^\[\]]{0,40}\])?[^\[\]]{1,500})\]\((\S{1,500}?)(?:\s+\"[^\"]{0,200}\")?\)")
_ANCHOR = re.compile(r"<a\b[^<>]{0,500}>([^<>]{1,500})</a>", re.I)
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.{1,500}?\S|\S)\1")
_QUOTED = re.compile(r"[“«„]([^“”«»„]{4,400})[”»“]|(?<!\w)\"([^\"]{4,400})\"(?!\w)")
_TAG = re.compile(r"</?[a-z!][^<>]{0,500}>", re.I)
_LABEL = re.compile(
    r"^(?:authors?|years?|date|published|publication|venue|journal|conference|abstract|summary|links?|url|doi|arxiv|"
    r"arxiv id|id|notes?|description|relevance|why|key (?:points?|ideas?|findings?)|contributions?|source)\s*[:\-–—]",
    re.I,
)
_TITLE_LABEL = re.compile(r"^(?:paper\s+)?title\s*[:\-–—]\s*", re.I)
_AFTER_TITLE = re.compile(
    r"\s+[—–]\s*|[—–]\s+|\s+-{1,2}\s+|\s+\|\s+|\s*\((?=[^()]{0,200}(?:\d{4}|et al|arxiv))|\s*\[(?=arxiv|\d{4}\.)|"
    r"[.,;]?\s+by\s+(?=(?:(?!\s[-—–]\s)[^()]){1,80}?(?:\bet al\b|\b(?:19|20)\d\d\b))|"
    r"[.,;]?\s*\barxiv\s?:|\s*https?://|\s+\S{1,40}\s+et al\b|\s+et al\b",
    re.I,
)
_CITED = re.compile(
    r"^(?P<authors>.{1,300}?(?:\b[A-Z]\.|et al\.?|\band\b .{1,60}?|&.{1,60}?)[\s,]*)\((?:19|20)\d\d[a-z]?\)[.,:]?\s+"
    r"(?P<title>.{4,400}?)(?:[.?!](?:\s|$)|$)"
)
_ID_BEFORE = re.compile(r"^\[(?:arxiv\s?:\s?)?[\w./-]{4,30}\]\s*", re.I)
_CHAT = re.compile(
    r"^(?:here\b|sure\b|i\b|i'|these\b|this\b|below\b|note\b|the following|unfortunately|sorry|yes\b|no\b)", re.I
)


@dataclass(frozen=True, slots=True)
class NamedPaper:
    """A paper as a model named it: `title` may be empty where only an arXiv id was given."""

    title: str
    arxiv_id: str | None = None


def read_titles(answer: str) -> list[NamedPaper]:
    """The papers that an answer names, in its order, each once, at most `MOST_PAPERS`. Never raises."""
    text = without_thoughts(answer[:_LONGEST]).replace("\r", "\n")
    listed = _unique(_from_json(text))
    if len(listed) < 2:
        lines = _unique(_from_lines(text))
        if len(lines) > len(listed):
            return lines
    return listed


def _unique(papers: Iterable[NamedPaper]) -> list[NamedPaper]:
    kept: list[NamedPaper] = []
    seen: set[str] = set()
    for paper in papers:
        # Short titles without letters, such as marks of references, name nothing.
        key = title_key(paper.title)
        names = {name for name in (paper.arxiv_id, key) if name}
        if (len(key) < 3 and paper.arxiv_id is None) or names & seen:
            continue
        seen |= names
        kept.append(paper)
        if len(kept) >= MOST_PAPERS:
            break
    return kept


# -- JSON ---------------------------------------------------------------------------------------------------


def _from_json(text: str) -> list[NamedPaper]:
    best: list[NamedPaper] = []
    starts = [match.start() for match in _JSON_STARTS.finditer(text)][:_MOST_STARTS]
    for start in starts:
        papers = list(_of_value(find_json(text[start:]), _DEEPEST))
        if len(papers) > len(best):
            best = papers
        if len(best) > 1:
            break
    return best


def _of_value(value: Any, depth: int) -> Iterator[NamedPaper]:
    """The papers in a list, or in the lists of an object."""
    if depth <= 0:
        return
    if isinstance(value, str):
        yield from _of_text(value)
    elif isinstance(value, list):
        for item in value[: 2 * MOST_PAPERS]:
            yield from _of_value(item, depth - 1)
    elif isinstance(value, Mapping):
        fields = {str(name).lower().replace(" ", "_"): item for name, item in value.items()}
        title = next((fields[name] for name in _TITLES if isinstance(fields.get(name), str)), None)
        arxiv_id = next((found for name in _IDS if (found := _id_in(fields.get(name)))), None)
        if title is not None or arxiv_id:
            yield NamedPaper(_clean(title or ""), arxiv_id or _id_in(title))
            return
        for item in fields.values():
            if isinstance(item, list | Mapping):
                yield from _of_value(item, depth - 1)


def _of_text(text: str) -> Iterator[NamedPaper]:
    arxiv_id = _id_in(text)
    title = _clean(_AFTER_TITLE.split(text, maxsplit=1)[0] if arxiv_id else text)
    if title or arxiv_id:
        yield NamedPaper("" if parse_arxiv_id(title) else title, arxiv_id)


# -- lines --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """A line of a list: how far it is set in, and whether it names a paper, so that what is below describes that."""

    indent: int
    is_paper: bool


def _from_lines(text: str) -> list[NamedPaper]:
    lines = [line[:_LONGEST_LINE].expandtabs(4) for line in text.split("\n") if line.strip()]
    for read in (_listed, _mentioned, _plain):
        if papers := read(lines):
            return papers
    return []


def _listed(lines: list[str]) -> list[NamedPaper]:
    papers: list[NamedPaper] = []
    above: list[_Item] = []
    for line in lines:
        rest, indent = _item_of(line)
        if rest is None:
            # A line of its own below a paper: where it is to be found.
            _add_id(papers, line)
            continue
        while above and above[-1].indent >= indent:
            above.pop()
        bare = _unmarked(rest)
        is_detail = any(item.is_paper for item in above) or (_LABEL.match(bare) is not None and bool(papers))
        if is_detail:
            _add_id(papers, line)
            continue
        title = "" if bare.endswith(":") else _title_in(rest)
        paper = NamedPaper(title, _id_in(rest))
        is_paper = bool(title or paper.arxiv_id)
        if is_paper:
            papers.append(paper)
        above.append(_Item(indent, is_paper))
    return papers


def _item_of(line: str) -> tuple[str | None, int]:
    """What a line of a list says and how far it is set in; None for another line."""
    if line.lstrip().startswith("|"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if all(re.fullmatch(r"[:\-\s]*", cell) for cell in cells) or _is_head(cells):
            return None, 0
        # Of a row the cell that is a title is the first with several words.
        titles = [cell for cell in cells if len(cell.split()) > 2] or [max(cells, key=len)]
        arxiv_id = _id_in(" ".join(cells))
        return titles[0] + (f" arXiv:{arxiv_id}" if arxiv_id else ""), 0
    match = _MARKER.match(line)
    if match is None:
        return None, 0
    mark, rest = match["mark"], match["rest"]
    is_bold = mark == "*" and rest.startswith("*") and not line.lstrip().startswith("* ")
    if mark.startswith(("**", "__")):
        rest = rest.replace(mark[:2], "", 1)
    elif is_bold or (mark == "-" and rest.startswith("--")):
        return None, 0
    return rest, len(match["indent"])


def _is_head(cells: list[str]) -> bool:
    return any(cell.strip("*_ ").lower() in ("title", "paper", "paper title") for cell in cells)


def _mentioned(lines: list[str]) -> list[NamedPaper]:
    """Papers of prose: titles in quotes, or as the text of links to arXiv."""
    papers: list[NamedPaper] = []
    for line in lines:
        for text, url in _LINK.findall(line):
            if arxiv_id := _id_in(url):
                papers.append(NamedPaper(_of_link(text), arxiv_id))
        quoted = [match[1] or match[2] for match in _QUOTED.finditer(_LINK.sub(r"\1", line))]
        papers += [NamedPaper(_clean(title)) for title in quoted if len(title.split()) > 2]
        if not quoted and not _LINK.search(line):
            papers += [NamedPaper(_title_in(line) if len(line.split()) > 3 else "", found) for found in _ids_in(line)]
    return papers


def _plain(lines: list[str]) -> list[NamedPaper]:
    """Lines without any mark, where each is a title."""
    papers = []
    for line in lines:
        text = _unmarked(line)
        is_sentence = text.endswith((".", ":", "!", "?")) or _CHAT.match(text)
        if 2 <= len(text.split()) <= 40 and not is_sentence and not _LABEL.match(text):
            papers.append(NamedPaper(_title_in(line), _id_in(line)))
    return papers


def _add_id(papers: list[NamedPaper], line: str) -> None:
    """Give the last paper the id that stands below it, where it has none."""
    if papers and papers[-1].arxiv_id is None and (arxiv_id := _id_in(line)):
        papers[-1] = NamedPaper(papers[-1].title, arxiv_id)


# -- titles -------------------------------------------------------------------------------------------------


def _title_in(text: str) -> str:
    """The title in a line: what is linked, bold or quoted, else what stands before authors, year and remarks."""
    text = _TITLE_LABEL.sub("", html.unescape(text).strip().lstrip("*_ "), count=1) if _has_label(text) else text
    for match in _LINK.finditer(text):
        if (title := _of_link(match[1])) and len(title_key(title)) > 2 and not _is_mark(title):
            return title
    if anchor := _ANCHOR.search(text):
        return _clean(anchor[1])
    for pattern, group in ((_BOLD, 2), (_QUOTED, 0)):
        match_ = pattern.search(text)
        if match_:
            marked = match_[group] if group else match_[1] or match_[2]
            # A word in quotes within a title is not the title.
            is_whole = pattern is _BOLD or match_.start() == 0 or len(marked.split()) > 2
            if is_whole and not marked.rstrip().endswith(":") and len(title_key(marked)) > 2:
                return _clean(_TITLE_LABEL.sub("", marked))
    if cited := _CITED.match(text):
        return _clean(cited["title"])
    text = _ID_BEFORE.sub("", _LINK.sub("", text).strip())
    title = _clean(_AFTER_TITLE.split(text, maxsplit=1)[0])
    return "" if parse_arxiv_id(title) or title.lower().startswith(("http:", "https:")) else title


def _has_label(text: str) -> bool:
    return _TITLE_LABEL.match(text.strip().lstrip("*_ ")) is not None


def _of_link(text: str) -> str:
    title = _clean(_ID_BEFORE.sub("", text))
    return "" if parse_arxiv_id(title) or _is_mark(title) else title


def _is_mark(text: str) -> bool:
    """Whether the text of a link only points: a number, a host, "arXiv", "PDF", "link"."""
    lowered = text.lower()
    return (
        bool(re.fullmatch(r"[\W\d]*", text))
        or lowered in ("arxiv", "pdf", "link", "paper", "here", "abs", "html", "source", "doi")
        or bool(re.fullmatch(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:/\S*)?", lowered))
        or lowered.startswith(("arxiv:", "arxiv.org"))
    )


def _unmarked(text: str) -> str:
    return clean_text(_TAG.sub("", html.unescape(text))).replace("**", "").replace("__", "").strip("*_` ")


def _clean(text: str) -> str:
    """A title as plain text: no markup, no control characters, no quotes or stop around it."""
    text = html.unescape(text[: 4 * LONGEST_TITLE])
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub("", text)
    if _TAG.search(text):
        # What is left when a tag goes was a tag in turn, which no title holds.
        text = re.sub("[<>]", "", text)
    text = re.sub(r"\*\*|__|`", "", text)
    text = clean_text(text)[:LONGEST_TITLE]
    return clean_text(text.strip(" \t\"'“”«»„‘’*_|,;").rstrip(".").strip(" \"'“”*_,;"))


def _id_in(value: Any) -> str | None:
    return next(_ids_in(value), None) if isinstance(value, str) else None


def _ids_in(text: str) -> Iterator[str]:
    for match in _ARXIV.finditer(text[:_LONGEST_LINE]):
        if arxiv_id := parse_arxiv_id(match[1]):
            yield arxiv_id
