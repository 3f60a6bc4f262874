"""Jump mode: a letter on every place that can be gone to, and the next key goes there."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class Target:
    """A place of the screen, the key that goes there, and the action to run."""

    key: str
    at: Offset
    action: str


class JumpScreen(ModalScreen[str | None]):
    """The answer is the action of the target, or None for any other key."""

    CSS_PATH = "../dialogs.tcss"

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        """A label on each place."""
        for target in self._targets:
            label = Static(f" {target.key} ", classes="jump", markup=False)
            label.styles.offset = (target.at.x, target.at.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Answer."""
        event.stop()
        self.dismiss(next((target.action for target in self._targets if target.key == event.character), None))

    def on_click(self) -> None:
        """A click anywhere leaves."""
        self.dismiss(None)
