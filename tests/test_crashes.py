"""A process dies between two steps of the saga: after a restart the booking ends as it should, once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.conftest import world_of
from tests.money import faults, net_by_booking
from tests.people import World, eventually
from tests.stack import Stack

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def split(over_rabbitmq: Stack) -> Iterator[Stack]:
    """Each service in a process of its own, to be killed alone; all are alive again for whoever is next."""
    yield over_rabbitmq
    for worker in over_rabbitmq.workers:
        if worker.process and not worker.process.running:
            over_rabbitmq.start_worker(worker)
    over_rabbitmq.wait_until_ready()


@pytest.fixture
async def there(split: Stack) -> AsyncIterator[World]:
    world = world_of(split)
    yield world
    await world.close()


async def hold(world: World, labels: list[str]) -> tuple[Any, Any]:
    manager, customer = world.manager(), world.customer()
    hall = await manager.open_hall()
    showtime = await manager.schedule(hall["id"])
    held = await customer.hold(showtime["id"], labels)
    await customer.order(held["booking_id"])  # ticketing has heard of it: reservations may die now
    return customer, held


def kill(stack: Stack, service: str) -> None:
    process = stack.worker(service).process
    assert process is not None
    process.kill()


def revive(stack: Stack, service: str) -> None:
    stack.start_worker(stack.worker(service))
    stack.wait_until_ready()


async def check_issued_once(world: World, order: Any) -> None:
    kept = net_by_booking(await world.charges())
    assert faults(order, kept[order["booking_id"]]) == []
    assert order["status"] == "issued"
    assert len(kept[order["booking_id"]]) == 1


async def test_a_payment_whose_confirmation_was_cut_off_is_confirmed_after_the_restart(
    split: Stack, there: World
) -> None:
    customer, held = await hold(there, ["C5", "C6"])
    kill(split, "reservations")
    await customer.pay_by_card(held["booking_id"])
    order = await customer.until(held["booking_id"], "paid")
    assert order["tickets"] == []
    kill(split, "ticketing")
    revive(split, "ticketing")
    revive(split, "reservations")
    await check_issued_once(there, await customer.until(held["booking_id"], "issued"))


async def test_a_confirmation_whose_tickets_were_cut_off_gets_them_after_the_restart(
    split: Stack, there: World
) -> None:
    customer, held = await hold(there, ["D5", "D6"])
    kill(split, "reservations")
    await customer.pay_by_card(held["booking_id"])
    await customer.until(held["booking_id"], "paid")
    kill(split, "ticketing")
    revive(split, "reservations")
    seats_path = f"/api/reservations/showtimes/{held['showtime_id']}/seats"

    async def both_sold() -> bool:
        return len((await customer.get(seats_path))["sold"]) == 2

    await eventually(both_sold)
    kill(split, "reservations")
    revive(split, "reservations")
    revive(split, "ticketing")
    await check_issued_once(there, await customer.until(held["booking_id"], "issued"))


async def test_a_payment_answered_by_a_service_that_dies_at_once_is_found_again(split: Stack, there: World) -> None:
    customer, held = await hold(there, ["E5"])
    order = await customer.start_payment(held["booking_id"])
    kill(split, "ticketing")
    # The browser confirms with the provider while we are away; the webhook finds nobody.
    assert (await customer.confirm(order["payment"]["client_secret"])).is_success
    revive(split, "ticketing")
    await check_issued_once(there, await customer.until(held["booking_id"], "issued"))
    again = await customer.start_payment_refused(held["booking_id"])
    assert again["code"] == "already_paid"
