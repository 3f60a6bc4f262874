"""Serper: Google's results and Google Scholar's as JSON."""

import contextlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.services.literature import Literature, Work
from tests.services.messages import Call, Reply, json_reply, whole

_OPERATOR = re.compile(r"\b(site|before|after):(\S+)")
_UNTIL = re.compile(r"cd_max:(\d{1,2}/\d{1,2}/\d{4})")
_MOST = 100


@dataclass(slots=True)
class Serper:
    """google.serper.dev over a literature; `credits` is what is left of them, None without end."""

    literature: Literature
    credits: int | None = None

    def kind(self, call: Call) -> str:
        """Which of the two searches it is."""
        return {"/search": "search", "/scholar": "scholar"}.get(call.path, "unknown")

    def authorised(self, call: Call, key: str) -> bool:
        """Whether the header carries the key."""
        return call.headers.get("x-api-key") == key

    def unauthorised(self) -> Reply:
        """What a wrong or missing key is told."""
        return json_reply(403, {"message": "Unauthorized.", "statusCode": 403})

    def too_many(self) -> Reply:
        """What too many requests a second are told."""
        return json_reply(429, {"message": "Too many requests", "statusCode": 429})

    def answer(self, call: Call) -> Reply:
        """A page of results, paid with one credit, or two for more than ten of them."""
        if self.kind(call) == "unknown" or call.method != "POST":
            return json_reply(404, {"message": "Not found", "statusCode": 404})
        asked = call.json()
        if not isinstance(asked, dict) or not asked.get("q"):
            return json_reply(400, {"message": "Missing query parameter", "statusCode": 400})
        most, page = whole(str(asked.get("num", 10)), 10), whole(str(asked.get("page", 1)), 1)
        if not most or not page:
            return json_reply(400, {"message": "num and page must be positive numbers", "statusCode": 400})
        most = min(most, _MOST)
        price = 1 if most <= 10 else 2
        if self.credits is not None:
            if self.credits < price:
                return json_reply(400, {"message": "Not enough credits", "statusCode": 400})
            self.credits -= price
        text = str(asked["q"])
        operators = dict(_OPERATOR.findall(text))
        found = self.literature.search(_OPERATOR.sub(" ", text), len(self.literature.works), _before(asked, operators))
        if "arxiv.org" in operators.get("site", ""):
            found = [work for work in found if work.arxiv_id]
        works = found[(page - 1) * most : page * most]
        make = self._scholar if call.path == "/scholar" else self._web
        organic = [make(work, position) for position, work in enumerate(works, start=1)]
        kind = "scholar" if call.path == "/scholar" else "search"
        parameters = {"q": text, "gl": "us", "hl": "en", "type": kind, "num": most, "page": page, "engine": "google"}
        return json_reply(200, {"searchParameters": parameters, "organic": organic, "credits": price})

    def _web(self, work: Work, position: int) -> dict[str, Any]:
        link = _link(work, position)
        title = work.title if len(work.title) <= 60 else work.title[:57].rsplit(" ", 1)[0] + " ..."
        if "/abs/" in link:
            title = f"[{work.arxiv_id}] {title}"
        elif "arxiv.org" in link:
            title = f"{title} - arXiv"
        item: dict[str, Any] = {
            "title": title,
            "link": link,
            "snippet": work.abstract[:150] + " ...",
            "position": position,
        }
        if work.number % 2:
            item["date"] = f"{work.date:%b} {work.date.day}, {work.date.year}"
        return item

    def _scholar(self, work: Work, position: int) -> dict[str, Any]:
        names = ", ".join(f"{name[0]} {name.split(' ', 1)[-1]}" for name in work.authors[:3])
        where = work.venue or (f"arXiv preprint arXiv:{work.arxiv_id}" if work.arxiv_id else "Preprint")
        link = f"https://arxiv.org/abs/{work.arxiv_id}" if work.arxiv_id else _elsewhere(work)
        item: dict[str, Any] = {
            "title": work.title,
            "link": link,
            "publicationInfo": f"{names} - {where}, {work.date.year} - {link.split('/')[2]}",
            "snippet": f"… {work.abstract[:150]} …",
            "year": work.date.year,
            "citedBy": len(self.literature.citations(work)),
            "id": work.s2_id[:12],
        }
        if work.arxiv_id and work.number % 3:
            item["pdfUrl"] = f"https://arxiv.org/pdf/{work.arxiv_id}"
        return item


def _before(asked: dict[str, Any], operators: dict[str, str]) -> date | None:
    """The day before which results must have appeared, from `before:` or from `tbs`."""
    days = []
    # Google takes a date that is none for nothing.
    with contextlib.suppress(ValueError):
        days.append(datetime.strptime(operators.get("before", ""), "%Y-%m-%d").date())
    if until := _UNTIL.search(str(asked.get("tbs") or "")):
        days.append(datetime.strptime(until[1], "%m/%d/%Y").date() + timedelta(days=1))
    return min(days, default=None)


def _elsewhere(work: Work) -> str:
    return f"https://doi.org/{work.doi}" if work.doi else f"https://papers.example.org/view/{work.number}"


def _link(work: Work, position: int) -> str:
    """A link to the work in one of the many ways that Google has them."""
    if not work.arxiv_id:
        return _elsewhere(work)
    name, newest = work.arxiv_id, f"{work.arxiv_id}v{work.versions}"
    ways = (
        f"https://arxiv.org/abs/{name}",
        f"https://arxiv.org/pdf/{newest}",
        f"http://www.arxiv.org/abs/{newest}",
        f"https://arxiv.org/html/{newest}",
        f"https://export.arxiv.org/abs/{name}",
        f"https://arxiv.org/pdf/{name}.pdf",
        f"https://arxiv.org/list/{work.category}/recent",
    )
    return ways[(work.number + position) % len(ways)]
