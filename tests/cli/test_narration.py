from pasa_tui.cli.narration import expected_actions, funnel_lines, usage_line
from pasa_tui.config.settings import AgentSettings
from pasa_tui.events import Counted, ExpandStarted, Funnel, SearchPlanned, SearchState
from pasa_tui.papers import PaperId
from pasa_tui.usage import SourceUsage


def state_of(funnel: Funnel, searches: int, opened: int = 0) -> SearchState:
    state = SearchState()
    for number in range(searches):
        state.apply(SearchPlanned(action=number + 1, text=str(number)))
    for number in range(opened):
        state.apply(ExpandStarted(action=searches + number + 1, paper_id=PaperId(f"arxiv:{number}"), depth=0))
    state.apply(Counted(funnel=funnel))
    return state


def test_the_bar_knows_what_is_still_to_be_opened() -> None:
    state = state_of(Funnel(new=30, cited_new=100), searches=5, opened=10)
    assert expected_actions(state, AgentSettings()) == 5 + 30 + 20
    assert expected_actions(state, AgentSettings(expand_papers="all")) == 5 + 30 + 100
    assert expected_actions(state, AgentSettings(expand_layers=1)) == 5 + 30
    assert expected_actions(state, AgentSettings(expand_layers=0)) == 15, "never fewer than were begun"


def test_the_funnel_names_every_stage() -> None:
    lines = funnel_lines(Funnel(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
    assert lines == [
        "1 search > 2 results > 3 new papers > 4 judged > 5 selected",
        "6 opened > 7 with sections > 9 citations > 10 resolved (111 %) > 11 new",
    ]
    assert funnel_lines(Funnel(followed=3, candidates=40, near_new=5))[2:] == [
        "3 asked for who cites them > 40 candidates > 5 new"
    ]


def test_what_each_source_was_asked_is_one_line() -> None:
    usage = (
        SourceUsage("arxiv", requests=6, cached=2, failed=1),
        SourceUsage("openalex", requests=3, left="90 of 100 credits left today"),
        SourceUsage("ar5iv"),
    )
    assert usage_line(usage) == ("requests: arxiv 6 (2 cached, 1 failed), openalex 3 (90 of 100 credits left today)")
    assert usage_line(()) == ""
