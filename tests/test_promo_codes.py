"""A promo code from the manager who makes it to the report that shows what it cost; its last use is had by one."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.people import Customer, World

BUYERS = 50
HALL = {"rows": 5, "seats_per_row": 20}
PRICES = [{"category": "standard", "ticket_type": "adult", "amount": 1000}]


async def use(customer: Customer, booking_id: str, code: str) -> Any:
    return await customer.client.post(f"/api/ticketing/orders/{booking_id}/promo", json={"code": code})


async def test_fifty_buyers_want_the_last_use_and_one_has_it_to_the_end(world: World) -> None:
    manager = world.manager()
    hall = await manager.open_hall(HALL)
    showtime = await manager.schedule(hall["id"], prices=PRICES)
    code = f"LAST-{secrets.token_hex(4)}"
    made = await manager.post("/api/ticketing/promo-codes", {"code": code, "percent_off": 25, "max_uses": 1})
    buyers = [world.customer() for _ in range(BUYERS)]
    labels = [f"{'ABCDE'[place // 10]}{1 + 2 * (place % 10)}" for place in range(BUYERS)]
    held = [await buyer.hold(showtime["id"], [label]) for buyer, label in zip(buyers, labels, strict=True)]
    bookings = [one["booking_id"] for one in held]

    pairs = list(zip(buyers, bookings, strict=True))
    await asyncio.gather(*(buyer.order(booking_id, wait=10) for buyer, booking_id in pairs))

    answers = await asyncio.gather(*(use(buyer, booking_id, code.lower()) for buyer, booking_id in pairs))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, *[422] * (BUYERS - 1)]
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 422} == {"used_up"}

    winner = statuses.index(200)
    buyer, booking_id = buyers[winner], bookings[winner]
    await buyer.pay_by_card(booking_id)
    order = await buyer.until(booking_id, "issued")
    assert (order["total"]["amount"], order["promo"]["code"], order["payment"]["method"]) == (750, code, "card")
    assert (await manager.get(f"/api/ticketing/promo-codes/{made['id']}"))["uses"] == 1
    assert await sold_for(world, showtime["id"]) == (750, 1, 0.01)


async def sold_for(world: World, showtime_id: str) -> tuple[int, int, float]:
    today = datetime.now(UTC).date()
    days = {"from": today.isoformat(), "to": (today + timedelta(days=2)).isoformat(), "group_by": "showtime"}
    report = await world.manager().call("GET", "/api/ticketing/reports/sales", params=days)
    (line,) = [one for one in report["items"] if one["key"] == showtime_id]
    return line["revenue"]["amount"], line["seats"], line["occupancy"]
