r"""Strangers' text as LaTeX source that prints as that text and does nothing else.

Every character TeX acts on is replaced: \ ~ ^ < > | by control words of LaTeX itself, % & $ # _ by their escapes,
"…" by TeX's ``…''. BibTeX counts \{ as a brace, so the braces of a text are escaped where they pair up and become
{\textbraceleft} and {\textbraceright} where they don't: values are always balanced. Control words stand in a group
of their own ({\textbackslash}), which BibTeX's case changes leave alone.

With `latex=True` the result is ASCII and needs no package and no font encoding:

1. accented Latin letters become accent commands, {\'e};
2. symbols, dashes and Greek letters become LaTeX's own control words, from pylatexenc's table;
3. Latin letters that LaTeX's default fonts lack lose what they lack (ą becomes a, đ becomes d);
4. anything else, such as Chinese or an emoji, becomes its code point: [U+4E2D]. Invisible format characters go.
"""

import functools
import re
import unicodedata

from pasa_tui.export.ascii import cleaned, fold_ascii
from pasa_tui.export.formulas import MATH_SYMBOLS, math_spans

_ESCAPED = {
    "\\": r"{\textbackslash}",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    "<": r"{\textless}",
    ">": r"{\textgreater}",
    # Not \textbar, which Pandoc's reader leaves out.
    "|": r"{\ensuremath{|}}",
    "%": r"\%",
    "&": r"\&",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
}
_PAIRED_BRACES = {"{": r"\{", "}": r"\}"}
_LONE_BRACES = {"{": r"{\textbraceleft}", "}": r"{\textbraceright}"}
_WITH_PAIRS, _WITHOUT_PAIRS = _ESCAPED | _PAIRED_BRACES, _ESCAPED | _LONE_BRACES
# A value that is `xdata=…` makes biber fetch it from another entry.
_XDATA = re.compile(r"(?<=^xdata)=", re.IGNORECASE)
# What `to_grouped_latex` has left to do; \\= is the macron accent, {=} has been seen to.
_UNGROUPED = re.compile(r"\\[%&$#_{}]|(?<![\\{])=|[\[\]]")
_MARKS = "\u0300-\u036f"
# Sets of single characters, which the regular expression engine looks for faster than for alternatives.
_SIGNS = r'\\{}~^<>|%&$#_"?!'
_SIGN = re.compile(f"[{_SIGNS}]")
_SIGN_OR_LETTER = re.compile(rf"[{_SIGNS}\x80-\U0010ffff]")
_SIGN_OR_CLUSTER = re.compile(rf"[{_SIGNS}]|(?:[^\x00-\x7f]|[A-Za-z](?=[{_MARKS}]))[{_MARKS}]*")
_PIECE = re.compile(
    rf"(?P<word>(?:[^\W_][{_MARKS}]*)+(?:[-.](?=\d)(?:[^\W_][{_MARKS}]*)+)*)|[{_SIGNS}]|[^\x00-\x7f][{_MARKS}]*"
)
_MARK = re.compile(f"[{_MARKS}]")
# Text that stands as it is in LaTeX, names most of all.
_UNTOUCHED = re.compile(r"[A-Za-z0-9.,;:()/*+!?'-]+(?: [A-Za-z0-9.,;:()/*+!?'-]+)*")
_CLUSTER = re.compile(rf"([^\x00-\x7f]|[A-Za-z](?=[{_MARKS}]))([{_MARKS}]*)")
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0331": "b",
}  # fmt: skip
_LETTERS = {"ı": r"\i", "ȷ": r"\j", "Ø": r"\O", "ø": r"\o", "Æ": r"\AE", "æ": r"\ae"}
_TEXT_WORDS = (
    "AE ae OE oe AA aa O o L l ss i j ensuremath textexclamdown textquestiondown textcent textsterling "
    "textyen textsection textcopyright textregistered texttrademark textordfeminine textordmasculine textlnot "
    "textdegree textparagraph textperiodcentered textonesuperior texttwosuperior textthreesuperior textonequarter "
    "textonehalf textthreequarters texttimes textdiv textendash textemdash textquoteleft textquoteright "
    "textquotedblleft textquotedblright textdagger textdaggerdbl textbullet textellipsis textperthousand texteuro "
    "textleftarrow textrightarrow textuparrow textdownarrow textmu textcurrency textbrokenbar"
)
_TEXT_COMMANDS = frozenset(f"\\{word}" for word in _TEXT_WORDS.split())
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")


def to_latex(text: str, *, latex: bool = False, protect: bool = False, math: bool = False) -> str:
    r"""`text` as a BibTeX value without its enclosing braces, on one line.

    `protect` puts braces around words whose capitals a style must keep ({BERT}, {GPT-4}, {Q}-learning) and
    around math; the first word needs none for its first letter. `math` lets harmless `$…$` through (see
    `pasa_tui.export.formulas`), anywhere else a dollar sign is a dollar sign. Quotes, dashes and backticks keep the
    meaning TeX gives them: -- prints as a dash.
    """
    if not protect and _UNTOUCHED.fullmatch(text):
        return text
    text = cleaned(text)
    result, start = [], 0
    for begin, end, formula in [*(math_spans(text) if math and "$" in text else ()), (len(text), len(text), "")]:
        result.append(_plain(text, start, begin, latex=latex, protect=protect))
        result.append(f"{{{formula}}}" if protect and formula else formula)
        start = end
    encoded = "".join(result)
    return _XDATA.sub("{=}", encoded) if "=" in encoded[:6] else encoded


