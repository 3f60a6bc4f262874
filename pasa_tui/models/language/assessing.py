"""What a question asks, piece by piece, and how far papers meet each piece, with quotes that are checked."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from rapidfuzz import fuzz, process

from pasa_tui.criteria import LEVELS, Criterion, Level, Verdict
from pasa_tui.models.engines.protocol import Engine, Prompt, Sampling
from pasa_tui.models.language.answers import write_answer
from pasa_tui.models.language.dates import check_bounds, parse_bound, say_bounds
from pasa_tui.models.language.lenient import find_json, objects_of, without_thoughts
from pasa_tui.models.language.quotes import is_quoted
from pasa_tui.models.language.unmarked import list_items
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.papers import Paper, Query, clean_text

_MAX_TOKENS = 900
_MOST_CRITERIA = 8
_LONGEST = 300
"""Characters of a criterion or of a quote that are kept."""
_LONGEST_QUOTE = 4_000
"""Characters of a quote that are checked."""
_LEAST_WEIGHT, _MOST_WEIGHT = 0.1, 10.0
_LIKE = 80.0
"""Likeness (0 to 100) of a criterion written out again to the one that was asked about."""
_NO_QUOTE = frozenset({"none", "n/a", "na", "null", "no quote", "not found", "not mentioned", "empty", "no evidence"})
_NEGATION = re.compile(r"^(?:(is|are|has|have)\s+|(?:must|should|does|do|may|can)\s+)?(?:not|no)\s+", re.I)
_KINDS: Mapping[str, Literal["requirement", "exclusion", "date"]] = {
    "requirement": "requirement",
    "exclusion": "exclusion",
    "date": "date",
}
_WORDS: Mapping[str, Level] = {
    **{level: level for level in get_args(Level)},
    "full": "yes",
    "fully": "yes",
    "true": "yes",
    "met": "yes",
    "3": "yes",
    "most": "mostly",
    "largely": "mostly",
    "2": "mostly",
    "partial": "partly",
    "partially": "partly",
    "somewhat": "partly",
    "some": "partly",
    "1": "partly",
    "none": "no",
    "false": "no",
    "not": "no",
    "0": "no",
}
"""What models write for the four levels."""


class ModelAssessor:
    """Assesses with a model that can write JSON; what it writes otherwise is read as well as can be."""

    def __init__(self, engine: Engine, prompts: GeneralPrompts, *, name: str) -> None:
        self.name = name
        self._engine = engine
        self._prompts = prompts

    async def split(self, query: Query) -> Sequence[Criterion]:
        """At most eight criteria whose weights sum to 1; the whole question as one where no answer is understood.

        Raises ModelError.
        """
        return read_criteria(await self._write(self._prompts.split(query)), query)

    async def assess(self, query: Query, criteria: Sequence[Criterion], paper: Paper) -> Sequence[Verdict]:
        """A verdict per criterion, in order; none at all where the answer is not understood. Raises ModelError.

        Dates that can be checked are not left to the model.
        """
        dated = {
            item.text: level
            for item in criteria
            if item.kind == "date" and (level := check_bounds(item.text, paper.date))
        }
        open_ = [criterion for criterion in criteria if criterion.text not in dated]
        verdicts: dict[str, Verdict] = {
            text: Verdict(text, level, str(paper.date), found=True) for text, level in dated.items()
        }
        if open_:
            answer = await self._write(self._prompts.assess(query, open_, paper))
            read = read_verdicts(answer, open_, paper)
            if not read:
                return ()
            verdicts |= {verdict.criterion: verdict for verdict in read}
        return [verdicts[criterion.text] for criterion in criteria]

    async def _write(self, prompt: Prompt) -> str:
        return await write_answer(self._engine, prompt, Sampling(_MAX_TOKENS))


def read_criteria(answer: str, query: Query) -> list[Criterion]:
    """The criteria in a model's answer; the question itself where there are none. Never raises."""
    criteria: dict[str, Criterion] = {}
    answer = without_thoughts(answer)
    found = find_json(answer)
    items: Sequence[Mapping[str, Any]] = objects_of(found)
    if not items:
        texts = found if isinstance(found, list) else list_items(answer)
        items = [{"criterion": text} for text in texts]
    for item in items[:_MOST_CRITERIA]:
        criterion = _criterion(item)
        if criterion is not None:
            criteria.setdefault(criterion.text, criterion)
    whole = sum(criterion.weight for criterion in criteria.values())
    if not criteria or not whole:
        return [Criterion(" ".join(query.text.split()))]
    return [Criterion(it.text, round(it.weight / whole, 4), it.kind) for it in criteria.values()]


