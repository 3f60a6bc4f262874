"""Unpacking answers within a bound."""

import zlib
from collections.abc import Callable

from pasa_tui.errors import SourceError

Unpack = Callable[[bytes, int], bytes]
"""Takes a further chunk and the most bytes to make of it; where there would be more, the rest is dropped."""


def unpacker(encoding: str) -> Unpack:
    """How to unpack a body in this Content-Encoding.

    Raises SourceError for encodings that were not asked for, and for several on top of each other.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return lambda chunk, most: chunk[:most]
        case "gzip" | "x-gzip":
            return _Inflating(31)
        case "deflate":
            return _Inflating(15)
    raise SourceError("Its answer is packed in a way that was not asked for.")


class _Inflating:
    def __init__(self, window: int) -> None:
        self._window = window
        self._inflater = zlib.decompressobj(window)
        self._begun = False

    def __call__(self, chunk: bytes, most: int) -> bytes:
        """Raises zlib.error where the bytes are not packed as they should be."""
        try:
            unpacked = self._inflater.decompress(chunk, max(1, most))
        except zlib.error:
            if self._begun or self._window != 15:
                raise
            # "deflate" without its header, as some servers send it.
            self._inflater = zlib.decompressobj(-15)
            unpacked = self._inflater.decompress(chunk, max(1, most))
        self._begun = True
        return unpacked
