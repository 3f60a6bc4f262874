import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasa_tui.errors import SpentError
from pasa_tui.models.engines.purse import TEMPLATE_TOKENS, Purse, Reservation

MILLION = 1_000_000


async def test_a_request_that_may_cost_too_much_is_refused_with_what_to_do() -> None:
    purse = Purse(0.01, price_in=1.0, price_out=2.0)
    first = await purse.reserve(1000, 100)
    assert purse.settle(first, 800, 90) == pytest.approx(980 / MILLION)
    assert purse.spent == pytest.approx(0.00098)
    with pytest.raises(SpentError, match=r"\$0\.0010 of at most \$0\.0100 is spent") as caught:
        await purse.reserve(9000, 100)
    assert "--max-cost" in caught.value.hint


async def test_what_is_not_known_costs_all_that_was_reserved() -> None:
    purse = Purse(None, price_in=1.0, price_out=2.0)
    assert purse.settle(await purse.reserve(1000, 100)) == pytest.approx((1000 + TEMPLATE_TOKENS + 200) / MILLION)
    assert purse.settle(await purse.reserve(1000, 100), 0, 0) == 0


async def test_what_earlier_runs_spent_counts() -> None:
    purse = Purse(1.0, price_in=1.0, price_out=1.0)
    purse.take_up(0.999)
    with pytest.raises(SpentError):
        await purse.reserve(1000, 0)
    assert purse.spent == 0.999


async def test_a_request_waits_for_others_to_be_settled_rather_than_to_give_up() -> None:
    limit = (1000 + TEMPLATE_TOKENS) / MILLION
    purse = Purse(limit, price_in=1.0, price_out=1.0)
    first = await purse.reserve(1000, 0)
    second = asyncio.create_task(purse.reserve(500, 0))
    third = asyncio.create_task(purse.reserve(1000, 0))
    await asyncio.sleep(0)
    assert not second.done() and not third.done()
    purse.settle(first, 10, 0)
    purse.settle(await second, 10, 0)
    # Not even alone does it fit into what is left now.
    with pytest.raises(SpentError):
        await third


async def test_a_request_that_was_given_up_while_it_waited_leaves_nothing_behind() -> None:
    purse = Purse((100 + TEMPLATE_TOKENS) / MILLION, price_in=1.0, price_out=1.0)
    first = await purse.reserve(100, 0)
    waiting = asyncio.create_task(purse.reserve(100, 0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    purse.settle(first, 0, 0)
    assert await asyncio.wait_for(purse.reserve(100, 0), 10)


async def spend(purse: Purse, requests: list[tuple[int, int, float, int]], spent: list[float]) -> int:
    """Make the requests at once; how many were refused."""

    async def one(prompt: int, written: int, share: float, turns: int) -> bool:
        try:
            reservation = await purse.reserve(prompt, written)
        except SpentError:
            return False
        for _ in range(turns):
            await asyncio.sleep(0)
        used = (None, None) if share > 0.95 else (int(reservation.prompt_tokens * share), int(written * share))
        purse.settle(reservation, *used)
        spent.append(purse.spent)
        return True

    return (await asyncio.gather(*(one(*request) for request in requests))).count(False)


REQUESTS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 2000), st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=30
)
PRICES = st.floats(0, 100, allow_subnormal=False)


@given(REQUESTS, st.floats(0, 0.5), PRICES, PRICES)
def test_whatever_happens_in_which_order_the_limit_is_kept(
    requests: list[tuple[int, int, float, int]], limit: float, price_in: float, price_out: float
) -> None:
    purse, spent = Purse(limit, price_in, price_out), [0.0]
    refused = asyncio.run(spend(purse, requests, spent))
    assert max(spent) <= limit
    assert len(spent) - 1 + refused == len(requests)
    # Nothing stays reserved: what fits into what is left is taken.
    if limit - purse.spent > (TEMPLATE_TOKENS + 1) * max(price_in, price_out) / MILLION:
        assert isinstance(asyncio.run(purse.reserve(0, 0)), Reservation)


def test_loops_of_several_threads_share_one_limit() -> None:
    requests = [(400, 100, 0.5, 2)] * 50
    cost = (400 + TEMPLATE_TOKENS + 100) / MILLION
    purse, spent, refused = Purse(40 * cost, 1.0, 1.0), [0.0], []
    threads = [
        threading.Thread(target=lambda: refused.append(asyncio.run(spend(purse, requests, spent)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert max(spent) <= 40 * cost
    assert 0 < sum(refused) < 200
    assert len(spent) - 1 + sum(refused) == 200
