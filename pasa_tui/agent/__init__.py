"""PaSa as a loop: a Crawler and a Selector over sources, under a schedule and a budget."""

from pasa_tui.agent.by_hand import HandStep
from pasa_tui.agent.loop import run_agent
from pasa_tui.agent.protocols import Reader, Resolver, SearchTool, Sources

__all__ = ["HandStep", "Reader", "Resolver", "SearchTool", "Sources", "run_agent"]
