"""Whoever holds seats again and again without paying has to pause; whoever changes their mind does not."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import (
    Buyer,
    abandoned,
    buyer,
    on_sale,
    paid,
    replica,
    run_out,
    sql,
    sweep,
    tell,
)
from services.shared.auth import Role

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXPIRED = "UPDATE hold SET expires_at = now() - interval '1 s' WHERE booking_id = :id"
EARLIER = """
    UPDATE hold SET released_at = released_at - cast(:by AS interval), expires_at = expires_at - cast(:by AS interval)
    WHERE user_id = :id
"""


async def come_and_go(person: Buyer, times: int) -> None:
    for _ in range(times):
        await person.give_back(await person.hold("A1"))


async def lapse(app: FastAPI, *holds: Any) -> None:
    """By the seats' clock or by ticketing, whichever is first: the customer's clock has run out before."""
    for held in holds:
        await sql(app, EXPIRED, id=held["booking_id"])
    first, *others = holds
    await run_out(app, first)
    await sweep(app)
    await tell(app, *map(abandoned, others))


def pause(answer: httpx.Response) -> int:
    """In seconds."""
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (429, "rate_limited", True)
    return int(answer.headers["retry-after"])


async def test_holding_and_giving_back_again_and_again_calls_for_a_pause(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    await come_and_go(customer, 11)
    assert 500 < pause(await customer.ask("A1")) <= 600
    assert 500 < pause(await customer.best(2)) <= 600
    await buyer(app, showtime_id).hold("A1")
    elsewhere = Buyer(customer.client, await on_sale(app), customer.user_id)
    await elsewhere.hold("A1")


async def test_after_the_pause_one_may_hold_again(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await come_and_go(customer, 11)
    over = "UPDATE slot SET held_until = now() - interval '1 s' WHERE user_id = :id"
    await sql(app, over, id=customer.user_id)
    await customer.hold("A1")


async def test_what_was_given_back_a_while_ago_is_forgotten(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await come_and_go(customer, 9)
    await sql(app, EARLIER, id=customer.user_id, by="11 min")
    await come_and_go(customer, 10)
    await customer.hold("A1")


async def test_seats_that_lapse_again_and_again_call_for_a_longer_pause(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    for _ in range(2):
        await lapse(app, await customer.hold("A1"), await customer.hold("A3"))
        await sql(app, EARLIER, id=customer.user_id, by="12 min")
    await lapse(app, await customer.hold("A1"))
    held = await customer.hold("A3")
    await lapse(app, held)
    assert 300 < pause(await customer.ask("A1")) <= 360
    await buyer(app, showtime_id).hold("A1")


async def test_what_is_bought_or_given_back_in_time_has_not_lapsed(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    for label in ("B1", "B3", "B5", "B7"):
        await tell(app, paid(await customer.hold(label), customer))
    for _ in range(2):
        await come_and_go(customer, 10)
        await sql(app, EARLIER, id=customer.user_id, by="11 min")
    await lapse(app, await customer.hold("A1"), await customer.hold("A3"))
    await customer.hold("A1")


async def test_a_hold_that_lives_is_not_touched_by_a_pause(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    kept = await customer.hold("B1")
    await come_and_go(customer, 11)
    pause(await customer.ask("A1"))
    await tell(app, paid(kept, customer))
    assert await customer.status(kept) == "sold"
    # Who has bought may go on.
    await customer.hold("A1")


async def test_staff_need_no_pause(app: FastAPI) -> None:
    staff = buyer(app, await on_sale(app), Role.staff)
    await come_and_go(staff, 12)
    for _ in range(4):
        await lapse(app, await staff.hold("A1"), await staff.hold("A3"))
    await staff.hold("A1")


@pytest.mark.parametrize(("factor", "allowed"), [("0.5", 5), ("1.5", 15), ("0", 20)])
async def test_the_limits_follow_their_factor_and_zero_is_none(app: FastAPI, factor: str, allowed: int) -> None:
    showtime_id = await on_sale(app)
    async with replica(app, jobs=(), MARQUEE_RATE_LIMIT_FACTOR=factor) as other:
        customer = buyer(other, showtime_id)
        await come_and_go(customer, allowed + 1)
        answer = await customer.ask("A1")
    assert answer.status_code == (201 if factor == "0" else 429)
