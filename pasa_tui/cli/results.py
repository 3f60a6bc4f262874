"""Found papers as data on stdout: text, JSON, JSON lines, BibTeX."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pasa_tui.events import FoundPaper, SearchState, describe_provenance

FORMATS = ("text", "json", "jsonl", "bibtex")


def ranked_papers(state: SearchState, *, only: str, limit: int | None) -> list[tuple[int, FoundPaper]]:
    """(rank, paper), best first. `only` is "selected" or "all"; ranks count over all judged papers."""
    rows = [(rank, found) for rank, found in enumerate(state.ranked(), start=1) if found.selected or only == "all"]
    return rows[:limit]


def render(
    state: SearchState, rows: Sequence[tuple[int, FoundPaper]], output: str, *, search_id: int, corpus: str, latex: bool
) -> str:
    """The papers in one of `FORMATS`, ending in a newline unless empty."""
    match output:
        case "json":
            return json.dumps(_search_json(state, rows, search_id, corpus), ensure_ascii=False, indent=2) + "\n"
        case "jsonl":
            return "".join(json.dumps(_paper_json(state, *row), ensure_ascii=False) + "\n" for row in rows)
        case "bibtex":
            from pasa_tui.export.bibtex import to_bibtex

            return to_bibtex((found.paper for _, found in rows), latex=latex)
        case _:
            return "".join(f"{line}\n" for row in rows for line in _text_lines(state, *row))


def _search_json(
    state: SearchState, rows: Sequence[tuple[int, FoundPaper]], search_id: int, corpus: str
) -> dict[str, Any]:
    return {
        "query": state.query,
        "search_id": search_id,
        "before": state.before.isoformat() if state.before else None,
        "corpus": corpus if corpus in state.sources else None,
        "sources": list(state.sources),
        "ending": state.ending,
        "message": state.message,
        "seconds": state.elapsed,
        "funnel": asdict(state.funnel),
        "requests": [asdict(usage) for usage in state.usage],
        "troubles": [{"source": trouble.source, "message": trouble.message} for trouble in state.troubles],
        "warnings": [
            {"stage": warning.stage, "message": warning.message, "hint": warning.hint} for warning in state.warnings
        ],
        "papers": [_paper_json(state, *row) for row in rows],
    }


def _paper_json(state: SearchState, rank: int, found: FoundPaper) -> dict[str, Any]:
    paper, provenance = found.paper, found.provenance
    parent = state.paper(provenance.parent) if provenance.parent else None
    return {
        "rank": rank,
        "score": found.score,
        "selected": found.selected,
        # The corpus's own name for the paper where it has one: that is what a user can look up there.
        "id": paper.source_id or paper.id,
        "arxiv_id": paper.arxiv_id,
        "doi": paper.doi,
        "title": paper.title,
        "authors": list(paper.authors),
        "date": paper.date.isoformat() if paper.date else None,
        "venue": paper.venue,
        "url": paper.url,
        "abstract": paper.abstract,
        "abstract_kind": paper.abstract_kind,
        "reason": found.reason,
        "criteria": [asdict(verdict) for verdict in found.verdicts],
        "found_by": {
            "kind": provenance.kind,
            "text": provenance.text,
            "paper": provenance.parent,
            "paper_title": parent.title if parent else None,
            "depth": found.depth,
        },
    }


def _text_lines(state: SearchState, rank: int, found: FoundPaper) -> Iterator[str]:
    paper = found.paper
    score = "  – " if found.score is None else f"{found.score:.2f}"
    yield f"{rank:>3}. {score} {paper.title}"
    # A last "others" is how a list that is cut short ends.
    names = [name for name in paper.authors[:3] if name != "others"]
    authors = ", ".join(names) + (" et al." if len(paper.authors) > len(names) else "")
    year = str(paper.date.year) if paper.date else ""
    facts = (authors, year, paper.venue or "", paper.url or paper.source_id or paper.id)
    yield "          " + " · ".join(fact for fact in facts if fact)
    yield f"          {describe_provenance(state, found)}"
