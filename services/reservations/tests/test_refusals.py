from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from services.reservations.tests.cinema import buyer, on_sale, seats, sql, tell
from services.shared.auth import Role
from services.shared.events import ShowtimeCancelled
from services.shared.ids import earliest, new_id

pytestmark = pytest.mark.asyncio(loop_scope="package")

LAPSE = "UPDATE claim SET held_until = now() - interval '1 s' WHERE showtime_id = :id"


async def test_taken_seats_are_named_and_others_offered(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    await buyer(app, showtime_id).hold("A5")
    problem = await buyer(app, showtime_id).refused("A4", "A5", ticket_type="child")
    assert (problem["status"], problem["code"], problem["taken"]) == (409, "seats_taken", ["A5"])
    assert len(problem["alternatives"]) == 3
    for alternative in problem["alternatives"]:
        assert "A5" not in alternative["seats"]
        assert len(alternative["seats"]) == 2
        assert alternative["total"] == {"amount": 1600, "currency": "EUR"}


async def test_an_offered_alternative_can_be_held(app: FastAPI) -> None:
    showtime_id = await on_sale(app, single_seat_rule=True)
    await buyer(app, showtime_id).hold("A5", "A6")
    problem = await buyer(app, showtime_id).refused("A5", "A6")
    for alternative in problem["alternatives"][:1]:
        await buyer(app, showtime_id).hold(*alternative["seats"])


async def test_taken_is_judged_before_the_cap_and_the_rule(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, single_seat_rule=True))
    await customer.hold("A1")
    await customer.hold("B1", "B2")
    await buyer(app, customer.showtime_id).hold("C1", "C2")
    assert (await customer.refused("C2", "D2"))["code"] == "seats_taken"


async def test_a_refused_hold_leaves_nothing_behind(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    await buyer(app, showtime_id).hold("A2")
    customer = buyer(app, showtime_id)
    await customer.refused("A1", "A2", "A3")
    assert (await customer.map())["held"] == [2]
    assert (await customer.client.get("/api/reservations/holds")).json()["items"] == []
    assert await sql(app, "SELECT FROM outbox WHERE body ->> 'user_id' = :id", id=str(customer.user_id)) == []


async def test_unknown_seats_are_listed(app: FastAPI) -> None:
    problem = await buyer(app, await on_sale(app)).refused("A1", "Z9", "A11")
    assert (problem["status"], problem["code"], problem["labels"]) == (422, "unknown_seats", ["Z9", "A11"])


async def test_a_ticket_type_without_a_price_is_not_offered(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, seats(1, 4, A1="premium")))
    for label, ticket_type in (("A1", "child"), ("A2", "senior"), ("A2", "astronaut")):
        problem = await customer.refused(label, ticket_type=ticket_type)
        assert (problem["status"], problem["code"]) == (422, "ticket_type_not_offered")


async def test_a_companion_comes_with_somebody_in_an_accessible_seat(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, seats(1, 6, A1="accessible", A2="companion")))
    problem = await customer.refused("A2", "A3")
    assert (problem["status"], problem["code"]) == (422, "companion_needs_accessible")
    await customer.hold("A1", "A2")


async def test_an_unknown_showtime_is_not_found(app: FastAPI) -> None:
    old = earliest(datetime.now(UTC) - timedelta(days=1))
    problem = await buyer(app, old).refused("A1")
    assert (problem["status"], problem["code"]) == (404, "showtime_not_found")
    assert not problem.get("retryable")


async def test_a_showtime_that_has_just_been_made_may_be_asked_for_again(app: FastAPI) -> None:
    problem = await buyer(app, new_id()).refused("A1")
    assert (problem["code"], problem["retryable"]) == ("showtime_not_found", True)


async def test_sales_end_when_the_showtime_says_so(app: FastAPI) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    customer = buyer(app, await on_sale(app, sales_close_at=past))
    problem = await customer.refused("A1")
    assert (problem["status"], problem["code"]) == (409, "sales_closed")
    assert (await customer.best(2)).json()["code"] == "sales_closed"


