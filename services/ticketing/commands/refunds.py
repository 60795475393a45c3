"""Refund rows: what has to go back, and that it is back. Asking the provider is a job's work (`booking.refunding`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit, settings_of
from services.shared.events import OrderRefunded
from services.shared.messaging import publish
from services.ticketing import notices
from services.ticketing.commands import ledger, statement, timeline
from services.ticketing.commands.wallet import coins_for
from services.ticketing.models import Intent, Method, Order, Refund, RefundCause, RefundStatus, RefundTo
from services.ticketing.queries import money
from services.ticketing.wording import Happening

SIGNAL = "refunds"
# How a payment goes back unless somebody says otherwise; coins always go back as coins.
BACK = {
    Method.CARD: RefundTo.CARD,
    Method.COINS: RefundTo.COINS,
    Method.CASH: RefundTo.CASH,
    Method.TERMINAL: RefundTo.TERMINAL,
}


@dataclass(frozen=True)
class Wish:
    """A refund somebody wants: `amount` in minor units, None for all that is left; `seats` are labels."""

    cause: RefundCause
    amount: int | None = None
    to: RefundTo | None = None
    seats: Sequence[str] = ()
    reason: str = ""


async def of_sale(session: AsyncSession, order: Order, wish: Wish, *, settles: bool) -> Refund | None:
    """Give back what bought the seats, or a part of it; None if there is nothing (left) to give."""
    left = order.paid - await money.refunded(session, order.booking_id)
    amount = left if wish.amount is None else min(wish.amount, left)
    if amount <= 0 or order.method is None or order.method is Method.FREE:
        return None
    to = way_back(order.method, wish.to)
    coins = await coins_back(session, order.booking_id, amount) if to is RefundTo.COINS else None
    refund = Refund(
        booking_id=order.booking_id,
        number=await money.next_number(session, Refund, order.booking_id),
        amount=amount,
        currency=order.currency,
        coins=coins,
        to=to,
        cause=wish.cause,
        reason=wish.reason,
        seats=list(wish.seats),
        settles=settles,
        sold=True,
        intent_id=order.intent_id if to is RefundTo.CARD else None,
    )
    return await begin(session, refund)


async def of_intent(session: AsyncSession, intent: Intent, cause: RefundCause, *, settles: bool) -> Refund:
    """Send a whole payment back that buys nothing."""
    refund = Refund(
        booking_id=intent.booking_id,
        number=await money.next_number(session, Refund, intent.booking_id),
        amount=intent.amount,
        currency=intent.currency,
        to=RefundTo.CARD,
        cause=cause,
        seats=[],
        settles=settles,
        sold=False,
        intent_id=intent.id,
    )
    return await begin(session, refund)


async def by_bank(session: AsyncSession, order: Order, wish: Wish, dispute_id: str) -> None:
    """The bank has given the customer the money.

    It is the refund that was on its way but that the provider would not make any more, if there was one.
    """
    tried = select(Refund).where(Refund.booking_id == order.booking_id, Refund.settles, Refund.to == RefundTo.CARD)
    refund = await session.scalar(tried.where(Refund.status != RefundStatus.SUCCEEDED).with_for_update())
    if refund is None:
        left = order.paid - await money.refunded(session, order.booking_id)
        if left <= 0:
            return
        refund = Refund(
            booking_id=order.booking_id,
            number=await money.next_number(session, Refund, order.booking_id),
            amount=min(wish.amount or left, left),
            currency=order.currency,
            to=RefundTo.CARD,
            cause=wish.cause,
            seats=[],
            settles=True,
            sold=True,
            intent_id=order.intent_id,
            tries=0,
        )
        session.add(refund)
        await session.flush()
        await ledger.owed(session, refund)
    refund.tries += 1
    refund.stripe_id = dispute_id
    await succeeded(session, order, refund)
    await statement.note_lost_dispute(session, refund)


def way_back(method: Method, wanted: RefundTo | None) -> RefundTo:
    usual = BACK[method]
    return RefundTo.COINS if RefundTo.COINS in (usual, wanted) else usual


async def coins_back(session: AsyncSession, booking_id: UUID, amount: int) -> int:
    """The coins for `amount` minor units. Parts are rounded as their sum would be, so that no split gains a coin."""
    value = settings_of(session).coin_value
    before, coins_before = await money.refunded_coins(session, booking_id)
    return coins_for(before + amount, value) - coins_before


async def begin(session: AsyncSession, refund: Refund) -> Refund:
    session.add(refund)
    await session.flush()
    await ledger.owed(session, refund)
    timeline.add(session, refund.booking_id, Happening.REFUND_STARTED, **facts(refund))
    fire_after_commit(session, SIGNAL)
    return refund


async def succeeded(session: AsyncSession, order: Order | None, refund: Refund) -> None:
    """The money is back. `order` is None for a payment of a booking that we do not know."""
    refund.status = RefundStatus.SUCCEEDED
    refund.failure = None
    refund.done_at = datetime.now(UTC)
    await ledger.returned(session, refund)
    if order is None:
        return
    timeline.add(session, refund.booking_id, Happening.REFUNDED, **facts(refund))
    publish(
        session,
        OrderRefunded(
            booking_id=refund.booking_id,
            showtime_id=order.showtime_id,
            amount=refund.amount,
            currency=refund.currency,
            reason=refund.reason or refund.cause,
            version=order.version,
        ),
    )
    await notices.order_refunded(session, order, refund)


async def failed(session: AsyncSession, refund: Refund, failure: str) -> None:
    """It did not go back, or came back from the bank."""
    if refund.status is RefundStatus.SUCCEEDED:
        await ledger.bounced(session, refund)
    refund.status = RefundStatus.FAILED
    refund.failure = failure
    refund.done_at = None
    if refund.settles:
        timeline.add(session, refund.booking_id, Happening.REFUND_FAILED, **facts(refund))


async def again(session: AsyncSession, refund: Refund, *, to: RefundTo | None = None, after: timedelta) -> None:
    """Another try, or the money as coins instead."""
    if to is RefundTo.COINS and refund.to is not RefundTo.COINS:
        refund.coins = await coins_back(session, refund.booking_id, refund.amount)
        refund.to = RefundTo.COINS
    refund.status = RefundStatus.PENDING
    refund.stripe_id = None
    refund.tries += 1
    refund.key_number += 1
    refund.next_at = func.clock_timestamp() + after
    fire_after_commit(session, SIGNAL)


def facts(refund: Refund) -> dict[str, object]:
    return {"amount": refund.amount, "currency": refund.currency, "to": refund.to}
