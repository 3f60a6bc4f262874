"""A research question taken apart: what it is about, without how it asks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.models.builtin.words import (
    ADVERBS,
    AUXILIARIES,
    DETERMINERS,
    LINKING_WORDS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    STOP_WORDS,
    WORD,
    is_asking_verb,
    is_plain_asking_verb,
    is_publication,
    is_publication_adjective,
    is_reporting_verb,
    is_using_verb,
)

MAX_WORDS = 40
"""Longest search in words: beyond that, more words of a long description only dilute the weighty ones."""

_SENTENCE_END = re.compile(r"(?<=[.?!;。？！])\s+|\n+|[。？！]")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_LATIN = re.compile(r"[A-Za-z]")
_TOKEN = re.compile(rf"({WORD.pattern})|([,;:()\[\]\"“”])")
_FRAME_WORDS = QUESTION_WORDS | AUXILIARIES | PRONOUNS | DETERMINERS | PREPOSITIONS | ADVERBS


@dataclass(frozen=True, slots=True)
class Question:
    """What a question is about.

    `words` are those of its subject in order as written (none only of blank text); `phrases` runs of them that stand
    together, at least one word each; `years` the years it names.
    """

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    years: tuple[int, ...]

    @property
    def text(self) -> str:
        """The subject in the question's own word order."""
        return " ".join(self.words)


def parse_question(text: str, vocabulary: Vocabulary) -> Question:
    """Take a question apart. A text with no word of a subject is taken whole.

    Of a text with more than MAX_WORDS words of subject, the weightiest are kept, in their order.
    """
    phrases: list[tuple[str, ...]] = []
    # English grammar says nothing about a question in another script, and its words may hold marks that part them.
    sentences = _SENTENCE_END.split(text) if _LATIN.search(text) else ()
    for sentence in sentences:
        phrases += _phrases(_without_frame(_tokens(sentence)))
    if not phrases and (whole := tuple(text.split())):
        phrases = [whole]
    phrases = _weightiest(phrases, vocabulary)
    years = tuple(sorted({int(year) for year in _YEAR.findall(text)}))
    return Question(tuple(word for phrase in phrases for word in phrase), tuple(phrases), years)


def _tokens(sentence: str) -> list[str]:
    return [match[0] for match in _TOKEN.finditer(sentence)]


def _without_frame(tokens: Sequence[str]) -> Sequence[str]:
    """Leave out the words at both ends of a sentence that only ask: "Could you list works that …", "… proposed?"."""
    start = _frame_length(tokens)
    end = len(tokens)
    while end > start and _is_tail(tokens[end - 1].lower()):
        end -= 1
    return tokens[start:end] or tokens[start:]


def _frame_length(tokens: Sequence[str]) -> int:
    """How many tokens at the start only ask.

    The frame is the longest beginning made of function words, asking verbs, nouns for publications and, once one of
    these was there, verbs that report. It must really ask: with a question word, an auxiliary before a pronoun, or
    an asking verb or a publication that a function word goes with. So "search engines" and "citation
    recommendation" stay what they are.
    """
    asks = False
    for at, token in enumerate(tokens):
        word = _word(token)
        following = _word(tokens[at + 1]) if at + 1 < len(tokens) else ""
        if word in QUESTION_WORDS or (word in AUXILIARIES and following in PRONOUNS | DETERMINERS):
            asks = True
        elif word in _FRAME_WORDS or token == ",":
            continue
        elif is_asking_verb(word) or is_publication(word):
            goes_on = following in _FRAME_WORDS or is_publication(following) or is_publication_adjective(following)
            if not (asks or goes_on or is_plain_asking_verb(word)):
                return 0
            asks = True
        elif not (is_publication_adjective(word) or (asks and is_reporting_verb(word))):
            return at if asks else 0
    return 0


def _word(token: str) -> str:
    """A token in lower case, without what an apostrophe contracts: "I'm" is "i"."""
    return re.split("['’]", token.lower())[0]


def _is_tail(word: str) -> bool:
    return (
        word in _FRAME_WORDS
        or word in ",;:"
        or is_publication(word)
        or (word.endswith("ed") and is_reporting_verb(word))
    )


def _phrases(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Runs of words between function words, punctuation and reporting verbs with an ending ("based on", "using")."""
    run: list[str] = []
    for token in [*tokens, ","]:
        word = _word(token)
        if word in LINKING_WORDS or word in STOP_WORDS or not WORD.match(token) or _reports(word, begins=not run):
            if not all(map(is_publication, map(_word, run))):
                yield tuple(run)
            run = []
        else:
            run.append(token)


def _reports(word: str, *, begins: bool) -> bool:
    """Whether a word inside a sentence is a verb that reports. With a bare `-s` after other words it is a noun."""
    if begins and is_using_verb(word):
        return True
    return word.endswith(("ing", "ed", "s") if begins else ("ing", "ed")) and is_reporting_verb(word)


def _weightiest(phrases: list[tuple[str, ...]], vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    """The phrases with the rarest words, in their order, up to MAX_WORDS words; repeats of a phrase go."""
    unique = list({" ".join(phrase).lower(): phrase[:MAX_WORDS] for phrase in phrases}.values())
    order = sorted(
        range(len(unique)),
        key=lambda at: (-vocabulary.weigh(unique[at]) / len(unique[at]), at),
    )
    room = MAX_WORDS
    kept = []
    for at in order:
        if len(unique[at]) <= room:
            kept.append(at)
            room -= len(unique[at])
    return [unique[at] for at in sorted(kept)]
