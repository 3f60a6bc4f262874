"""Which sections' citations are worth following, by the sections' names."""

import re
from collections.abc import Iterator, Sequence

from pasa_tui.models.builtin.lexical import coverage, question_weights
from pasa_tui.models.builtin.question import Question
from pasa_tui.models.builtin.statistics import Vocabulary
from pasa_tui.papers import Paper

_REVIEWING = re.compile(
    r"\b(related|relative|relevant|prior|previous|existing|recent)\b.*\b(works?|literature|research|studies|methods?"
    r"|approaches|advances)\b|\bliterature\b|\bbackground|\bintroduc|\bpreliminar|\bmotivation|\boverview|\bsurvey"
    r"|\bstate[ -]of[ -]the[ -]art|\bbaselines?\b|\bcompar|\btaxonomy|\bhistory\b|\babstract\b|\bchallenges\b",
    re.IGNORECASE,
)
"""Names under which papers write about others: what the question asks for is likely cited there."""

_OWN_WORK = re.compile(
    r"\b(implementation|training|experiment\w*|hyper-?parameters?|evaluation|simulation)? ?(details?|set-?ups?)\b"
    r"|\bsettings?\b"
    r"|\bhyper-?param|\backnowledg|\bappendi|\bbroader impact|\bethic|\blimitation|\breproducib|\bproofs?\b|\blemma\b"
    r"|\bnotations?\b|\bmetrics?\b|\bhardware|\bdata availability|\bcontributions?\b|\bdeclaration|\bfunding"
    r"|\bcompute\b|\bchecklist|\bsupplement|\bconclu|\bfuture work",
    re.IGNORECASE,
)
"""Names under which they write about their own work: optimisers, data sets and tools are cited there."""

_NUMBER = re.compile(r"^\s*(?:(?:section|chapter|appendix)\s+)?(?:[0-9]+|[IVX]+|[A-Z])(?:\.[0-9]+)*[.:)]?\s+(?=\S)")
_BARELY_RELEVANT = 0.25
_ON_SUBJECT = 0.3


def choose_sections(question: Question, paper: Paper, sections: Sequence[str], vocabulary: Vocabulary) -> Iterator[str]:
    """Yield names out of `sections`, in order.

    Reviewing sections are chosen, those on the paper's own work are not, others if their name shares weighty words
    with the question. Of a paper that itself shares next to nothing with the question, only the sections that name
    the subject are; so are those with no name, which may be anything, of a paper on the subject.
    """
    weights = question_weights(question, vocabulary)
    relevant = coverage(f"{paper.title} {paper.abstract}", weights, vocabulary) >= _BARELY_RELEVANT
    for name in sections:
        bare = _NUMBER.sub("", name)
        on_subject = coverage(bare, weights, vocabulary) >= _ON_SUBJECT
        reviewing = bool(_REVIEWING.search(bare)) or not bare.strip()
        if (on_subject and not _OWN_WORK.search(bare)) or (relevant and reviewing):
            yield name
