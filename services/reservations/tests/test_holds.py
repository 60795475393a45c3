from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import buyer, labels, on_sale, paid, seats, sql, tell, told
from services.shared.auth import Role
from services.shared.events import PaymentStarted, SeatHeld, SeatsReleased
from services.shared.testing import caller

pytestmark = pytest.mark.asyncio(loop_scope="package")

REPRICE = "UPDATE showtime SET version = 2, prices = jsonb_set(prices, '{0,amount}', '9900') WHERE id = :id"


async def test_a_hold_answers_with_frozen_prices_and_ten_minutes(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(2, 10, B1="premium"))
    before = datetime.now(UTC)
    held = await buyer(app, showtime_id).hold("B1", "A2")
    assert held["showtime_id"] == str(showtime_id)
    assert held["status"] == "held"
    assert held["total"] == {"amount": 2700, "currency": "EUR"}
    assert [list(seat.values()) for seat in held["seats"]] == [
        [11, "B1", "premium", "adult", {"amount": 1500, "currency": "EUR"}],
        [2, "A2", "standard", "adult", {"amount": 1200, "currency": "EUR"}],
    ]
    assert list(held["seats"][0]) == ["seat_no", "label", "category", "ticket_type", "price"]
    left = datetime.fromisoformat(held["expires_at"]) - before
    assert timedelta(minutes=9, seconds=58) < left < timedelta(minutes=10, seconds=2)
    assert held["expires_at"].endswith("Z")


async def test_a_hold_is_announced_with_all_that_an_order_needs(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    held = await customer.hold("A1", "A2", ticket_type="child")
    [event] = await told(app, held)
    assert isinstance(event, SeatHeld)
    assert event.booking_id == UUID(held["booking_id"])
    assert (event.user_id, event.showtime_id) == (customer.user_id, showtime_id)
    assert (event.total, event.currency) == (1600, "EUR")
    assert [(seat.label, seat.row, seat.number, seat.price) for seat in event.seats] == [
        ("A1", "A", 1, 800),
        ("A2", "A", 2, 800),
    ]
    assert event.film.title == "The Test Reel"
    assert event.theater.timezone == "Europe/Berlin"
    assert event.expires_at == datetime.fromisoformat(held["expires_at"])


async def test_an_accessible_seat_costs_what_a_standard_one_does_unless_it_has_a_price(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 6, A1="accessible", A2="companion"))
    held = await buyer(app, showtime_id).hold("A1", "A2")
    assert held["total"]["amount"] == 2400


async def test_a_price_stays_as_it_was_when_the_seat_was_held(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    held = await customer.hold("A1")
    await sql(app, REPRICE, id=showtime_id)
    found = (await customer.client.get(f"/api/reservations/holds/{held['booking_id']}")).json()
    assert found["total"]["amount"] == 1200
    assert (await customer.hold("A3"))["total"]["amount"] == 9900


async def test_the_owner_finds_a_hold_again_with_the_seconds_left(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    found = (await customer.client.get(f"/api/reservations/holds/{held['booking_id']}")).json()
    assert found == held | {"seconds_left": found["seconds_left"]}
    assert 595 <= found["seconds_left"] <= 600


async def test_seconds_left_are_never_negative(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await sql(app, "UPDATE hold SET expires_at = now() - interval '5 s' WHERE booking_id = :id", id=held["booking_id"])
    found = (await customer.client.get(f"/api/reservations/holds/{held['booking_id']}")).json()
    assert (found["status"], found["seconds_left"]) == ("held", 0)


async def test_the_list_has_the_active_holds_of_the_user_only(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    first, second = await customer.hold("A1"), await customer.hold("A3")
    await buyer(app, showtime_id).hold("A5")
    await customer.give_back(first)
    page = (await customer.client.get("/api/reservations/holds")).json()
    assert [item["booking_id"] for item in page["items"]] == [second["booking_id"]]
    assert page["items"][0]["seconds_left"] > 590
    assert page["next_cursor"] is None


async def test_somebody_elses_hold_is_not_found(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    held = await buyer(app, showtime_id).hold("A1")
    for other in (buyer(app, showtime_id), buyer(app, showtime_id, Role.admin)):
        read = await other.client.get(f"/api/reservations/holds/{held['booking_id']}")
        released = await other.give_back(held)
        for answer in (read, released):
            assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")


async def test_what_is_given_back_is_free_at_once_and_again_is_fine(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1", "A2")
    assert [(await customer.give_back(held)).status_code for _ in range(2)] == [204, 204]
    assert (await customer.map())["held"] == []
    assert await customer.status(held) == "released"
    _, released = await told(app, held)
    assert isinstance(released, SeatsReleased)
    assert released.reason == "customer"
    await buyer(app, customer.showtime_id).hold("A1", "A2")


async def test_a_hold_whose_payment_has_started_is_not_given_back(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, PaymentStarted(booking_id=held["booking_id"], showtime_id=customer.showtime_id))
    answer = await customer.give_back(held)
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_in_progress")
    assert (await customer.map())["held"] == [1]


async def test_what_is_sold_is_not_given_back(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    held = await customer.hold("A1")
    await tell(app, paid(held, customer))
    answer = await customer.give_back(held)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_sold")
    assert (await customer.map())["sold"] == [1]


async def test_a_third_live_hold_of_a_showtime_is_one_too_many(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    first = await customer.hold("A1")
    await customer.hold("A3")
    assert (await customer.refused("A5"))["code"] == "too_many_holds"
    await customer.give_back(first)
    await customer.hold("A5")


async def test_the_caps_do_not_bind_staff(app: FastAPI) -> None:
    staff = buyer(app, await on_sale(app), Role.staff)
    for label in ("A1", "A3", "A5"):
        await staff.hold(label)
    group = [f"{row}{number}" for row in "BC" for number in range(1, 11)]
    assert labels(await staff.hold(*group)) == group


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_who_is_signed_in_may_hold(app: FastAPI, role: Role) -> None:
    await buyer(app, await on_sale(app), role).hold("A1")


async def test_nobody_holds_without_a_token(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    async with caller(app) as anonymous:
        body = {"showtime_id": str(showtime_id), "seats": [{"label": "A1", "ticket_type": "adult"}]}
        answer = await anonymous.post("/api/reservations/holds", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert await sql(app, "SELECT FROM claim WHERE showtime_id = :id", id=showtime_id) == []
