"""What acronyms stand for, as papers themselves say: "retrieval-augmented generation (RAG)".

After Schwartz and Hearst (PSB 2003), for the common case in which each letter is the initial of a word.
"""

import re
from collections import Counter
from collections.abc import Iterable

_IN_BRACKETS = re.compile(r"\(([A-Za-z][A-Za-z0-9]{1,9})\)")
_WORD = re.compile(r"[^\W_]+")
_FEWEST, _MOST = 2, 8
"""Letters of an acronym."""
_LONGEST = 200
"""Characters before the brackets that are read."""


def acronyms_in(text: str) -> list[str]:
    """Words with two or more capitals, in order, without a plural `s`: LLMs gives LLM."""
    found = [word.removesuffix("s") for word in _WORD.findall(text) if sum(map(str.isupper, word)) >= _FEWEST]
    return list(dict.fromkeys(found))


def spelled_out(acronym: str, texts: Iterable[str]) -> str:
    """The words for which `texts` most often introduce an acronym in brackets; empty if none does."""
    letters = acronym.lower()
    if not _FEWEST <= len(letters) <= _MOST:
        return ""
    counted: Counter[str] = Counter()
    for text in texts:
        for match in _IN_BRACKETS.finditer(text):
            if match[1].removesuffix("s").lower() != letters:
                continue
            before = text[max(0, match.start() - _LONGEST) : match.start()]
            words = _WORD.findall(before.lower())[-len(letters) :]
            if [word[0] for word in words] == list(letters):
                counted[" ".join(words)] += 1
    return max(counted, key=lambda words: (counted[words], words), default="")
