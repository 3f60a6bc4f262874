"""What one entry of a bibliography says: title, authors, year, arXiv id, DOI.

The typesetting is trusted before the wording: what LaTeXML marked as title or author, then the blocks that
BibTeX styles write (`\\newblock`), then quotation marks and slanted type where a title must stand, and only then the
punctuation of the sentence.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from pasa_tui.papers import Citation, clean_text
from pasa_tui.sources.authors import UPPER, author_names, looks_like_names, name_list
from pasa_tui.sources.identifiers import (
    DATE,
    EARLY_DATE,
    LATE_DATE,
    ONLY_DATE,
    identifiers,
    publication_year,
)
from pasa_tui.sources.venues import GENRE, JOURNAL, NO_TITLE, SHORT_OF_TITLE, VENUE

_MAX_ENTRY = 50_000
_MAX_REST = 2_000
_TRIES = 6
_BARE_DATE = re.compile(rf"\s{DATE}\s+(?=[“‘\"{UPPER}])")
_BREAK = re.compile(r"(?P<mark>[.?!…])[”’'\")\]]*\s+(?=(?P<next>\S))")
_ABBREVIATION = re.compile(
    rf"(?:\b(?:vs|e\.g|i\.e|etc|cf|al|approx|Dr|Mr|Mrs|Ms|St|No|Vol|Fig|Eq|Sec|Prof|ca|resp|Inc|Ltd|Co|viz)|\b[{UPPER}])$"
)
_CORPORATE = re.compile(
    rf"[\w&’'-]{{1,50}}(?:[.\s][\w&’'-]{{1,50}}){{0,5}}?(?:[.]\s+(?=\S)|,\s+(?=[“{UPPER}]))|[{UPPER}]\w+,\s+(?=in\s)"
    rf"|[^.:“\"]{{1,60}}?,[^.:“\"]{{1,400}}?\.\s+(?=[{UPPER}])"
)
_LINK = re.compile(r"https?://|www\.|arXiv\s*:|doi\s*:|URL\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """Typesetting of the characters from `start` to `end` (exclusive) of an entry's text.

    "title", "author" and "year" are what LaTeXML says of bibliographies that it made itself; a "link" has its
    address in `href`.
    """

    start: int
    end: int
    kind: Literal["italic", "bold", "link", "title", "author", "year"]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as plain text on one line, what is marked in it, and where its blocks begin.

    `blocks` are offsets into `text`, ascending from 0; `label` is what stands in front of the entry, such as
    "[12]" or "Okafor et al. (2019)".
    """

    text: str
    marks: tuple[Mark, ...] = ()
    blocks: tuple[int, ...] = (0,)
    label: str = ""


def parse_entry(entry: Entry) -> Citation:
    """Read one entry of a bibliography; what it does not say stays empty. Never raises.

    Entries that give no title, as physicists write them, get the title "". Only the first 50,000 characters count: some
    papers have three thousand authors.
    """
    text = entry.text[:_MAX_ENTRY]
    for twice, once in (("‘‘", " “"), ("``", " “"), ("’’", "” "), ("''", "” ")):
        text = text.replace(twice, once)
    marks = tuple(mark for mark in entry.marks if mark.end <= len(text))
    blocks = tuple(start for start in entry.blocks if start < len(text)) or (0,)
    marked = {mark.kind: (mark.start, mark.end) for mark in reversed(marks)}
    reader = _Reader(text, marks, blocks)
    if "title" in marked:
        start, end = marked["title"]
        author = marked.get("author", (0, 0))
        authors = author_names(text[author[0] : author[1]])
    else:
        author_end, start, end = reader.title()
        authors = author_names(text[:author_end])
    arxiv_id, doi = identifiers(text, [mark.href for mark in marks if mark.kind == "link"])
    title = clean_text(_unwrap(text[start:end]))
    title = title if any(char.isalpha() for char in title) else ""
    year = publication_year(text, marked.get("year"), (start, end), entry.label)
    return Citation(title=title, authors=authors, year=year, arxiv_id=arxiv_id, doi=doi)


