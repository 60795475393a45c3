import asyncio
import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import stripe
from sqlalchemy import func, select

from infra.sandbox.tests.process import WEBHOOK_SECRET
from services.shared.auth import Role
from services.shared.ids import new_id
from services.shared.testing import caller
from services.ticketing.booking import reconciliation, refunding, stripe_events
from services.ticketing.models import Intent, Refund, RefundStatus, StripeEvent
from services.ticketing.tests.shop import API, PRICE, Shop

pytestmark = pytest.mark.asyncio(loop_scope="package")

HOOK = f"{API}/webhooks/stripe"


async def charged(shop: Shop, card: str = "pm_card_visa") -> UUID:
    """Stripe has the money, and nobody has told us."""
    booking_id = await shop.hold()
    await shop.confirm(await shop.start_card(booking_id), card)
    return booking_id


async def row(shop: Shop, event_id: str) -> StripeEvent:
    async with shop.sessions.begin() as session:
        return await session.get_one(StripeEvent, event_id)


async def test_forged_and_old_webhooks_are_refused_and_change_nothing(shop: Shop) -> None:
    booking_id = await charged(shop)
    (event,) = await shop.stripe_events()
    payload = json.dumps(event)
    sign = stripe.WebhookSignature.generate_signature_header
    forged = [
        "",
        "nonsense",
        "t=1,v1=00",
        sign(payload, "whsec_wrong"),
        sign(payload + " ", WEBHOOK_SECRET),
        sign(payload, WEBHOOK_SECRET, int(time.time()) - 301),
    ]
    for signature in forged:
        answer = await caller(shop.app).post(HOOK, content=payload, headers={"Stripe-Signature": signature})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    answer = await caller(shop.app).post(HOOK, content=payload)
    assert answer.status_code == 400
    answer = await caller(shop.app).post(HOOK, content=b"\xff\xfe", headers={"Stripe-Signature": "t=1,v1=00"})
    assert answer.status_code == 400
    await stripe_events.process(shop.work)
    assert await shop.status(booking_id) == "paying"


@pytest.mark.parametrize(
    "payload", ["[]", "nonsense", '{"id": "evt_1"}', '{"id": 1, "type": "x", "created": 1, "data": {}}']
)
async def test_what_is_signed_but_no_event_is_refused(shop: Shop, payload: str) -> None:
    signature = stripe.WebhookSignature.generate_signature_header(payload, WEBHOOK_SECRET)
    answer = await caller(shop.app).post(HOOK, content=payload, headers={"Stripe-Signature": signature})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize("secret", ["whsec_older", WEBHOOK_SECRET])
async def test_two_secrets_are_good_while_they_are_rotated(shop: Shop, secret: str) -> None:
    await charged(shop)
    (event,) = await shop.stripe_events()
    assert (await shop.webhook(event, secret)).status_code == 200


async def test_the_same_webhook_again_changes_nothing(shop: Shop) -> None:
    booking_id = await charged(shop)
    events = await shop.stripe_events()
    for _ in range(3):
        await shop.hear(events)
    assert await shop.names(booking_id) == ["PaymentStarted", "PaymentSucceeded"]
    assert await shop.books(booking_id) == {"clearing": 2 * PRICE, "revenue": -2 * PRICE}


@pytest.mark.parametrize("seed", range(6))
async def test_webhooks_may_come_in_any_order(shop: Shop, seed: int) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await shop.confirm(secret, "pm_card_chargeDeclined")
    await shop.confirm(secret, "pm_card_chargeDeclinedInsufficientFunds")
    await shop.confirm(secret, "pm_card_visa")
    events = await shop.stripe_events()
    assert len(events) == 3
    random.Random(seed).shuffle(events)
    await shop.hear(events)
    assert await shop.status(booking_id) == "paid"
    assert await shop.books(booking_id) == {"clearing": 2 * PRICE, "revenue": -2 * PRICE}


async def test_lost_webhooks_are_fetched(shop: Shop) -> None:
    booking_id = await charged(shop)
    shop.app.state.reconciled_at = None
    await reconciliation.reconcile(shop.work)
    await stripe_events.process(shop.work)
    assert await shop.status(booking_id) == "paid"
    later = await charged(shop)
    await reconciliation.reconcile(shop.work)
    await stripe_events.process(shop.work)
    assert await shop.status(later) == "paying", "five minutes are not over"


async def test_reconciling_waits_for_a_provider_that_is_away(shop: Shop) -> None:
    shop.app.state.reconciled_at = None
    shop.sandbox.trouble(rate_limit=1.0)
    await reconciliation.reconcile(shop.work)
    assert shop.app.state.reconciled_at is None


