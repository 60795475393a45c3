"""The process dies before or after each call to Stripe; Stripe fails before and after it has acted."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.ticketing.booking import closing, refunding
from services.ticketing.commands.budgets import take
from services.ticketing.models import Intent, IntentStatus
from services.ticketing.payments import Payments
from services.ticketing.tests.shop import PRICE, Shop, is_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


class Killed(Exception):
    """Stands for SIGKILL: nothing after it runs."""


@contextmanager
def dying(shop: Shop, monkeypatch: pytest.MonkeyPatch, call: str, moment: str) -> Iterator[None]:
    """Within this block the process dies at its first such call, `before` or `after` Stripe has acted."""
    original: Callable[..., Awaitable[Any]] = getattr(Payments, call)
    deaths = []

    async def die(self: Payments, *args: Any) -> Any:
        deaths.append(args)
        if moment == "after":
            await original(self, *args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Payments, call, die)
        with suppress(Killed):
            yield
    assert deaths, f"{call} was never reached"


def paid_for(booking_id: UUID) -> dict[str, int]:
    return {"clearing": 2 * PRICE, "revenue": -2 * PRICE}


MOMENTS = pytest.mark.parametrize("moment", ["before", "after"])


@MOMENTS
async def test_dying_while_a_payment_is_made_leaves_one_payment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    booking_id = await shop.hold()
    with dying(shop, monkeypatch, "create_intent", moment):
        await shop.post(booking_id, "pay", method="card")
    assert await shop.status(booking_id) == "paying"
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    assert await intents_at_stripe(shop, booking_id) == 1
    assert await shop.books(booking_id) == paid_for(booking_id)


@MOMENTS
async def test_a_payment_that_nobody_remembers_is_found_and_cancelled_at_the_deadline(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    booking_id = await shop.hold()
    with dying(shop, monkeypatch, "create_intent", moment):
        await shop.post(booking_id, "pay", method="card")
    await shop.expire(booking_id)
    await shop.settle(booking_id, "expired")
    assert await intents_at_stripe(shop, booking_id) == 1
    assert await shop.kept_by_stripe(booking_id) == 0


@MOMENTS
async def test_dying_while_a_payment_is_cancelled_leaves_it_cancelled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    booking_id = await shop.hold()
    await shop.start_card(booking_id)
    await shop.expire(booking_id)
    with dying(shop, monkeypatch, "cancel_intent", moment):
        await closing.cancel_payments(shop.work)
    await shop.hurry()
    await closing.cancel_payments(shop.work)
    assert await shop.status(booking_id) == "expired"
    assert await shop.names(booking_id) == ["PaymentStarted", "PaymentAbandoned"]


@MOMENTS
async def test_dying_while_money_goes_back_sends_it_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    booking_id = await shop.issued()
    await shop.post(booking_id, "cancel")
    with dying(shop, monkeypatch, "create_refund", moment):
        await refunding.pay_back(shop.work)
    await shop.settle(booking_id, "refunded")
    assert await shop.kept_by_stripe(booking_id) == 0
    assert await shop.books(booking_id) == {"revenue": -2 * PRICE, "refunds": 2 * PRICE}


TROUBLES = pytest.mark.parametrize(
    "trouble",
    [{"error_after_acting": 1.0}, {"reset": 1.0}, {"rate_limit": 1.0}, {"error_after_acting": 0.5, "reset": 0.3}],
    ids=str,
)


@TROUBLES
async def test_whatever_stripe_answers_a_booking_is_paid_once_and_paid_back_once(
    shop: Shop, trouble: dict[str, float]
) -> None:
    booking_id = await shop.hold()
    shop.sandbox.trouble(seed=7, **trouble)
    answer = await shop.post(booking_id, "pay", method="card")
    assert answer.status_code in (200, 503), answer.text
    if answer.status_code == 503:
        assert (answer.json()["code"], answer.json()["retryable"]) == ("service_unavailable", True)
    shop.sandbox.trouble()
    await shop.confirm(await shop.start_card(booking_id))
    await shop.settle(booking_id, "paid")
    await shop.sold(booking_id)
    assert await shop.books(booking_id) == paid_for(booking_id)

    shop.sandbox.trouble(seed=8, **trouble)
    await shop.post(booking_id, "cancel")
    await shop.run_jobs()
    shop.sandbox.trouble()
    await shop.settle(booking_id, "refunded")
    assert await intents_at_stripe(shop, booking_id) == 1
    assert await shop.kept_by_stripe(booking_id) == 0


@TROUBLES
async def test_whatever_stripe_answers_an_unpaid_booking_is_let_go(shop: Shop, trouble: dict[str, float]) -> None:
    booking_id = await shop.hold()
    await shop.start_card(booking_id)
    await shop.expire(booking_id)
    shop.sandbox.trouble(seed=9, **trouble)
    await shop.run_jobs()
    shop.sandbox.trouble()
    await shop.settle(booking_id, "expired")
    assert (await shop.names(booking_id)).count("PaymentAbandoned") == 1


async def intents_at_stripe(shop: Shop, booking_id: UUID) -> int:
    return len([one for one in (await shop.at_stripe())["intents"] if is_of(one, booking_id)])


async def test_stripe_is_asked_only_as_often_as_it_allows(shop: Shop) -> None:
    endpoint = f"test {shop.showtime_id}"
    taken = [await take(shop.sessions, endpoint, 5.0) for _ in range(8)]
    assert taken[:5] == [True] * 5
    assert not all(taken)


async def test_a_payment_that_stripe_does_not_know_does_not_hold_up_the_others(shop: Shop) -> None:
    strange, normal = await shop.hold("A1"), await shop.hold("A2")
    for booking_id in (strange, normal):
        await shop.start_card(booking_id)
    async with shop.sessions.begin() as session:
        other = update(Intent).where(Intent.booking_id == strange).values(stripe_id=f"pi_{strange.hex}")
        await session.execute(other)
    for booking_id in (strange, normal):
        await shop.expire(booking_id)
    await shop.run_jobs()
    assert (await shop.status(strange), await shop.status(normal)) == ("paying", "expired")
    async with shop.sessions.begin() as session:
        await session.execute(update(Intent).where(Intent.booking_id == strange).values(status=IntentStatus.CANCELED))
