import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.shared.auth import Role
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.tests.shop import API, PRICE, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_card_payment_becomes_tickets(shop: Shop) -> None:
    booking_id = await shop.hold("F7", "F8")
    order = await shop.order(booking_id)
    assert (order["status"], order["version"]) == ("awaiting_payment", 1)
    assert order["total"] == {"amount": 2 * PRICE, "currency": "EUR"}

    secret = await shop.start_card(booking_id)
    assert await shop.status(booking_id) == "paying"
    assert (await shop.confirm(secret)).json()["status"] == "succeeded"
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)

    order = await shop.order(booking_id)
    assert order["status"] == "issued"
    assert [ticket["seat"]["label"] for ticket in order["tickets"]] == ["F7", "F8"]
    assert [line["what"] for line in order["timeline"]] == ["Seats held", "Payment started", "Paid", "Tickets ready"]
    names = await shop.names(booking_id)
    assert names == ["PaymentStarted", "PaymentSucceeded", "TicketIssued", "TicketIssued"]
    assert await shop.books(booking_id) == {"clearing": 2 * PRICE, "revenue": -2 * PRICE}
    assert await shop.kept_by_stripe(booking_id) == 2 * PRICE


async def test_asking_to_pay_again_gives_the_same_secret(shop: Shop) -> None:
    booking_id = await shop.hold()
    secrets = {await shop.start_card(booking_id) for _ in range(2)}
    secrets |= set(await asyncio.gather(*(shop.start_card(booking_id) for _ in range(4))))
    assert len(secrets) == 1


async def test_a_second_click_while_stripe_is_slow_is_told_to_come_again(shop: Shop) -> None:
    booking_id = await shop.hold()
    shop.sandbox.trouble(latency_ms=1500)
    pay = f"{API}/orders/{booking_id}/pay"
    answers = await asyncio.gather(*(shop.owner(booking_id).post(pay, json={"method": "card"}) for _ in range(2)))
    shop.sandbox.trouble()
    first, second = sorted(answers, key=lambda answer: answer.status_code)
    assert first.json()["payment"]["client_secret"] == await shop.start_card(booking_id)
    assert (second.status_code, second.json()["code"]) == (409, "order_in_progress")
    assert second.json()["retryable"]
    assert second.headers["retry-after"] == "1"


