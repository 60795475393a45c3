"""A broken seat is sold to nobody from now on; whoever has it keeps it."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import (
    THEATER,
    Buyer,
    abandoned,
    buyer,
    labels,
    paid,
    run_out,
    scheduled,
    seats,
    sql,
    sweep,
    tell,
    voided,
)
from services.shared.auth import Role
from services.shared.events import Hall, HallLayoutPublished, LayoutSeat, ShowtimeScheduled
from services.shared.ids import new_id

pytestmark = pytest.mark.asyncio(loop_scope="package")


class House:
    """A hall of two rows of five, as its theater announces it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.hall_id = new_id()

    def layout(self, version: int, *broken: str, hall_seats: Sequence[LayoutSeat] = ()) -> HallLayoutPublished:
        marked = [
            seat.model_copy(update={"features": ["aisle", "out_of_service"] if seat.label in broken else ["aisle"]})
            for seat in hall_seats or seats(2, 5)
        ]
        return HallLayoutPublished(theater=THEATER, hall=self.hall(version), seats=marked, version=version)

    def hall(self, version: int) -> Hall:
        return Hall(id=self.hall_id, name="One", layout_version=version)

    def showtime(self, version: int = 1, **facts: Any) -> ShowtimeScheduled:
        return scheduled(self.hall(version), 10, **facts)

    async def open(self) -> UUID:
        """A showtime of the first version, all seats in service."""
        showtime = self.showtime()
        await tell(self.app, self.layout(1), showtime)
        return showtime.showtime_id


@pytest.fixture
def house(app: FastAPI) -> House:
    return House(app)


async def uses(app: FastAPI, showtime_id: UUID) -> dict[str, str]:
    """What is not free, by label."""
    staff = buyer(app, showtime_id, Role.staff)
    view = (await staff.client.get(f"/api/reservations/showtimes/{showtime_id}/occupancy")).json()
    assert sum(view[use] for use in ("free", "held", "sold", "blocked")) == view["capacity"] == 10
    return {seat["label"]: seat["status"] for seat in view["seats"] if seat["status"] != "free"}


