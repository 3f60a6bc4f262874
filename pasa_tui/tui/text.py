"""Turning values into text for the screen. Strangers' words go into Content as they are: no markup is read."""

import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content

# Only for types: the first frame shows no paper, so it does not wait for these.
if TYPE_CHECKING:
    from pasa_tui.events import FoundPaper, SearchState
    from pasa_tui.papers import Paper

_MANY_AUTHORS = 12
# Words of English that carry a question but not its subject; marking them would mark half of an abstract.
_FUNCTION_WORDS = frozenset(
    (
        "about also among been before being between both could does doing down each every find from have having "
        "here into just list like look many more most much need only other over paper papers please provide "
        "related same show some studies study such tell than that their them then there these they this those "
        "through under used using very want were what when where which while whose will with work works would your "
    ).split()
)
# A style for what matters less. $text-muted itself is an "auto" colour, which only CSS can resolve.
MUTED = "$foreground 62%"
# Math between dollars, or a macro with its arguments: what a title has of LaTeX. Lengths are bounded, so that a
# stranger's text takes no time.
_LATEX = re.compile(
    r"(?<![\\$])\$(?=\S)[^$\n]{0,199}(?<=\S)\$(?!\d)"
    r"|\\[A-Za-z]{1,20}(?:\s?\{(?:[^{}\n]|\{[^{}\n]{0,80}\}){0,200}\}){0,3}"
    r"|\\[\"'`^~=.](?:\{[A-Za-z]\}|[A-Za-z])"
)
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
"""The frames of a sign that something is under way."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def subject_words(query: str) -> list[str]:
    """The words of a question that carry its subject, lower case, in order."""
    words = (word.lower() for word in re.findall(r"[^\W_]+", query))
    return [word for word in words if len(word) >= 4 and word not in _FUNCTION_WORDS]


def query_marks(query: str) -> re.Pattern[str] | None:
    """A pattern for the question's words, their endings left open, or None where it has none to mark."""
    # A word is marked with other endings too: up to three letters of a longer word are left open.
    stems = {re.escape(word[: max(4, len(word) - 3)] if len(word) > 4 else word) for word in subject_words(query)}
    short = {rf"{re.escape(word)}\b" for word in re.findall(r"\b[A-Z][A-Z0-9]{1,2}\b", query)}
    if not stems and not short:
        return None
    # CJK is written without spaces, so there is no word boundary to ask for.
    return re.compile(
        "|".join(rf"(?<![^\W_]){stem}\w*" if stem.isascii() else stem for stem in sorted(stems | short)), re.I
    )


def marked(text: str, marks: re.Pattern[str] | None, style: str) -> Content:
    """`text` with what the pattern matches in `style`."""
    content = Content(text)
    return content.highlight_regex(marks, style=style) if marks else content


def score_bar(score: float | None, width: int) -> str:
    """A bar of `width` cells for a score in [0, 1], to an eighth of a cell."""
    eighths = round((score or 0.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def author_line(authors: Iterable[str], most: int = _MANY_AUTHORS) -> str:
    """Names as one line; of very many, the first ones and how many more. A last "others" reads "et al."."""
    names = list(authors)
    cut_short = bool(names) and names[-1] == "others"
    names = names[:-1] if cut_short else names
    if len(names) > most:
        return f"{', '.join(names[:most])} … and {len(names) - most:,} more"
    return ", ".join(names) + (" et al." if cut_short else "")


def short_authors(paper: "Paper") -> str:
    """The first author's last word and "+" for more, for a narrow column."""
    if not paper.authors:
        return ""
    family = paper.authors[0].partition(",")[0].split()
    return (family[-1] if family else "") + ("+" if len(paper.authors) > 1 else "")


_NEAR = {"citing": "cites it", "co-cited": "cited together with it", "similar": "recommended beside it"}


def provenance_line(state: "SearchState", found: "FoundPaper") -> Content:
    """The way to a paper: the search, then each citing paper and section, down to it."""
    path = state.path_to(found.id)
    steps: list[tuple[str, str]] = []
    guide = state.guides.get(path[0].provenance.parent) if path and path[0].provenance.parent else None
    if guide is not None:
        steps.append((guide.title, "italic"))
    for place in path:
        way = place.provenance
        if way.kind == "search":
            steps.append((f"search “{way.text}”", "$text-accent"))
        elif way.kind != "section":
            steps.append((_NEAR[way.kind], MUTED))
        else:
            steps.append((f"§ {way.text or 'citations'}", MUTED))
        if place is not found:
            steps.append((place.paper.title, "italic"))
    content = Content("")
    for number, (text, style) in enumerate(steps):
        content += Content.styled(" → " if number else "", MUTED) + Content.styled(text, style)
    return content


@lru_cache(maxsize=20_000)
def readable(text: str) -> str:
    """A title or abstract with its LaTeX as characters: `$\\alpha$-divergence` reads `α-divergence`.

    What is no well-formed LaTeX stays as it is. Nothing is executed: macros that are not known stay, too.
    """
    if "$" not in text and "\\" not in text:
        return text
    return _LATEX.sub(_as_characters, text)


def _as_characters(match: re.Match[str]) -> str:
    from pylatexenc.latex2text import LatexNodes2Text

    # It would warn on stderr, into the middle of the screen, of a macro without its arguments.
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    source = match[0]
    try:
        plain = LatexNodes2Text(math_mode="text", keep_comments=True).latex_to_text(source)
    except Exception:
        # Strangers' LaTeX: whatever its parser stumbles over, the text is shown as it is.
        return source
    return source if "%s" in plain else " ".join(plain.split()) or source


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells, wide characters counted as two; "…" where it is cut."""
    if cell_len(text) > width > 0:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return set_cell_size(text, max(0, width))


def duration(seconds: float) -> str:
    """Seconds as a person reads them: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def plural(count: int, noun: str) -> str:
    """`1 paper`, `2 papers`, `2 searches`, `2 criteria`."""
    if noun == "criterion":
        return f"{count:,} {noun if count == 1 else 'criteria'}"
    ending = "es" if noun.endswith(("ch", "s")) else "s"
    return f"{count:,} {noun}{'' if count == 1 else ending}"
