"""Keys from terminals that send what is no UTF-8, such as one set to Latin-1."""

import codecs
import sys
from collections.abc import Callable
from functools import partial


def tolerate() -> None:
    """Let such bytes be typed as U+FFFD.

    Textual 8 decodes strictly, and the first of them ends the thread that reads keys, and with it the application.
    """
    if sys.platform == "win32":
        return
    from textual.drivers import linux_driver

    setattr(linux_driver, "getincrementaldecoder", _lenient)  # noqa: B010  # a name that the module only imports


def _lenient(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
