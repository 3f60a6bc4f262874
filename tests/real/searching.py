"""A whole search over the sample corpus with any engine as Crawler and Selector."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from pasa_tui.agent import Sources, run_agent
from pasa_tui.config import Paths
from pasa_tui.config.settings import AgentSettings
from pasa_tui.corpus import open_corpus
from pasa_tui.events import SearchState
from pasa_tui.models.engines.protocol import Engine
from pasa_tui.models.language import ModelCrawler, ModelSelector
from pasa_tui.models.prompts.published import PublishedPrompts
from pasa_tui.papers import Query

QUESTION = "papers on retrieval that rank passages"
_PROMPTS = {
    "generate_query": "List the searches.\nUser Query: {user_query}",
    "select_section": "{user_query}. Title: {title}. {abstract}\nSections: {sections}",
    "get_selected": "Decide for {user_query}.\nTitle: {title}\nAbstract: {abstract}\nDecision:",
}
"""In the form of PaSa's, whose scores are the next token of a raw text: all engines can do that."""


async def search(engine: Engine, folder: Path) -> dict[str, Any]:
    """Search with an engine that was started: how the search ended, and every paper met with its score.

    `folder` is for files of the search's own.
    """
    path = folder / "agent_prompt.json"
    path.write_text(json.dumps(_PROMPTS), encoding="utf-8")
    prompts = PublishedPrompts.load(path)
    # Layer by layer, so that which papers are expanded doesn't depend on what answers first.
    settings = dataclasses.replace(AgentSettings(), schedule="layered")
    state = SearchState()
    with open_corpus("sample", Paths.default({"PASA_TUI_HOME": str(folder)})) as corpus:
        async for event in run_agent(
            Query.parse(QUESTION),
            crawlers=(ModelCrawler(engine, prompts, name="tiny"),),
            selector=ModelSelector(engine, prompts, name="tiny"),
            sources=Sources(search=(corpus,), reader=corpus, resolver=corpus, citations=corpus),
            settings=settings,
        ):
            state.apply(event)
    return {
        "ending": state.ending,
        "message": state.message,
        "papers": {str(found.paper.id): found.score for found in state.papers.values()},
    }
