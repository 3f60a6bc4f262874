"""What a model may cost: every request reserves the most it can cost before it is made."""

import asyncio
import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass

from pasa_tui.errors import SpentError

TEMPLATE_TOKENS = 512
"""More tokens than a chat template adds to a prompt: roles, a default system text, today's date."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """The most tokens that a request can read and write. It is settled once."""

    prompt_tokens: int
    completion_tokens: int


class Purse:
    """Keeps what was spent, in US dollars, below a limit. Event loops of several threads may share it.

    `price_in` and `price_out` are dollars per million tokens read and written; `limit` None is no limit.
    """

    def __init__(self, limit: float | None, price_in: float, price_out: float) -> None:
        self.limit = limit
        self._prices = (price_in, price_out)
        self._lock = threading.Lock()
        self._past = 0.0
        # Tokens read and written. Kept rather than dollars: rounded sums of many small amounts might pass the limit.
        self._used = (0, 0)
        self._held = (0, 0)
        self._waiting: list[Future[None]] = []

    @property
    def spent(self) -> float:
        """What all settled requests cost, and those of earlier runs."""
        with self._lock:
            return self._dollars(self._used)

    def take_up(self, dollars: float) -> None:
        """Count what earlier runs of the same search spent."""
        with self._lock:
            self._past += max(0.0, dollars)

    async def reserve(self, prompt_bytes: int, max_tokens: int) -> Reservation:
        """Set aside the most that a request may cost; wait where others, whose true cost isn't known yet, hold it.

        A token is at least one byte of UTF-8, so a request can't have more tokens read than its bytes and what the
        template adds. Raises SpentError where it doesn't fit into what is left.
        """
        reservation = Reservation(prompt_bytes + TEMPLATE_TOKENS, max_tokens)
        while (settled := self._try(reservation)) is not None:
            await asyncio.wrap_future(settled)
        return reservation

    def settle(
        self, reservation: Reservation, prompt_tokens: int | None = None, completion_tokens: int | None = None
    ) -> float:
        """Count what a request used, in dollars, and let others have the rest; None stands for all that was reserved.

        A request that was refused used 0 tokens.
        """
        used = (
            reservation.prompt_tokens if prompt_tokens is None else max(0, prompt_tokens),
            reservation.completion_tokens if completion_tokens is None else max(0, completion_tokens),
        )
        with self._lock:
            self._used = (self._used[0] + used[0], self._used[1] + used[1])
            self._held = (self._held[0] - reservation.prompt_tokens, self._held[1] - reservation.completion_tokens)
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
        return self._price(used)

    def _try(self, reservation: Reservation) -> "Future[None] | None":
        """Hold the reservation, or give what is done when another is settled. Raises SpentError."""
        wanted = (reservation.prompt_tokens, reservation.completion_tokens)
        with self._lock:
            together = (self._held[0] + wanted[0], self._held[1] + wanted[1])
            if self._fits(together):
                self._held = together
                return None
            if not self._fits(wanted):
                spent, most = self._dollars(self._used), self._price(wanted)
                raise SpentError(
                    f"${spent:.4f} of at most ${self.limit:.4f} is spent, and the next request may cost ${most:.4f}.",
                    "Resume the search later with a higher --max-cost.",
                )
            future: Future[None] = Future()
            self._waiting.append(future)
            return future

    def _fits(self, more: tuple[int, int]) -> bool:
        total = (self._used[0] + more[0], self._used[1] + more[1])
        return self._dollars(total) <= (math.inf if self.limit is None else self.limit)

    def _dollars(self, tokens: tuple[int, int]) -> float:
        return self._past + self._price(tokens)

    def _price(self, tokens: tuple[int, int]) -> float:
        return (tokens[0] * self._prices[0] + tokens[1] * self._prices[1]) / _MILLION
