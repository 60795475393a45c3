"""The plug is pulled with twenty bookings in flight: whoever got an answer gets tickets or the money."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.audits import OFTEN, audited
from tests.conftest import world_of
from tests.money import FINAL, faults, net_by_booking
from tests.people import Customer, Unexpected, World, eventually
from tests.stack import Stack, running_stack

ROUNDS = 5
BOOKINGS = 20
CARDS = (*["pm_card_visa"] * 6, "pm_card_slow", "pm_card_chargeDeclined")
# A hold of six seconds and a grace of four: what the cut has orphaned runs out while the test watches.
SHORT_HOLDS = {"MARQUEE_HOLD_MINUTES": "0.1", "MARQUEE_GRACE_SECONDS": "4"}
SETTLE_SECONDS = 45


@dataclass
class Booking:
    """One customer's try, and how far it had come, by what was answered, when the light went out."""

    customer: Customer
    card: str
    booking_id: str = ""
    charged: bool = False


@pytest.fixture(scope="module")
def machine(prepared: Path) -> Iterator[Stack]:
    with running_stack(prepared=prepared, durable=True, settings=SHORT_HOLDS | OFTEN) as stack:
        yield stack


@pytest.fixture
async def there(machine: Stack) -> AsyncIterator[World]:
    world = world_of(machine)
    yield world
    await world.close()


async def buy(booking: Booking, showtime_id: str, label: str) -> None:
    """Until the tickets are there or the line is dead."""
    try:
        hold = await booking.customer.hold(showtime_id, [label])
        booking.booking_id = hold["booking_id"]
        answer = await booking.customer.pay_by_card(booking.booking_id, booking.card)
        booking.charged = answer.is_success and answer.json()["status"] == "succeeded"
        await booking.customer.until(booking.booking_id, *FINAL, seconds=10)
    except (httpx.TransportError, TimeoutError):
        return
    except Unexpected as answer:
        # While everything dies a service may still say that another one is gone; it may not say anything else.
        if "service_unavailable" not in str(answer):
            raise


async def settle(world: World, bookings: list[Booking]) -> list[Any]:
    """Every answered booking's order, once none of them is on its way any more."""
    answered = [booking for booking in bookings if booking.booking_id]
    until = (booking.customer.until(booking.booking_id, *FINAL, seconds=SETTLE_SECONDS) for booking in answered)
    return list(await asyncio.gather(*until))


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.timeout(180)
async def test_every_answered_booking_ends_with_tickets_or_with_the_money(
    machine: Stack, there: World, seed: int
) -> None:
    manager = there.manager()
    hall = await manager.open_hall({"rows": 2, "seats_per_row": 10})
    prices = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]
    showtime = await manager.schedule(hall["id"], prices=prices)
    await warm_up(there, showtime["id"])

    dice = random.Random(seed)
    bookings = [Booking(there.customer(), dice.choice(CARDS)) for _ in range(BOOKINGS)]
    labels = [f"{row}{number}" for row in "AB" for number in range(1, 11)]
    tries = [
        asyncio.create_task(buy(booking, showtime["id"], label))
        for booking, label in zip(bookings, labels, strict=True)
    ]
    some_charged = dice.randint(1, BOOKINGS // 2)
    await eventually(lambda: at_least(some_charged, bookings))
    await asyncio.sleep(dice.uniform(0, 0.3))
    await asyncio.to_thread(machine.cut_power)
    await asyncio.gather(*tries)
    machine.restart()

    orders = await settle(there, bookings)
    kept = net_by_booking(await there.charges())
    assert [fault for order in orders for fault in faults(order, kept.get(order["booking_id"], []))] == []
    by_id = {order["booking_id"]: order for order in orders}
    charged = [by_id[booking.booking_id] for booking in bookings if booking.charged]
    assert all(order["status"] in ("issued", "refunded") for order in charged)
    await check_seats(there, showtime["id"], orders)
    await audited(there)
    print(f"seed {seed}: {sorted(order['status'] for order in orders)}")


async def at_least(count: int, bookings: list[Booking]) -> bool:
    """So many are charged by now, so that the cut meets money on its way."""
    return sum(booking.charged for booking in bookings) >= count


async def warm_up(world: World, showtime_id: str) -> None:
    """Until reservations knows the showtime; held and given back."""
    first = world.customer()
    held = await first.hold(showtime_id, ["A1"])
    await first.call("DELETE", f"/api/reservations/holds/{held['booking_id']}", 204)


async def check_seats(world: World, showtime_id: str, orders: list[Any]) -> None:
    """The seats that are sold are those of the tickets, each once."""
    seats = await world.customer().get(f"/api/reservations/showtimes/{showtime_id}/seats")
    tickets = [ticket for order in orders for ticket in order["tickets"] if ticket["status"] != "void"]
    mine = sorted(ticket["seat"]["seat_no"] for ticket in tickets)
    assert len(mine) == len(set(mine))
    assert set(mine) <= set(seats["sold"])
