"""Lists of authors as bibliographies write them: where they end, and the people in them as "Given Family"."""

import re

from pasa_tui.papers import clean_text

UPPER = "".join(re.escape(chr(code)) for code in range(0x41, 0x530) if chr(code).isupper())
# Words that begin titles, or stand in them, and are nobody's name.
_NO_NAME = (
    r"(?!(?:The|An?|On|In|Of|For|And|With|From|Is|Are|Do|Does|Can|How|Why|What|When|Where|Who|Not|Towards?|Via|Using|Beyond"
    r"|Version|Learning|Proceedings|Journal|Conference|Transactions|Advances|International|Vol|No|Jr|Sr)\b)"
)
_WORD = rf"{_NO_NAME}[{UPPER}][\w'’‐-]{{0,40}}"
# No word may match in two ways: with particles after particles that would be tried in every combination.
_PARTICLE = r"(?:[vV][ao]n|de[lnr]?|di|da|d[ou]s?|la|le|te[nr]?|zu[rm]?|af|av|bin|ibn|el|al|y|[’']t)"
_SUFFIX = r"(?:,?\s(?:Jr\.?|Sr\.?|I{2,3}|IV)(?!\w))?"
_FAMILY = rf"(?:{_PARTICLE}\s+){{0,4}}(?:d['’]|al-|el-)?{_WORD}(?:\s+(?:{_PARTICLE}\s+){{0,4}}{_WORD})??"
_INITIALS = rf"[{UPPER}]h?\.(?:\s*[-‐]?\s*[{UPPER}]h?\.){{0,4}}"
_GIVEN = rf"(?:{_WORD}(?<=\w\w)|[{UPPER}]\.(?:-?[{UPPER}]\.)*)"
_STRAIGHT = rf"(?P<given>{_INITIALS})\s*(?P<family>{_FAMILY})(?<=\w\w){_SUFFIX}"
_INVERTED = rf"(?P<family>{_FAMILY}),(?:\s(?:Jr|Sr)\.?,)?\s+(?P<given>{_INITIALS}){_SUFFIX}"
_BARE = rf"(?P<family>{_FAMILY})\s+(?P<given>{_INITIALS}|[{UPPER}]{{1,4}}(?:-[{UPPER}])?){_SUFFIX}(?![\w'’])"
_UNDOTTED = rf"(?P<given>[{UPPER}]{{1,3}})\s(?P<family>{_FAMILY}){_SUFFIX}"
_PLAIN_FAMILY = rf"(?:{_PARTICLE}\s+){{1,4}}{_WORD}(?:\s+{_WORD})?|{_WORD}(?<=\w\w)"
_FULL = rf"(?P<given>{_GIVEN}(?:\s+{_GIVEN}){{0,3}}?)\s+(?P<family>{_PLAIN_FAMILY}){_SUFFIX}"
_TURNED = (
    rf"(?P<family>{_FAMILY}),\s+(?P<given>{_GIVEN}(?:\s+{_GIVEN}){{0,3}}(?:\s+(?:{_PARTICLE}|d\.)){{0,2}}){_SUFFIX}"
)
_AND = r"(?:&|\b(?:and|und|et|y|e|og|och|en)\b)"
_AFTER_NAME = rf"(?=\s*(?:[,.;:(\[“‘\"&]|$|[–—]\s|{_AND}\s|u\.\s?a\.|[Ii]n\s|\d{{4}}))"
# Initials may end the sentence of the names: what follows must then be no family name.
_AFTER_INITIALS = rf"(?:{_AFTER_NAME}|(?<=\.)(?=\s+\w)(?!\s+{_FAMILY}\s*(?:[,&]|and\b)))"
_FORMS = tuple(
    tuple(re.compile(form + (_AFTER_INITIALS if form is _INVERTED else _AFTER_NAME)) for form in forms)
    for forms in (
        (_INVERTED, _INVERTED),
        (_UNDOTTED, _UNDOTTED),
        (_STRAIGHT, _STRAIGHT),
        (_BARE, _BARE),
        (_FULL, _FULL),
        (_INVERTED, _STRAIGHT),
        (_FULL, _INVERTED),
        (_TURNED, _FULL),
        (_TURNED, _TURNED),
    )
)
_BETWEEN = re.compile(rf"\s*(?:,\s*(?:\.\.\.|…),?\s*(?:&\s*)?|[,;]?\s*(?P<last>{_AND})\s+(?!al\b|others\b)|[,;]\s*)")
_OTHERS = re.compile(
    r"[,;]?\s*(?:and\s+|et\s+)(?:al\b\.?|others\b\.?)|\s+u\.\s?a\.|,?\s*(?:…|\.\.\.)(?!\s*[,&])"
    r"|,?\s*(?:(?:on behalf of|for|and|&)\s+)?(?:[Tt]he\s+)?(?:[\w-]+\s){1,5}"
    r"(?:Collaborations?|Consortium|Team|Group|Authors)\b"
)
_EDITORS = re.compile(r"\s*[,(]\s*(?:eds?\b\.?|editors?)\)?", re.IGNORECASE)


