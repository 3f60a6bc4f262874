from dataclasses import replace

import pytest

from pasa_tui.config.profiles import Profile
from pasa_tui.config.settings import AgentSettings
from pasa_tui.models.costs import CostEstimate, Speed, describe_estimate, estimate_cost
from pasa_tui.models.prompts.general import GeneralPrompts
from pasa_tui.papers import Query

QUERY = Query("dense retrieval without labelled data")
PAID = Profile(url="http://host/v1", model="m", price_in=1.0, price_out=4.0)


def estimate(settings: AgentSettings | None = None, **changes: object) -> CostEstimate:
    return estimate_cost(QUERY, PAID, GeneralPrompts(), settings or AgentSettings(), **changes)  # type: ignore[arg-type]


def test_more_asked_for_is_estimated_to_cost_more() -> None:
    usual = estimate()
    assert usual.requests > usual.papers > 50 and usual.seconds is None and not usual.from_past
    for more in (
        AgentSettings(search_papers=50),
        AgentSettings(ensemble=3),
        AgentSettings(criteria="all"),
        AgentSettings(expand_papers=100),
    ):
        assert estimate(more).dollars > usual.dollars
    assert estimate(AgentSettings(criteria="off")).dollars < usual.dollars
    assert estimate(AgentSettings(max_papers=40)).papers == 40


def test_money_and_time_follow_from_tokens() -> None:
    told = estimate(speed=Speed(reading=1000.0, writing=50.0))
    assert told.dollars == pytest.approx((told.prompt_tokens * 1.0 + told.completion_tokens * 4.0) / 1e6, rel=0.01)
    assert told.seconds == pytest.approx(told.prompt_tokens / 1000 + told.completion_tokens / 50, rel=0.01)


def test_past_searches_say_more_than_a_guess() -> None:
    told = estimate(past_papers=[10, 400, 30])
    assert told.papers == 30 and told.from_past


def test_an_estimate_is_said_in_round_numbers() -> None:
    told = CostEstimate(312, 421, 183_456, 7_000, 0.1234, 245.0, False)
    assert describe_estimate(told, paid=True) == "about 310 papers, 420 requests, 190,000 tokens, $0.12, 4 min"
    assert describe_estimate(replace(told, seconds=12.0), paid=False).endswith("190,000 tokens, 12 s")
    assert describe_estimate(replace(told, dollars=0.001, seconds=None), paid=True).endswith("less than $0.01")
