"""Unpaid orders end: the clock runs out, a showtime is cancelled, and Stripe is asked to forget the payment."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Row, func, select, update

from services.shared.db import Sessions
from services.shared.errors import ServiceUnavailable
from services.shared.jobs import Work
from services.ticketing.booking import intents
from services.ticketing.commands.effects import Occasion
from services.ticketing.commands.refunds import Wish
from services.ticketing.errors import AmountTooSmall
from services.ticketing.models import FINAL, Intent, Order, OrderStatus, RefundCause, Showtime, ShowtimeStatus
from services.ticketing.payments import PaymentRefused, Payments
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance

UNPAID = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING)
AT_ONCE = 100
# How many payments one round takes, how many of them side by side, and how soon one without an answer is due again: a
# round must be over by then, at the 20 requests a second that Stripe may be asked.
ROUND = 40
SIDE_BY_SIDE = 8
AGAIN = timedelta(seconds=5)

log = structlog.get_logger()


async def close_overdue(work: Work) -> None:
    """The customer's clock has run out."""
    async with work.sessions.begin() as session:
        due = select(Order.booking_id).where(
            Order.status.in_(UNPAID), Order.closing.is_(None), Order.expires_at <= func.now()
        )
        found = (await session.scalars(due.order_by(Order.expires_at).limit(AT_ONCE))).all()
    for booking_id in found:
        async with work.sessions.begin() as session:
            order = await orders.locked(session, booking_id)
            if order.is_overdue:
                await advance(session, order, Trigger.DEADLINE)


async def close_cancelled_showtimes(work: Work) -> None:
    """Each order of a cancelled showtime closes or is refunded; those that are just paid follow when they are sold."""
    queue = asyncio.Semaphore(SIDE_BY_SIDE // 2)

    async def one(booking_id: UUID, reason: str) -> None:
        async with queue:
            await close_cancelled(work.sessions, booking_id, reason)

    while found := await of_cancelled_showtimes(work.sessions):
        await asyncio.gather(*(one(booking_id, reason) for booking_id, reason in found))


async def of_cancelled_showtimes(transactions: Sessions) -> Sequence[Row[UUID, str]]:
    is_affected = (Order.status == OrderStatus.ISSUED) | (Order.status.in_(UNPAID) & Order.closing.is_(None))
    affected = (
        select(Order.booking_id, Showtime.reason)
        .join(Showtime, Showtime.id == Order.showtime_id)
        .where(Showtime.status == ShowtimeStatus.CANCELLED, is_affected)
        .limit(AT_ONCE)
    )
    async with transactions.begin() as session:
        return (await session.execute(affected)).all()


async def close_cancelled(transactions: Sessions, booking_id: UUID, reason: str) -> None:
    async with transactions.begin() as session:
        order = await orders.locked(session, booking_id)
        wish = Wish(RefundCause.SHOWTIME_CANCELLED, reason=reason)
        await advance(session, order, Trigger.SHOWTIME_CANCELLED, Occasion(cause="showtime", wish=wish))


async def cancel_payments(work: Work) -> None:
    """Ask Stripe to cancel the payments of closing orders, until it has answered for each."""
    queue = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(intent: Intent) -> None:
        async with queue:
            await cancel(work.sessions, work.state.payments, intent)

    while claimed := await claim(work.sessions):
        await asyncio.gather(*(one(intent) for intent in claimed))


async def claim(transactions: Sessions) -> Sequence[Intent]:
    """Payments to cancel, put off in the same statement, so that no other replica takes them meanwhile."""
    closing = select(Order.booking_id).where(Order.status.in_(UNPAID), Order.closing.is_not(None))
    due = (
        select(Intent.id)
        .where(Intent.booking_id.in_(closing), Intent.status.not_in(FINAL), Intent.next_at <= func.now())
        .order_by(Intent.next_at)
        .limit(ROUND)
        .with_for_update(skip_locked=True)
    )
    taken = update(Intent).where(Intent.id.in_(due)).values(next_at=func.now() + AGAIN).returning(Intent)
    async with transactions.begin() as session:
        return (await session.scalars(taken)).all()


async def cancel(transactions: Sessions, payments: Payments, intent: Intent) -> None:
    """One that Stripe will not hear of must not hold up the others."""
    try:
        await intents.cancel(transactions, payments, intent, "closing")
    except (ServiceUnavailable, AmountTooSmall, PaymentRefused) as error:
        log.warning(
            "payment not cancelled yet", booking_id=str(intent.booking_id), error=repr(error.__cause__ or error)
        )