def looks_like_names(text: str) -> bool:
    """Whether `text` could be a list of people: short pieces, in capitals but for particles."""
    pieces = [piece.split() for piece in re.split(r"[,;&]|\band\b|\bet al\b", text)]
    words = [word for piece in pieces for word in piece if any(char.isalpha() for char in word)]
    small = [word for word in words if word[0].islower() and not re.fullmatch(_PARTICLE + r"|the|of|for|eds?\.?", word)]
    return bool(words) and not small and all(len(piece) <= 6 for piece in pieces)


def name_list(text: str) -> tuple[list[str], int]:
    """The longest list of names at the start of `text`, as "Given Family", and the offset where it ends."""
    best: tuple[tuple[bool, int], list[str], int] = ((False, 0), [], 0)
    for first, then in _FORMS:
        names, end, closed = _list_in_form(text, first, then)
        if not names:
            continue
        turned, full = first.pattern.startswith(_TURNED), first.pattern.startswith(_FULL)
        following = text[end:].lstrip()[:1]
        finished = closed or following not in (",:" if turned and " " in text[: text.find(",")] else ",")
        # After names with initials a title in capitals reads like one more full name, and "Family, Given," may be
        # a company and its product.
        doubtful = (turned and not finished) or (full and not closed and best[1] and "." in names[0].split()[0])
        if not doubtful and (finished, len(names)) > best[0]:
            best = ((finished, len(names)), names, end)
    return best[1], best[2]


def _list_in_form(text: str, first: re.Pattern[str], then: re.Pattern[str]) -> tuple[list[str], int, bool]:
    """The names of one form at the start of `text`, where they end, and whether "and" or "et al." ended them."""
    names: list[str] = []
    at = end = len(text) - len(text.lstrip())
    closed = False
    while match := (then if names else first).match(text, at):
        given, family = match["given"], match["family"]
        if re.fullmatch(rf"[{UPPER}]{{1,4}}(?:-[{UPPER}])?", given):
            given = " ".join(f"{letter}." for letter in given if letter != "-")
        suffix = match[0][max(match.end("given"), match.end("family")) - match.start() :]
        names.append(clean_text(f"{given} {family}{' Jr.' if 'Jr' in suffix else ''}"))
        end = match.end()
        between = _BETWEEN.match(text, end)
        if between is None or (closed and not between["last"]):
            break
        closed = closed or bool(between["last"])
        at = between.end()
    if names and (others := _OTHERS.match(text, end)):
        end, closed = others.end(), True
    if names and (editors := _EDITORS.match(text, end)):
        end = editors.end()
    return names, end, closed


def author_names(text: str) -> tuple[str, ...]:
    """All names of an author list; a list that is no people's names is one corporate author."""
    text = text.strip(" ,;:")
    names, end = name_list(text)
    if names and len(text) - end < 40:
        return tuple(names)
    pieces = re.split(r",\s+and\s+|\s+and\s+|[,;]\s+|\s+&\s+", text)
    return tuple(
        clean_text(piece.strip(" .,")) for piece in pieces if len(piece) > 1 and not piece.startswith("et al")
    )[:500]
