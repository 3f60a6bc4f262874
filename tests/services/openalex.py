"""OpenAlex: single works, filtered lists, searches, and the daily budget that they are paid from."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from tests.services.literature import Literature, Work, words
from tests.services.messages import Call, Reply, json_reply, text_reply, whole

Record = tuple[Work, bool]
"""A work, and whether its second record is meant."""

_SITE = "https://openalex.org/"
_KINDS = {
    "openalex": "ids",
    "openalex_id": "ids",
    "ids.openalex": "ids",
    "doi": "ids",
    "cites": "citations",
    "cited_by": "references",
    "title.search": "match",
    "display_name.search": "match",
    "default.search": "search",
    "title_and_abstract.search": "search",
}
_DATES = ("from_publication_date", "to_publication_date", "publication_year")
_MOST_VALUES, _MOST_A_PAGE, _LONGEST_LINE, _DOLLARS = 100, 100, 8190, 0.0001


class _Refusal(Exception):
    """Parameters that OpenAlex does not accept."""


@dataclass(slots=True)
class OpenAlex:
    """api.openalex.org over a literature; `budget` is in credits a day, of a hundredth of a cent each."""

    literature: Literature
    budget: int = 10_000
    spent: int = 0

    def kind(self, call: Call) -> str:
        """What is asked for; a list with several filters goes by the dearest or first."""
        if call.path.startswith("/works/"):
            return "work"
        if call.path != "/works":
            return "unknown"
        if "search" in call.query:
            return "search"
        kinds = [_KINDS.get(part.partition(":")[0]) for part in call.query.get("filter", "").split(",")]
        for kind in ("search", "match", "citations", "references", "ids"):
            if kind in kinds:
                return kind
        return "list"

    def authorised(self, call: Call, key: str) -> bool:
        """Whether the query or the header carries the key."""
        return call.query.get("api_key") == key or call.headers.get("authorization") == f"Bearer {key}"

    def unauthorised(self) -> Reply:
        """What a wrong or missing key is told."""
        message = "The API key is missing or not valid. Get one at https://openalex.org/settings/api"
        return json_reply(401, {"error": "Invalid API key", "message": message})

    def too_many(self) -> Reply:
        """What more than a hundred requests a second are told."""
        message = "Rate limit exceeded: 100 requests per second. Please slow down."
        return json_reply(429, {"error": "Rate limit exceeded", "message": message, "retryAfter": 1})

    def answer(self, call: Call) -> Reply:
        """The answer with the headers of the budget, or 429 where the budget does not pay for it."""
        price = self._price(call)
        if price > self.budget - self.spent:
            return self._spent_out(price)
        self.spent += price
        try:
            reply = self._work(call) if call.path.startswith("/works/") else self._list(call, price)
        except _Refusal as refusal:
            reply = json_reply(400, {"error": "Invalid query parameters error.", "message": str(refusal)})
        reply.headers |= {
            **self._standing(),
            "X-RateLimit-Cost-USD": _dollars(price),
            "X-RateLimit-Credits-Used": str(price),
        }
        return reply

    # The budget.

    def _price(self, call: Call) -> int:
        kind = self.kind(call)
        if kind == "work":
            # The address of a DOI is looked up as a list is.
            return 1 if "doi.org/" in call.path else 0
        return 10 if kind in ("search", "match") else 1

    def _standing(self) -> dict[str, str]:
        left = self.budget - self.spent
        return {
            "X-RateLimit-Limit": str(self.budget),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(_to_midnight()),
            "X-RateLimit-Limit-USD": _dollars(self.budget),
            "X-RateLimit-Remaining-USD": _dollars(left),
            "X-RateLimit-Onetime-Remaining": "0",
            "X-RateLimit-Prepaid-Remaining-USD": "0",
        }

    def _spent_out(self, price: int) -> Reply:
        left, wait = self.budget - self.spent, _to_midnight()
        body = {
            "error": "Rate limit exceeded",
            "message": f"Insufficient budget. This request costs ${_dollars(price)} but you only have "
            f"${_dollars(left)} remaining. Resets at midnight UTC. Need more? Add funds at https://openalex.org/pricing",
            "retryAfter": wait,
            "costUsd": price * _DOLLARS,
            "dailyRemainingUsd": left * _DOLLARS,
            "prepaidRemainingUsd": 0,
            "creditsRequired": price,
            "creditsRemaining": left,
            "onetimeCreditsRemaining": 0,
        }
        headers = {
            "Retry-After": str(wait),
            **self._standing(),
            "X-RateLimit-Cost-Required-USD": _dollars(price),
            "X-RateLimit-Credits-Required": str(price),
        }
        return json_reply(429, body, headers)

    # The endpoints.

    def _work(self, call: Call) -> Reply:
        name = call.path.removeprefix("/works/")
        found = self._by_doi(name) if "10." in name else self._by_id(name)
        if not found:
            page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
            return text_reply(404, page, "text/html")
        return json_reply(200, _selected(self._record(found), call))

    def _list(self, call: Call, price: int) -> Reply:
        if call.path != "/works":
            return text_reply(404, "<!doctype html>\n<title>404 Not Found</title>\n", "text/html")
        if len(f"{call.method} {call.target} HTTP/1.1".encode()) > _LONGEST_LINE:
            message = f"Your request URL is over the {_LONGEST_LINE}-byte limit. Split it into smaller requests."
            return json_reply(400, {"error": "Request URL too long", "message": message})
        size = whole(call.query.get("per-page") or call.query.get("per_page"), 25)
        if size is None or not 1 <= size <= _MOST_A_PAGE:
            raise _Refusal(f"per_page parameter must be between 1 and {_MOST_A_PAGE}")
        found = self._found(call)
        cursor = call.query.get("cursor")
        page = whole(call.query.get("page"), 1) or 1
        start = (page - 1) * size
        if cursor:
            after = whole(cursor.removeprefix("after-"), 0)
            if after is None and cursor != "*":
                raise _Refusal("cursor parameter is invalid")
            start = after or 0
        meta: dict[str, Any] = {
            "count": len(found),
            "db_response_time_ms": 7,
            "page": None if cursor else page,
            "per_page": size,
            "groups_count": None,
            "cost_usd": price * _DOLLARS,
        }
        if cursor:
            meta["next_cursor"] = f"after-{start + size}" if found[start : start + size] else None
        records = [_selected(self._record(record), call) for record in found[start : start + size]]
        return json_reply(200, {"meta": meta, "results": records, "group_by": []})

    def _found(self, call: Call) -> list[Record]:
        """The records that pass all filters, in the order of a search or of how often they are cited."""
        records = [(work, False) for work in self.literature.works if work.openalex_known]
        records += [(work, True) for work in self.literature.works if work.openalex_twice]
        tests = [_mentions(call.query["search"], abstracts=True)] if call.query.get("search") else []
        for part in filter(None, call.query.get("filter", "").split(",")):
            name, colon, value = part.partition(":")
            # A comma within a value reads as a filter without a name.
            if not colon or (name not in _KINDS and name not in _DATES):
                raise _Refusal(f"{name} is not a valid field. Valid fields are underscore or hyphenated versions of …")
            if len(value.split("|")) > _MOST_VALUES and not name.endswith(".search"):
                raise _Refusal(
                    f"Maximum number of values exceeded for {name}. Decrease values to {_MOST_VALUES} or below, or "
                    "consider downloading the full dataset at https://developers.openalex.org/download/snapshot-format"
                )
            tests.append(self._test(name, value))
        found = [record for record in records if all(test(record) for test in tests)]
        best = self.literature.search(call.query.get("search", ""), len(self.literature.works))
        places = {work.number: place for place, work in enumerate(best)}
        return sorted(
            found,
            key=lambda record: (places.get(record[0].number, 0), -self._cited(record), record[0].number, record[1]),
        )

    def _test(self, name: str, value: str) -> Callable[[Record], bool]:
        """Whether a record passes one filter."""
        kind = _KINDS.get(name)
        if kind in ("match", "search"):
            return _mentions(value, abstracts=kind == "search")
        if name == "publication_year":
            return lambda record: str(record[0].date.year) in value.split("|")
        if name in _DATES:
            try:
                day = date.fromisoformat(value)
            except ValueError:
                raise _Refusal(f"Value for param {name} must be a date in the format YYYY-MM-DD.") from None
            return lambda record: record[0].date >= day if name.startswith("from") else record[0].date <= day
        if name == "doi":
            wanted = {_bare_doi(part) for part in value.split("|")}
            return lambda record: _doi(record) in wanted
        records = [found for part in value.split("|") if (found := self._by_id(part))]
        if kind == "ids":
            wanted_ids = {(work.number, twin) for work, twin in records}
            return lambda record: (record[0].number, record[1]) in wanted_ids
        numbers = {work.number for work, twin in records if not twin}
        if kind == "citations":
            citing = {other.number for number in numbers for other in self._citations(number)}
            return lambda record: not record[1] and record[0].number in citing
        cited = {other.number for number in numbers for other in self._references(self.literature.by_number[number])}
        return lambda record: not record[1] and record[0].number in cited

    # Records.

    def _by_id(self, name: str) -> Record | None:
        name = name.removeprefix(_SITE).removeprefix("works/").upper()
        work = self.literature.by_openalex.get(name)
        return (work, work.openalex_id != name) if work else None

    def _by_doi(self, name: str) -> Record | None:
        doi = _bare_doi(name)
        work = self.literature.by_doi.get(doi)
        if not work and (found := re.fullmatch(r"10\.48550/arxiv\.(.+)", doi)):
            work = self.literature.by_arxiv.get(found[1])
        return (work, False) if work and work.openalex_known and _doi((work, False)) == doi else None

    def _references(self, work: Work) -> list[Work]:
        return [other for other in self.literature.references(work) if other.openalex_known]

    def _citations(self, number: int) -> list[Work]:
        return self.literature.citations(self.literature.by_number[number])

    def _cited(self, record: Record) -> int:
        return 0 if record[1] else len(self.literature.citations(record[0]))

    def _record(self, record: Record) -> dict[str, Any]:
        """All of a record; the second one of a work has neither DOI nor references."""
        work, twin = record
        name = _SITE + (work.openalex_twin_id if twin else work.openalex_id)
        doi = None if twin or not _doi(record) else f"https://doi.org/{_doi(record)}"
        ids = {"openalex": name} | ({"doi": doi} if doi else {})
        locations = [] if twin else _locations(work)
        return {
            "id": name,
            "doi": doi,
            "title": work.title,
            "display_name": work.title,
            "publication_year": work.date.year,
            "publication_date": work.date.isoformat(),
            "ids": ids,
            "language": "en",
            "primary_location": locations[0] if locations else None,
            "locations": locations,
            "type": "article" if work.venue else "preprint",
            "authorships": [
                {"author_position": _place(place, work), "author": {"display_name": author}, "raw_author_name": author}
                for place, author in enumerate(work.authors)
            ],
            "cited_by_count": self._cited(record),
            "is_retracted": work.withdrawn,
            "referenced_works_count": 0 if twin else len(self._references(work)),
            "referenced_works": [] if twin else [_SITE + other.openalex_id for other in self._references(work)],
            "abstract_inverted_index": None if twin or work.number % 9 == 4 else _inverted(work.abstract),
        }


def _dollars(credits: int) -> str:
    return f"{credits * _DOLLARS:.4f}".rstrip("0").rstrip(".")


def _to_midnight() -> int:
    """Seconds until the budget is whole again; never less than many hours, whatever the time of the test."""
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(int((midnight - now).total_seconds()), 6 * 3600)


def _bare_doi(text: str) -> str:
    return re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", text.strip().lower())


def _doi(record: Record) -> str | None:
    """The DOI of a record: the publisher's, or the one that arXiv registers."""
    work, twin = record
    if twin:
        return None
    return work.doi.lower() if work.doi else f"10.48550/arxiv.{work.arxiv_id}".lower() if work.arxiv_id else None


