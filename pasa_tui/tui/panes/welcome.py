"""What stands in place of results before the first search: questions to try, and the latest searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pasa_tui.tui.text import MUTED, plural

if TYPE_CHECKING:
    from pasa_tui.assembly import Surroundings
    from pasa_tui.library import SearchRow

EXAMPLES = (
    "Which papers use reinforcement learning to train search agents?",
    "How can dense retrievers be trained without labelled data?",
    "Benchmarks that test language-model agents on real websites",
)


_MODELS = 3
"""Models of Ollama that are offered at most: the latest are those that its user cares for."""


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

    @dataclass
    class ModelPicked(Message):
        """The user wants this model of Ollama to search."""

        name: str

    def __init__(self) -> None:
        super().__init__(*_options(()), id="welcome", markup=False)
        self.border_title = "Find all the papers"

    def show(self, rows: Sequence["SearchRow"], around: "Surroundings | None" = None) -> None:
        """Examples first, then these searches, the latest ones, and what there is to search with."""
        self.clear_options()
        self.add_options(_options(rows))
        if around is not None:
            self.add_options(_around(around))
        self.highlighted = 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Post what was picked."""
        event.stop()
        kind, _, number = (event.option_id or "").partition("-")
        if kind == "example":
            self.post_message(self.QuestionPicked(EXAMPLES[int(number)]))
        elif kind == "ollama":
            self.post_message(self.ModelPicked((event.option_id or "").removeprefix("ollama-")))
        elif kind == "search":
            self.post_message(self.SearchPicked(int(number)))


def _options(rows: Sequence["SearchRow"]) -> list[Option]:
    options = [Option(Content.styled("Ask in your own words, or try one of these:", MUTED), disabled=True)]
    options += [Option(Content(f"  {example}"), id=f"example-{number}") for number, example in enumerate(EXAMPLES)]
    if rows:
        options.append(Option(Content.styled("\nLatest searches (f4 shows all):", MUTED), disabled=True))
    for row in rows:
        counts = f"{row.selected:,} selected of {plural(row.met, 'paper')}, {row.status}"
        query = " ".join(row.query.split())
        options.append(Option(Content.assemble(f"  {query}  ", (counts, MUTED)), id=f"search-{row.id}"))
    return options


def _around(around: "Surroundings") -> list[Option]:
    options = [
        Option(Content.styled("\nWhat is here:", MUTED), disabled=True),
        Option(Content.styled(f"  {around.facts}", MUTED), disabled=True),
        Option(Content.styled(f"  {around.advice}", MUTED), disabled=True),
    ]
    for name in (around.ollama or ())[:_MODELS]:
        prompt = Content.assemble(
            f"  Let {name} search ", ("a language model of your Ollama; f9 changes it back", MUTED)
        )
        options.append(Option(prompt, id=f"ollama-{name}"))
    return options
