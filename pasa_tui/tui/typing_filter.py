"""Typing a filter into a pane: keys go into the pane's border instead of moving in it."""

import time

from textual import events
from textual.widget import Widget


class Filtering(Widget):
    """A pane that can be filtered as one types. Enter keeps the filter, escape takes it away."""

    filter_text: str = ""
    is_typing: bool = False
    typed_at: float = 0.0
    """When the last letter came (time.monotonic, seconds)."""

    def action_filter(self) -> None:
        """Let the keys go into the filter from now on."""
        self.is_typing = True
        self.filtered()

    def filtered(self) -> None:
        """Show what fits `filter_text`; called at every change of it."""
        raise NotImplementedError

    def filter_label(self, sign: str = "⌕") -> str:
        """The filter as it stands in a border; empty without one."""
        if self.is_typing:
            return f"{sign} {self.filter_text}▏"
        return f"{sign} {self.filter_text}" if self.filter_text else ""

    def clear_filter(self) -> None:
        """Show everything."""
        if self.filter_text or self.is_typing:
            self.filter_text, self.is_typing = "", False
            self.filtered()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted into a filter is part of it."""
        if self.is_typing:
            event.stop()
            self.filter_text += " ".join(event.text.split())
            self.filtered()

    def on_blur(self) -> None:
        """Another pane has the keys; the filter stays."""
        if self.is_typing:
            self.is_typing = False
            self.filtered()

    def _begin(self, event: events.Key) -> None:
        """Begin at once where this key is the filter's: a binding is run after letters typed behind it."""
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.node is self and active.binding.action == "filter":
            event.stop()
            event.prevent_default()
            self.action_filter()

    def on_key(self, event: events.Key) -> None:
        """While a filter is typed, letters are letters."""
        if not self.is_typing:
            self._begin(event)
            return
        if event.key == "enter":
            self.is_typing = False
        elif event.key == "escape":
            self.clear_filter()
        elif event.key in ("backspace", "ctrl+h"):
            self.filter_text = self.filter_text[:-1]
        elif event.key == "ctrl+u":
            self.filter_text = ""
        elif event.is_printable and event.character:
            self.filter_text += event.character
        else:
            # Arrows, tab and the like still do what they do.
            return
        event.stop()
        event.prevent_default()
        self.typed_at = time.monotonic()
        self.filtered()