async def test_a_cancelled_showtime_sells_nothing(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await customer.hold("A1")
    await tell(app, ShowtimeCancelled(showtime_id=customer.showtime_id, reason="flood"))
    assert (await customer.refused("A3"))["code"] == "sales_closed"


async def test_a_single_seat_is_not_left_where_it_can_be_avoided(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, single_seat_rule=True))
    problem = await customer.refused("A2", "A3")
    assert (problem["status"], problem["code"]) == (409, "leaves_single_seat")
    assert problem["alternatives"][0]["seats"] in (["A1", "A2"], ["A3", "A4"])
    await customer.hold("A1", "A2")


async def test_a_single_seat_may_be_left_where_there_is_no_other_way(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app, seats(1, 3), single_seat_rule=True))
    await customer.hold("A1", "A2")


async def test_a_lapsed_hold_counts_as_free_for_the_single_seat_rule(app: FastAPI) -> None:
    showtime_id = await on_sale(app, seats(1, 6), single_seat_rule=True)
    await buyer(app, showtime_id).hold("A1", "A2")
    await sql(app, LAPSE, id=showtime_id)
    assert (await buyer(app, showtime_id).refused("A4", "A5"))["code"] == "leaves_single_seat"


async def test_the_single_seat_rule_does_not_bind_staff_nor_other_showtimes(app: FastAPI) -> None:
    await buyer(app, await on_sale(app, single_seat_rule=True), Role.staff).hold("A2", "A3")
    await buyer(app, await on_sale(app)).hold("A2", "A3")


BODY: dict[str, Any] = {"seats": [{"label": "A1", "ticket_type": "adult"}]}
BEST: dict[str, Any] = {"count": 2, "ticket_type": "adult"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seats": []},
        {"seats": None},
        {"seats": "A1"},
        {"seats": [{"label": "A1"}]},
        {"seats": [{"label": 1, "ticket_type": "adult"}]},
        {"seats": [{"label": "A\0", "ticket_type": "adult"}]},
        {"seats": [{"label": "A1", "ticket_type": "ad\0lt"}]},
        {"seats": [{"label": "A1", "ticket_type": "adult", "price": 1}]},
        {"seats": [{"label": "A" * 500, "ticket_type": "adult"}]},
        {"seats": [{"label": f"A{number}", "ticket_type": "adult"} for number in range(1, 12)]},
        {"seats": [{"label": f"A{number}", "ticket_type": "adult"} for number in range(1, 2002)]},
        {"seats": BODY["seats"] * 2},
        {**BODY, "best_available": BEST},
        {**BODY, "user_id": str(new_id())},
        {**BODY, "showtime_id": "not-an-id"},
        {**BODY, "showtime_id": 7},
        {"best_available": {**BEST, "count": 0}},
        {"best_available": {**BEST, "count": -1}},
        {"best_available": {**BEST, "count": 11}},
        {"best_available": {**BEST, "count": 10**30}},
        {"best_available": {**BEST, "count": "2"}},
        {"best_available": {**BEST, "count": 2.5}},
        {"best_available": {**BEST, "category": "std\0"}},
        {"best_available": {**BEST, "max_price": 5}},
    ],
)
async def test_bad_input_is_refused_and_nothing_changes(app: FastAPI, body: dict[str, Any]) -> None:
    customer = buyer(app, await on_sale(app))
    problem = await customer.refused(**body)
    assert (problem["status"], problem["code"]) == (422, "validation_error")
    assert problem["errors"]
    assert await sql(app, "SELECT FROM claim WHERE showtime_id = :id", id=customer.showtime_id) == []


@pytest.mark.parametrize("path", ["holds/x", "showtimes/x/seats", "showtimes/x/stream", "showtimes/%00/seats"])
async def test_a_malformed_id_in_the_path_is_a_validation_error(app: FastAPI, path: str) -> None:
    answer = await buyer(app, new_id()).client.get(f"/api/reservations/{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_has_1_to_255_characters(app: FastAPI, key: str) -> None:
    customer = buyer(app, await on_sale(app))
    body = {"showtime_id": str(customer.showtime_id), **BODY}
    answer = await customer.client.post("/api/reservations/holds", json=body, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
