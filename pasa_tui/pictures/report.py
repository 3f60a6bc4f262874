"""A whole search as one HTML file: no scripts, nothing loaded, light or dark as the reader has it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pasa_tui.events import Event, SearchState
from pasa_tui.export.record import Record
from pasa_tui.pictures.figures import by_year, citation_map, histogram, timeline
from pasa_tui.pictures.svg import citation_map_svg, histogram_svg, safe, timeline_svg, years_svg

if TYPE_CHECKING:
    from pasa_tui.library import SearchRow

_STYLE = """
:root { color-scheme: light dark; --text: #1c1c1e; --back: #fff; --dim: #636369; --line: #d8d8dd; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8ea; --back: #18181b; --dim: #a3a3ab; --line: #3b3b41; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; white-space: pre-line; } h2 { font-size: 1.15rem; margin-top: 2.4rem; }
.dim { color: var(--dim); } body svg text { fill: var(--dim); } body svg .h { fill: var(--text); }
svg { max-width: 100%; height: auto; margin: .5rem 0; }
article { border-top: 1px solid var(--line); padding: .8rem 0; }
article h3 { font-size: 1rem; margin: 0; } article p { margin: .25rem 0; }
meter { width: 6rem; vertical-align: middle; } summary { cursor: pointer; color: var(--dim); }
ol.log { padding-left: 1.4rem; } .tag { border: 1px solid var(--line); border-radius: .6rem; padding: 0 .5rem; }
a { color: inherit; }
"""
_MOST = 2_000
"""Papers beyond the selected that are listed at most: a browser takes long over more."""


def figures_svg(state: SearchState, events: Sequence[Event], threshold: float) -> dict[str, str]:
    """The four pictures as SVG, by the name of a file for each."""
    return {
        "papers-over-time": timeline_svg(timeline(events)),
        "scores": histogram_svg(histogram(state), threshold),
        "years": years_svg(by_year(state)),
        "citations": citation_map_svg(citation_map(state)),
    }


def render_search(
    row: "SearchRow", state: SearchState, events: Sequence[Event], records: Sequence[Record], *, threshold: float
) -> str:
    """The search as a page. `records` are its papers, best first; what is not selected is folded away."""
    return "\n".join(_lines(row, state, events, records, threshold)) + "\n"


def _lines(
    row: "SearchRow", state: SearchState, events: Sequence[Event], records: Sequence[Record], threshold: float
) -> Iterator[str]:
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{safe(row.name)}</title>'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{safe(row.name)}</h1>"
    if row.title:
        yield f"<p>{safe(row.query)}</p>"
    selected = [record for record in records if record.selected]
    facts = (
        row.started_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        f"{len(selected):,} selected of {len(state.papers):,} papers met",
        f"papers up to {state.before.isoformat()}" if state.before else "",
        f"in {', '.join(state.sources)}" if state.sources else "",
        f"by {state.model or 'builtin'}",
        f"{state.elapsed:.1f} s",
        state.ending or row.status,
    )
    yield f'<p class="dim">{safe(" · ".join(fact for fact in facts if fact))}</p>'
    yield "<h2>Pictures</h2>"
    yield from figures_svg(state, events, threshold).values()
    yield f"<h2>Selected papers ({len(selected):,})</h2>"
    for record in selected:
        yield from _article(record)
    others = [record for record in records if not record.selected]
    if others:
        shown = f"{len(others):,} others" + (f", the best {_MOST:,} of them" if len(others) > _MOST else "")
        yield f"<details><summary>{shown}</summary>"
        for record in others[:_MOST]:
            yield from _article(record, abstract=False)
        yield "</details>"
    yield "<h2>What the Crawler did</h2>"
    yield f"<details><summary>{len(state.actions):,} actions</summary><ol class='log'>"
    for action in state.actions.values():
        paper = state.paper(action.paper_id) if action.paper_id else None
        what = f"Search “{action.text}”" if action.is_search else f"Open “{paper.title if paper else action.paper_id}”"
        sections = f" § {', '.join(action.chosen)}" if action.chosen else ""
        failed = f" (failed: {'; '.join(action.failures)})" if action.failures else ""
        yield f"<li>{safe(what + sections)} <span class='dim'>+{action.new:,}{safe(failed)}</span></li>"
    yield "</ol></details></body></html>"


def _article(record: Record, *, abstract: bool = True) -> Iterator[str]:
    paper = record.paper
    score = (
        "" if record.score is None else f"<meter min='0' max='1' value='{record.score:.3f}'></meter> {record.score:.2f}"
    )
    title = safe(paper.title) or "[untitled]"
    link = f'<a href="{safe(paper.url)}" rel="noreferrer noopener">{title}</a>' if paper.url else title
    yield f"<article><h3>{'★ ' if record.starred else ''}{link}</h3>"
    names = ", ".join(paper.authors[:12]) + (
        f" and {len(paper.authors) - 12:,} more" if len(paper.authors) > 12 else ""
    )
    facts = (names, paper.date.isoformat() if paper.date else "", paper.venue or "")
    yield f'<p class="dim">{safe(" · ".join(fact for fact in facts if fact))}</p>'
    yield f"<p>{score} <span class='dim'>{safe(record.reason)}</span></p>"
    yield f'<p class="dim">{safe(record.found_by)}</p>'
    if record.tags:
        yield "<p>" + " ".join(f'<span class="tag">{safe(tag)}</span>' for tag in record.tags) + "</p>"
    if record.note:
        yield f"<p>{safe(record.note)}</p>"
    if abstract and paper.abstract:
        yield f"<details><summary>Abstract</summary><p>{safe(paper.abstract)}</p></details>"
    yield "</article>"
