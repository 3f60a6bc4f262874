"""The arXiv API: Atom feeds for searches and for lists of ids."""

import re
import textwrap
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha1
from xml.sax.saxutils import escape, quoteattr

from tests.services.literature import WORD, Literature, Work
from tests.services.messages import Call, Reply, text_reply, whole

Test = Callable[[Work], int]
"""How well a work answers a query; 0 where it does not."""

_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z][a-z-]*(?:\.[A-Z]{2})?/\d{7})(?:v(\d+))?")
_TOKEN = re.compile(r'\s+|(?:(\w+):)?(?:"([^"]*)"|\[([^\]]*)\]|([()])|([^\s()"\[\]]+))')
_PAGE = 2000


class QueryError(Exception):
    """A search_query that nobody can read."""


@lru_cache(200_000)
def _spaced(text: str) -> str:
    return f" {' '.join(WORD.findall(text.lower()))} "


def _fields(work: Work) -> dict[str, tuple[str, int]]:
    """The texts of a work that can be searched, and what a hit in each weighs."""
    return {
        "ti": (work.title, 2),
        "abs": (work.abstract, 1),
        "au": (" ".join(work.authors), 1),
        "cat": (work.category, 1),
        "jr": (work.venue or "", 1),
        "id": (work.arxiv_id or "", 1),
    }


def _matches(field: str, text: str) -> Test:
    wanted = _spaced(text)
    if wanted.isspace():
        raise QueryError("an empty term")

    def test(work: Work) -> int:
        fields = _fields(work)
        searched = list(fields.values()) if field == "all" else [fields[field]]
        return sum(weight for value, weight in searched if wanted in _spaced(value))

    if field != "all" and field not in ("ti", "abs", "au", "cat", "jr", "id"):
        raise QueryError(f"unknown field {field}")
    return test


def _submitted(span: str) -> Test:
    try:
        start, end = (datetime.strptime(part.strip()[:8], "%Y%m%d").date() for part in span.split(" TO "))
    except ValueError:
        raise QueryError("a date range that is none") from None
    return lambda work: int(start <= work.date <= end)


def _either(left: Test, right: Test) -> Test:
    return lambda work: left(work) + right(work)


def _both(left: Test, right: Test) -> Test:
    return lambda work: left(work) + right(work) if left(work) and right(work) else 0


def _without(left: Test, right: Test) -> Test:
    return lambda work: 0 if right(work) else left(work)


_OPERATORS = {"OR": _either, "AND": _both, "ANDNOT": _without}