def _criterion(item: Mapping[str, Any]) -> Criterion | None:
    kind = _KINDS.get(str(item.get("kind")), "requirement")
    weight = _weight(item.get("weight"))
    if kind == "date":
        first, last = parse_bound(item.get("from"), last=False), parse_bound(item.get("until"), last=True)
        if first and last and first > last:
            first, last = parse_bound(item.get("until"), last=False), parse_bound(item.get("from"), last=True)
        if first or last:
            return Criterion(say_bounds(first, last), weight, kind)
    text = _text(item.get("criterion", item.get("text", item.get("name"))))
    if kind == "exclusion":
        # What is excluded is said without the "not", lest it be read as excluded twice.
        text = _NEGATION.sub(lambda match: f"{match[1]} " if match[1] else "", text)
    return Criterion(text, weight, kind) if any(char.isalnum() for char in text) else None


def _weight(value: Any) -> float:
    """Within what the prompt asks for and a little beyond; 1 where there is none."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,4}(?:\.\d{1,4})?", value.strip(), re.ASCII):
        value = float(value)
    known = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(min(max(value, _LEAST_WEIGHT), _MOST_WEIGHT)) if known else 1.0


def read_verdicts(answer: str, criteria: Sequence[Criterion], paper: Paper) -> list[Verdict]:
    """A verdict per criterion out of a model's answer, "no" where it says nothing of one; empty where of none.

    A quote that isn't in the paper lowers the level by one, and so does a missing one where there should be one.
    Never raises.
    """
    said: dict[int, Mapping[str, Any]] = {}
    for place, item in enumerate(_judged(find_json(without_thoughts(answer))), start=1):
        number = _number(item.get("criterion", item.get("number", item.get("id"))), criteria, place)
        if number is not None and _level(item.get("level")) is not None:
            said.setdefault(number, item)
    if not said:
        return []
    return [_verdict(criterion, said.get(number, {}), paper) for number, criterion in enumerate(criteria, start=1)]


def _judged(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects of an answer; those of `{"1": {"level": …}, "2": "no"}` are told by their keys."""
    items = objects_of(value)
    if len(items) != 1 or "level" in items[0]:
        return items
    return [
        {"criterion": key, **(item if isinstance(item, dict) else {"level": item})}
        for key, item in items[0].items()
        if isinstance(item, dict | str | int)
    ]


def _verdict(criterion: Criterion, said: Mapping[str, Any], paper: Paper) -> Verdict:
    level, quote = _level(said.get("level")) or "no", _text(said.get("quote", said.get("evidence")), _LONGEST_QUOTE)
    if quote.casefold().strip(" .\"'()") in _NO_QUOTE:
        quote = ""
    found = bool(quote) and is_quoted(quote, paper)
    # That a paper is clear of something no words of it show.
    needs_quote = level != "no" and criterion.kind == "requirement"
    if (quote and not found and level != "no") or (needs_quote and not quote):
        level = LEVELS[LEVELS.index(level) - 1]
    return Verdict(criterion.text, level, textwrap.shorten(quote, _LONGEST, placeholder=" …"), found)


def _number(value: Any, criteria: Sequence[Criterion], place: int) -> int | None:
    """Which criterion is meant: by its text, by number, or by its place where it is not said."""
    if value is None:
        return place if place <= len(criteria) else None
    wanted = _text(value).casefold()
    texts = [criterion.text.casefold() for criterion in criteria]
    if wanted in texts:
        return texts.index(wanted) + 1
    if match := re.match(r"\s*(?:criterion\s*)?#?(\d{1,3})\b", str(value)[:_LONGEST], re.ASCII | re.I):
        return int(match[1]) if 1 <= int(match[1]) <= len(criteria) else None
    best = process.extractOne(wanted, texts, scorer=fuzz.ratio, score_cutoff=_LIKE) if wanted else None
    return best[2] + 1 if best else None


def _level(value: Any) -> Level | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _WORDS.get(str(value).strip().casefold().rstrip(".")) if isinstance(value, str | int) else None


def _text(value: Any, longest: int = _LONGEST) -> str:
    return " ".join(clean_text(value[:_LONGEST_QUOTE]).split())[:longest].strip() if isinstance(value, str) else ""
