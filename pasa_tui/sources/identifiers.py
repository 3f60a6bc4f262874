"""When the work of a bibliography's entry appeared, and its arXiv id and DOI."""

import re
from urllib.parse import unquote

from pasa_tui.papers import clean_text, parse_arxiv_id, parse_doi

YEAR = r"(?:1[6-9]|20)\d\d"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
DATE = rf"(?:\d{{1,2}}\s+)?(?:{MONTH}\s*(?:\d{{1,2}},?)?\s*)?{YEAR}[a-z]?(?:,\s*{MONTH}(?:\s*\d{{1,2}})?)?"
EARLY_DATE = re.compile(
    rf"(?:\s*[(\[]\s*(?:{DATE}|n\.?\s?d\.?|in press|forthcoming|to appear)\s*[)\]]|\s*\(\?*\)"
    rf"|(?:[.,]\s*|\s){DATE}(?=\s*[.,]))\s*[.,:;]*\s*"
)
LATE_DATE = re.compile(rf"[,.;]?\s*(?:[(\[]\s*{DATE}\s*[)\]]|(?<=[,.;])\s*{DATE})[\s.,;]*$")
ONLY_DATE = re.compile(rf"[\s(\[]*(?:{DATE}|n\.?d\.?)?[\s)\].,;]*(?=$|https?:)")
_ARXIV = re.compile(
    r"(?:External Links:\s+|arxiv(?:\.org)?(?:\s+(?:e-?prints?|preprint))*[\s:,/]*(?:\(?arxiv\)?[:\s]*)?(?:abs/|pdf/)?"
    r"|\babs/|\beprint[:\s]+)\[?(?P<id>\d{4}\.\d{4,5}|[a-z-]{1,20}(?:\.[A-Z]{2})?/\d{7})(?!\d)"
    r"|(?P<bare>\d{4}\.\d{5}|[a-z-]{4,20}/\d{7})(?:v\d)?\s*\[[a-z-]+",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>“”]+")


def publication_year(text: str, marked: tuple[int, int] | None, title: tuple[int, int], label: str) -> int | None:
    """The year of publication: as marked, in the label, in parentheses, or the last one outside the title."""
    if marked and (found := re.search(YEAR, text[marked[0] : marked[1]])):
        return int(found[0])
    rest = f"{text[: title[0]]} | {text[title[1] :]}"
    rest = _DOI.sub(" ", re.sub(r"https?://\S+", " ", _ARXIV.sub(" ", rest)))
    years = [int(year) for year in re.findall(rf"(?<![\d–.:/-]){YEAR}(?=[a-z]?(?![\w–/-]))", rest)]
    enclosed = [int(year) for year in re.findall(rf"[(\[](?:{MONTH}\s*)?({YEAR})[a-z]?[)\],]", rest)]
    if found := re.search(rf"(?<!\d){YEAR}(?=[a-z]?[)\]]*$)", label.strip()):
        return int(found[0])
    return enclosed[0] if enclosed else years[-1] if years else None


def identifiers(text: str, links: list[str]) -> tuple[str | None, str | None]:
    """The arXiv id without version and the DOI in lower case: from the links' addresses first, then as printed."""
    links = [unquote(link) for link in links]
    arxiv_id = next((found for link in links if (found := parse_arxiv_id(link))), None)
    doi = next((found for link in links if (found := parse_doi(link))), None)
    if arxiv_id is None and (printed := _ARXIV.search(text)):
        arxiv_id = parse_arxiv_id(printed["id"] or printed["bare"])
    if doi is None and (match := _DOI.search(text)):
        doi = match[0].rstrip(".,;:]")
        while doi.endswith(")") and doi.count(")") > doi.count("("):
            doi = doi[:-1].rstrip(".,;:")
        doi = doi.lower()
    return arxiv_id, clean_text(doi) if doi else None