class _Parser:
    """Reads a search_query from left to right, all operators binding alike, as arXiv's examples suppose."""

    def __init__(self, query: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(query):
            found = _TOKEN.match(query, position)
            if not found:
                raise QueryError("a stray character")
            position = found.end()
            field, phrase, span, bracket, word = found.groups()
            if bracket:
                self.tokens.append((bracket, field or ""))
            elif word in _OPERATORS and not field:
                self.tokens.append(("operator", word))
            elif span is not None:
                self.tokens.append(("submittedDate", span))
            elif phrase is not None or word:
                self.tokens.append((field or "", phrase if phrase is not None else word))

    def parse(self) -> Test:
        """The whole query."""
        test = self._terms("all")
        if self.tokens:
            raise QueryError("a closing bracket too many")
        return test

    def _terms(self, field: str) -> Test:
        test = self._term(field)
        while self.tokens and self.tokens[0][0] != ")":
            # Words that merely stand side by side are alternatives.
            operator = self.tokens.pop(0)[1] if self.tokens[0][0] == "operator" else "OR"
            test = _OPERATORS[operator](test, self._term(field))
        return test

    def _term(self, field: str) -> Test:
        if not self.tokens:
            raise QueryError("a term is missing")
        kind, text = self.tokens.pop(0)
        if kind == "(":
            test = self._terms(text or field)
            if not self.tokens:
                raise QueryError("a bracket is not closed")
            self.tokens.pop(0)
            return test
        if kind in (")", "operator"):
            raise QueryError("a term is missing")
        return _submitted(text) if kind == "submittedDate" else _matches(kind or field, text)


@dataclass(frozen=True, slots=True)
class ArXiv:
    """export.arxiv.org/api over a literature."""

    literature: Literature

    def kind(self, call: Call) -> str:
        """Whether it is a list of ids or a search."""
        if call.path != "/query":
            return "unknown"
        return "ids" if call.query.get("id_list") else "search"

    def authorised(self, call: Call, key: str) -> bool:
        """ArXiv knows no keys."""
        return True

    def unauthorised(self) -> Reply:
        """What arXiv says to clients that it has shut out."""
        return text_reply(403, "<html><body><h1>Access Denied</h1></body></html>", "text/html")

    def too_many(self) -> Reply:
        """The bare line of text that arXiv throttles with."""
        return text_reply(429, "Rate exceeded.", "text/plain")

    def answer(self, call: Call) -> Reply:
        """A feed; for what cannot be read, a feed with one entry titled "Error" and status 400."""
        if call.path != "/query":
            return text_reply(404, "<html><body><h1>Not Found</h1></body></html>", "text/html")
        query = {**call.query}
        if call.method == "POST":
            return text_reply(405, "Method Not Allowed", "text/plain")
        start, most = whole(query.get("start"), 0), whole(query.get("max_results"), 10)
        if start is None:
            return self._error(query, "start must be an integer")
        if most is None:
            return self._error(query, "max_results must be an integer")
        ids = [part.strip() for part in query.get("id_list", "").split(",") if part.strip()]
        if malformed := [part for part in ids if not _ID.fullmatch(part)]:
            return self._error(query, f"incorrect id format for {malformed[0]}")
        try:
            found = self._found(query, ids)
        except QueryError as error:
            return self._error(query, f"malformed search_query: {error}")
        page = found[start : start + min(most, _PAGE)]
        entries = "".join(_entry(work, version) for work, version in page)
        return self._feed(200, query, len(found), start, most, entries)

    def _found(self, query: dict[str, str], ids: list[str]) -> list[tuple[Work, int]]:
        """The works asked for, each with its version; ids that arXiv does not know are left out."""
        found = [(work, work.versions) for work in self.literature.by_arxiv.values()]
        if ids:
            found = []
            for arxiv_id, version in (_ID.fullmatch(part).groups() for part in ids):  # type: ignore[union-attr]
                work = self.literature.by_arxiv.get(arxiv_id)
                if work and int(version or 1) <= work.versions:
                    found.append((work, int(version or work.versions)))
        scores: dict[int, int] = {}
        if text := query.get("search_query", "").strip():
            test = _Parser(text).parse()
            scores = {work.number: test(work) for work, _ in found}
            found = [(work, version) for work, version in found if scores[work.number]]
        elif not ids:
            return []
        found.sort(key=lambda pair: pair[0].date, reverse=query.get("sortOrder") != "ascending")
        if query.get("sortBy") == "lastUpdatedDate":
            found.sort(key=lambda pair: _updated(*pair), reverse=query.get("sortOrder") != "ascending")
        elif scores and query.get("sortBy") != "submittedDate":
            found.sort(key=lambda pair: scores[pair[0].number], reverse=query.get("sortOrder") != "ascending")
        return found

    def _error(self, query: dict[str, str], message: str) -> Reply:
        address = f"https://arxiv.org/api/errors#{message.replace(' ', '_')}"
        entry = f"""
  <entry>
    <id>{escape(address)}</id>
    <title>Error</title>
    <updated>2026-01-01T00:00:00Z</updated>
    <link href={quoteattr(address)} rel="alternate" type="text/html"/>
    <summary>{escape(message)}</summary>
    <author>
      <name>arXiv api core</name>
    </author>
  </entry>"""
        return self._feed(400, query, 1, 0, 1, entry)

    def _feed(self, status: int, query: dict[str, str], total: int, start: int, most: int, entries: str) -> Reply:
        asked = "&".join(
            f"{name}={query.get(name, default)}"
            for name, default in (("search_query", ""), ("id_list", ""), ("start", "0"), ("max_results", "10"))
        )
        digest = urlsafe_b64encode(sha1(asked.encode()).digest()).decode().rstrip("=")
        feed = f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/{digest}</id>
  <title>arXiv Query: {escape(asked)}</title>
  <updated>2026-01-01T00:00:00Z</updated>
  <link href={quoteattr("https://arxiv.org/api/query?" + asked)} type="application/atom+xml"/>
  <opensearch:itemsPerPage>{most}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>{entries}
</feed>
"""
        return text_reply(status, feed, "application/atom+xml")


def _updated(work: Work, version: int) -> date:
    return work.date + timedelta(days=20 * (version - 1))


def _wrapped(text: str, width: int) -> str:
    return escape("\n  ".join(textwrap.wrap(text, width, break_on_hyphens=False)))


def _entry(work: Work, version: int) -> str:
    arxiv_id = f"{work.arxiv_id}v{version}"
    lines = [
        f"<id>http://arxiv.org/abs/{arxiv_id}</id>",
        f"<title>{_wrapped(work.title, 40)}</title>",
        f"<updated>{_updated(work, version)}T17:02:11Z</updated>",
        f'<link href="https://arxiv.org/abs/{arxiv_id}" rel="alternate" type="text/html"/>',
        f'<link href="https://arxiv.org/pdf/{arxiv_id}" rel="related" type="application/pdf" title="pdf"/>',
        f"<summary>{_wrapped(work.abstract, 76)}</summary>",
        f'<category term="{work.category}" scheme="http://arxiv.org/schemas/atom"/>',
        f"<published>{work.date}T09:30:00Z</published>",
    ]
    if work.withdrawn or work.number % 3 == 0:
        comment = "This paper has been withdrawn" if work.withdrawn else f"{8 + work.number % 20} pages, 4 figures"
        lines.append(f"<arxiv:comment>{comment}</arxiv:comment>")
    lines.append(f'<arxiv:primary_category term="{work.category}"/>')
    if work.venue:
        lines.append(f"<arxiv:journal_ref>{escape(work.venue)} ({work.date.year})</arxiv:journal_ref>")
    lines += [f"<author>\n      <name>{escape(name)}</name>\n    </author>" for name in work.authors]
    if work.doi:
        lines.append(f"<arxiv:doi>{escape(work.doi)}</arxiv:doi>")
        lines.append(f'<link rel="related" href="https://doi.org/{work.doi}" title="doi"/>')
    return "\n  <entry>\n    " + "\n    ".join(lines) + "\n  </entry>"
