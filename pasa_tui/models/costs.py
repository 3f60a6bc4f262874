"""What a search with a language model is likely to cost, before it begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from pasa_tui.config.profiles import Profile
from pasa_tui.config.settings import AgentSettings
from pasa_tui.models.engines.protocol import Prompt
from pasa_tui.models.prompts.protocol import PromptSet
from pasa_tui.papers import Paper, Query

_CHARACTERS = 4.0
"""Characters of English that make up a token, about, with the vocabularies of today's models."""
_TYPICAL = Paper(title="t" * 75, abstract="a" * 1265, arxiv_id="2001.00001")
"""As long as title and abstract are in the mean over 3,300 papers that 60 dev questions of AutoScholarQuery met."""
_SECTIONS = ("Introduction", "Related Work", "Method", "Experiments", "Results", "Discussion", "Conclusion")
_NEW_SHARE = 0.7
"""New papers per result of a search: 0.68 in the mean over those 60 questions, the same paper coming up repeatedly."""
_WITH_SECTIONS = 0.8
"""Papers opened whose sections are known: 0.82 of those opened on the sample corpus, over its 5 questions."""
_NEW_PER_OPENED = 5.0
"""New papers that one with sections leads to. The sample, which is small, gives 1.9; a guess for live sources."""
_SELECTED_SHARE = 0.15
"""Papers selected of those met: 0.14 in the mean over the 60 questions with the builtin Selector."""
_PLAN_TOKENS, _CHOICE_TOKENS, _VERDICT_TOKENS, _TURN_TOKENS = 120, 40, 260, 160
"""Tokens written for: search texts, sections chosen, one paper's verdicts, a planner's turn."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second that a model reads, and that it writes, as `pasa-tui models check` measured them."""

    reading: float
    writing: float


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Papers judged, requests to the model, tokens read and written, dollars; seconds where a speed is known.

    `from_past` says that the number of papers is the median of past searches of the same kind.
    """

    papers: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float
    seconds: float | None
    from_past: bool


def estimate_cost(
    query: Query,
    profile: Profile,
    prompts: PromptSet,
    settings: AgentSettings,
    *,
    past_papers: Sequence[int] = (),
    speed: Speed | None = None,
) -> CostEstimate:
    """What a search for `query` is likely to cost. `past_papers` are the papers met by past searches of the kind.

    An estimate in the plain sense: what a search meets differs by a factor of two from question to question.
    """
    papers, opened = _expected(settings, past_papers)
    calls: list[tuple[int, Prompt, int]] = [
        (settings.ensemble, prompts.searches(query), _PLAN_TOKENS),
        (
            settings.ensemble * round(opened * _WITH_SECTIONS),
            prompts.sections(query, _TYPICAL, _SECTIONS),
            _CHOICE_TOKENS,
        ),
        (papers, prompts.decision(query, _TYPICAL), 1),
    ]
    requests = sum(count for count, _, _ in calls)
    reading = sum(count * _tokens(prompt) for count, prompt, _ in calls)
    writing = sum(count * written for count, _, written in calls)
    if profile.prompts == "general" and settings.criteria != "off":
        assessed = papers if settings.criteria == "all" else round(papers * _SELECTED_SHARE)
        requests += 1 + assessed
        # The paper and the criteria, and the splitting of the question itself.
        reading += (1 + assessed) * (_tokens(prompts.decision(query, _TYPICAL)) + 200)
        writing += (1 + assessed) * _VERDICT_TOKENS
    if settings.planner == "iterative":
        requests += settings.planner_turns
        reading += settings.planner_turns * 2_000
        writing += settings.planner_turns * _TURN_TOKENS
    return CostEstimate(
        papers=papers,
        requests=requests,
        prompt_tokens=round(reading),
        completion_tokens=round(writing),
        dollars=(reading * profile.price_in + writing * profile.price_out) / 1e6,
        seconds=reading / speed.reading + writing / speed.writing if speed else None,
        from_past=bool(past_papers),
    )


def describe_estimate(estimate: CostEstimate, *, paid: bool) -> str:
    """The estimate in a line: `about 310 papers, 420 requests, 190,000 tokens, $0.12, 4 min`."""
    tokens = _rounded(estimate.prompt_tokens + estimate.completion_tokens)
    parts = [f"{_rounded(estimate.papers):,} papers", f"{_rounded(estimate.requests):,} requests", f"{tokens:,} tokens"]
    if paid:
        parts.append(f"${estimate.dollars:.2f}" if estimate.dollars >= 0.01 else "less than $0.01")
    if estimate.seconds is not None:
        minutes = estimate.seconds / 60
        parts.append(f"{minutes:.0f} min" if minutes >= 1.5 else f"{estimate.seconds:.0f} s")
    return "about " + ", ".join(parts)


def _expected(settings: AgentSettings, past_papers: Sequence[int]) -> tuple[int, float]:
    """Papers met, and papers opened."""
    found = settings.search_queries * settings.results_of() * _NEW_SHARE
    if settings.planner == "iterative":
        turns = settings.planner_turns
        found *= 1 + turns
        opened = 5.0 * turns
    else:
        later = settings.expand_papers if settings.expand_papers != "all" else found * _NEW_PER_OPENED
        opened = (found if settings.expand_layers else 0.0) + later * max(0, settings.expand_layers - 1)
    met = found + opened * _WITH_SECTIONS * _NEW_PER_OPENED + settings.near_papers / 2
    if past_papers:
        met = sorted(past_papers)[len(past_papers) // 2]
    most = settings.max_papers or met
    return round(min(met, most)), opened


def _tokens(prompt: Prompt) -> float:
    return (len(prompt.system) + len(prompt.text)) / _CHARACTERS


def _rounded(number: float) -> int:
    """To two digits that mean something."""
    if number < 100:
        return round(number)
    digits = len(str(round(number))) - 2
    return int(round(number, -digits))
