"""Where the question is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static, TextArea

from pasa_tui.tui.actions import bindings
from pasa_tui.tui.text import MUTED

_PLACEHOLDER = "What do you look for? A sentence or two.\nEnter searches, ctrl+j begins a new line."


_HOW = """A Crawler plans several searches, reads the papers they bring and follows the citations of promising \
sections. A Selector judges every paper it meets.

You see each step as it happens, and the papers as they are selected. All of it is kept."""


# Characters from which on a question is completed: fewer fit too many.
_TELLING = 3


class QueryEditor(TextArea):
    """A multi-line editor in which Enter searches."""

    BINDINGS = bindings("query")

    @dataclass
    class Submitted(Message):
        """The user wants to search for `text`."""

        text: str

    @dataclass
    class PastWanted(Message):
        """The user wants the question of an earlier (-1) or later (1) search."""

        step: int

    class EditorWanted(Message):
        """The user wants to write in an editor of their own."""

    class Left(Message):
        """The user wants out of the editor."""

    past: Sequence[str] = ()
    """Questions asked before, the latest first: one that begins with what is written completes it (right arrow)."""

    def __init__(self) -> None:
        super().__init__(
            id="query", placeholder=_PLACEHOLDER, soft_wrap=True, show_line_numbers=False, tab_behavior="focus"
        )
        self.border_title = "Question"

    def update_suggestion(self) -> None:
        """Suggest the rest of the latest question that begins like this, where the cursor stands at the end."""
        written = self.text
        at_end = self.cursor_location == self.document.end
        if len(written) < _TELLING or not at_end:
            self.suggestion = ""
            return
        self.suggestion = next(
            (
                asked[len(written) :].partition("\n")[0]
                for asked in self.past
                if len(asked) > len(written) and asked.lower().startswith(written.lower())
            ),
            "",
        )

    async def _on_key(self, event: events.Key) -> None:
        # The editor would take Enter and escape for itself before any binding sees them.
        handlers = {
            "enter": self.action_submit,
            "ctrl+j": self.action_newline,
            "alt+enter": self.action_newline,
            "escape": self.action_leave,
            "ctrl+up": lambda: self.action_past_question(-1),
            "ctrl+down": lambda: self.action_past_question(1),
            "ctrl+e": self.action_external_editor,
        }
        if handler := handlers.get(event.key):
            event.stop()
            event.prevent_default()
            handler()
        else:
            await super()._on_key(event)

    def action_submit(self) -> None:
        """Post the question."""
        self.post_message(self.Submitted(self.text))

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_past_question(self, step: int) -> None:
        """Ask for the question of an earlier or later search."""
        self.post_message(self.PastWanted(step))

    def action_external_editor(self) -> None:
        """Ask for the user's own editor."""
        self.post_message(self.EditorWanted())

    def action_leave(self) -> None:
        """Give the focus away."""
        self.post_message(self.Left())


class SearchOptions(Static):
    """The line under the question: where is searched, up to which day, by which model. A click changes each."""

    place: reactive[str] = reactive("")
    before: reactive[str] = reactive("")
    model: reactive[str] = reactive("")

    def __init__(self, place: str, model: str) -> None:
        super().__init__(id="options")
        self.set_reactive(SearchOptions.place, place)
        self.set_reactive(SearchOptions.model, model)

    def render(self) -> Content:
        """`in sample · to any date · by builtin`."""
        return Content.assemble(
            ("in ", MUTED),
            Content.styled(self.place, "$text-accent bold").stylize("@click=screen.corpus"),
            (" · to ", MUTED),
            Content.styled(self.before or "any date", "$text-accent bold").stylize("@click=screen.cut_off"),
            (" · by ", MUTED),
            Content.styled(self.model, "$text-accent bold").stylize("@click=screen.model"),
        )


class HowItWorks(Static):
    """What happens when one searches, for those who haven't yet."""

    def __init__(self) -> None:
        super().__init__(_HOW, id="how", markup=False)