def _place(place: int, work: Work) -> str:
    return "first" if place == 0 else "last" if place == len(work.authors) - 1 else "middle"


def _locations(work: Work) -> list[dict[str, Any]]:
    locations = []
    if work.doi:
        source = {"display_name": work.venue, "type": "journal"} if work.venue else None
        locations.append(
            {"is_oa": False, "landing_page_url": f"https://doi.org/{work.doi}", "pdf_url": None, "source": source}
        )
    if work.arxiv_id:
        locations.append(
            {
                "is_oa": True,
                "landing_page_url": f"http://arxiv.org/abs/{work.arxiv_id}",
                "pdf_url": f"https://arxiv.org/pdf/{work.arxiv_id}",
                "source": {"display_name": "arXiv (Cornell University)", "type": "repository"},
            }
        )
    return locations


@lru_cache(100_000)
def _inverted(abstract: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(abstract.split()):
        index.setdefault(word, []).append(place)
    return index


def _mentions(value: str, *, abstracts: bool) -> Callable[[Record], bool]:
    """Whether a record has, for one of the alternatives, all words and all quoted phrases."""
    alternatives = []
    for alternative in re.split(r"\bOR\b|\|", value.replace("(", " ").replace(")", " ")):
        phrases = [" ".join(words(phrase)) for phrase in re.findall(r'"([^"]*)"', alternative)]
        rest = words(re.sub(r'"[^"]*"|\bAND\b', " ", alternative))
        if phrases or rest:
            alternatives.append([f" {wanted} " for wanted in (*phrases, *rest)])

    def test(record: Record) -> bool:
        work = record[0]
        text = f" {' '.join(words(work.title + (' . ' + work.abstract if abstracts else '')))} "
        return any(all(wanted in text for wanted in alternative) for alternative in alternatives)

    return test


def _selected(record: dict[str, Any], call: Call) -> dict[str, Any]:
    """The fields named by `select`, which must be whole ones."""
    if not call.query.get("select"):
        return record
    names = [name.strip() for name in call.query["select"].split(",")]
    if unknown := [name for name in names if name not in record]:
        raise _Refusal(f"{unknown[0]} is not a valid select field. Valid fields for select are: {', '.join(record)}.")
    return {name: record[name] for name in names}
