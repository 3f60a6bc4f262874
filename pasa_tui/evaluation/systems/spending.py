"""What answering one question takes, and how a failure becomes an outcome or ends the evaluation."""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pasa_tui.errors import ModelError, PasaError, QueryError, SourceError, SpentError
from pasa_tui.evaluation.queries import BenchmarkQuery
from pasa_tui.evaluation.systems.protocol import Outcome
from pasa_tui.evaluation.tree import Node, Spent
from pasa_tui.usage import ModelUsage, SourceUsage, Trouble

_HOPELESS = re.compile(
    r"\bkey\b[^:]{0,20} \(HTTP 40[13]\)\.$|\bno credit left \(HTTP \d{3}\)\.$|"
    r": the server has no such model or address \(| has no model '"
)
"""How our clients say that a host refuses the key, the account or the model, which it will for every question."""
_LONGEST_MESSAGE = 500


@dataclass(slots=True)
class Bill:
    """Counts what one question takes from its beginning on; `notes` are what went wrong on the way."""

    requests: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    notes: dict[str, None] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def add_sources(self, usage: Sequence[SourceUsage], troubles: Sequence[Trouble] = ()) -> None:
        """Count requests to sources, and note their troubles."""
        self.requests += sum(source.requests for source in usage)
        for trouble in troubles:
            self.note(f"{trouble.source}: {trouble.message}")

    def add_model(self, before: ModelUsage, after: ModelUsage) -> None:
        """Count what a model did between two looks at its usage; each prompt is a request."""
        self.requests += after.generated - before.generated
        self.prompt_tokens += after.prompt_tokens - before.prompt_tokens
        self.output_tokens += after.completion_tokens - before.completion_tokens
        self.cost += after.cost - before.cost

    def note(self, message: str) -> None:
        """Keep a message for whoever runs the evaluation, once."""
        self.notes[message] = None

    @property
    def message(self) -> str:
        """All notes in a line."""
        return " ".join(self.notes)[:_LONGEST_MESSAGE]

    def spent(self) -> Spent:
        """What was counted, and the seconds so far."""
        return Spent(
            requests=self.requests,
            seconds=round(time.monotonic() - self.began, 3),
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
            cost=round(self.cost, 6),
        )


async def settled(query: BenchmarkQuery, work: Callable[[Bill], Awaitable[Node]]) -> Outcome:
    """The outcome of `work`: the tree it makes, or why it failed for this question.

    Raises SourceError or ModelError where a host refuses the key, the account has no credit left, or there is no such
    model: no other question would fare better.
    """
    bill = Bill()
    try:
        root = await work(bill)
    except SpentError as error:
        return Outcome(Node(title=query.question), bill.spent(), "budget", error.message)
    except (SourceError, ModelError, QueryError) as error:
        if is_hopeless(error):
            raise
        return Outcome(Node(title=query.question), bill.spent(), "failed", _told(error))
    return Outcome(root, bill.spent(), "done", bill.message)


def is_hopeless(error: PasaError) -> bool:
    """Whether an error will come again with every question: a key refused, no credit, no such model."""
    return _HOPELESS.search(error.message) is not None


def _told(error: PasaError) -> str:
    source = f"{error.source}: " if isinstance(error, SourceError) and error.source else ""
    return f"{source}{error.message}"[:_LONGEST_MESSAGE]
