"""The Crawler, the Selector, the assessor and the planner, written once over any engine."""

from pasa_tui.models.language.assessing import ModelAssessor
from pasa_tui.models.language.crawler import ModelCrawler
from pasa_tui.models.language.planning import ModelPlanner
from pasa_tui.models.language.selector import ModelSelector

__all__ = ["ModelAssessor", "ModelCrawler", "ModelPlanner", "ModelSelector"]
