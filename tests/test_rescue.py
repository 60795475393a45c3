"""The bank takes longer than the seats can be kept: the money comes after the deadline and the grace.

A slow card is confirmed in time and succeeds seconds after the seats have gone back on sale. Same seats if they are
still free, else as good ones together, else the money back; and the customer is told which.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.shared.auth import Role
from tests.audits import OFTEN, audited
from tests.conftest import world_of
from tests.money import faults, net_by_booking
from tests.people import Customer, World, eventually
from tests.stack import Stack, running_stack

HALL = {"rows": 1, "seats_per_row": 6}
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]


@pytest.fixture(scope="module")
def hurried(prepared: Path) -> Iterator[Stack]:
    """Holds of three seconds, a grace of one, cards that take seven."""
    settings = {"MARQUEE_HOLD_MINUTES": "0.05", "MARQUEE_GRACE_SECONDS": "1", **OFTEN}
    with running_stack(prepared=prepared, settings=settings, slow_card_seconds=7) as stack:
        yield stack


@pytest.fixture
async def there(hurried: Stack) -> AsyncIterator[World]:
    """Whatever came too late, the auditor finds nothing wrong afterwards."""
    world = world_of(hurried)
    yield world
    await audited(world)
    await world.close()


async def pay_too_slowly(world: World) -> tuple[Customer, Any]:
    """A booking of A1 and A2 whose payment is still under way when the seats are free again."""
    manager, customer = world.manager(), world.customer()
    hall = await manager.open_hall(HALL)
    showtime = await manager.schedule(hall["id"], prices=PRICES)
    held = await customer.hold(showtime["id"], ["A1", "A2"])
    answer = await customer.pay_by_card(held["booking_id"], "pm_card_slow")
    assert answer.json()["status"] == "processing"

    async def given_back() -> bool:
        return not (await customer.get(f"/api/reservations/showtimes/{showtime['id']}/seats"))["held"]

    await eventually(given_back, 6)
    return customer, held


async def sell(world: World, showtime_id: str, labels: list[str]) -> None:
    """To somebody at the box office, who pays cash and walks in."""
    clerk = world.customer(Role.staff)
    sold = await clerk.hold(showtime_id, labels)
    await clerk.post(f"/api/ticketing/orders/{sold['booking_id']}/pay", {"method": "cash"}, 200)
    await clerk.until(sold["booking_id"], "issued")


async def outcome(world: World, customer: Customer, held: Any) -> Any:
    order = await customer.until(held["booking_id"], "issued", "refunded")
    assert faults(order, net_by_booking(await world.charges())[held["booking_id"]]) == []
    return order


async def test_late_money_gets_the_same_seats_if_nobody_took_them(there: World) -> None:
    customer, held = await pay_too_slowly(there)
    order = await outcome(there, customer, held)
    assert order["status"] == "issued"
    assert [ticket["seat"]["label"] for ticket in order["tickets"]] == ["A1", "A2"]


async def test_late_money_gets_as_good_seats_together_if_somebody_took_one(there: World) -> None:
    customer, held = await pay_too_slowly(there)
    await sell(there, held["showtime_id"], ["A2"])
    order = await outcome(there, customer, held)
    assert order["status"] == "issued"
    seats = sorted(ticket["seat"]["number"] for ticket in order["tickets"])
    assert seats[1] - seats[0] == 1
    assert 2 not in seats
    assert order["total"] == held["total"]


async def test_late_money_goes_back_if_there_are_no_seats_together(there: World) -> None:
    customer, held = await pay_too_slowly(there)
    await sell(there, held["showtime_id"], ["A2", "A4", "A6"])
    order = await outcome(there, customer, held)
    assert order["status"] == "refunded"
    assert order["tickets"] == []
    assert [refund["amount"]["amount"] for refund in order["refunds"]] == [2000]
    assert "refund" in order["status_text"].lower() or "back" in order["status_text"].lower()
