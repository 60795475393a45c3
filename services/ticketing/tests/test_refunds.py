import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.shared.auth import Role
from services.shared.ids import new_id
from services.ticketing.booking import refunding
from services.ticketing.models import Order, RefundStatus, Ticket, TicketStatus
from services.ticketing.tests.shop import API, PRICE, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def refund(shop: Shop, booking_id: UUID, role: Role = Role.manager, **body: Any) -> Any:
    return await shop.post(booking_id, "refund", by=shop.client(role, new_id()), **{"reason": "sorry", **body})


async def until_refunds_are(shop: Shop, booking_id: UUID, *statuses: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        while True:
            await shop.hear()
            await shop.run_jobs()
            refunds: list[dict[str, Any]] = (await shop.order(booking_id))["refunds"]
            if tuple(one["status"] for one in refunds) == statuses:
                return refunds
            await asyncio.sleep(0.05)


async def test_a_customer_gives_a_whole_order_back_to_the_card(shop: Shop) -> None:
    booking_id = await shop.issued("F1", "F2")
    answer = await shop.post(booking_id, "cancel", to="card")
    assert (answer.status_code, answer.json()["status"]) == (200, "refunding")
    assert [ticket["status"] for ticket in answer.json()["tickets"]] == ["void", "void"]
    await shop.settle(booking_id, "refunded")
    order = await shop.order(booking_id)
    (back,) = order["refunds"]
    assert (back["amount"]["amount"], back["to"], back["status"], back["cause"]) == (
        2 * PRICE,
        "card",
        "succeeded",
        "customer",
    )
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}
    assert await shop.kept_by_stripe(booking_id) == 0
    assert (await shop.post(booking_id, "cancel")).json()["status"] == "refunded"
    assert (await shop.names(booking_id))[-3:] == ["TicketVoided", "TicketVoided", "OrderRefunded"]


async def test_a_card_payment_may_come_back_as_coins(shop: Shop) -> None:
    booking_id = await shop.issued("F3")
    await shop.post(booking_id, "cancel", to="coins")
    await shop.settle(booking_id, "refunded")
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == PRICE // 10
    assert await shop.books(booking_id) == {
        "clearing": PRICE,
        "coins": -PRICE,
        "revenue": -PRICE,
        "refunds": PRICE,
    }


async def test_coins_come_back_as_coins_whatever_is_asked(shop: Shop) -> None:
    booking_id = await shop.hold("F4", user_id=await shop.customer(coins=True))
    await shop.post(booking_id, "pay", method="coins")
    await shop.sold(booking_id)
    await shop.post(booking_id, "cancel", to="card")
    await shop.settle(booking_id, "refunded")
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == 500


async def test_some_seats_go_back_and_the_others_stay(shop: Shop) -> None:
    booking_id = await shop.issued("F5", "F6")
    answer = await shop.post(booking_id, "cancel", seats=["F6"])
    assert answer.json()["status"] == "issued"
    assert {ticket["seat"]["label"]: ticket["status"] for ticket in answer.json()["tickets"]} == {
        "F5": "valid",
        "F6": "void",
    }
    (back,) = await until_refunds_are(shop, booking_id, "succeeded")
    assert (back["amount"]["amount"], back["seats"]) == (PRICE, ["F6"])

    await shop.post(booking_id, "cancel", seats=["F5"])
    await shop.settle(booking_id, "refunded")
    assert await shop.kept_by_stripe(booking_id) == 0
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}


@pytest.mark.parametrize("seats", [["Z9"], [], ["F5\0"], "F5", [5]])
async def test_only_seats_of_the_order_can_be_given_back(shop: Shop, seats: object) -> None:
    booking_id = await shop.issued()
    answer = await shop.post(booking_id, "cancel", seats=seats)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert await shop.status(booking_id) == "issued"
    await shop.post(booking_id, "cancel")


async def test_it_may_be_too_late_to_cancel(shop: Shop) -> None:
    booking_id = await shop.issued("G1")
    async with shop.sessions.begin() as session:
        soon = datetime.now(UTC) + timedelta(hours=1.9)
        await session.execute(update(Order).where(Order.booking_id == booking_id).values(starts_at=soon))
    answer = await shop.post(booking_id, "cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_window_closed")
    assert (await refund(shop, booking_id)).json()["status"] == "refunding"