@pytest.mark.parametrize("change", [{"amount_received": 1}, {"currency": "usd"}, {"livemode": True}])
async def test_a_payment_that_is_not_what_we_asked_for_is_left_to_a_person(
    shop: Shop, change: dict[str, object]
) -> None:
    booking_id = await charged(shop)
    (event,) = await shop.stripe_events()
    event["data"]["object"] |= change
    await shop.hear([event])
    stored = await row(shop, event["id"])
    assert stored.failed_at is not None
    assert str(stored.error).startswith("Mismatch")
    assert await shop.status(booking_id) == "paying"


async def test_another_intent_of_a_paid_booking_is_sent_back(shop: Shop) -> None:
    booking_id = await shop.issued("J1")
    second = await foreign_payment(shop, booking_id)
    await shop.hear([second])
    async with shop.sessions.begin() as session:
        (extra,) = await session.scalars(select(Refund).where(Refund.booking_id == booking_id))
    assert (extra.amount, extra.cause, extra.settles) == (PRICE, "extra", False)
    await until_back(shop, booking_id)
    assert await shop.status(booking_id) == "issued"
    assert await shop.books(booking_id) == {"clearing": PRICE, "revenue": -PRICE}


async def test_money_for_a_booking_that_nobody_knows_goes_back_after_ten_minutes(shop: Shop) -> None:
    booking_id = new_id()
    event = await foreign_payment(shop, booking_id)
    await shop.hear([event])
    stored = await row(shop, event["id"])
    assert (stored.handled_at, stored.failed_at) == (None, None)
    assert str(stored.error).startswith("UnknownBooking")

    async with shop.sessions.begin() as session:
        stored = await session.get_one(StripeEvent, event["id"])
        stored.created = datetime.now(UTC) - timedelta(minutes=11)
    await shop.hurry()
    await stripe_events.process(shop.work)
    await until_back(shop, booking_id)
    assert await shop.books(booking_id) == {}
    assert await shop.kept_by_stripe(booking_id) == 0


async def test_money_that_comes_before_its_hold_finds_it_later(shop: Shop) -> None:
    held = shop.held_event("J2", user_id=await shop.customer())
    shop.owners[held.booking_id] = held.user_id
    await shop.hear([await foreign_payment(shop, held.booking_id)])
    await shop.events(held)
    await shop.hurry()
    await stripe_events.process(shop.work)
    assert await shop.status(held.booking_id) == "paid"


async def test_events_that_are_none_of_ours_are_let_pass(shop: Shop) -> None:
    about = {"id": "pi_other", "status": "succeeded", "amount": 5, "amount_received": 5, "currency": "eur"}
    stranger = {"id": f"evt_{new_id().hex}", "type": "payment_intent.succeeded", "created": int(time.time())}
    stranger["data"] = {"object": {**about, "livemode": False, "metadata": {}, "created": int(time.time())}}
    await shop.hear([stranger, {**stranger, "id": "evt_customer", "type": "customer.created"}])
    assert (await row(shop, str(stranger["id"]))).handled_at is not None
    async with shop.sessions.begin() as session:
        assert await session.scalar(select(func.count()).where(StripeEvent.id == "evt_customer")) == 0


async def test_a_dispute_is_noted_on_the_order(shop: Shop) -> None:
    booking_id = await shop.issued("J3")
    async with shop.sessions.begin() as session:
        intent = await session.scalar(select(Intent.stripe_id).where(Intent.booking_id == booking_id))
    await shop.browser.post("disputes", json={"payment_intent": intent})
    since = shop.opened_at - timedelta(seconds=1)
    found = await shop.work.state.payments.events(since, ["charge.dispute.created"])
    await shop.hear([event for event in found if event["data"]["object"]["payment_intent"] == intent])
    saga = (await shop.client(Role.manager).get(f"{API}/orders/{booking_id}/saga")).json()
    assert saga["disputed_at"] is not None


async def foreign_payment(shop: Shop, booking_id: UUID) -> dict[str, Any]:
    """A payment with this booking's id that we have no row of; the event that tells of it."""
    metadata = {"booking_id": str(booking_id)}
    payments = shop.work.state.payments
    seen = await payments.create_intent(f"foreign-{new_id()}", PRICE, "EUR", metadata, datetime.now(UTC))
    await shop.confirm(seen.client_secret)
    found = await payments.events(shop.opened_at - timedelta(seconds=1), ["payment_intent.succeeded"])
    return next(event for event in found if event["data"]["object"]["id"] == seen.id)


async def until_back(shop: Shop, booking_id: UUID) -> None:
    for _ in range(100):
        await shop.hurry()
        await refunding.pay_back(shop.work)
        async with shop.sessions.begin() as session:
            statuses = (await session.scalars(select(Refund.status).where(Refund.booking_id == booking_id))).all()
        if statuses and set(statuses) == {RefundStatus.SUCCEEDED}:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(statuses)
