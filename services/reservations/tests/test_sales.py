"""Payments, in time and late, and in whatever order their messages come."""

import random
from typing import Any

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import (
    Buyer,
    abandoned,
    buyer,
    labels,
    on_sale,
    paid,
    run_out,
    seats,
    started,
    sweep,
    tell,
    told,
    voided,
)
from services.shared.auth import Role
from services.shared.events import (
    SeatHeld,
    SeatsLost,
    SeatsReleased,
    SeatsSold,
)
from services.shared.ids import new_id
from services.shared.testing import parked

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def sold(app: FastAPI, held: Any) -> SeatsSold:
    *_, last = await told(app, held)
    assert isinstance(last, SeatsSold)
    return last


async def let_lapse(app: FastAPI, held: Any) -> None:
    await run_out(app, held)
    await sweep(app)


async def test_what_is_paid_for_is_sold(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    await tell(app, started(held))
    assert (await customer.map())["held"] == [1, 2]
    assert await customer.status(held) == "paying"
    await tell(app, paid(held, customer))
    event = await sold(app, held)
    assert [(seat.label, seat.price) for seat in event.seats] == [("A1", 1200), ("A2", 1200)]
    assert event.replaced == {}
    assert (await customer.map())["sold"] == [1, 2]
    assert await customer.status(held) == "sold"


async def test_a_sold_hold_makes_room_for_another(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    for label in ("A1", "A3", "A5", "A7"):
        held = await customer.hold(label)
        await tell(app, paid(held, customer))


async def test_money_for_a_hold_that_was_lost_with_the_database_buys_its_seats(app: FastAPI) -> None:
    """As after a restore to a time before the hold, once ticketing has sent its events again."""
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    await customer.client.delete(f"/api/reservations/holds/{held['booking_id']}")
    again = {**held, "booking_id": str(new_id())}
    await tell(app, voided(again, 2), paid(again, customer))
    assert [seat.label for seat in (await sold(app, again)).seats] == ["A1", "A2"]
    assert (await customer.map())["sold"] == [1]
    assert await customer.status(again) == "sold"


async def test_money_for_a_showtime_that_nobody_knows_yet_waits_for_it(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    early = paid({**held, "booking_id": str(new_id()), "showtime_id": str(new_id())}, customer)
    await tell(app, early)
    assert early.id in {message.id for message in await parked(app)}


async def test_told_twice_by_different_messages_it_answers_twice_the_same(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, paid(held, customer))
    version = (await customer.map())["version"]
    await tell(app, paid(held, customer))
    first, second = [event for event in await told(app, held) if isinstance(event, SeatsSold)]
    assert first.seats == second.seats
    assert (await customer.map())["version"] == version


async def test_an_abandoned_payment_frees_the_seats_and_tells_nobody_who_knows(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, started(held), abandoned(held))
    assert (await customer.map())["held"] == []
    assert await customer.status(held) == "released"
    assert [type(event) for event in await told(app, held)] == [SeatHeld]


async def test_an_abandoned_payment_never_frees_what_is_sold(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, paid(held, customer), abandoned(held))
    assert (await customer.map())["sold"] == [1]
    assert await customer.status(held) == "sold"


async def test_an_abandoned_payment_frees_no_seat_that_is_somebody_elses_now(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1", "A2")
    await run_out(app, held)
    await second.hold("A2")
    await tell(app, abandoned(held))
    assert (await second.map())["held"] == [2]


async def test_the_start_of_a_payment_that_comes_after_its_end_changes_nothing(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, abandoned(held), started(held))
    assert await customer.status(held) == "released"
    assert (await customer.map())["held"] == []


async def test_a_void_ticket_frees_its_seat_only(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    await tell(app, paid(held, customer), voided(held, 1), voided(held, 1))
    assert (await customer.map())["sold"] == [2]
    assert [type(event) for event in await told(app, held)] == [SeatHeld, SeatsSold]


async def test_a_void_ticket_frees_no_seat_that_has_been_sold_again(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    first, second = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await first.hold("A1")
    await tell(app, paid(held, first), voided(held, 1))
    again = await second.hold("A1")
    await tell(app, paid(again, second), voided(held, 1))
    assert (await second.map())["sold"] == [1]


async def test_late_money_gets_the_same_seats_if_they_are_free(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    await let_lapse(app, held)
    assert (await customer.map())["held"] == []
    await tell(app, paid(held, customer))
    event = await sold(app, held)
    assert ([seat.label for seat in event.seats], event.replaced) == (["A1", "A2"], {})
    assert [type(event) for event in await told(app, held)] == [SeatHeld, SeatsReleased, SeatsSold]


async def test_late_money_gets_its_own_lapsed_seats_before_the_sweeper_has_come(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, started(held))
    await run_out(app, held, table_names=["claim"])
    await tell(app, paid(held, customer))
    assert (await sold(app, held)).replaced == {}


async def test_late_money_gets_the_nearest_equivalent_seats_together_if_one_is_gone(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 8, A3="premium", A4="premium"))
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await customer.hold("A1", "A2")
    await let_lapse(app, held)
    await other.hold("A2")
    await tell(app, paid(held, customer))
    event = await sold(app, held)
    assert event.replaced == {"A1": "A5", "A2": "A6"}
    assert [(seat.label, seat.number, seat.price) for seat in event.seats] == [("A5", 5, 1200), ("A6", 6, 1200)]
    assert await map_of(customer) == {"held": [2], "sold": [5, 6]}
    found = (await customer.client.get(f"/api/reservations/holds/{held['booking_id']}")).json()
    assert (labels(found), found["status"], found["total"]) == (["A5", "A6"], "sold", held["total"])


async def test_a_rescue_leaves_none_of_the_old_seats_behind(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 6))
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    held = await customer.hold("A1", "A2")
    await tell(app, started(held))
    await run_out(app, held, table_names=["claim"])
    await other.hold("A2")
    await tell(app, paid(held, customer))
    assert (await sold(app, held)).replaced == {"A1": "A3", "A2": "A4"}
    assert await map_of(customer) == {"held": [2], "sold": [3, 4]}


async def test_late_money_is_lost_where_no_seats_are_together(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 6))
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id, Role.staff)
    held = await customer.hold("A1", "A2")
    await let_lapse(app, held)
    await other.hold("A2", "A4", "A6")
    late = paid(held, customer)
    await tell(app, late, paid(held, customer))
    *_, first, second = await told(app, held)
    assert isinstance(first, SeatsLost)
    assert isinstance(second, SeatsLost)
    assert first.seats == ["A1", "A2"]
    assert await map_of(customer) == {"held": [2, 4, 6], "sold": []}
    assert await customer.status(held) == "lost"


async def test_an_accessible_seat_is_only_replaced_by_another(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(2, 4, A1="accessible", A2="companion", B3="companion", B4="accessible"))
    customer = buyer(app, showtime_id)
    held = await customer.hold("A2", "A1")
    await let_lapse(app, held)
    await buyer(app, showtime_id).hold("A1")
    await tell(app, paid(held, customer))
    assert (await sold(app, held)).replaced == {"A1": "B4", "A2": "B3"}


async def test_the_messages_of_a_booking_may_come_in_any_order_and_twice(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(4, 10))
    for seed in range(20):
        customer = buyer(app, showtime_id)
        held = await customer.hold(f"{'ABCD'[seed // 10]}{seed % 10 + 1}")
        messages = [started(held), started(held), paid(held, customer), abandoned(held)] * 2
        random.Random(seed).shuffle(messages)
        await tell(app, *messages)
        assert await customer.status(held) == "sold"
        assert isinstance((await told(app, held))[-1], SeatsSold)
    assert len((await buyer(app, showtime_id).map())["sold"]) == 20


async def map_of(customer: Buyer) -> dict[str, list[int]]:
    seat_map = await customer.map()
    return {"held": seat_map["held"], "sold": seat_map["sold"]}
