"""Semantic Scholar: its Graph API and its recommendations."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.services.literature import WORD, Literature, Work, words
from tests.services.messages import Call, Reply, first_day, json_reply, last_day, whole

_PAPER_FIELDS = frozenset(
    "paperId corpusId externalIds url title abstract venue publicationVenue year referenceCount citationCount "
    "influentialCitationCount isOpenAccess openAccessPdf fieldsOfStudy s2FieldsOfStudy publicationTypes "
    "publicationDate journal citationStyles authors citations references tldr embedding textAvailability".split()
)
_EDGE_FIELDS = frozenset("contexts intents contextsWithIntent isInfluential".split())
_S2_ID = re.compile(r"[0-9a-f]{40}")
_DISCLAIMER = "Notice: the references of this paper have been elided by its publisher."
_BATCH, _PAGE, _SEARCH, _BULK, _FAR = 500, 1000, 100, 1000, 10_000


class _Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class SemanticScholar:
    """api.semanticscholar.org over a literature."""

    literature: Literature

    def kind(self, call: Call) -> str:
        """What of the Graph API or of the recommendations is asked for."""
        path = call.path.rstrip("/")
        if path.startswith("/recommendations/v1/papers"):
            return "recommendations"
        if path == "/graph/v1/snippet/search":
            return "snippets"
        below = path.removeprefix("/graph/v1/paper/")
        if below == path:
            return "unknown"
        named = {"search/match": "match", "search/bulk": "bulk", "search": "search", "batch": "batch"}
        if below in named:
            return named[below]
        last = below.rsplit("/", 1)[-1]
        return last if last in ("references", "citations") else "paper"

    def authorised(self, call: Call, key: str) -> bool:
        """Whether the header carries the key."""
        return call.headers.get("x-api-key") == key

    def unauthorised(self) -> Reply:
        """What a wrong key is told."""
        return json_reply(403, {"message": "Forbidden"})

    def too_many(self) -> Reply:
        """What the gateway says beyond one request a second."""
        message = (
            "Too Many Requests. Please wait and try again or apply for a key for higher rate limits. "
            "https://www.semanticscholar.org/product/api#api-key-form"
        )
        return json_reply(429, {"message": message, "code": "429"})

    def answer(self, call: Call) -> Reply:
        """The answer, or {"error": …}."""
        answers = {
            "match": self._match,
            "search": self._search,
            "bulk": self._bulk,
            "batch": self._batch,
            "paper": self._paper,
            "references": self._edges,
            "citations": self._edges,
            "snippets": self._snippets,
            "recommendations": self._recommendations,
        }
        kind = self.kind(call)
        if kind not in answers:
            return json_reply(404, {"error": "Not Found"})
        if (kind == "batch") != (call.method == "POST") and kind != "recommendations":
            return json_reply(405, {"error": "Method Not Allowed"})
        try:
            return json_reply(200, answers[kind](call))
        except _Refusal as refusal:
            return json_reply(refusal.status, {"error": str(refusal)})

    # The endpoints.

    def _match(self, call: Call) -> Any:
        query = _query(call)
        wanted = set(words(query))
        for work in self._dated(self.literature.search(query, 20), call):
            title = set(words(work.title))
            if work.s2_known and wanted and len(wanted & title) >= 0.7 * max(len(wanted), len(title)):
                score = round(12.5 * len(wanted & title) + len(query) / 7, 5)
                record = self._record(work, _fields(call) | {"title": set()})
                return {"data": [{**record, "matchScore": score}]}
        raise _Refusal(404, "Title match not found")

    def _search(self, call: Call) -> Any:
        query, fields = _query(call), _fields(call)
        offset, limit = _count(call, "offset", 0, 1000), _count(call, "limit", 100, _SEARCH)
        # Hyphenated terms yield no matches, as the documentation says.
        hyphenated = any("-" in part for part in query.split())
        found = [] if hyphenated else self._dated(self.literature.search(query, 1000), call)
        found = [work for work in found if work.s2_known]
        if not found:
            return {"total": 0, "offset": offset}
        data = [self._record(work, fields) for work in found[offset : offset + limit]]
        return {"total": len(found), **_page(found, offset, limit, data)}

    def _bulk(self, call: Call) -> Any:
        fields, token = _fields(call), call.query.get("token", "")
        query = " ".join(WORD.findall(call.query.get("query", "")))
        known = [work for work in self.literature.works if work.s2_known]
        wanted = words(query)
        found = [work for work in known if all(word in words(f"{work.title} {work.abstract}") for word in wanted)]
        found = sorted(self._dated(found, call), key=lambda work: work.s2_id)
        offset = whole(token.removeprefix("T"), 0) or 0
        answer: dict[str, Any] = {"total": len(found)}
        if offset + _BULK < len(found):
            answer["token"] = f"T{offset + _BULK}"
        return {**answer, "data": [self._record(work, fields) for work in found[offset : offset + _BULK]]}

    def _batch(self, call: Call) -> Any:
        fields, asked = _fields(call), call.json()
        ids = asked.get("ids") if isinstance(asked, dict) else None
        if not isinstance(ids, list) or not any(":" in str(one) or _S2_ID.fullmatch(str(one)) for one in ids):
            raise _Refusal(400, "No valid paper ids given")
        if len(ids) > _BATCH:
            raise _Refusal(400, f"Too many ids: {len(ids)} given, {_BATCH} allowed")
        found = [self._find(str(one)) for one in ids]
        return [self._record(work, fields) if work else None for work in found]

    def _paper(self, call: Call) -> Any:
        return self._record(self._named(call.path.removeprefix("/graph/v1/paper/")), _fields(call))

    def _edges(self, call: Call) -> Any:
        name, _, direction = call.path.removeprefix("/graph/v1/paper/").rpartition("/")
        side = "citedPaper" if direction == "references" else "citingPaper"
        edge_fields, fields = _split_edge_fields(call, side)
        work = self._named(name)
        offset, limit = _count(call, "offset", 0, _FAR), _count(call, "limit", 100, _PAGE)
        if offset + limit >= _FAR:
            raise _Refusal(400, f"offset + limit must be < {_FAR}")
        if direction == "references" and work.references_elided:
            pdf = {"url": "", "status": None, "license": None, "disclaimer": _DISCLAIMER}
            return {"citingPaperInfo": {"paperId": work.s2_id, "openAccessPdf": pdf}, "data": None}
        if direction == "references":
            found = self.literature.references(work)
        else:
            found = [other for other in self.literature.citations(work) if other.s2_known]
        found = self._dated(found, call)
        data = []
        for other in found[offset : offset + limit]:
            citing, cited = (work, other) if direction == "references" else (other, work)
            edge = {name: value for name, value in _edge(citing, cited).items() if name in edge_fields}
            data.append({**edge, side: self._record(other, fields)})
        return _page(found, offset, limit, data)

    def _snippets(self, call: Call) -> Any:
        query, limit = _query(call), _count(call, "limit", 10, 1000)
        data = []
        for rank, work in enumerate(self._dated(self.literature.search(query, limit), call)):
            if not work.s2_known:
                continue
            text = work.abstract if rank % 2 else work.title
            snippet: dict[str, Any] = {
                "text": text,
                "snippetKind": "abstract" if rank % 2 else "title",
                "section": None,
                "snippetOffset": {"start": 0, "end": len(text)},
                "annotations": {"sentences": [], "refMentions": []},
            }
            paper = {
                "corpusId": str(work.corpus_id),
                "title": work.title,
                "authors": list(work.authors),
                "openAccessInfo": {"license": None, "status": None, "disclaimer": ""},
            }
            data.append({"score": round(0.9 / (1 + rank), 6), "paper": paper, "snippet": snippet})
        return {"data": data, "retrievalVersion": "invented-1"}

    def _recommendations(self, call: Call) -> Any:
        fields, limit = _fields(call), _count(call, "limit", 100, 500)
        below = call.path.rstrip("/").removeprefix("/recommendations/v1/papers")
        if below:
            seeds = [self._named(below.removeprefix("/forpaper/"))]
        else:
            asked = call.json()
            ids = asked.get("positivePaperIds") if isinstance(asked, dict) else None
            if not ids:
                raise _Refusal(400, "positivePaperIds must not be empty")
            seeds = [self._named(str(one)) for one in ids]
        found = self.literature.search(" ".join(seed.title for seed in seeds), limit + len(seeds))
        works = [work for work in found if work.s2_known and work not in seeds][:limit]
        return {"recommendedPapers": [self._record(work, fields) for work in works]}

    # Papers and their records.

    def _find(self, name: str) -> Work | None:
        """The paper of an id in any of its writings; None where Semantic Scholar does not know it."""
        prefix, colon, rest = name.partition(":")
        if not colon:
            return self.literature.by_s2.get(name)
        found: Work | None = None
        match prefix.lower():
            case "arxiv":
                found = self.literature.by_arxiv.get(re.sub(r"v\d+$", "", rest))
            case "doi":
                arxiv_id = rest.lower().removeprefix("10.48550/arxiv.")
                found = self.literature.by_doi.get(rest.lower()) or self.literature.by_arxiv.get(arxiv_id)
            case "corpusid":
                found = self.literature.by_corpus.get(whole(rest, 0) or 0)
            case "url":
                found = self.literature.by_arxiv.get(rest.rsplit("/abs/", 1)[-1])
        return found if found and found.s2_known else None

    def _named(self, name: str) -> Work:
        if work := self._find(name):
            return work
        raise _Refusal(404, f"Paper with id {name} not found")

    def _dated(self, works: Iterable[Work], call: Call) -> list[Work]:
        """The works within `publicationDateOrYear` or `year`."""
        span = call.query.get("publicationDateOrYear") or call.query.get("year", "").replace("-", ":")
        if not span:
            return list(works)
        start, colon, end = span.partition(":")
        try:
            first = first_day(start) if start else date.min
            last = last_day(end if colon else start) if end or not colon else date.max
        except ValueError:
            raise _Refusal(400, f"Unacceptable query params: [publicationDateOrYear={span}]") from None
        return [work for work in works if first <= work.date <= last]

    def _record(self, work: Work, fields: dict[str, set[str]]) -> dict[str, Any]:
        """The fields asked for and the paperId, which is null for papers known only from being cited."""
        whole_record = self._known(work) if work.s2_known else _unknown(work)
        record: dict[str, Any] = {"paperId": whole_record["paperId"]}
        for name, inner in fields.items():
            if name in ("citations", "references"):
                others = self.literature.citations(work) if name == "citations" else self.literature.references(work)
                nested = {part: set[str]() for part in inner or {"title"}}
                record[name] = [self._record(other, nested) for other in others] if work.s2_known else []
            else:
                record[name] = _narrowed(whole_record.get(name), inner)
        return record

    def _known(self, work: Work) -> dict[str, Any]:
        external: dict[str, Any] = {"ArXiv": work.arxiv_id, "DOI": work.doi, "CorpusId": work.corpus_id}
        if work.arxiv_id and not work.doi:
            external["DOI"] = f"10.48550/arXiv.{work.arxiv_id}"
        pdf = f"https://arxiv.org/pdf/{work.arxiv_id}" if work.arxiv_id else ""
        return {
            "paperId": work.s2_id,
            "corpusId": work.corpus_id,
            "externalIds": {name: value for name, value in external.items() if value is not None},
            "url": f"https://www.semanticscholar.org/paper/{work.s2_id}",
            "title": work.title,
            # Publishers have the abstracts of some papers withheld.
            "abstract": None if work.number % 11 == 3 else work.abstract,
            "venue": work.venue or ("arXiv.org" if work.arxiv_id else ""),
            "year": work.date.year,
            "referenceCount": len(self.literature.references(work)),
            "citationCount": len(self.literature.citations(work)),
            "influentialCitationCount": len(self.literature.citations(work)) // 10,
            "isOpenAccess": work.arxiv_id is not None,
            "openAccessPdf": {"url": pdf, "status": "GREEN" if pdf else None, "license": None},
            "fieldsOfStudy": ["Computer Science"],
            "publicationTypes": ["JournalArticle"] if work.venue else None,
            # Some papers have a year and no date.
            "publicationDate": None if work.number % 7 == 0 else work.date.isoformat(),
            "journal": {"name": work.venue or "ArXiv", "volume": None},
            "authors": [{"authorId": str(1_000_000 + len(name)), "name": name} for name in work.authors],
        }


def _unknown(work: Work) -> dict[str, Any]:
    return {
        "paperId": None,
        "title": work.title,
        "year": work.date.year,
        "venue": work.venue or "",
        "authors": [{"authorId": None, "name": name} for name in work.authors],
    }


def _narrowed(value: Any, inner: set[str]) -> Any:
    """Only the parts asked for as `name.part`."""
    if not inner or value is None:
        return value
    if isinstance(value, list):
        return [_narrowed(one, inner | {"authorId"}) for one in value]
    return {name: part for name, part in value.items() if name in inner}


def _edge(citing: Work, cited: Work) -> dict[str, Any]:
    names = [name for name, numbers in citing.sections if cited.number in numbers]
    contexts = [f"As [{cited.number}] show in another setting, this part ({name}) can be learned." for name in names]
    intents = ["methodology" if name in ("Method", "Experiments") else "background" for name in names]
    return {
        "contexts": contexts,
        "intents": list(dict.fromkeys(intents)),
        "contextsWithIntent": [
            {"context": context, "intents": [intent]} for context, intent in zip(contexts, intents, strict=True)
        ],
        "isInfluential": len(names) > 1,
    }


def _query(call: Call) -> str:
    if query := call.query.get("query", "").strip():
        return query
    raise _Refusal(400, "Missing required parameter: 'query'")


def _count(call: Call, name: str, default: int, most: int) -> int:
    count = whole(call.query.get(name), default)
    if count is None or count > most:
        raise _Refusal(400, f"Unacceptable query params: [{name}={call.query.get(name)}]")
    return count


def _fields(call: Call) -> dict[str, set[str]]:
    """The fields asked for, each with the parts of it that are asked for; title where none is named."""
    return _parsed(call.query.get("fields", "").split(",") if call.query.get("fields") else ["title"])


def _parsed(names: Iterable[str]) -> dict[str, set[str]]:
    fields: dict[str, set[str]] = {}
    unknown = []
    for name in (name.strip() for name in names):
        top, _, inner = name.partition(".")
        if top not in _PAPER_FIELDS:
            unknown.append(name)
        fields.setdefault(top, set()).update({inner} if inner else ())
    if unknown:
        raise _Refusal(400, f"Unrecognized or unsupported fields: [{', '.join(unknown)}]")
    return fields


def _split_edge_fields(call: Call, side: str) -> tuple[frozenset[str], dict[str, set[str]]]:
    """The fields of the citation and those of the paper at its other end, where parts of fields are refused."""
    if not call.query.get("fields"):
        return frozenset(), _parsed(["title"])
    names = [name.strip().removeprefix(f"{side}.") for name in call.query["fields"].split(",")]
    if parts := [name for name in names if "." in name]:
        raise _Refusal(400, f"Unrecognized or unsupported fields: [{', '.join(parts)}]")
    return _EDGE_FIELDS & set(names), _parsed(name for name in names if name not in _EDGE_FIELDS)


def _page(found: list[Work], offset: int, limit: int, data: list[dict[str, Any]]) -> dict[str, Any]:
    page: dict[str, Any] = {"offset": offset}
    if offset + limit < len(found):
        page["next"] = offset + limit
    return {**page, "data": data}
