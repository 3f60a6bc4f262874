"""What led to a paper, in words for people."""

from pasa_tui.events.state import FoundPaper, SearchState


def describe_provenance(state: SearchState, found: FoundPaper) -> str:
    """How a paper was found, in words: by which search, in which section of which paper, or for citing which."""
    provenance = found.provenance
    if provenance.kind == "search":
        return f"found by search “{provenance.text}”"
    parent = state.paper(provenance.parent) if provenance.parent else None
    title = parent.title if parent else provenance.parent or "an earlier paper"
    if provenance.kind == "citing":
        return f"cites “{title}”"
    if provenance.kind == "co-cited":
        return f"cited together with “{title}”"
    if provenance.kind == "similar":
        return f"recommended beside “{title}”"
    return f"cited by “{title}”" + (f" in “{provenance.text}”" if provenance.text else "")
