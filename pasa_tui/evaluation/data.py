"""PaSa's published data: what there is, where it lies on this machine, and how it is fetched.

The repository is the one that PaSa's own README names; people who want it accept its terms on the hub first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pasa_tui.config import Paths
from pasa_tui.config.paths import checkout_data
from pasa_tui.errors import EvaluationError
from pasa_tui.evaluation.queries import NAMED_SETS
from pasa_tui.models.fetching import FetchPlan, plan_dataset

REPOSITORY = "CarlanLark/pasa-dataset"

PAPER_DATABASE = "paper-database"
PARTS: Mapping[str, tuple[str, ...]] = {
    **{name: (path,) for name, path in NAMED_SETS.items()},
    PAPER_DATABASE: ("paper_database/cs_paper_2nd.zip", "paper_database/id2paper.json"),
    "sft-crawler": ("sft_crawler/train.jsonl",),
    "sft-selector": ("sft_selector/train.jsonl", "sft_selector/test.jsonl"),
}
"""The parts that can be fetched by themselves, and their files below a data folder."""

BENCHMARKS = ("autoscholar-dev", "autoscholar-test", "realscholar")
"""What is fetched where nothing else is said."""


def data_folders(paths: Paths) -> list[Path]:
    """Where the data is looked for, the first being where it is fetched to.

    That is the checkout's `data/`, where pasa-tui runs from one, else a folder of the user's.
    """
    return [*filter(None, [checkout_data()]), paths.data_dir / "benchmarks"]


def files_of(names: Sequence[str]) -> list[str]:
    """The files of these parts; of all for "all", of the benchmarks for none. Raises EvaluationError."""
    chosen = list(PARTS) if "all" in names else list(names) or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in PARTS]:
        raise EvaluationError(f"There is no data called {unknown[0]!r}.", f"Known: {', '.join(PARTS)}, all.")
    return list(dict.fromkeys(file for name in chosen for file in PARTS[name]))


def plan_data(names: Sequence[str], folder: Path) -> FetchPlan:
    """What a fetch of these parts into `folder` would bring. Raises EvaluationError and ModelError."""
    return plan_dataset(REPOSITORY, files_of(names), folder)
