"""A full house is cancelled while Stripe limits and fails: everybody has the money back once and is told once.

Stripe's limit of requests is kept, as in production: a house of 300 orders takes 15 s at 20 refunds a second.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import world_of
from tests.money import faults, net_by_booking
from tests.people import Customer, World
from tests.stack import Stack, running_stack

ORDERS = 300
UNPAID = 5
HALL = {"rows": 16, "seats_per_row": 20}
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]
SECONDS = 60
KINDS = ("tickets", "receipt", "Cancelled")
TROUBLE = {"seed": 7, "rate_limit": 0.1, "error_after_acting": 0.1, "duplicate": 0.1}


@pytest.fixture(scope="module")
def stack(prepared: Path) -> Iterator[Stack]:
    with running_stack(prepared=prepared, settings={"MARQUEE_RATE_LIMIT_FACTOR": "1"}) as stack:
        yield stack


@pytest.fixture
async def there(stack: Stack) -> AsyncIterator[World]:
    world = world_of(stack)
    yield world
    await world.close()


async def buy(world: World, showtime_id: str, number: int, few: asyncio.Semaphore) -> tuple[Customer, str]:
    """A guest with a ticket; some have not paid it yet."""
    async with few:
        guest = await world.customer(None).come_as_guest(f"guest-{number}@people.example")
        row, place = divmod(number, HALL["seats_per_row"])
        held = await guest.hold(showtime_id, [f"{'ABCDEFGHJKLMNPQR'[row]}{place + 1}"])
        booking_id = held["booking_id"]
        await guest.order(booking_id, wait=25)
        if number < ORDERS:
            await guest.pay_by_card(booking_id)
            await guest.until(booking_id, "issued", seconds=120)
        else:
            await guest.start_payment(booking_id)
        return guest, booking_id


@pytest.mark.timeout(600)
async def test_everybody_gets_the_money_back_once_and_is_told_once(there: World) -> None:
    manager = there.manager()
    hall = await manager.open_hall(HALL)
    showtime = await manager.schedule(hall["id"], prices=PRICES)
    few = asyncio.Semaphore(8)
    bought = await asyncio.gather(*(buy(there, showtime["id"], number, few) for number in range(ORDERS + UNPAID)))
    await delivered(there, 2 * ORDERS)

    assert (await there.outside().post("trouble", json=TROUBLE)).is_success
    began = time.monotonic()
    await manager.post(f"/api/catalog/showtimes/{showtime['id']}/cancel", {"reason": "The projector broke."}, 202)
    orders = [await guest.until(booking_id, "refunded", "cancelled", seconds=120) for guest, booking_id in bought]
    told = await delivered(there, 3 * ORDERS)
    took = time.monotonic() - began
    print(f"{ORDERS} orders of a cancelled showtime were refunded and told in {took:.1f} s")

    assert Counter(order["status"] for order in orders) == {"refunded": ORDERS, "cancelled": UNPAID}
    kept = net_by_booking(await there.charges())
    assert [fault for order in orders for fault in faults(order, kept.get(order["booking_id"], []))] == []
    assert set(told.values()) == {1}
    assert Counter(kind for _, kind in told) == dict.fromkeys(KINDS, ORDERS)
    assert took < SECONDS


async def delivered(world: World, number: int) -> Counter[tuple[str, str]]:
    """Who was told what, and how often, once there are so many mails. Raises TimeoutError."""
    async with asyncio.timeout(120):
        while True:
            answer = await world.outside().get("mail", headers={"Accept": "application/json"})
            mails: list[dict[str, Any]] = answer.json()
            if len(mails) >= number:
                return Counter((mail["to"], kind_of(mail["subject"])) for mail in mails)
            await asyncio.sleep(0.5)


def kind_of(subject: str) -> str:
    return next(kind for kind in KINDS if kind in subject)