class _Reader:
    """Finds the title in the text of one entry."""

    def __init__(self, text: str, marks: tuple[Mark, ...], blocks: tuple[int, ...]) -> None:
        self.text = text
        self.marks = marks
        ends = (*blocks[1:], len(text))
        spans = zip(blocks, ends, strict=True)
        # A date of its own says nothing of where the title is.
        self.blocks = [(a, b) for a, b in spans if not ONLY_DATE.fullmatch(text[a:b].strip(" .,;"))]

    def title(self) -> tuple[int, int, int]:
        """Where the authors end, and where the title starts and ends."""
        if not self.blocks:
            return 0, 0, 0
        first, end = self.blocks[0]
        if len(self.blocks) == 1:
            authors, start, comma = self.authors(first, end, alone=True)
            return authors, *self.within(start, end, comma=comma)
        second, second_end = self.blocks[1]
        venue_next = self.is_venue(second, second_end)
        authors, start, comma = self.authors(first, end, alone=venue_next)
        rest = self.text[start:end].strip(" .,;:")
        named = authors > first
        own = (
            venue_next
            or ":" in self.text[authors:start]
            or self.quoted(start)
            or self.italic(start)
            or not looks_like_names(rest)
        )
        if named and _says_more(rest) and own:
            return authors, *self.within(start, end, comma=comma)
        if not named and venue_next:
            return first, *self.within(first, end, whole=True)
        date = LATE_DATE.search(self.text[first:end])
        # The point before a date may be an initial's.
        return first + date.start() + 1 if date else end, *self.within(second, second_end, whole=len(self.blocks) > 2)

    def is_venue(self, start: int, end: int) -> bool:
        """Whether a block can be no title."""
        body = self.text[start:end].strip()
        slanted = self.italic(start)
        whole = bool(slanted and slanted.end >= start + len(body.rstrip(" .,")))
        return not whole and bool(VENUE.match(body) or slanted or ONLY_DATE.fullmatch(body))

    def authors(self, start: int, end: int, *, alone: bool) -> tuple[int, int, bool]:
        """Where the names end, where what follows them starts, and whether only a comma stands between.

        `alone` where the title must stand in the same block.
        """
        text = self.text
        found, names_end = name_list(text[start:end])
        at = start + names_end
        quote = self.quotation(start, end, at if found else None)
        if found and (bare := _BARE_DATE.match(text, at, end)):
            return at, bare.end(), False
        dates = EARLY_DATE.finditer(text, max(at - 1, start), end if quote is None else quote + 1)
        for date in islice(dates, _TRIES):
            more = (found and date.start() <= at + 2) or _says_more(text[date.end() : end])
            if more and looks_like_names(text[start : date.start()]):
                return max(at, date.start()), date.end(), date[0].rstrip().endswith(",")
        if quote is not None:
            return quote, quote, False
        colon = re.compile(rf".{{2,600}}?\b[{UPPER}]\.(?=:\s)").match(text, start, end)
        if colon and colon.end() > at and looks_like_names(colon[0]):
            return colon.end(), colon.end() + 1, False
        if found:
            after = re.compile(r"[\s.,:;–—]*").match(text, at, end)
            stop = after.end() if after else at
            return at, stop, "," in text[at:stop]
        corporate = _CORPORATE.match(text, start, end)
        if corporate and alone and looks_like_names(corporate[0].rstrip(" .,")):
            follows = text[corporate.end() : end]
            if _says_more(follows) and (follows.startswith("in ") or not VENUE.match(follows)):
                return corporate.end(), corporate.end(), corporate[0].rstrip().endswith(",")
        return start, start, False

    def quotation(self, start: int, end: int, names_end: int | None) -> int | None:
        """Where a quoted title starts, no other words standing between it and the names."""
        for found in islice(re.compile(r'[“"„«‘]').finditer(self.text, start, end), _TRIES):
            between = self.text[names_end : found.start()] if names_end is not None else ""
            if between.startswith(".") and any(char.isalpha() for char in between):
                return None
            if self.quoted(found.start(), loosely=not any(char.isalpha() for char in between)):
                return found.start()
        return None

    def within(self, start: int, end: int, *, comma: bool = False, whole: bool = False) -> tuple[int, int]:
        """The title that starts at `start`; `whole` where nothing but it should stand before `end`."""
        text = self.text
        while start < end and text[start] in " .,:;":
            start += 1
        end = min(end, start + _MAX_REST)
        if quote := self.quoted(start):
            return start, quote
        if self.untitled(start, end):
            return start, start
        for mark in self.marks:
            if mark.kind in ("italic", "link") and abs(mark.start - start) <= 1 and mark.end <= end:
                follows = text[mark.end : end].lstrip("”’' ")
                is_name = mark.kind == "link" and _LINK.match(text, mark.start)
                if (not follows or follows[0] in ".,:;(?![") and not is_name and mark.end - mark.start > 3:
                    volume = re.match(r"[,.]?\s*(?:vol\w*\.?\s*|\()?\d|[.,\s]*$", follows)
                    bold = any(m.kind == "bold" and m.start >= mark.end for m in self.marks)
                    is_venue = (
                        mark.kind == "italic"
                        and volume
                        and (bold or (VENUE.match(text, mark.start) and text[mark.start : mark.start + 3] != "In "))
                    )
                    return (start, start) if is_venue else (start, mark.end)
        cut = self.cut(start, end, comma=comma, whole=whole)
        if date := LATE_DATE.search(text[start:cut]):
            cut = start + date.start()
        return start, cut

    def untitled(self, start: int, end: int) -> bool:
        """Whether a journal and its volume follow the names at once."""
        if NO_TITLE.match(self.text, start, end):
            return True
        if link := _LINK.search(self.text, start, end):
            end = link.start()
        if match := re.compile(r"[^,]{2,60}?,?\s(?=\d)").match(self.text, start, end):
            bold = any(m.kind == "bold" and m.start == match.end() for m in self.marks)
            plain = re.compile(r"\d+\w?\s*[,(:]\s*\w?\d+[^,]{0,12}(?:\(\d{4}|[,.\s]*$)").match(
                self.text, match.end(), end
            )
            *abbreviated, _ = re.split(r"\.\s+", match[0].rstrip(" ,"))
            journal = JOURNAL.fullmatch(match[0].rstrip(" ,")) and not any(" " in piece for piece in abbreviated)
            return bool((bold or plain) and journal)
        return False

    def cut(self, start: int, end: int, *, comma: bool, whole: bool) -> int:
        """Where the title ends, by its punctuation."""
        text = self.text
        link = _LINK.search(text, start + 1, end)
        stop = min([end, *(m.start for m in self.marks if m.kind in ("italic", "bold") and m.start > start + 3)])
        stop = min(stop, link.start()) if link else stop
        breaks = []
        for found in _BREAK.finditer(text, start, end):
            venue = bool(VENUE.match(text, found.end())) or found.end() == stop or bool(self.italic(found.end()))
            before, following = text[max(start, found.start() - 12) : found.start()], found["next"]
            abbreviated = found["mark"] == "." and _ABBREVIATION.search(before)
            begins = following.isupper() or following.isdigit() or following in '“"[(‘'
            if venue or (begins and not abbreviated):
                breaks.append((found.start() + 1, found["mark"], venue))
        ends = [place for place, _, venue in breaks if venue]
        if genre := GENRE.search(text, start, end):
            ends.append(genre.start())
        if not whole:
            ends += [place for place, mark, _ in breaks if mark == "."]
        for found in re.compile(r",\s+").finditer(text, start, end):
            slanted = self.italic(found.end())
            short = SHORT_OF_TITLE.match(text, found.end()) or (comma and VENUE.match(text, found.end()))
            if short or (slanted and slanted.end - slanted.start > 2):
                ends.append(found.start())
        if ends:
            return min(*ends, link.start() if link else end)
        if not whole and breaks and re.search(r"[\d,]", text[breaks[0][0] : end]):
            return breaks[0][0]
        return stop if start < stop and (not whole or (link and stop == link.start())) else end

    def italic(self, at: int) -> Mark | None:
        """The slanted type that starts at `at`, give or take a space or a quotation mark."""
        return next((m for m in self.marks if m.kind == "italic" and 0 <= m.start - at <= 1), None)

    def quoted(self, start: int, *, loosely: bool = True) -> int:
        """Where the quotation that starts at `start` closes, or 0 where none does or it is a part of the title.

        `loosely` lets the venue follow without a point or comma.
        """
        closing = {"“": "”", '"': '"', "„": "“", "«": "»", "‘": "’"}.get(self.text[start : start + 1])
        if closing is None:
            return 0
        for found in islice(re.compile(re.escape(closing)).finditer(self.text, start + 2), _TRIES):
            inside, after = self.text[found.start() - 1], self.text[found.end() :].lstrip()[:1]
            opened = self.text.count("“", start, found.start()) - self.text.count("”", start, found.start())
            if closing == "’" and self.text[found.end() : found.end() + 1].isalnum():
                continue
            venue = loosely and VENUE.match(self.text[found.end() :].lstrip())
            if (
                inside in ",."
                or (opened <= 1 and venue)
                or (opened <= 1 and (inside in "?!" or after in ("", *",.;([")))
            ):
                return found.end() if after != ":" else 0
        return 0


def _says_more(text: str) -> bool:
    """Whether a title could still follow: words that are no link, date, volume or pages."""
    return len(re.findall(r"[^\W\d_]{2,}", _LINK.split(text)[0])) > 1 and not re.match(r"(?:pp?\.|vol)", text)


def _unwrap(title: str) -> str:
    """A title without the quotation marks around it and the point or comma after it."""
    title = title.strip(" ,;:").removesuffix("(").rstrip(" ,;:")
    pair = title[:1] + title[-1:]
    if pair in ("“”", '""', "„“", "«»", "‘’") and (pair == "‘’" or title.count(pair[1]) <= 1 + (pair == '""')):
        title = title[1:-1]
    title = title.strip(" ,;:")
    return title[:-1].rstrip(" ,;:") if title.endswith(".") and not title.endswith("...") else title
