"""What cancelling gives back is said before, and then it is that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.shared.auth import Role
from services.shared.ids import new_id
from services.ticketing.models import Ticket, TicketStatus
from services.ticketing.tests.shop import API, PRICE, Shop
from services.ticketing.tests.test_promo_codes import apply, make

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def quote(shop: Shop, booking_id: UUID, *seats: str) -> dict[str, Any]:
    params = {"seats": list(seats)} if seats else {}
    answer = await shop.owner(booking_id).get(f"{API}/orders/{booking_id}/refund-quote", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_quote_says_what_cancelling_gives_back(shop: Shop) -> None:
    booking_id = await shop.hold("A1", "A2", "A3")
    await apply(shop, booking_id, await make(shop, amount_off=100))
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)
    order, whole, part = (
        await shop.order(booking_id),
        await quote(shop, booking_id),
        await quote(shop, booking_id, "A1"),
    )
    assert (whole["allowed"], whole["code"], whole["to"]) == (True, None, ["card", "coins"])
    assert whole["until"] == order["cancellable_until"]
    assert (whole["amount"]["amount"], whole["coins"]) == (3 * PRICE - 100, 365)
    assert [(seat["label"], seat["refund"]["amount"]) for seat in part["seats"]] == [("A1", PRICE - 34)]
    answer = await shop.post(booking_id, "cancel", seats=["A1"], reason="We are ill")
    (back,) = answer.json()["refunds"]
    assert (back["amount"], back["reason"]) == (part["amount"], "We are ill")
    rest = await quote(shop, booking_id)
    assert rest["amount"]["amount"] == whole["amount"]["amount"] - part["amount"]["amount"]
    answer = await shop.post(booking_id, "cancel", to="coins")
    back = answer.json()["refunds"][-1]
    assert (back["amount"], back["coins"]) == (rest["amount"], rest["coins"])
    assert ((await quote(shop, booking_id))["code"], answer.json()["cancellable_until"]) == ("not_refundable", None)


async def test_goodwill_is_not_given_twice(shop: Shop) -> None:
    booking_id = await shop.issued("A4", "A5")
    manager = shop.client(Role.manager)
    await shop.post(booking_id, "refund", by=manager, amount=2000, reason="The heating was off")
    assert (await quote(shop, booking_id))["amount"]["amount"] == 500
    assert (await quote(shop, booking_id, "A4"))["amount"]["amount"] == 500


async def test_a_quote_says_why_there_is_nothing_to_cancel(shop: Shop) -> None:
    unpaid, paid, late, used = (
        await shop.hold("B1"),
        await shop.paid("B2"),
        await shop.issued("B3"),
        await shop.issued("B4"),
    )
    async with shop.sessions.begin() as session:
        use = {"status": TicketStatus.USED, "used_at": datetime.now(UTC), "used_gate": "north"}
        await session.execute(update(Ticket).where(Ticket.booking_id == used).values(**use))
    found = [await quote(shop, booking_id) for booking_id in (unpaid, paid, used)]
    await shop.move(datetime.now(UTC) - timedelta(minutes=1))
    found.append(await quote(shop, late))
    assert [one["code"] for one in found] == [None, "order_in_progress", "ticket_used", "refund_window_closed"]
    assert [one["allowed"] for one in found] == [True, False, False, False]
    assert (found[0]["amount"]["amount"], found[0]["to"]) == (0, [])


async def test_what_was_paid_with_coins_or_in_cash_goes_back_the_same_way(shop: Shop) -> None:
    by_coins, in_cash = await shop.hold("C1", user_id=await shop.customer(coins=True)), await shop.hold("C2")
    await shop.post(by_coins, "pay", method="coins")
    await shop.post(in_cash, "pay", by=shop.client(Role.staff), method="cash")
    for booking_id in (by_coins, in_cash):
        await shop.sold(booking_id)
    assert (await quote(shop, by_coins))["to"] == ["coins"]
    assert (await quote(shop, in_cash))["to"] == ["cash", "coins"]


async def test_quotes_are_for_the_owner_and_the_staff(shop: Shop) -> None:
    booking_id = await shop.issued("D1")
    path = f"{API}/orders/{booking_id}/refund-quote"
    assert (await shop.client(Role.customer, new_id()).get(path)).status_code == 404
    assert (await shop.client(Role.staff).get(path)).status_code == 200
    answer = await shop.owner(booking_id).get(path, params={"seats": ["D1", "Z9"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
