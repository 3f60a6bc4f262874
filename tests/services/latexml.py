"""Full texts as LaTeXML makes them of LaTeX sources: the pages of ar5iv and of arxiv.org/html."""

import re
from dataclasses import dataclass
from html import escape

from tests.services.literature import Literature, Work
from tests.services.messages import Call, Reply, text_reply

_PATH = re.compile(r"/(\d{4}\.\d{4,5}|[a-z][a-z-]*(?:\.[A-Z]{2})?/\d{7})(?:v(\d+))?/?")
_CLAIMS = (
    "Earlier work {cite} set the terms of this problem.",
    "A first line of research {cite} relies on far more annotation than we do.",
    "Close to ours in spirit, {cite} stop when the evidence runs out.",
    "We follow the protocol of {cite} and report the same measures.",
)


@dataclass(frozen=True, slots=True)
class LaTeXML:
    """One of the two places that serve full texts, by the name it has in `Work.full_texts`."""

    literature: Literature
    place: str

    def kind(self, call: Call) -> str:
        """All there is to ask for."""
        return "full text"

    def authorised(self, call: Call, key: str) -> bool:
        """Neither place knows keys."""
        return True

    def unauthorised(self) -> Reply:
        """What they say to clients that are shut out."""
        return text_reply(403, "<html><body><h1>403 Forbidden</h1></body></html>", "text/html")

    def too_many(self) -> Reply:
        """What they throttle with."""
        return text_reply(429, "<html><body><h1>429 Too Many Requests</h1></body></html>", "text/html")

    def answer(self, call: Call) -> Reply:
        """The page, or the way in which this place says that it has none."""
        found = _PATH.fullmatch(call.path)
        arxiv_id, version = found.groups() if found else (call.path.strip("/"), None)
        work = self.literature.by_arxiv.get(arxiv_id)
        held = work and self.place in work.full_texts and int(version or 1) <= work.versions
        if work and held:
            return text_reply(200, self._page(work, int(version or work.versions)), "text/html")
        if self.place == "ar5iv":
            address = f"https://arxiv.org/abs/{arxiv_id}"
            return text_reply(307, f'<a href="{escape(address)}">', "text/html", {"Location": address})
        return text_reply(404, _MISSING.format(arxiv_id=escape(arxiv_id)), "text/html")

    def _page(self, work: Work, version: int) -> str:
        cited = self.literature.references(work)
        numbers = {other.number: position for position, other in enumerate(cited, start=1)}
        # arxiv.org/html writes some of its links in full.
        base = f"https://arxiv.org/html/{work.arxiv_id}v{version}" if self._absolute(work) else ""
        tags = {other.number: _tag(other, numbers[other.number], work.number % 2 == 0) for other in cited}
        body = _sections(work, {number: (f"{base}#bib.bib{numbers[number]}", tags[number]) for number in numbers})
        entries = "".join(_entry(other, numbers[other.number], tags[other.number]) for other in cited)
        authors = "".join(
            f'<span class="ltx_creator ltx_role_author">\n<span class="ltx_personname">{escape(name)}</span></span>\n'
            for name in work.authors
        )
        return f"""<!DOCTYPE html><html lang="en">
<head>
<meta http-equiv="content-type" content="text/html; charset=UTF-8">
<title>{"[" + str(work.arxiv_id) + "] " if self.place == "ar5iv" else ""}{escape(work.title)}</title>
</head>
<body>
<div class="ltx_page_main">
<div class="ltx_page_content">
<article class="ltx_document ltx_authors_1line">
<h1 class="ltx_title ltx_title_document">{escape(work.title)}</h1>
<div class="ltx_authors">
{authors}</div>
<div class="ltx_abstract">
<h6 class="ltx_title ltx_title_abstract">Abstract</h6>
<p id="id1.id1" class="ltx_p">{escape(work.abstract)}</p>
</div>
{body}<section id="bib" class="ltx_bibliography">
<h2 class="ltx_title ltx_title_bibliography">References</h2>
<ul class="ltx_biblist">
{entries}</ul>
</section>
</article>
</div>
</div>
</body>
</html>
"""

    def _absolute(self, work: Work) -> bool:
        return self.place == "arxiv-html" and work.number % 4 == 1


