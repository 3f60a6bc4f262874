"""Authors' names, from the line a source shows to the parts BibTeX wants."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.latex import to_grouped_latex

OTHERS = "others"
"""As the last author: there are more, whose names are not known. The word is BibTeX's own."""

# Written in lower case inside a name, these begin the family name (the "von" part of BibTeX).
_PARTICLE_WORDS = (
    "af al ap av bin da dal de dei del dela della den der des di do dos du el ibn la las le lo los mac o 't ten ter "
    "tho 'n vom van von vander vanden vd y zu zum zur"
)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_COLLECTIVE = re.compile(
    r"\b(?:collaborations?|consortium|team|group|project|initiative|committee|community|contributors|society|"
    r"association|organi[sz]ation|foundation|institute|university)\b",
    re.IGNORECASE,
)
# Where BibTeX splits names, and the word that stands for more of them.
_SEPARATORS = re.compile(r",|(?:^|\s)(?:and|others)(?:\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a name. A `collective` (a collaboration, a company) has a `family` part only."""

    family: str
    given: str = ""
    particle: str = ""
    suffix: str = ""
    collective: bool = False


def parse_name(display: str) -> Name:
    """Take a displayed name apart: "First von Last", "von Last, First", each also with Jr. and the like.

    A name that can't be taken apart (of one word, of a collaboration, with "and" inside) is a family name.
    """
    name = cleaned(display)
    if _COLLECTIVE.search(name) or " and " in name.lower():
        return Name(name, collective=True)
    parts = [part.strip() for part in name.split(",")]
    if len(parts) == 2 and parts[1].lower() in _SUFFIXES and " " in parts[0]:
        return _from_display(parts[0].split(), parts[1])
    if len(parts) == 3 and parts[1].lower() in _SUFFIXES and parts[0] and parts[2]:
        return _with_particle(parts[0].split(), parts[2], parts[1])
    if len(parts) == 2 and all(parts):
        return _with_particle(parts[0].split(), parts[1], "")
    if len(parts) > 1:
        return Name(name, collective=True)
    words = name.split()
    if len(words) > 2 and words[-1].lower() in _SUFFIXES:
        return _from_display(words[:-1], words[-1])
    return _from_display(words, "")


def _from_display(words: Sequence[str], suffix: str) -> Name:
    for index in range(1, len(words) - 1):
        if words[index] in _PARTICLES:
            return _with_particle(words[index:], " ".join(words[:index]), suffix)
    return Name(words[-1], " ".join(words[:-1]), "", suffix) if words else Name("")


def _with_particle(family: Sequence[str], given: str, suffix: str) -> Name:
    """Split the lower-case words that a family name begins with off it; its last word always stays."""
    count = 0
    while count < len(family) - 1 and family[count][:1].islower():
        count += 1
    return Name(" ".join(family[count:]), given, " ".join(family[:count]), suffix)


def known_authors(authors: Sequence[str]) -> list[Name]:
    """The authors whose names have a letter or digit, without the closing "others"."""
    return list(_known(authors))


def first_author(authors: Sequence[str]) -> Name | None:
    """The first of `known_authors`."""
    return next(_known(authors), None)


def _known(authors: Sequence[str]) -> Iterator[Name]:
    named = authors[:-1] if authors and authors[-1] == OTHERS else authors
    return (name for name in map(parse_name, named) if any(char.isalnum() for char in name.family))


def to_bibtex_names(authors: Sequence[str], *, latex: bool = False) -> str:
    """BibTeX's name list in the form "von Last, Jr., First and …"; empty where no author is known.

    The form with commas leaves no style and no reader to guess which word is the family name. Parts that BibTeX
    would misread (a name that is "others", one with "and" inside, a family name in lower case) are in braces.
    """
    names = [_to_bibtex(name, latex=latex) for name in known_authors(authors)]
    if names and authors[-1] == OTHERS:
        names.append(OTHERS)
    return " and ".join(names)


def _to_bibtex(name: Name, *, latex: bool) -> str:
    in_lower_case = any(word[:1].islower() for word in name.family.split())
    family = _part(name.family, latex=latex, whole=name.collective or in_lower_case)
    if name.particle:
        family = f"{_part(name.particle, latex=latex)} {family}"
    others = [_part(part, latex=latex) for part in (name.suffix, name.given) if part]
    return ", ".join(filter(None, (family, *others)))


def _part(text: str, *, latex: bool, whole: bool = False) -> str:
    """One part of a name; as a `whole`, no reader splits it.

    Braces around a whole would hide the groups of its commands from BibTeX, which might then cut a command in
    two; so where there are commands, the places to split at are in braces instead.
    """
    encoded = to_grouped_latex(text, latex=latex)
    if not whole and not _may_be_split(text):
        return encoded
    return re.sub(r"[\s,]", r"{\g<0>}", encoded) if "\\" in encoded else f"{{{encoded}}}"


def _may_be_split(text: str) -> bool:
    folded = text.casefold()
    # To look for the words alone first is many times faster, and most names have none of them.
    return ("," in text or "and" in folded or "others" in folded) and bool(_SEPARATORS.search(text))
