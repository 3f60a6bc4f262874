"""From tokens to text as they come: whole characters only, and nothing that may turn out to be a stop string."""

from collections.abc import Callable, Sequence

_INCOMPLETE = "�"


class TextStream:
    """Turns tokens into pieces of text that are certain.

    Characters of several tokens come when they are whole. Text that may begin one of the strings `stop` is held back
    until it is certain; the first of them to be complete ends the text before it, and sets `stopped`. Pieces joined
    are the same however the text was split into tokens.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stop = tuple(text for text in stop if text)
        self._tokens: list[int] = []
        # Decoded from one settled token before what is new: a decoder may treat the first token of a text otherwise.
        self._begin = self._settled = 0
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """Take one more token; what is certain now, possibly empty."""
        self._tokens.append(token)
        return self._take(self._fresh(whole=True))

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        if self.stopped:
            return ""
        certain = self._take(self._fresh(whole=False))
        certain, self._held = certain + self._held, ""
        return certain

    def _fresh(self, *, whole: bool) -> str:
        """The text of the tokens that are not settled yet; empty while its last character is not whole."""
        if self._settled == len(self._tokens):
            return ""
        known = self._decode(self._tokens[self._begin : self._settled])
        text = self._decode(self._tokens[self._begin :])
        if whole and (text.endswith(_INCOMPLETE) or len(text) <= len(known)):
            return ""
        self._begin, self._settled = self._settled, len(self._tokens)
        return text[len(known) :]

    def _take(self, text: str) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        found = [(start + len(stop), start) for stop in self._stop if (start := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)[1]]
        keep = max((_begun(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _begun(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the beginning of `stop`."""
    return next((count for count in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:count])), 0)
