"""Convert the papers of this folder with the real LaTeXML, and compare what is read from them with the truth."""

import hashlib
import json
import re
import shutil
import subprocess
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pasa_tui.sources.latexml import BibEntry, FullText, parse_full_text

HERE = Path(__file__).parent
REFERENCES: dict[str, dict[str, Any]] = {
    reference["key"]: reference
    for reference in map(json.loads, (HERE / "references.jsonl").read_text(encoding="utf-8").splitlines())
}
PAPERS: dict[str, dict[str, Any]] = json.loads((HERE / "papers.json").read_text(encoding="utf-8"))
HELD_OUT = ("acm", "elsarticle-harv", "splncs04", "chicago", "apa-blob", "commas")
"""The styles that were first read when the others were done."""


@dataclass
class Score:
    """Of one paper, how many of what its page shows were read right. `wrong` says each that was not."""

    style: str
    right: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, got: object, want: object) -> None:
        self.shown[what] = self.shown.get(what, 0) + 1
        self.right[what] = self.right.get(what, 0) + (got == want)
        if got != want:
            self.wrong.append(f"{what}: {got!r}, not {want!r}")

    def share(self, what: str) -> float:
        """Right ones of those shown; 1 where none is shown."""
        return self.right.get(what, 0) / self.shown[what] if self.shown.get(what) else 1.0


def convert(cache: Path) -> dict[str, bytes]:
    """The page of every paper by its style; made two at a time, and only where `cache` does not have it yet."""
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(PAPERS, pool.map(lambda style: _convert_one(style, cache), PAPERS), strict=True))


def can_convert() -> bool:
    """Whether LaTeXML is installed."""
    return shutil.which("latexmlc") is not None


def _convert_one(style: str, cache: Path) -> bytes:
    source = HERE / f"{style}.tex"
    digest = hashlib.sha256(source.read_bytes() + (HERE / "references.bib").read_bytes()).hexdigest()[:16]
    page = cache / f"{style}-{digest}.html"
    if not page.exists():
        made = page.with_suffix(".new.html")
        options = ["--quiet", "--nodefaultresources", "--format=html5", f"--path={HERE}", f"--dest={made}"]
        subprocess.run(["latexmlc", *options, str(source)], check=True, cwd=cache, capture_output=True, timeout=300)
        made.replace(page)
    return page.read_bytes()


def letters(title: str) -> str:
    """What two spellings of a title share: letters and digits, lower case, mathematical alphabets as plain ones."""
    return "".join(char for char in unicodedata.normalize("NFKC", title).lower() if char.isalnum())


def _family(name: str) -> str:
    return letters(name.removesuffix(" Jr.").removesuffix(", Jr.").split()[-1].strip("{}"))


def score(style: str, page: bytes) -> Score:
    """Compare one page with the truth. Only what the page shows counts: years, ids and DOIs by its source."""
    paper, found = PAPERS[style], parse_full_text(page)
    result = Score(style)
    keys = _reference_keys(style, found)
    result.count("entries", len(found.entries), len(paper["entries"]))
    items = dict(re.findall(r'<li id="([^"]+)" class="ltx_bibitem(.*?)</li>', page.decode(), re.DOTALL))
    for entry in found.entries:
        _score_entry(result, entry, REFERENCES[keys[entry.key]], unquote(items[entry.key]).lower(), paper["titles"])
    result.count("title", found.title, paper["title"])
    got = [(s.name, [keys[key] for key in cited]) for s, cited in zip(found.sections, found.keys, strict=True)]
    for index, (name, cited) in enumerate(paper["sections"]):
        result.count("sections", got[index] if index < len(got) else None, (name, cited))
    result.count("number of sections", len(got), len(paper["sections"]))
    return result


def _reference_keys(style: str, found: FullText) -> dict[str, str]:
    """The key in references.jsonl of each entry's id."""
    order = PAPERS[style]["entries"]
    if style == "latexml-bib":
        return {entry.key: order[int(entry.key.removeprefix("bib.bib")) - 1] for entry in found.entries}
    return {entry.key: key for entry, key in zip(found.entries, order, strict=False)}


def _score_entry(result: Score, entry: BibEntry, truth: dict[str, Any], source: str, titled: bool) -> None:
    citation, title = entry.citation, truth.get("plain", truth["title"])
    if titled:
        result.count("titles", letters(citation.title), letters(title))
    else:
        result.count("no false titles", letters(citation.title), letters(title) if citation.title else "")
    if truth["year"] is None or str(truth["year"]) in entry.text:
        result.count("years", citation.year, truth["year"])
    if (arxiv_id := truth.get("arxiv")) and arxiv_id in source:
        result.count("arXiv ids", citation.arxiv_id, arxiv_id)
    elif not arxiv_id:
        result.count("no false arXiv ids", citation.arxiv_id, None)
    if truth.get("doi") and truth["doi"] in source:
        result.count("DOIs", citation.doi, truth["doi"])
    families = [_family(name) for name in truth["authors"]]
    if all(family in letters(entry.text) for family in families):
        result.count("authors", [_family(name) for name in citation.authors], families)
