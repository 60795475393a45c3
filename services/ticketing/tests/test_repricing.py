"""A promo code while a card payment is on its way: what is charged is always the order's total."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.shared.auth import Role
from services.ticketing.booking import agreement
from services.ticketing.models import Intent
from services.ticketing.payments import Payments, PaymentsAway
from services.ticketing.seen import SeenIntent
from services.ticketing.tests.shop import API, PRICE, Shop
from services.ticketing.tests.test_promo_codes import apply, make, price, uses

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def at_stripe(shop: Shop, booking_id: UUID) -> list[tuple[int, str]]:
    """Amount and status of the booking's intents."""
    found = (await shop.at_stripe())["intents"]
    return [(one["amount"], one["status"]) for one in found if one["metadata"].get("booking_id") == str(booking_id)]


async def check(shop: Shop, booking_id: UUID, total: int) -> None:
    order = await shop.order(booking_id)
    assert order["total"]["amount"] == total == await shop.kept_by_stripe(booking_id)
    assert order["subtotal"]["amount"] - order["discount"]["amount"] == total
    assert await shop.books(booking_id) == {"clearing": total, "revenue": -total}


class Interrupted(Exception):
    pass


@pytest.fixture
def stripe_answers_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between Stripe's answer and our taking it over."""

    async def die(*_: Any) -> None:
        raise Interrupted

    monkeypatch.setattr(agreement, "follow", die)


async def test_a_payment_that_was_begun_follows_the_price(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    assert price(await apply(shop, booking_id, await make(shop))) == (2500, 250, 2250)
    assert await at_stripe(shop, booking_id) == [(2250, "requires_payment_method")]
    await apply(shop, booking_id, await make(shop, amount_off=1000))
    assert await at_stripe(shop, booking_id) == [(1500, "requires_payment_method")]
    assert await shop.start_card(booking_id) == secret
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 1500)


async def test_a_code_before_the_payment_is_what_is_charged(shop: Shop) -> None:
    booking_id = await shop.hold()
    await apply(shop, booking_id, await make(shop))
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2250)


async def test_a_code_after_a_decline_is_what_is_charged_and_old_news_does_no_harm(shop: Shop) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    await shop.confirm(secret, "pm_card_chargeDeclined")
    await apply(shop, booking_id, await make(shop))
    await shop.hear()
    assert (await shop.order(booking_id))["payment"]["failure"] == "generic_decline"
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2250)


async def test_a_payment_at_the_old_price_that_we_have_not_heard_of_keeps_the_old_price(shop: Shop) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    await shop.confirm(await shop.start_card(booking_id))
    answer = await apply(shop, booking_id, promo)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    assert await uses(shop, promo) == 0
    await shop.hear()
    await check(shop, booking_id, 2500)
    assert (await shop.order(booking_id))["timeline"][-2]["what"] == "Price unchanged"


async def test_a_code_taken_off_behind_a_payment_stays_on(shop: Shop) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    await apply(shop, booking_id, promo)
    await shop.confirm(await shop.start_card(booking_id))
    answer = await shop.owner(booking_id).delete(f"{API}/orders/{booking_id}/promo")
    assert answer.status_code == 409
    await shop.hear()
    await check(shop, booking_id, 2250)
    assert ((await shop.order(booking_id))["promo"]["code"], await uses(shop, promo)) == (promo["code"], 1)


@pytest.mark.parametrize("has_heard", [True, False], ids=["heard", "not heard"])
async def test_while_the_bank_decides_the_price_stays(shop: Shop, has_heard: bool) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    await shop.confirm(await shop.start_card(booking_id), "pm_card_slow")
    if has_heard:
        await shop.hear()
    answer = await apply(shop, booking_id, promo)
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (409, "order_in_progress", True)
    assert ((await shop.order(booking_id))["promo"], await uses(shop, promo)) == (None, 0)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2500)


@pytest.mark.parametrize("amount_off", [2500, 2460])
async def test_a_price_below_what_cards_are_charged_cancels_the_payment(shop: Shop, amount_off: int) -> None:
    booking_id = await shop.hold()
    secret = await shop.start_card(booking_id)
    answer = await apply(shop, booking_id, await make(shop, amount_off=amount_off))
    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_payment")
    assert (await shop.confirm(secret)).status_code == 400
    answer = await shop.post(booking_id, "pay", method="card")
    if amount_off == 2500:
        assert (answer.json()["status"], answer.json()["payment"]["method"]) == ("paid", "free")
        assert await shop.books(booking_id) == {}
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "amount_too_small")


async def test_coins_pay_the_cheaper_price(shop: Shop) -> None:
    booking_id = await shop.hold("H1", user_id=await shop.customer(coins=True))
    await shop.start_card(booking_id)
    await apply(shop, booking_id, await make(shop, amount_off=250))
    assert (await shop.post(booking_id, "pay", method="coins")).json()["status"] == "paid"
    assert (await shop.owner(booking_id).get(f"{API}/wallet")).json()["balance"] == 500 - 100
    assert await shop.books(booking_id) == {"coins": 1000, "revenue": -1000}