async def test_only_the_owner_sees_the_client_secret(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    mine = (await shop.owner(booking_id).get(f"{API}/orders/{booking_id}")).json()
    assert mine["payment"]["client_secret"] == secret
    assert (await shop.order(booking_id))["payment"]["client_secret"] is None


async def test_after_a_decline_the_same_payment_can_be_tried_again(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    assert (await shop.confirm(secret, "pm_card_chargeDeclinedInsufficientFunds")).status_code == 402
    await shop.settle(booking_id, "awaiting_payment")
    order = await shop.order(booking_id)
    assert order["payment"]["failure"] == "insufficient_funds"
    assert await shop.names(booking_id) == ["PaymentStarted", "PaymentFailed"]

    assert await shop.start_card(booking_id) == secret
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    assert await shop.kept_by_stripe(booking_id) == 2 * PRICE


async def test_a_payment_that_needs_the_bank_is_confirmed_there(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    answer = await shop.confirm(secret, "pm_card_threeDSecure2Required")
    assert answer.json()["status"] == "requires_action"
    await shop.hear()
    assert await shop.status(booking_id) == "paying"
    intent = secret.partition("_secret_")[0]
    await shop.browser.post(f"3ds/{intent}?client_secret={secret}", json={"decision": "approve"})
    await shop.settle(booking_id, "paid")


async def test_a_slow_payment_is_waited_for(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.confirm(await shop.start_card(booking_id), "pm_card_slow")
    await shop.hear()
    assert (await shop.order(booking_id))["payment"]["status"] == "processing"
    await shop.settle(booking_id, "paid")


async def test_coins_pay_at_once(shop: Shop) -> None:
    user_id = await shop.customer(coins=True)
    booking_id = await shop.hold("F7", user_id=user_id)
    answer = await shop.post(booking_id, "pay", method="coins")
    assert (answer.status_code, answer.json()["status"]) == (200, "paid")
    wallet = (await shop.owner(booking_id).get(f"{API}/wallet")).json()
    assert wallet["balance"] == 500 - PRICE // 10
    assert await shop.books(booking_id) == {"coins": PRICE, "revenue": -PRICE}


async def test_too_few_coins_are_refused_and_a_card_payment_stays(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    answer = await shop.post(booking_id, "pay", method="coins")
    assert (answer.status_code, answer.json()["code"]) == (402, "not_enough_coins")
    assert (answer.json()["balance"], answer.json()["needed"]) == (0, 250)
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")


async def test_paying_with_coins_cancels_a_card_payment_first(shop: Shop) -> None:
    booking_id = await shop.hold("F7", user_id=await shop.customer(coins=True))
    secret = await shop.start_card(booking_id)
    assert (await shop.post(booking_id, "pay", method="coins")).json()["status"] == "paid"
    assert (await shop.confirm(secret)).status_code == 400
    await shop.hear()
    assert await shop.books(booking_id) == {"coins": PRICE, "revenue": -PRICE}
    assert await shop.kept_by_stripe(booking_id) == 0


async def test_coins_are_not_taken_when_the_card_was_faster(shop: Shop) -> None:
    user_id = await shop.customer(coins=True)
    booking_id = await shop.hold("F7", user_id=user_id)
    await shop.confirm(await shop.start_card(booking_id))
    answer = await shop.post(booking_id, "pay", method="coins")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == 500


async def test_two_payments_with_coins_at_once_take_them_once(shop: Shop) -> None:
    booking_id = await shop.hold("F7", user_id=await shop.customer(coins=True))
    answers = await asyncio.gather(*(shop.post(booking_id, "pay", method="coins") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == 500 - PRICE // 10


async def test_card_and_coins_at_once_are_paid_once(shop: Shop) -> None:
    booking_id = await shop.hold("F7", user_id=await shop.customer(coins=True))

    async def by_card() -> None:
        answer = await shop.post(booking_id, "pay", method="card")
        if answer.status_code == 200:
            await shop.confirm(answer.json()["payment"]["client_secret"] or "x_secret_x")

    await asyncio.gather(by_card(), shop.post(booking_id, "pay", method="coins"), by_card())
    await shop.settle(booking_id, "paid")
    books = await shop.books(booking_id)
    assert books in ({"coins": PRICE, "revenue": -PRICE}, {"clearing": PRICE, "revenue": -PRICE})


async def test_the_box_office_takes_cash_for_anybodys_order(shop: Shop) -> None:
    booking_id = await shop.hold()
    staff = shop.client(Role.staff, new_id())
    answer = await shop.post(booking_id, "pay", by=staff, method="cash")
    assert (answer.status_code, answer.json()["payment"]["method"]) == (200, "cash")
    assert await shop.books(booking_id) == {"till": 2 * PRICE, "revenue": -2 * PRICE}


async def test_a_free_order_needs_no_payment(shop: Shop) -> None:
    booking_id = await shop.hold("F7", price=0)
    answer = await shop.post(booking_id, "pay", method="card")
    assert (answer.json()["status"], answer.json()["payment"]["method"]) == ("paid", "free")
    assert await shop.books(booking_id) == {}


async def test_an_amount_below_the_minimum_is_not_charged(shop: Shop) -> None:
    booking_id = await shop.hold("F7", price=49)
    answer = await shop.post(booking_id, "pay", method="card")
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_too_small")
    assert await shop.status(booking_id) == "awaiting_payment"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"method": "card", "amount": 1}, 422),
        ({"method": "free"}, 422),
        ({"method": None}, 422),
        ({}, 422),
        ({"method": "cash"}, 403),
        ({"method": "terminal"}, 403),
    ],
)
async def test_a_customer_cannot_choose_how_much_or_how(shop: Shop, body: dict[str, Any], status: int) -> None:
    booking_id = await shop.hold()
    assert (await shop.post(booking_id, "pay", **body)).status_code == status
    assert await shop.status(booking_id) == "awaiting_payment"


async def test_nobody_else_can_see_or_pay_or_cancel_an_order(shop: Shop) -> None:
    booking_id = await shop.hold()
    other = shop.client(Role.customer, new_id())
    path = f"{API}/orders/{booking_id}"
    answers = [
        await other.get(path),
        await other.post(f"{path}/pay", json={"method": "card"}),
        await other.post(f"{path}/cancel", json={}),
        await shop.client(Role.manager).post(f"{path}/pay", json={"method": "coins"}),
        await shop.client(Role.manager).post(f"{path}/cancel"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "order_not_found")] * 5


@pytest.mark.parametrize(
    ("method", "path", "role", "status"),
    [
        ("GET", "orders/{id}", None, 401),
        ("POST", "orders/{id}/pay", None, 401),
        ("POST", "orders/{id}/refund", Role.customer, 403),
        ("GET", "orders/{id}/saga", Role.staff, 403),
        ("POST", "orders/{id}/saga/retry", Role.staff, 403),
        ("GET", "ledger", Role.staff, 403),
        ("GET", "ledger/verify", Role.staff, 403),
        ("GET", "orders", None, 401),
    ],
)
async def test_routes_ask_for_a_role(shop: Shop, method: str, path: str, role: Role | None, status: int) -> None:
    booking_id = await shop.hold()
    body = {"method": "card", "reason": "x"} if method == "POST" else None
    async with caller(shop.app, role) as client:
        answer = await client.request(method, f"{API}/{path.format(id=booking_id)}", json=body)
    assert answer.status_code == status


async def test_a_paid_order_is_not_paid_again(shop: Shop) -> None:
    booking_id = await shop.issued()
    answer = await shop.post(booking_id, "pay", method="card")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")


async def test_paying_after_the_deadline_is_refused(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.expire(booking_id)
    assert await shop.status(booking_id) == "expired"
    answer = await shop.post(booking_id, "pay", method="card")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_expired")


async def test_an_order_that_is_just_being_held_is_waited_for(shop: Shop) -> None:
    event = shop.held_event("F7", user_id=await shop.customer())
    shop.owners[event.booking_id] = event.user_id

    async def later() -> None:
        await asyncio.sleep(0.2)
        await shop.events(event)

    answer, _ = await asyncio.gather(shop.post(event.booking_id, "pay", method="card"), later())
    assert answer.status_code == 200


async def test_an_unknown_order_is_not_found(shop: Shop) -> None:
    old = UUID("01890000-0000-7000-8000-000000000000")
    answer = await shop.client(Role.customer, new_id()).post(f"{API}/orders/{old}/pay", json={"method": "card"})
    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert "retryable" not in answer.json()


async def test_a_repeated_request_gets_the_first_answer(shop: Shop) -> None:
    booking_id = await shop.hold("F7", user_id=await shop.customer(coins=True))
    headers = {"Idempotency-Key": "one"}
    path = f"{API}/orders/{booking_id}/pay"
    first = await shop.owner(booking_id).post(path, json={"method": "coins"}, headers=headers)
    again = await shop.owner(booking_id).post(path, json={"method": "coins"}, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
