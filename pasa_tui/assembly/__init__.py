"""What a search is done with: its request, and the agent that is put together for it."""

from pasa_tui.assembly.building import (
    Agent,
    AgentAssembly,
    AgentBuilder,
    builtin_agent,
    chosen_sources,
    load_models,
    weight_folders,
)
from pasa_tui.assembly.estimating import Expectation, expect
from pasa_tui.assembly.network import addresses_of, any_reachable
from pasa_tui.assembly.requests import SearchRequest
from pasa_tui.assembly.surroundings import Surroundings, look_around

__all__ = [
    "Agent",
    "AgentAssembly",
    "AgentBuilder",
    "Expectation",
    "SearchRequest",
    "Surroundings",
    "addresses_of",
    "any_reachable",
    "builtin_agent",
    "chosen_sources",
    "expect",
    "load_models",
    "look_around",
    "weight_folders",
]
