"""What stands in place of results before the first search: questions to try, and the latest searches."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pasa_tui.library import SearchRow
from pasa_tui.tui.text import MUTED, plural

EXAMPLES = (
    "Which papers use reinforcement learning to train search agents?",
    "How can dense retrievers be trained without labelled data?",
    "Benchmarks that test language-model agents on real websites",
)


class Welcome(OptionList):
    """A list to begin from. Enter picks a line."""

    @dataclass
    class QuestionPicked(Message):
        """The user wants to search for this example."""

        text: str

    @dataclass
    class SearchPicked(Message):
        """The user wants to see this past search."""

        search_id: int

    def __init__(self) -> None:
        super().__init__(id="welcome", markup=False)
        self.border_title = "Find all the papers"

    def on_mount(self) -> None:
        """Show the examples at once; past searches come when the library is open."""
        self.show(())

    def show(self, rows: Sequence[SearchRow]) -> None:
        """Examples first, then the latest searches."""
        self.clear_options()
        self.add_option(Option(Content.styled("Ask in your own words, or try one of these:", MUTED), disabled=True))
        for number, example in enumerate(EXAMPLES):
            self.add_option(Option(Content(f"  {example}"), id=f"example-{number}"))
        if rows:
            self.add_option(Option(Content.styled("\nLatest searches (h shows all):", MUTED), disabled=True))
        for row in rows:
            counts = f"{row.selected:,} selected of {plural(row.met, 'paper')}, {row.status}"
            query = " ".join(row.query.split())
            self.add_option(Option(Content.assemble(f"  {query}  ", (counts, MUTED)), id=f"search-{row.id}"))
        self.highlighted = 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Post what was picked."""
        event.stop()
        kind, _, number = (event.option_id or "").partition("-")
        if kind == "example":
            self.post_message(self.QuestionPicked(EXAMPLES[int(number)]))
        elif kind == "search":
            self.post_message(self.SearchPicked(int(number)))
