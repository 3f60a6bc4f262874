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

__all__ = [
    "Agent",
    "AgentAssembly",
    "AgentBuilder",
    "Expectation",
    "SearchRequest",
    "addresses_of",
    "any_reachable",
    "builtin_agent",
    "chosen_sources",
    "expect",
    "load_models",
    "weight_folders",
]
