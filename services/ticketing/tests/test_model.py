"""Random stories of one booking, told in random order: in the end the money always balances."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from services.shared.auth import Role
from services.shared.events import PaymentSucceeded, SeatsReleased, ShowtimeScheduled
from services.shared.messaging.tables import Outbox
from services.ticketing.booking import closing, refunding
from services.ticketing.models import PromoCode, PromoUse
from services.ticketing.tests.shop import API, Shop
from services.ticketing.tests.test_closing import forget_payment

CODES = ("TENTH", "FIVER", "ALL")
FINAL = ("issued", "expired", "cancelled", "refunded")


class Story:
    """What people, clocks, Stripe and reservations do to one booking. Any of it may be refused or come to nothing."""

    def __init__(self, shop: Shop, booking_id: UUID) -> None:
        self.shop = shop
        self.booking_id = booking_id
        self.secret = ""

    async def pay_by_card(self) -> None:
        answer = await self.shop.post(self.booking_id, "pay", method="card")
        if answer.status_code == 200:
            self.secret = answer.json()["payment"]["client_secret"] or self.secret

    async def card_is_charged(self) -> None:
        if self.secret:
            await self.shop.confirm(self.secret)

    async def card_is_declined(self) -> None:
        if self.secret:
            await self.shop.confirm(self.secret, "pm_card_chargeDeclined")

    async def card_is_slow(self) -> None:
        if self.secret:
            await self.shop.confirm(self.secret, "pm_card_slow")

    async def pay_with_coins(self) -> None:
        await self.shop.post(self.booking_id, "pay", method="coins")

    async def promo_code(self) -> None:
        await self.shop.post(self.booking_id, "promo", code=random.choice(CODES))

    async def no_promo_code(self) -> None:
        await self.shop.owner(self.booking_id).delete(f"{API}/orders/{self.booking_id}/promo")

    async def promo_code_while_stripe_is_away(self) -> None:
        self.shop.sandbox.trouble(rate_limit=1.0)
        await self.promo_code()
        self.shop.sandbox.trouble()

    async def cancel(self) -> None:
        await self.shop.post(self.booking_id, "cancel")

    async def cancel_a_seat(self) -> None:
        await self.shop.post(self.booking_id, "cancel", seats=["F7"])

    async def goodwill(self) -> None:
        manager = self.shop.client(Role.manager)
        await self.shop.post(self.booking_id, "refund", by=manager, amount=400, reason="sorry")

    async def deadline(self) -> None:
        await self.shop.expire(self.booking_id)

    async def payment_is_forgotten(self) -> None:
        order = await self.shop.order(self.booking_id)
        if order["status"] in ("awaiting_payment", "paying") and order["closing"] is None:
            await forget_payment(self.shop, self.booking_id)

    async def some_webhooks(self) -> None:
        events = await self.shop.stripe_events()
        await self.shop.hear(random.sample(events, k=min(2, len(events))))

    async def payments_are_cancelled(self) -> None:
        await closing.cancel_payments(self.shop.work)

    async def refunds_are_made(self) -> None:
        await refunding.pay_back(self.shop.work)

    async def seats_are_sold(self) -> None:
        if await self.is_paid():
            await self.shop.sold(self.booking_id)

    async def seats_are_lost(self) -> None:
        if await self.is_paid():
            await self.shop.lost(self.booking_id)

    async def seats_are_released(self) -> None:
        reason = random.choice(("customer", "grace"))
        event = SeatsReleased(booking_id=self.booking_id, showtime_id=self.shop.showtime_id, reason=reason)
        await self.shop.events(event)

    async def showtime_is_cancelled(self) -> None:
        await self.shop.cancel_showtime()
        await closing.close_cancelled_showtimes(self.shop.work)

    async def is_paid(self) -> bool:
        """Whether reservations has been told to sell."""
        return any(isinstance(event, PaymentSucceeded) for event in await self.shop.said(self.booking_id))

    async def ends(self) -> None:
        async with asyncio.timeout(8):
            while True:
                undecided = await self.shop.is_waiting_for_bank(self.booking_id)
                await self.all_catches_up()
                if not undecided and await self.is_settled():
                    return

    async def all_catches_up(self) -> None:
        """The deadline has passed, every webhook arrives, every job runs."""
        await self.shop.expire(self.booking_id)
        await self.shop.hurry()
        await self.shop.hear()
        await self.shop.run_jobs()
        if await self.shop.status(self.booking_id) == "paid":
            await self.seats_are_sold()

    async def is_settled(self) -> bool:
        order = await self.shop.order(self.booking_id)
        return order["status"] in FINAL and all(one["status"] == "succeeded" for one in order["refunds"])


ACTIONS: list[Callable[[Story], Awaitable[None]]] = [
    Story.pay_by_card,
    Story.pay_by_card,
    Story.card_is_charged,
    Story.card_is_charged,
    Story.card_is_declined,
    Story.card_is_slow,
    Story.pay_with_coins,
    Story.promo_code,
    Story.promo_code,
    Story.no_promo_code,
    Story.promo_code_while_stripe_is_away,
    Story.cancel,
    Story.cancel_a_seat,
    Story.goodwill,
    Story.deadline,
    Story.payment_is_forgotten,
    Story.some_webhooks,
    Story.payments_are_cancelled,
    Story.refunds_are_made,
    Story.seats_are_sold,
    Story.seats_are_sold,
    Story.seats_are_lost,
    Story.seats_are_released,
    Story.showtime_is_cancelled,
]


# Stories that begin in the middle reach states that chance alone would seldom find.
BEGINNINGS: list[list[Callable[[Story], Awaitable[None]]]] = [
    [],
    [Story.pay_by_card],
    [Story.pay_by_card, Story.card_is_declined, Story.some_webhooks],
    [Story.pay_by_card, Story.card_is_charged],
    [Story.pay_by_card, Story.card_is_slow],
    [Story.pay_by_card, Story.payment_is_forgotten, Story.deadline, Story.card_is_charged],
    [Story.pay_by_card, Story.payment_is_forgotten, Story.pay_by_card],
    [Story.pay_by_card, Story.card_is_charged, Story.some_webhooks],
    [Story.pay_by_card, Story.card_is_charged, Story.some_webhooks, Story.seats_are_sold],
    [Story.pay_with_coins, Story.seats_are_sold],
    [Story.promo_code, Story.pay_by_card, Story.promo_code],
    [Story.pay_by_card, Story.promo_code_while_stripe_is_away, Story.card_is_charged],
]


@settings(
    max_examples=40,
    phases=[Phase.generate],  # a story takes half a second: shrinking one would take longer than a test may
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=12),
    seed=st.integers(0, 9),
)
async def test_however_a_booking_goes_the_money_balances_in_the_end(
    own_shop: Shop,
    beginning: list[Callable[[Story], Awaitable[None]]],
    actions: list[Callable[[Story], Awaitable[None]]],
    seed: int,
) -> None:
    random.seed(seed)
    shop = own_shop
    await forget_earlier_stories(shop)
    await shop.events(ShowtimeScheduled(**shop.showtime()))
    booking_id = await shop.hold("F7", "F8", user_id=await shop.customer(coins=True))
    await make_codes(shop)
    story = Story(shop, booking_id)
    for action in (*beginning, *actions):
        await action(story)
    await story.ends()
    await check(shop, booking_id)


async def forget_earlier_stories(shop: Shop) -> None:
    """The events of earlier ones wait for services that do not run here, and the relay would try them for ever."""
    shop.begin_afresh()
    async with shop.sessions.begin() as session:
        await session.execute(delete(Outbox))


async def make_codes(shop: Shop) -> None:
    """Those that an earlier story has made are there already."""
    for code, kind in zip(CODES, ({"percent_off": 10}, {"amount_off": 500}, {"percent_off": 100}), strict=True):
        await shop.client(Role.manager).post(f"{API}/promo-codes", json={"code": code, **kind})


async def check(shop: Shop, booking_id: UUID) -> None:
    order, books = await shop.order(booking_id), await shop.books(booking_id)
    assert books.get("customer", 0) == 0, "somebody is owed money"
    assert books.get("clearing", 0) == await shop.kept_by_stripe(booking_id)
    earned = -books.get("revenue", 0) - books.get("refunds", 0)
    live = [ticket for ticket in order["tickets"] if ticket["status"] != "void"]
    await check_uses(shop, booking_id, order)
    if order["status"] != "issued":
        assert (earned, live) == (0, [])
        return
    back = sum(one["amount"]["amount"] for one in order["refunds"] if one["cause"] not in ("extra", "late"))
    assert earned == order["total"]["amount"] - back
    assert len(live) == len(order["seats"]) - any("F7" in one["seats"] for one in order["refunds"])


async def check_uses(shop: Shop, booking_id: UUID, order: dict[str, Any]) -> None:
    """Who has got seats for a code has used it, who never paid has not; and each code's number is that of its uses."""
    async with shop.sessions.begin() as session:
        used = await session.get(PromoUse, booking_id)
        count = select(func.count()).select_from(PromoUse).where(PromoUse.promo_id == PromoCode.id).scalar_subquery()
        miscounted = (await session.scalars(select(PromoCode.code).where(PromoCode.uses != count))).all()
    assert miscounted == []
    if order["status"] == "issued":
        assert (used is not None) == (order["promo"] is not None)
    if order["status"] in ("expired", "cancelled"):
        assert used is None
