"""What the commands that train have in common."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType

from pasa_tui.errors import TrainingError


def packages_of_training(*names: str) -> None:
    """Raise TrainingError where one of these packages is not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"Training needs packages that are not installed: {', '.join(missing)}.",
            "In the clone: pip install -e '.[train]'",
        )


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Take ctrl-C and SIGTERM for the wish to stop at the next good moment; a second one stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