async def test_a_price_that_stripe_was_told_before_we_died_is_good(shop: Shop, stripe_answers_to_nobody: None) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    secret = await shop.start_card(booking_id)
    assert (await apply(shop, booking_id, promo)).status_code == 500
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2250)
    assert await uses(shop, promo) == 1


async def test_a_price_that_stripe_was_not_told_before_we_died_is_told_with_the_next_try(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    secret = await shop.start_card(booking_id)

    async def is_away(*_: Any) -> SeenIntent:
        raise PaymentsAway

    with monkeypatch.context() as patched:
        patched.setattr(Payments, "update_intent", is_away)
        answer = await apply(shop, booking_id, promo)
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert await at_stripe(shop, booking_id) == [(2500, "requires_payment_method")]
    assert await shop.start_card(booking_id) == secret
    assert await at_stripe(shop, booking_id) == [(2250, "requires_payment_method")]
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2250)


async def test_a_price_that_stripe_was_not_told_is_given_up_when_the_old_one_is_paid(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id, first, second = await shop.hold(), await make(shop, amount_off=100), await make(shop, amount_off=200)
    await apply(shop, booking_id, first)
    secret = await shop.start_card(booking_id)

    async def is_away(*_: Any) -> SeenIntent:
        raise PaymentsAway

    with monkeypatch.context() as patched:
        patched.setattr(Payments, "update_intent", is_away)
        await apply(shop, booking_id, second)
    assert (await shop.order(booking_id))["total"]["amount"] == 2300
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2400)
    assert (await uses(shop, first), await uses(shop, second)) == (1, 0)


@pytest.mark.parametrize("trouble", [{"error_after_acting": 1.0}, {"rate_limit": 0.5}], ids=["500", "429"])
async def test_stripes_trouble_with_the_new_price_ends_well(shop: Shop, trouble: dict[str, float]) -> None:
    booking_id, promo = await shop.hold(), await make(shop)
    secret = await shop.start_card(booking_id)
    shop.sandbox.trouble(seed=7, **trouble)
    for _ in range(5):
        answer = await apply(shop, booking_id, promo)
        if answer.status_code == 200:
            break
    shop.sandbox.trouble()
    assert (await apply(shop, booking_id, promo)).status_code == 200
    await shop.confirm(secret)
    await shop.settle(booking_id, "paid")
    await check(shop, booking_id, 2250)


async def test_codes_payments_and_confirmations_at_once_charge_what_the_order_costs(shop: Shop) -> None:
    for number in range(6):
        booking_id = await shop.hold(f"K{number}", f"L{number}")
        promos = [await make(shop, amount_off=100 * place) for place in range(1, 4)]
        secret = await shop.start_card(booking_id)

        async def pay_soon(secret: str = secret, pause: float = number * 0.02) -> None:
            await asyncio.sleep(pause)
            await shop.confirm(secret)

        await asyncio.gather(
            *(apply(shop, booking_id, promo) for promo in promos),
            pay_soon(),
            shop.owner(booking_id).delete(f"{API}/orders/{booking_id}/promo"),
        )
        await shop.settle(booking_id, "paid")
        total = await shop.kept_by_stripe(booking_id)
        await check(shop, booking_id, total)
        assert sum([await uses(shop, promo) for promo in promos]) == (total != 2 * PRICE)


async def test_seats_go_back_at_what_they_cost_after_the_discount(shop: Shop) -> None:
    booking_id = await shop.hold("M1", "M2", "M3")
    await apply(shop, booking_id, await make(shop, amount_off=100))
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)
    for label in ("M1", "M2", "M3"):
        await shop.post(booking_id, "cancel", seats=[label])
    await shop.settle(booking_id, "refunded")
    refunds = (await shop.order(booking_id))["refunds"]
    assert sorted(one["amount"]["amount"] for one in refunds) == [PRICE - 34, PRICE - 33, PRICE - 33]
    assert await shop.kept_by_stripe(booking_id) == 0


async def test_replaced_seats_keep_their_discount(shop: Shop) -> None:
    booking_id = await shop.hold("N1", "N2")
    await apply(shop, booking_id, await make(shop, amount_off=101))
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id, "P1", "P2")
    order = await shop.order(booking_id)
    assert [(seat["label"], seat["discount"]["amount"]) for seat in order["seats"]] == [("P1", 51), ("P2", 50)]
    answer = await shop.post(booking_id, "cancel", seats=["P1"])
    assert answer.json()["refunds"][0]["amount"]["amount"] == PRICE - 51


async def test_an_update_of_the_price_has_an_idempotency_key_of_its_own(shop: Shop) -> None:
    booking_id = await shop.hold()
    await shop.start_card(booking_id)
    numbers = []
    for amount in (100, 200):
        await apply(shop, booking_id, await make(shop, amount_off=amount))
        async with shop.sessions.begin() as session:
            of_booking = select(Intent.key_number).where(Intent.booking_id == booking_id)
            numbers.append(await session.scalar(of_booking))
    assert numbers == [2, 3]


async def test_the_counter_takes_the_cheaper_price(shop: Shop) -> None:
    booking_id = await shop.hold()
    await apply(shop, booking_id, await make(shop, amount_off=500))
    await shop.post(booking_id, "pay", by=shop.client(Role.staff), method="cash")
    assert await shop.books(booking_id) == {"till": 2000, "revenue": -2000}
