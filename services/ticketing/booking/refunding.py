"""Money on its way back: asked for at Stripe, put into wallets, noted at the counter; and what Stripe says of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions, fire_after_commit
from services.shared.jobs import Work
from services.ticketing.booking.intents import Mismatch
from services.ticketing.commands import refunds, wallet
from services.ticketing.commands.effects import Occasion
from services.ticketing.errors import OrderNotFound
from services.ticketing.models import CoinReason, Intent, Order, Refund, RefundStatus, RefundTo
from services.ticketing.payments import PaymentRefused, Payments, PaymentsAway
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance
from services.ticketing.seen import SeenRefund

# As in `closing`: a round must be over before what it took is due again.
ROUND = 40
SIDE_BY_SIDE = 8
# How soon one that got no answer is asked for again, and how often one that is pending is looked at: sooner when young.
AGAIN = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
# A part that failed is tried again by itself.
AFTER_FAILURE = timedelta(minutes=1)

log = structlog.get_logger()


async def pay_back(work: Work) -> None:
    """Ask Stripe for the refunds that are due, or how they are doing."""
    queue = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(refund: Refund) -> None:
        async with queue:
            await pay_one_back(work.sessions, work.state.payments, refund)

    while claimed := await claim(work.sessions):
        await asyncio.gather(*(one(refund) for refund in claimed))


async def claim(transactions: Sessions) -> Sequence[Refund]:
    """Refunds that are due, put off in the same statement, so that no other replica takes them meanwhile."""
    due = (
        select(Refund.id)
        .where(Refund.status == RefundStatus.PENDING, Refund.next_at <= func.now())
        .order_by(Refund.next_at)
        .limit(ROUND)
        .with_for_update(skip_locked=True)
    )
    taken = update(Refund).where(Refund.id.in_(due)).values(next_at=func.now() + AGAIN).returning(Refund)
    async with transactions.begin() as session:
        return (await session.scalars(taken)).all()


async def pay_one_back(transactions: Sessions, payments: Payments, refund: Refund) -> None:
    if refund.to is not RefundTo.CARD:
        return await pay_back_here(transactions, refund)
    try:
        seen = await ask(transactions, payments, refund)
    except PaymentsAway as away:
        log.warning("refund not asked for yet", booking_id=str(refund.booking_id), error=repr(away.__cause__))
        return await spend_key(transactions, refund, away)
    except PaymentRefused as refused:
        log.exception("refund refused", booking_id=str(refund.booking_id), code=refused.code)
        return await note_failure(transactions, refund, refused.code or "refused")
    async with transactions.begin() as session:
        await take_over(session, seen, refund.id, "stripe")
    return None


async def ask(transactions: Sessions, payments: Payments, refund: Refund) -> SeenRefund:
    if refund.stripe_id is not None:
        return await payments.refund(refund.stripe_id)
    async with transactions.begin() as session:
        intent = await session.get_one(Intent, refund.intent_id)
    assert intent.stripe_id is not None, "what was paid was created"
    key = f"{refund.booking_id}:refund:{refund.number}.{refund.key_number}"
    # A try after a failed one is a refund of its own at Stripe, and the metadata tells them apart.
    metadata = {
        "booking_id": str(refund.booking_id),
        "refund": str(refund.id),
        "try": str(refund.tries),
    }
    return await payments.create_refund(key, intent.stripe_id, refund.amount, metadata)


async def pay_back_here(transactions: Sessions, refund: Refund) -> None:
    """Coins are ours to give; at the counter the money has changed hands."""
    async with transactions.begin() as session:
        order = await orders.locked(session, refund.booking_id)
        refund = await session.get_one(Refund, refund.id)
        if refund.status is not RefundStatus.PENDING:
            return
        if refund.coins:
            await wallet.credit(session, order.user_id, refund.coins, CoinReason.REFUND, str(refund.id))
        await succeed(session, order, refund, "refund")


async def take_over(session: AsyncSession, seen: SeenRefund, refund_id: UUID, cause: str) -> None:
    """What Stripe says of a refund of ours. News about an earlier try that failed is no news. Raises Mismatch."""
    booking_id = await session.scalar(select(Refund.booking_id).where(Refund.id == refund_id))
    if booking_id is None:
        raise Mismatch(f"refund {seen.id}: there is no {refund_id}")
    order = await order_of(session, booking_id)
    refund = await session.get_one(Refund, refund_id, with_for_update=True)
    if seen.metadata.get("try") == str(refund.tries):
        check(refund, seen)
        refund.stripe_id = seen.id
        await apply(session, order, refund, seen, cause)


def check(refund: Refund, seen: SeenRefund) -> None:
    """Raises Mismatch."""
    if (seen.amount, seen.currency) != (refund.amount, refund.currency):
        raise Mismatch(f"refund {seen.id}: {seen.amount} {seen.currency} instead of {refund.amount} {refund.currency}")


async def apply(session: AsyncSession, order: Order | None, refund: Refund, seen: SeenRefund, cause: str) -> None:
    """A refund that was done may still come back from the bank; one that failed has ended."""
    if seen.status is RefundStatus.FAILED and refund.status is not RefundStatus.FAILED:
        await fail(session, order, refund, seen.failure or "failed", cause)
    elif refund.status is not RefundStatus.PENDING:
        return
    elif seen.status is RefundStatus.SUCCEEDED:
        await succeed(session, order, refund, cause)
    else:
        age = datetime.now(UTC) - refund.created_at
        refund.next_at = datetime.now(UTC) + min(max(age / 2, AGAIN), LONGEST_PAUSE)


async def order_of(session: AsyncSession, booking_id: UUID) -> Order | None:
    """None for a payment of a booking that we do not know."""
    try:
        return await orders.locked(session, booking_id)
    except OrderNotFound:
        return None


async def succeed(session: AsyncSession, order: Order | None, refund: Refund, cause: str) -> None:
    if order is not None and refund.settles:
        await advance(session, order, Trigger.REFUND_SUCCEEDED, Occasion(cause=cause))
    elif order is not None:
        # The saga takes no step for a part of the money, yet whoever follows the order is to hear of it.
        order.version += 1
        fire_after_commit(session, order.booking_id)
    await refunds.succeeded(session, order, refund)


async def fail(session: AsyncSession, order: Order | None, refund: Refund, failure: str, cause: str) -> None:
    """What settles an order is left to a manager; other refunds are tried again by themselves."""
    log.error("refund failed", booking_id=str(refund.booking_id), refund_id=str(refund.id), failure=failure)
    await refunds.failed(session, refund, failure)
    if order is not None and refund.settles:
        await advance(session, order, Trigger.REFUND_FAILED, Occasion(cause=cause))
    else:
        await refunds.again(session, refund, after=AFTER_FAILURE * refund.tries)


async def note_failure(transactions: Sessions, refund: Refund, failure: str) -> None:
    async with transactions.begin() as session:
        order = await order_of(session, refund.booking_id)
        stored = await session.get_one(Refund, refund.id, with_for_update=True)
        if stored.status is RefundStatus.PENDING and stored.tries == refund.tries:
            await fail(session, order, stored, failure, "stripe")


async def spend_key(transactions: Sessions, refund: Refund, away: PaymentsAway) -> None:
    if away.key_spent:
        async with transactions.begin() as session:
            stored = await session.get_one(Refund, refund.id, with_for_update=True)
            stored.key_number = max(stored.key_number, refund.key_number + 1)