async def blocks(app: FastAPI, showtime_id: UUID, method: str, *wanted: str) -> list[str]:
    manager = buyer(app, showtime_id, Role.manager)
    path = f"/api/reservations/showtimes/{showtime_id}/blocks"
    answer = await manager.client.request(method, path, json={"seats": list(wanted)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["blocked"])


async def test_a_free_seat_is_blocked_on_coming_showtimes_and_free_again_when_it_is_mended(
    app: FastAPI, house: House
) -> None:
    showtime_id = await house.open()
    customer = buyer(app, showtime_id)
    await tell(app, house.layout(2, "A2"))
    assert (await customer.refused("A2"))["taken"] == ["A2"]
    assert (await customer.map())["sold"] == [2]
    assert await uses(app, showtime_id) == {"A2": "blocked"}
    await tell(app, house.layout(3))
    assert await uses(app, showtime_id) == {}
    assert (await customer.map())["version"] == 2
    await customer.hold("A2")


async def test_a_showtime_that_is_over_is_left_alone(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()
    await sql(app, "UPDATE showtime SET ends_at = now() - interval '1 s' WHERE id = :id", id=showtime_id)
    await tell(app, house.layout(2, "A2"))
    assert await uses(app, showtime_id) == {}


async def test_a_later_showtime_does_not_sell_what_its_layout_has_out_of_service(app: FastAPI, house: House) -> None:
    await tell(app, house.layout(1, "A1", "A2"), showtime := house.showtime(single_seat_rule=True))
    customer = buyer(app, showtime.showtime_id)
    assert await uses(app, showtime.showtime_id) == {"A1": "blocked", "A2": "blocked"}
    # Beside A3 there is no single seat to leave: its neighbour is not for sale.
    assert labels((await customer.best(3, category="standard")).json())[0][0] == "B"
    await customer.hold("A3", "A4", "A5")


async def test_a_showtime_may_be_heard_of_before_its_layout_and_after_a_newer_one(app: FastAPI, house: House) -> None:
    early, late = house.showtime(version=2), house.showtime(version=1)
    await tell(app, early, house.layout(1, "A1"), house.layout(3, "A2"), house.layout(2, "A3"), late)
    for showtime in (early, late):
        assert await uses(app, showtime.showtime_id) == {"A2": "blocked"}


async def test_whatever_comes_in_whatever_order_the_newest_version_counts(app: FastAPI) -> None:
    for seed in range(10):
        house, dice = House(app), random.Random(seed)
        showtimes = [house.showtime(version) for version in (1, 2, 3)]
        layouts = [house.layout(1), house.layout(2, "A1"), house.layout(3, "A1", "B2"), house.layout(4, "B2", "B3")]
        events = [*showtimes, *layouts, *layouts]
        dice.shuffle(events)
        await asyncio.gather(*(tell(app, event) for event in events[:6]))
        await tell(app, *events[6:])
        for showtime in showtimes:
            assert await uses(app, showtime.showtime_id) == {"B2": "blocked", "B3": "blocked"}


async def test_seats_are_known_by_their_labels_when_the_hall_is_rebuilt(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()
    # Row A has lost two seats, so every number after them is another one.
    fewer = [seat for seat in seats(2, 5) if seat.label not in ("A4", "A5")]
    renumbered = [seat.model_copy(update={"seat_no": number}) for number, seat in enumerate(fewer, start=1)]
    await tell(app, house.layout(2, "A4"), house.layout(3, "B1", hall_seats=renumbered))
    # A4 was broken when it was last heard of.
    assert await uses(app, showtime_id) == {"A4": "blocked", "B1": "blocked"}


async def sold(app: FastAPI, customer: Buyer, *wanted: str) -> Any:
    held = await customer.hold(*wanted)
    await tell(app, paid(held, customer))
    return held


async def test_held_and_sold_seats_stay_their_customers(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1")
    await sold(app, second, "A2")
    before = (await first.map())["version"]
    await tell(app, house.layout(2, "A1", "A2"))
    assert await uses(app, showtime_id) == {"A1": "held", "A2": "sold"}
    assert (await first.map())["version"] == before
    await tell(app, paid(held, first))
    assert await uses(app, showtime_id) == {"A1": "sold", "A2": "sold"}


@pytest.mark.parametrize("end", ["given back", "lapsed", "abandoned", "void"])
async def test_a_broken_seat_is_blocked_when_its_customer_lets_it_go(app: FastAPI, house: House, end: str) -> None:
    showtime_id = await house.open()
    customer = buyer(app, showtime_id)
    held = await (sold(app, customer, "A1", "A2") if end == "void" else customer.hold("A1", "A2"))
    await tell(app, house.layout(2, "A1"))
    if end == "given back":
        await customer.give_back(held)
    elif end == "lapsed":
        await run_out(app, held)
        await sweep(app)
    elif end == "abandoned":
        await tell(app, abandoned(held))
    else:
        await tell(app, voided(held, 1), voided(held, 2))
    assert await uses(app, showtime_id) == {"A1": "blocked"}
    await tell(app, house.layout(3))
    assert await uses(app, showtime_id) == {}


async def test_nobody_takes_over_a_lapsed_hold_of_a_broken_seat(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1", "A2")
    await tell(app, house.layout(2, "A1"))
    await run_out(app, held, table_names=["claim"])
    assert (await second.refused("A1", "A2"))["taken"] == ["A1"]
    assert (await second.best(10)).json()["code"] == "seats_taken"
    await second.hold("A2")


async def test_late_money_finds_other_seats_when_its_own_have_been_blocked_meanwhile(
    app: FastAPI, house: House
) -> None:
    showtime_id = await house.open()
    customer = buyer(app, showtime_id)
    held = await customer.hold("A1", "A2")
    await run_out(app, held)
    await sweep(app)
    await tell(app, house.layout(2, "A1"))
    await tell(app, paid(held, customer))
    assert await uses(app, showtime_id) == {"A1": "blocked", "A2": "sold", "A3": "sold"}


async def test_late_money_for_a_broken_seat_that_nobody_has_swept_yet_keeps_it(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()
    customer = buyer(app, showtime_id)
    held = await customer.hold("A1")
    await tell(app, house.layout(2, "A1"))
    await run_out(app, held, table_names=["claim"])
    await tell(app, paid(held, customer))
    assert await uses(app, showtime_id) == {"A1": "sold"}


async def test_a_managers_block_outlives_the_repair_and_the_repair_a_managers_unblock(
    app: FastAPI, house: House
) -> None:
    showtime_id = await house.open()
    assert await blocks(app, showtime_id, "POST", "A1") == ["A1"]
    await tell(app, house.layout(2, "A1", "A2"))
    assert await blocks(app, showtime_id, "POST", "A2") == ["A1", "A2"]
    await tell(app, house.layout(3, "A1"))
    assert await uses(app, showtime_id) == {"A1": "blocked", "A2": "blocked"}
    assert await blocks(app, showtime_id, "DELETE", "A1", "A2") == ["A1"]
    await tell(app, house.layout(4))
    assert await uses(app, showtime_id) == {}


async def test_a_seat_breaks_while_many_come_and_go_and_is_blocked_at_last(app: FastAPI, house: House) -> None:
    showtime_id = await house.open()

    async def come_and_go(person: Buyer) -> None:
        for _ in range(4):
            answer = await person.ask("A1", "A2")
            if answer.status_code == 201:
                await person.give_back(answer.json())

    people = [buyer(app, showtime_id, Role.staff) for _ in range(6)]
    await asyncio.gather(*(come_and_go(person) for person in people), tell(app, house.layout(2, "A1")))
    assert await uses(app, showtime_id) == {"A1": "blocked"}
    assert (await people[0].refused("A1"))["code"] == "seats_taken"