async def test_a_used_ticket_can_be_refunded_by_a_manager_only(shop: Shop) -> None:
    booking_id = await shop.issued("G2")
    async with shop.sessions.begin() as session:
        used = {"status": TicketStatus.USED, "used_at": datetime.now(UTC), "used_gate": "north"}
        await session.execute(update(Ticket).where(Ticket.booking_id == booking_id).values(**used))
    answer = await shop.post(booking_id, "cancel")
    assert (answer.status_code, answer.json()["code"], answer.json()["used"]) == (409, "ticket_used", ["G2"])
    assert (await refund(shop, booking_id)).json()["status"] == "refunding"


async def test_cancelling_while_tickets_are_made_is_for_later(shop: Shop) -> None:
    booking_id = await shop.paid("G3")
    for answer in (await shop.post(booking_id, "cancel"), await refund(shop, booking_id)):
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (
            409,
            "order_in_progress",
            True,
        )


async def test_goodwill_leaves_the_tickets_alone_and_never_exceeds_what_was_paid(shop: Shop) -> None:
    booking_id = await shop.issued("G4")
    answer = await refund(shop, booking_id, amount=1000, reason="The heating was off")
    assert (answer.status_code, answer.json()["status"]) == (200, "issued")
    answer = await refund(shop, booking_id, amount=PRICE - 1000 + 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_too_large")
    assert answer.json()["refundable"] == PRICE - 1000
    (back,) = await until_refunds_are(shop, booking_id, "succeeded")
    assert back["reason"] == "The heating was off"
    assert (await shop.order(booking_id))["tickets"][0]["status"] == "valid"
    assert await shop.kept_by_stripe(booking_id) == PRICE - 1000

    await shop.post(booking_id, "cancel")
    await shop.settle(booking_id, "refunded")
    assert await shop.kept_by_stripe(booking_id) == 0
    assert await shop.books(booking_id) == {"revenue": -PRICE, "refunds": PRICE}


async def test_two_refunds_at_once_never_exceed_what_was_paid(shop: Shop) -> None:
    booking_id = await shop.issued("G5")
    answers = await asyncio.gather(*(refund(shop, booking_id, amount=700) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_customer_and_managers_at_once_never_get_back_more_than_was_paid(shop: Shop) -> None:
    for number in range(3):
        seats = [f"{row}{20 + number}" for row in "JKL"]
        booking_id = await shop.issued(*seats)
        await asyncio.gather(
            *(shop.post(booking_id, "cancel", seats=[label]) for label in seats),
            *(refund(shop, booking_id, amount=1000) for _ in range(2)),
            refund(shop, booking_id, seats=seats[:1]),
            shop.post(booking_id, "cancel", to="coins"),
            shop.run_jobs(),
        )
        await shop.post(booking_id, "cancel")
        await shop.settle(booking_id, "refunded")
        count = len((await shop.order(booking_id))["refunds"])
        refunds = await until_refunds_are(shop, booking_id, *["succeeded"] * count)
        assert sum(one["amount"]["amount"] for one in refunds) == 3 * PRICE
        assert (await shop.books(booking_id)).get("customer", 0) == 0


async def test_parts_in_coins_never_add_up_to_more_coins_than_the_whole(shop: Shop) -> None:
    booking_id = await shop.issued("G6")
    for _ in range(5):
        await refund(shop, booking_id, amount=1, to="coins")
    await until_refunds_are(shop, booking_id, *(["succeeded"] * 5))
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == 1


async def test_the_box_office_refunds_only_what_it_has_sold(shop: Shop) -> None:
    by_card, at_counter = await shop.issued("G7"), await shop.hold("G8")
    await shop.post(at_counter, "pay", by=shop.client(Role.staff, new_id()), method="terminal")
    await shop.sold(at_counter)
    assert (await refund(shop, by_card, Role.staff)).status_code == 403
    assert (await refund(shop, at_counter, Role.staff)).status_code == 200
    await shop.settle(at_counter, "refunded")
    assert (await shop.order(at_counter))["refunds"][0]["to"] == "terminal"
    assert await shop.books(at_counter) == {"revenue": -PRICE, "refunds": PRICE}


async def test_the_box_office_gives_the_price_of_a_seat_back_in_cash(shop: Shop) -> None:
    booking_id, staff = await shop.hold("G9", "G10"), shop.client(Role.staff, new_id())
    await shop.post(booking_id, "pay", by=staff, method="cash")
    await shop.sold(booking_id)
    answer = await refund(shop, booking_id, Role.staff, seats=["G10"])
    assert (answer.status_code, answer.json()["status"]) == (200, "issued")
    (back,) = await until_refunds_are(shop, booking_id, "succeeded")
    assert (back["to"], back["amount"]["amount"], back["seats"]) == ("cash", PRICE, ["G10"])
    assert await shop.books(booking_id) == {"till": PRICE, "revenue": -2 * PRICE, "refunds": PRICE}


@pytest.mark.parametrize(
    "body",
    [{"reason": ""}, {"amount": 0}, {"amount": -5}, {"amount": 10**12}, {"amount": "5"}, {"to": "cash"}, {"user": "x"}],
)
async def test_a_refund_that_makes_no_sense_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    booking_id = await shop.hold()
    answer = await refund(shop, booking_id, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


async def test_an_unpaid_order_has_nothing_to_refund(shop: Shop) -> None:
    answer = await refund(shop, await shop.hold())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")


async def test_a_free_order_is_refunded_without_money(shop: Shop) -> None:
    booking_id = await shop.hold("H1", price=0)
    await shop.post(booking_id, "pay", method="card")
    await shop.sold(booking_id)
    assert (await shop.post(booking_id, "cancel")).json()["status"] == "refunded"


async def test_a_refund_that_fails_waits_for_a_manager_who_gives_coins(shop: Shop) -> None:
    booking_id = await shop.hold("H2")
    await shop.confirm(await shop.start_card(booking_id), "pm_card_refundFail")
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)
    await shop.post(booking_id, "cancel", to="card")
    await shop.settle(booking_id, "refund_failed")
    order = await shop.order(booking_id)
    assert order["refunds"][0]["status"] == "failed"
    assert "not lost" in order["status_text"]
    assert await shop.books(booking_id) == {
        "clearing": PRICE,
        "revenue": -PRICE,
        "refunds": PRICE,
        "customer": -PRICE,
    }
    manager = shop.client(Role.manager)
    listed = (await manager.get(f"{API}/orders", params={"status": "refund_failed"})).json()["items"]
    assert str(booking_id) in [one["booking_id"] for one in listed]

    answer = await shop.post(booking_id, "saga/retry", by=manager)
    assert answer.json()["status"] == "refunding"
    await shop.settle(booking_id, "refund_failed")
    await shop.post(booking_id, "saga/retry", by=manager, to="coins")
    await shop.settle(booking_id, "refunded")
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == PRICE // 10
    assert (await shop.books(booking_id)).get("customer", 0) == 0
    again = await shop.post(booking_id, "saga/retry", by=manager)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_retry")


async def test_a_part_that_fails_is_tried_again_by_itself(shop: Shop) -> None:
    booking_id = await shop.issued("H3")
    shop.sandbox.trouble(refund_fail=1.0)
    await refund(shop, booking_id, amount=300)
    await until_failed_once(shop, booking_id)
    shop.sandbox.trouble()
    seen = await shop.order(booking_id)
    assert seen["status"] == "issued"
    await shop.hurry()
    await until_refunds_are(shop, booking_id, "succeeded")
    assert (await shop.order(booking_id))["version"] > seen["version"], "whoever waits for news has to hear of it"
    assert await shop.kept_by_stripe(booking_id) == PRICE - 300
    assert await shop.books(booking_id) == {"clearing": PRICE - 300, "revenue": -PRICE, "refunds": 300}


async def until_failed_once(shop: Shop, booking_id: UUID) -> None:
    manager = shop.client(Role.manager)
    async with asyncio.timeout(5):
        while True:
            await shop.run_jobs()
            await shop.hear()
            (one,) = (await manager.get(f"{API}/orders/{booking_id}/saga")).json()["refunds"]
            if one["tries"] == 2:
                return
            await asyncio.sleep(0.05)


async def test_a_refund_that_comes_back_from_the_bank_is_owed_again(shop: Shop) -> None:
    booking_id = await shop.issued("H4")
    await shop.post(booking_id, "cancel")
    await shop.settle(booking_id, "refunded")
    updated = next(event for event in (await shop.stripe_events())[::-1] if event["type"] == "refund.updated")
    bounced = {**updated, "id": f"evt_{new_id().hex}", "type": "refund.failed"}
    bounced["data"] = {"object": {**updated["data"]["object"], "status": "failed", "failure_reason": "lost_card"}}
    await shop.hear([bounced])
    assert await shop.status(booking_id) == "refund_failed"
    assert (await shop.books(booking_id))["customer"] == -PRICE


async def test_a_pending_refund_is_looked_at_when_its_webhook_is_lost(shop: Shop) -> None:
    booking_id = await shop.issued("H5")
    await shop.post(booking_id, "cancel")
    async with asyncio.timeout(5):
        while await shop.status(booking_id) != "refunded":
            await shop.hurry()
            await refunding.pay_back(shop.work)
            await asyncio.sleep(0.1)
    order = await shop.order(booking_id)
    assert order["refunds"][0]["status"] == RefundStatus.SUCCEEDED
