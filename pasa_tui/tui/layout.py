"""How wide and high the panes are: changed by keys and by mouse, kept between runs."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget

from pasa_tui.config.paths import private_file
from pasa_tui.errors import ConfigError

_STEP = 5
_LEAST, _MOST = 15, 85
"""Per cent of the room that a key moves a border by, and between which a border stays."""


@dataclass(slots=True)
class Sizes:
    """Per cent of the width for the left column, and of the papers' side for the list; None: as designed."""

    left: int | None = None
    results: int | None = None


class Layout:
    """The borders between the panes of the search screen."""

    def __init__(self, screen: Screen[None], file: Path) -> None:
        """Sizes are kept in `file`; what can't be read there counts as none."""
        self._screen = screen
        self._file = file
        self._dragged: str | None = None
        self._applied: tuple[str | None, ...] = (None, None, None)
        try:
            self._sizes = msgspec.json.decode(file.read_bytes(), type=Sizes)
        except (OSError, msgspec.MsgspecError):
            self._sizes = Sizes()

    def apply(self) -> None:
        """Give the panes their sizes; a narrow terminal shows one pane at a time, as designed."""
        narrow = self._screen.has_class("-narrow") or self._screen.has_class("-empty")
        left, results = self._screen.query("#left"), self._screen.query("#results")
        width = None if narrow or self._sizes.left is None else f"{_within(self._sizes.left)}%"
        share = None if narrow or self._sizes.results is None else f"{_within(self._sizes.results)}%"
        wide = self._screen.has_class("-wide")
        wanted = (width, share if wide else None, None if wide else share)
        # Each style that is set has the screen laid out again, and a screen laid out may be told that it was resized.
        if wanted == self._applied or not results:
            return
        self._applied = wanted
        for pane in left:
            pane.styles.width = width
        for pane in results:
            pane.styles.width, pane.styles.height = wanted[1:]

    def move(self, border: str, steps: int) -> None:
        """Move the border "left" (beside the left column) or "results" (behind the list) by so many steps."""
        now = self._share(border)
        if now is not None:
            self._set(border, _within(round(now) + steps * _STEP))
            self.save()

    def reset(self) -> None:
        """All as designed."""
        self._sizes = Sizes()
        self.apply()
        self.save()

    def grab(self, at: Offset) -> bool:
        """Take hold of the border at this place of the screen; False where there is none."""
        self._dragged = next((border for border in ("left", "results") if self._is_at(border, at)), None)
        return self._dragged is not None

    def drag(self, at: Offset) -> None:
        """Move the border that is held to this place."""
        if self._dragged is not None:
            pane, room, is_across = self._pane(self._dragged)
            distance, size = (
                (at.x - pane.region.x, room.region.width) if is_across else (at.y - pane.region.y, room.region.height)
            )
            self._set(self._dragged, _within(round(100 * (distance + 1) / max(1, size))))

    def drop(self) -> None:
        """Let the border go."""
        if self._dragged is not None:
            self._dragged = None
            self.save()

    @property
    def is_dragging(self) -> bool:
        """Whether a border is held."""
        return self._dragged is not None

    def save(self) -> None:
        """Keep the sizes; where that can't be, they hold for this run."""
        try:
            private_file(self._file).write_bytes(msgspec.json.encode(self._sizes))
        except (OSError, ConfigError):
            return

    def _set(self, border: str, share: int) -> None:
        setattr(self._sizes, border, share)
        self.apply()

    def _pane(self, border: str) -> tuple[Widget, Widget, bool]:
        """The pane before a border, the room that it shares, and whether the border moves across."""
        if border == "left":
            return self._screen.query_one("#left"), self._screen.query_one("#body"), True
        return self._screen.query_one("#results"), self._screen.query_one("#reading"), self._screen.has_class("-wide")

    def _share(self, border: str) -> float | None:
        if self._screen.has_class("-narrow") or self._screen.has_class("-empty"):
            return None
        pane, room, is_across = self._pane(border)
        mine, all_of_it = (
            (pane.region.width, room.region.width) if is_across else (pane.region.height, room.region.height)
        )
        return 100 * mine / all_of_it if all_of_it else None

    def _is_at(self, border: str, at: Offset) -> bool:
        if self._share(border) is None:
            return False
        pane, _, is_across = self._pane(border)
        region = pane.region
        if is_across:
            # The border of this pane or of the next one; the scroll bar lies within.
            return at.x in (region.right - 1, region.right) and region.y <= at.y < region.bottom
        return at.y in (region.bottom - 1, region.bottom) and region.x <= at.x < region.right


def _within(share: int) -> int:
    return max(_LEAST, min(_MOST, share))
