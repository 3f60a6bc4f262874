"""All systems by their names."""

from collections.abc import Mapping

from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.systems import agent, google, prompted
from pasa_tui.evaluation.systems.chatgpt import INFO_CHATGPT
from pasa_tui.evaluation.systems.dense import INFO_DENSE
from pasa_tui.evaluation.systems.lexical import INFO_BM25
from pasa_tui.evaluation.systems.protocol import SystemInfo
from pasa_tui.evaluation.systems.rerank import INFO_RERANK

SYSTEMS: Mapping[str, SystemInfo] = {
    info.name: info
    for info in (
        agent.INFO_BUILTIN,
        agent.INFO_BUILTIN_ENSEMBLE,
        agent.INFO_PASA,
        agent.INFO_PASA_ENSEMBLE,
        agent.INFO_PASA_GPT_4O,
        INFO_BM25,
        prompted.INFO_SUBQUERIES,
        INFO_DENSE,
        INFO_RERANK,
        google.INFO_GOOGLE,
        google.INFO_GOOGLE_SCHOLAR,
        google.INFO_GOOGLE_GPT_4O,
        INFO_CHATGPT,
        prompted.INFO_GPT_O1,
    )
}
"""Ours first, then the baselines."""


def find_system(name: str) -> SystemInfo:
    """The system of that name. Raises EvaluationError."""
    if name not in SYSTEMS:
        raise EvaluationError(f"There is no system {name!r}.", f"Known: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]
