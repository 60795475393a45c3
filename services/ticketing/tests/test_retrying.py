"""A manager pushes what is stuck. (Refunds that have failed: test_refunds.py.)"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.shared.auth import Role
from services.ticketing.booking import closing, refunding
from services.ticketing.models import Intent, Refund
from services.ticketing.tests.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def retry(shop: Shop, booking_id: UUID, **body: Any) -> Any:
    return await shop.post(booking_id, "saga/retry", by=shop.client(Role.manager), **body)


async def put_off(shop: Shop, booking_id: UUID) -> None:
    async with shop.sessions.begin() as session:
        later = datetime.now(UTC) + timedelta(hours=1)
        for table in (Intent, Refund):
            await session.execute(update(table).where(table.booking_id == booking_id).values(next_at=later))


async def test_a_paid_order_asks_for_its_seats_again_and_gets_its_tickets_once(shop: Shop) -> None:
    booking_id = await shop.paid("A1")
    assert (await retry(shop, booking_id)).json()["status"] == "paid"
    names = await shop.names(booking_id)
    assert names.count("PaymentSucceeded") == 2
    for _ in range(2):
        await shop.sold(booking_id)
    assert len((await shop.order(booking_id))["tickets"]) == 1
    assert (await shop.names(booking_id)).count("TicketIssued") == 1


async def test_a_closing_order_cancels_its_payment_at_once(shop: Shop) -> None:
    booking_id = await shop.hold("A2")
    await shop.start_card(booking_id)
    await shop.expire(booking_id)
    await put_off(shop, booking_id)
    await closing.cancel_payments(shop.work)
    assert await shop.status(booking_id) == "paying"
    assert (await retry(shop, booking_id)).status_code == 200
    await closing.cancel_payments(shop.work)
    assert await shop.status(booking_id) == "expired"


@pytest.mark.parametrize("seats", [None, ["A3"]], ids=["all", "a part"])
async def test_a_refund_that_waits_is_asked_for_at_once(shop: Shop, seats: list[str] | None) -> None:
    booking_id = await shop.issued("A3", "A4")
    await shop.post(booking_id, "cancel", seats=seats)
    await put_off(shop, booking_id)
    await refunding.pay_back(shop.work)
    assert await shop.kept_by_stripe(booking_id) == 2500
    assert (await retry(shop, booking_id, to="coins")).status_code == 409, "the card may get it in this moment"
    assert (await retry(shop, booking_id)).status_code == 200
    await refunding.pay_back(shop.work)
    assert await shop.kept_by_stripe(booking_id) == (1250 if seats else 0)


async def test_nothing_is_pushed_that_does_not_wait(shop: Shop) -> None:
    open_one, begun, cancelled, issued = (
        await shop.hold("B1"),
        await shop.hold("B2"),
        await shop.hold("B3"),
        await shop.issued("B4"),
    )
    await shop.start_card(begun)
    await shop.post(cancelled, "cancel")
    for booking_id in (open_one, begun, cancelled, issued):
        answer = await retry(shop, booking_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_retry")
