"""A Crawler and a Selector that need no language model."""

from pasa_tui.models.builtin.crawler import BuiltinCrawler, FacetCrawler
from pasa_tui.models.builtin.selector import BROAD_RESULTS, BuiltinSelector
from pasa_tui.models.builtin.statistics import PlainStatistics, TermStatistics

__all__ = ["BROAD_RESULTS", "BuiltinCrawler", "BuiltinSelector", "FacetCrawler", "PlainStatistics", "TermStatistics"]
