r"""Which `$…$` of a stranger's text is mathematics that TeX may typeset.

TeX executes what stands between dollar signs, so only text that a small grammar accepts is let through:

    list   := item+ | scripts item*
    item   := atom [scripts]
    atom   := character | symbol | group | command (group | letter) | font "{" words "}" | \frac group group
    group  := "{" list "}"
    scripts:= at most one "^" and one "_", each followed by a character, a one-character symbol or a group

Greek letters count as their symbols and are written so; \text, which needs amsmath, is written \textrm. All other
control words are LaTeX's own, except \mathbb, which needs amsfonts (or amssymb). The grammar rejects what
TeX would stop at: unknown control words, missing arguments, double scripts, unbalanced braces.
"""

import re

_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho "
    "varrho sigma varsigma tau upsilon phi varphi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_OTHER_SYMBOLS = (
    "ell infty partial nabla hbar Re Im aleph forall exists emptyset prime top bot angle triangle "
    "pm mp times div cdot ast star circ bullet oplus otimes cap cup wedge vee setminus "
    "leq le geq ge neq ne equiv sim simeq approx cong propto in notin ni subset subseteq supset supseteq ll gg mid "
    "parallel perp to leftarrow rightarrow leftrightarrow Leftarrow Rightarrow Leftrightarrow mapsto uparrow downarrow "
    "sum prod int langle rangle lfloor rfloor lceil rceil ldots cdots dots quad "
    "log ln exp sin cos tan min max sup inf arg lim det dim ker deg gcd Pr"
)
MATH_SYMBOLS = frozenset(f"\\{word}" for word in (_GREEK + " " + _OTHER_SYMBOLS).split()) | {"\\,", "\\;", "\\:", "\\!"}
"""Control sequences that take no argument, do nothing but print, and work in math without any package."""

# These are one character to TeX; others, such as \log, are made of several, which a bare script can't be.
_SCRIPT_SYMBOLS = frozenset(f"\\{word}" for word in f"{_GREEK} ell infty ast star top bot circ bullet pm".split())
_FONTS_AND_ACCENTS = (
    "mathcal mathbb mathrm mathbf mathit mathsf mathtt sqrt hat bar tilde vec dot ddot widehat widetilde "
    "overline underline"
)
_ONE_ARGUMENT = frozenset(f"\\{word}" for word in _FONTS_AND_ACCENTS.split())
_TEXT_FONTS = frozenset(f"\\{word}" for word in "text textrm textbf textit textsf texttt".split())
_GREEK_LETTERS = str.maketrans(
    {
        letter: f"{{\\{word}}}"
        for letter, word in zip("αβγδϵεζηθϑικλμνξπϖρϱσςτυϕφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK.split(), strict=True)
    }
)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\[,;:!]|[A-Za-z0-9+\-*/=()\[\],.:;!<>|?]|[{}^_]| ")
_SPAN = re.compile(r"\$(?!\s)([^$]{1,200})(?<!\s)\$(?!\d)")
_MAX_DEPTH = 10


def math_spans(text: str) -> list[tuple[int, int, str]]:
    """Where in `text` harmless mathematics stands: start, end and LaTeX, dollar signs included, in order.

    As in Pandoc's Markdown, the opening dollar has no space after it, the closing one no space before and no
    digit after it, so that prices stay prices.

    >>> math_spans("$O(n^2)$ for $5 and $10")
    [(0, 8, '$O(n^2)$')]
    """
    spans, start = [], 0
    while match := _SPAN.search(text, start):
        formula = match[1].translate(_GREEK_LETTERS)
        if _is_harmless(formula):
            without_packages = re.sub(r"\\text(?![A-Za-z])", r"\\textrm", formula)
            spans.append((*match.span(), f"${without_packages}$"))
            start = match.end()
        else:
            start = match.start() + 1
    return spans


class _Rejected(Exception):
    """The text is not of the grammar."""


def _is_harmless(content: str) -> bool:
    tokens, position = [], 0
    while position < len(content):
        match = _TOKEN.match(content, position)
        if match is None:
            return False
        position = match.end()
        # TeX skips spaces in math, except that one after a control word ends it, which the token has done.
        if match[0] != " ":
            tokens.append(match[0])
    try:
        return bool(tokens) and _read_list(tokens, 0, 0) == len(tokens)
    except _Rejected:
        return False


def _read_list(tokens: list[str], position: int, depth: int) -> int:
    """Read items up to the closing brace or the end; return the position after them."""
    if depth > _MAX_DEPTH:
        raise _Rejected
    first = position
    position = _read_scripts(tokens, position, depth)
    while position < len(tokens) and tokens[position] != "}":
        position = _read_scripts(tokens, _read_atom(tokens, position, depth), depth)
    if position == first:
        raise _Rejected
    return position


def _read_scripts(tokens: list[str], position: int, depth: int) -> int:
    seen: set[str] = set()
    while position < len(tokens) and (script := tokens[position]) in ("^", "_"):
        if script in seen:
            raise _Rejected
        seen.add(script)
        position = _read_atom(tokens, position + 1, depth, script=True)
    return position


def _read_atom(tokens: list[str], position: int, depth: int, *, script: bool = False) -> int:
    """Read one atom; as a script, one that TeX takes whole: it stops at `x^\\hat{y}`."""
    token = tokens[position] if position < len(tokens) else "}"
    if token == "{":
        return _read_group(tokens, position, depth)
    if token in (_SCRIPT_SYMBOLS if script else MATH_SYMBOLS) or token[0] not in "\\}^_":
        return position + 1
    if token in _ONE_ARGUMENT and not script:
        if tokens[position + 1 : position + 2] and tokens[position + 1].isalnum():
            return position + 2
        return _read_group(tokens, position + 1, depth)
    if token == r"\frac" and not script:
        return _read_group(tokens, _read_group(tokens, position + 1, depth), depth)
    if token in _TEXT_FONTS and not script:
        return _read_words(tokens, position + 1)
    raise _Rejected


def _read_words(tokens: list[str], position: int) -> int:
    """Read the argument of a text font: characters only, since in text TeX stops at a script."""
    end = position + 1
    while end < len(tokens) and len(tokens[end]) == 1 and tokens[end] not in "{}^_":
        end += 1
    if tokens[position : position + 1] != ["{"] or tokens[end : end + 1] != ["}"]:
        raise _Rejected
    return end + 1


def _read_group(tokens: list[str], position: int, depth: int) -> int:
    if tokens[position : position + 1] != ["{"]:
        raise _Rejected
    end = _read_list(tokens, position + 1, depth + 1)
    if tokens[end : end + 1] != ["}"]:
        raise _Rejected
    return end + 1
