"""Pushing an order that is stuck: what it waits for is asked for again, at once. Safe, however often."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal
from services.shared.db import fire_after_commit
from services.ticketing.commands import refunds
from services.ticketing.commands.effects import CLOSING_SIGNAL, Occasion, ask_for_seats
from services.ticketing.errors import NothingToRetry
from services.ticketing.models import FINAL, Intent, Order, OrderStatus, Refund, RefundStatus, RefundTo
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance


async def retry(session: AsyncSession, manager: Principal, booking_id: UUID, to: RefundTo | None) -> Order:
    """Ask again for whatever the order waits for. `to`: coins in place of refunds that have failed.

    Raises OrderNotFound, NothingToRetry.
    """
    order = await orders.locked(session, booking_id)
    if order.status is OrderStatus.REFUND_FAILED:
        await refund_again(session, order, to, f"user {manager.id}")
    elif to is not None or not await push(session, order):
        raise NothingToRetry(order_status=order.status)
    return await orders.order(session, manager, booking_id)


async def push(session: AsyncSession, order: Order) -> bool:
    """False if there is nothing that the order waits for."""
    if order.status is OrderStatus.PAID:
        ask_for_seats(session, order)
        return True
    return await cancel_now(session, order) if order.closing else await refund_now(session, order)


async def refund_again(session: AsyncSession, order: Order, to: RefundTo | None, cause: str) -> None:
    failed = select(Refund).where(Refund.booking_id == order.booking_id, Refund.status == RefundStatus.FAILED)
    for refund in await session.scalars(failed.order_by(Refund.number)):
        await refunds.again(session, refund, to=to, after=timedelta(0))
    await advance(session, order, Trigger.REFUND_RETRIED, Occasion(cause=cause))


async def cancel_now(session: AsyncSession, order: Order) -> bool:
    """The payment of an order that is being closed."""
    live = update(Intent).where(Intent.booking_id == order.booking_id, Intent.status.not_in(FINAL))
    pushed = await session.scalar(live.values(next_at=func.now()).returning(Intent.id))
    fire_after_commit(session, CLOSING_SIGNAL)
    return pushed is not None


async def refund_now(session: AsyncSession, order: Order) -> bool:
    waiting = update(Refund).where(Refund.booking_id == order.booking_id, Refund.status == RefundStatus.PENDING)
    pushed = (await session.scalars(waiting.values(next_at=func.now()).returning(Refund.id))).all()
    fire_after_commit(session, refunds.SIGNAL)
    return bool(pushed)