_MISSING = """<!DOCTYPE html><html lang="en"><head><title>No HTML for {arxiv_id}</title></head>
<body><h1>No HTML for '{arxiv_id}'</h1><p>HTML is not available for the source.</p></body></html>
"""


def _tag(work: Work, position: int, numeric: bool) -> str:
    last = work.authors[0].split()[-1]
    others = " et al." if len(work.authors) > 2 else ""
    return f"[{position}]" if numeric else f"{last}{others} ({work.date.year})"


def _cite(links: list[tuple[str, str]]) -> str:
    anchors = "; ".join(
        f'<a href="{href}" title="" class="ltx_ref">{escape(tag.strip("[]"))}</a>' for href, tag in links
    )
    return f'<cite class="ltx_cite ltx_citemacro_citep">({anchors})</cite>'


def _paragraphs(label: str, cited: list[tuple[str, str]]) -> str:
    """Paragraphs that cite one to three works at a time."""
    made: list[str] = []
    position = 0
    while position < len(cited):
        step = 1 + len(made) % 3
        claim = _CLAIMS[len(made) % len(_CLAIMS)].format(cite=_cite(cited[position : position + step]))
        made.append(claim)
        position += step
    made = made or ["This part rests on what was said before."]
    return "".join(
        f'<div id="{label}.p{place}" class="ltx_para">\n<p id="{label}.p{place}.1" class="ltx_p">{text}</p>\n</div>\n'
        for place, text in enumerate(made, start=1)
    )


def _heading(level: int, kind: str, tag: str, name: str) -> str:
    return (
        f'<h{level} class="ltx_title ltx_title_{kind}">\n'
        f'<span class="ltx_tag ltx_tag_{kind}">{tag} </span>{escape(name)}</h{level}>\n'
    )


def _sections(work: Work, links: dict[int, tuple[str, str]]) -> str:
    """The sections of a work, "A > B" becoming a subsection B of A."""
    tree: dict[str, tuple[list[int], dict[str, list[int]]]] = {}
    for name, cited in work.sections:
        top, _, inner = name.partition(" > ")
        own, inners = tree.setdefault(top, ([], {}))
        (inners.setdefault(inner, []) if inner else own).extend(cited)
    parts = []
    for place, (name, (own, inners)) in enumerate(tree.items(), start=1):
        label = f"S{place}"
        parts.append(f'<section id="{label}" class="ltx_section">\n' + _heading(2, "section", str(place), name))
        parts.append(_paragraphs(label, [links[number] for number in own]))
        for inner_place, (inner, numbers) in enumerate(inners.items(), start=1):
            inner_label = f"{label}.SS{inner_place}"
            parts.append(f'<section id="{inner_label}" class="ltx_subsection">\n')
            parts.append(_heading(3, "subsection", f"{place}.{inner_place}", inner))
            parts.append(_paragraphs(inner_label, [links[number] for number in numbers]) + "</section>\n")
        parts.append("</section>\n")
    return "".join(parts)


def _entry(work: Work, position: int, tag: str) -> str:
    """One entry of the bibliography; every third names the arXiv id in its text, every fourth links the DOI."""
    blocks = [f"{escape(', '.join(work.authors))}.", f"{escape(work.title)}."]
    if position % 3 == 0 and work.arxiv_id:
        blocks.append(
            f'<em class="ltx_emph ltx_font_italic">arXiv preprint arXiv:{work.arxiv_id}</em>, {work.date.year}.'
        )
    else:
        venue = f'In <em class="ltx_emph ltx_font_italic">{escape(work.venue)}</em>' if work.venue else "Preprint"
        blocks.append(f"{venue}, {work.date.year}.")
    if position % 4 == 0 and work.doi:
        address = f"https://doi.org/{work.doi}"
        link = f'<a target="_blank" href="{address}" title="" class="ltx_ref ltx_url ltx_font_typewriter">{address}</a>'
        blocks.append(f"doi: {link}.")
    spans = "\n".join(f'<span class="ltx_bibblock">{block}\n</span>' for block in blocks)
    return (
        f'<li id="bib.bib{position}" class="ltx_bibitem">\n'
        f'<span class="ltx_tag ltx_role_refnum ltx_tag_bibitem">{escape(tag)}</span>\n{spans}\n</li>\n'
    )
