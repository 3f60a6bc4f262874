"""The results that arXiv 2501.10120 publishes for PaSa and its baselines, to stand beside measured ones.

They are of searches of the live web at the time, judged by all published answers: not comparable with figures from a
corpus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from pasa_tui.evaluation.queries import NAMED_SETS

COLUMNS = ("crawler_recall", "precision", "recall", "recall_at_100", "recall_at_50", "recall_at_20")
"""The published metrics in the published order: names of `Metrics`."""

CAVEAT = "Published, not measured here: searches of the live web of its time, judged by all published answers."


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One system's figures, a value for each of `COLUMNS`, None where the paper gives none."""

    system: str
    values: tuple[float | None, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """The table of one query set, which goes by its name in `NAMED_SETS`. `source` says where it stands."""

    query_set: str
    title: str
    source: str
    rows: tuple[PublishedRow, ...]


def _web(system: str, at_100: float, at_50: float, at_20: float) -> PublishedRow:
    return PublishedRow(system, (None, None, None, at_100, at_50, at_20))


def _asked(system: str, precision: float, recall: float, remark: str = "") -> PublishedRow:
    return PublishedRow(system, (None, precision, recall, None, None, None), remark)


_AUTOSCHOLAR = PublishedTable(
    "autoscholar-test",
    "AutoScholarQuery test",
    "arXiv 2501.10120, table 4",
    (
        _web("Google", 0.2015, 0.1891, 0.1568),
        _web("Google Scholar", 0.1130, 0.0970, 0.0609),
        _web("Google with GPT-4o", 0.2683, 0.2450, 0.1921),
        _asked("ChatGPT", 0.0507, 0.3046, "on 100 sampled questions"),
        _asked("GPT-o1", 0.0413, 0.1925),
        PublishedRow("PaSa-GPT-4o", (0.7565, 0.1457, 0.3873, None, None, None)),
        PublishedRow("PaSa-7b", (0.7931, 0.1448, 0.4834, 0.6947, 0.6334, 0.5301)),
        PublishedRow("PaSa-7b-ensemble", (0.8265, 0.1410, 0.4985, 0.7099, 0.6386, 0.5326)),
    ),
)
_REALSCHOLAR = PublishedTable(
    "realscholar",
    "RealScholarQuery",
    "arXiv 2501.10120, table 5",
    (
        _web("Google", 0.2535, 0.2342, 0.1834),
        _web("Google Scholar", 0.2809, 0.2155, 0.1514),
        _web("Google with GPT-4o", 0.2946, 0.2573, 0.2020),
        _asked("ChatGPT", 0.2280, 0.2007),
        _asked("GPT-o1", 0.058, 0.0134),
        PublishedRow("PaSa-GPT-4o", (0.5494, 0.4721, 0.3075, None, None, None)),
        PublishedRow("PaSa-7b", (0.7071, 0.5146, 0.6111, 0.6929, 0.6563, 0.5798)),
        PublishedRow("PaSa-7b-ensemble", (0.7503, 0.4938, 0.6488, 0.7281, 0.6877, 0.5986)),
    ),
)

PUBLISHED: Mapping[str, PublishedTable] = {table.query_set: table for table in (_AUTOSCHOLAR, _REALSCHOLAR)}


def published_for(queries: str) -> PublishedTable | None:
    """The table for a query set as a run names it: by its name, or a path that ends as `NAMED_SETS` has it."""
    for name, table in PUBLISHED.items():
        ending = PurePath(NAMED_SETS[name]).parts
        if queries == name or PurePath(queries.replace("\\", "/")).parts[-len(ending) :] == ending:
            return table
    return None
