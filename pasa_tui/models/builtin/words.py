"""Words by their grammar: what a question is made of besides its subject.

The lists are closed classes of English (auxiliaries, pronouns, determiners, prepositions) and the verbs and
nouns with which people ask for papers and speak about them. They say how something is asked, never what about.
Word forms are compared after `base_form`, a light removal of verb and plural endings.
"""

import re
from functools import lru_cache

WORD = re.compile(r"[^\W_]+(?:[-'’./+][^\W_]+)*[+#]{0,2}")
"""A word as it is written, hyphenated compounds and things like `GPT-4V` or `C++` whole."""

PLAIN_WORD = re.compile(r"[^\W_]+")
"""A word as full-text indexes cut it: letters and digits only."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUESTION_WORDS = _words("what which who whom whose where when why how")
AUXILIARIES = _words(
    "is are was were be been being am do does did done have has had having can could would should shall will may "
    "might must"
)
PRONOUNS = _words(
    "i me my we us our ours you your it its they them their he she there one ones "
    "anyone anybody someone somebody everyone everybody anything something everything"
)
DETERMINERS = _words(
    "a an the this that these those some any all many most several few various other others another such each every "
    "more much no both either certain different numerous multiple noteworthy notable relevant"
)
PREPOSITIONS = _words(
    "of in on at to for with by from into onto about regarding concerning over under between among across through "
    "throughout during within without against via per toward towards upon after before around beyond along as than "
    "like including based versus vs"
)
CONJUNCTIONS = _words("and or but nor so yet while whereas whether if because since although though unless")
ADVERBS = _words(
    "please kindly also just only mainly primarily specifically particularly especially explicitly recently "
    "previously currently early first originally initially successfully e.g i.e etc not then thus hence well very "
    "already still"
)

_ASKING_VERBS = _words(
    "list provide give show find tell name mention suggest recommend point cite identify share know look search need "
    "want help get see enumerate send return retrieve collect seek wonder interest"
)
_PLAIN_ASKING_VERBS = _words("find give provide recommend suggest identify retrieve collect tell enumerate need want")
_USING_VERBS = _words("use utilize utilise employ apply leverage exploit adopt incorporate")
_PUBLICATION_ADJECTIVES = _words("recent latest prior existing seminal influential new key important")
_PUBLICATIONS = _words(
    "paper work study research researcher article publication literature reference author citation preprint "
    "investigation effort initiative"
)
_REPORTING_VERBS = _words(
    "discuss describe propose introduce study explore investigate present focus examine address demonstrate consider "
    "cover develop use utilize utilise employ apply deal concern relate aim attempt try seek report mention work "
    "conduct perform implement design offer provide make do contain exist involve pioneer publish revolve talk "
    "contribute highlight emphasize show suggest indicate reveal prove argue claim establish adopt leverage exploit "
    "specialize center tackle handle build create base lean rely incorporate pursue write carry cite"
)
_IRREGULAR = {
    "known": "know",
    "shown": "show",
    "given": "give",
    "written": "write",
    "seen": "see",
    "made": "make",
    "found": "find",
    "built": "build",
    "sought": "seek",
    "dealt": "deal",
}

STOP_WORDS = (
    QUESTION_WORDS | AUXILIARIES | PRONOUNS | DETERMINERS | PREPOSITIONS | CONJUNCTIONS | ADVERBS
) - frozenset({"first", "early", "different", "multiple", "over", "under", "against", "without"})
"""Words that never stand for a subject."""

LINKING_WORDS = PREPOSITIONS | CONJUNCTIONS | QUESTION_WORDS | AUXILIARIES | PRONOUNS | {"that"}
"""Where a phrase ends and the next begins."""


@lru_cache(maxsize=20_000)
def base_form(word: str) -> frozenset[str]:
    """Every form a lower-case English word may be an inflection of, the word itself included.

    >>> sorted(base_form("studies"))
    ['studi', 'studie', 'studies', 'study']
    """
    forms = {word, _IRREGULAR.get(word, word)}
    if word.endswith(("ies", "ied")):
        forms.add(word[:-3] + "y")
    if word.endswith(("es", "ed")):
        forms |= {word[:-2], word[:-1]}
    if word.endswith("s") and not word.endswith("ss"):
        forms.add(word[:-1])
    if word.endswith("ing"):
        forms |= {word[:-3], word[:-3] + "e"}
    return frozenset(forms | {form[:-1] for form in forms if len(form) > 3 and form[-1] == form[-2]})


def is_asking_verb(word: str) -> bool:
    """Whether a lower-case word asks for something: "list", "provide", "looking"."""
    return not _ASKING_VERBS.isdisjoint(base_form(word))


def is_plain_asking_verb(word: str) -> bool:
    """Whether a lower-case word can be nothing but a request at the start of a sentence ("find", unlike "search")."""
    return word in _PLAIN_ASKING_VERBS


def is_using_verb(word: str) -> bool:
    """Whether a lower-case word says that something is used, in any form."""
    return not _USING_VERBS.isdisjoint(base_form(word))


def is_publication_adjective(word: str) -> bool:
    """Whether a lower-case word says which publications are asked for: "recent", "seminal"."""
    return word in _PUBLICATION_ADJECTIVES


def is_publication(word: str) -> bool:
    """Whether a lower-case word names what is asked for: "papers", "studies"."""
    return not _PUBLICATIONS.isdisjoint(base_form(word))


def is_reporting_verb(word: str) -> bool:
    """Whether a lower-case word says what a paper does with its subject: "discuss", "proposed"."""
    return not _REPORTING_VERBS.isdisjoint(base_form(word))