def to_grouped_latex(text: str, *, latex: bool = False) -> str:
    r"""`text` like `to_latex`, for names and sort keys, which styles cut into initials and labels.

    BibTeX never cuts a group that begins with a command, so each escape stands in one ({\%}). So does what has a
    meaning around names and labels: brackets, and the equals sign of biber's extended name format.
    """
    if _UNTOUCHED.fullmatch(text):
        return text
    return _UNGROUPED.sub(lambda match: _LONE_BRACES.get(match[0][-1], f"{{{match[0]}}}"), to_latex(text, latex=latex))


def _plain(text: str, start: int, end: int, *, latex: bool, protect: bool) -> str:
    """The part of `text` from `start` to `end` as LaTeX; what stands around it decides quotes and capitals."""
    escapes = _WITH_PAIRS if _pair_up(text) else _WITHOUT_PAIRS

    def replace(match: re.Match[str]) -> str:
        piece = match[0]
        if piece in escapes:
            return escapes[piece]
        if piece == '"':
            return _quote(text, match.start())
        if piece in "?!":
            # A backtick after these would be read as an inverted question or exclamation mark.
            return piece + "{}" if text[match.end() : match.end() + 1] == "`" else piece
        encoded = piece if piece.isascii() or not latex else _CLUSTER.sub(_encode_cluster, piece)
        return f"{{{encoded}}}" if match.lastgroup and _keeps_capitals(text, match) else encoded

    pieces: list[str] = []
    position = start
    for match in _pattern(text, latex=latex, protect=protect).finditer(text, start, end):
        pieces += text[position : match.start()], replace(match)
        position = match.end()
    return "".join(pieces) + text[position:end]


def _pattern(text: str, *, latex: bool, protect: bool) -> re.Pattern[str]:
    """What has to be looked at in `text`: signs, what is not ASCII, whole words."""
    if protect:
        return _PIECE
    if not latex or text.isascii():
        return _SIGN
    return _SIGN_OR_CLUSTER if _MARK.search(text) else _SIGN_OR_LETTER


def _pair_up(text: str) -> bool:
    """Whether every brace in `text` has its partner."""
    if "{" not in text and "}" not in text:
        return True
    depth = 0
    for brace in re.findall(r"[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _quote(text: str, position: int) -> str:
    """TeX's opening or closing quotes for the straight one at `position`."""
    before, after = text[:position][-1:], text[position + 1 : position + 2]
    opening = (not before or before in " ([{-/'`") and after.strip() != ""
    quotes = "``" if opening else "''"
    # TeX reads three quotes in a row from the left, so that neighbours would change which is which.
    return f"{{{quotes}}}" if {before, after} & {"'", "`", '"'} else quotes


def _keeps_capitals(text: str, match: re.Match[str]) -> bool:
    """Whether a style that lowercases titles would spoil this word.

    So it does with inner capitals (BERT, arXiv), capitals with digits (T5, GPT-4), and single capitals
    (Q-learning, vitamin C), but not with the article A.
    """
    word = match[0]
    if any(char.isupper() for char in word[1:]):
        return True
    if not word[0].isupper() or match.start() == 0:
        return False
    stands_alone = not text[match.end() : match.end() + 1].strip(" ,:;")
    return any(char.isdigit() for char in word) or (len(word) == 1 and not (word == "A" and stands_alone))


def _encode_cluster(match: re.Match[str]) -> str:
    return _encoded(match[1], match[2])


@functools.lru_cache(maxsize=4096)
def _encoded(char: str, marks_after: str) -> str:
    """A character with its combining marks in ASCII; what has no accent command loses the mark."""
    apart = unicodedata.normalize("NFD", char + marks_after)
    base, marks = apart[0], apart[1:]
    body = _LETTERS.get(base, base if base.isascii() else "")
    commands = [_ACCENTS.get(mark) for mark in marks]
    if body and marks and all(commands):
        for command in commands:
            body = f"\\{command}{{{body}}}"
        return f"{{{body}}}"
    return _encode_character(char) + "".join(_encode_character(mark) for mark in marks_after if not base.isalpha())


@functools.cache
def _encoder():  # type: ignore[no-untyped-def]  # pylatexenc has no types
    from pylatexenc.latexencode import UnicodeToLatexEncoder

    return UnicodeToLatexEncoder(
        unknown_char_policy=lambda char: "", unknown_char_warning=False, replacement_latex_protection="braces-all"
    )


@functools.lru_cache(maxsize=4096)
def _encode_character(char: str) -> str:
    """One non-ASCII character in ASCII, by the rules 2 to 4 of the module."""
    if char.isascii():
        return char
    encoded: str = _encoder().unicode_to_latex(char)
    commands = _COMMAND.findall(encoded)
    if commands and encoded.isascii() and set(commands) <= _TEXT_COMMANDS | MATH_SYMBOLS:
        return encoded
    if folded := fold_ascii(char):
        return "".join((_ESCAPED | _LONE_BRACES).get(plain, plain) for plain in folded)
    if unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    return f"[U+{ord(char):04X}]"
