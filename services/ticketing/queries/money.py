"""Payments, refunds and the books, read."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.ticketing.models import FINAL, Intent, Refund, RefundStatus


async def live_intent(session: AsyncSession, booking_id: UUID) -> Intent | None:
    """The one that may still bring money, if there is one; a booking has one at most."""
    return await session.scalar(select(Intent).where(Intent.booking_id == booking_id, Intent.status.not_in(FINAL)))


async def next_number(session: AsyncSession, of: type[Intent] | type[Refund], booking_id: UUID) -> int:
    """Under the lock of the order's row."""
    last = await session.scalar(select(func.max(of.number)).where(of.booking_id == booking_id))
    return (last or 0) + 1


async def refunded(session: AsyncSession, booking_id: UUID) -> int:
    """What of an order's price went back or is on its way, in minor units."""
    amounts = select(func.coalesce(func.sum(Refund.amount), 0))
    counted = amounts.where(Refund.booking_id == booking_id, Refund.sold, Refund.status != RefundStatus.FAILED)
    return await session.scalar(counted) or 0


async def refunded_coins(session: AsyncSession, booking_id: UUID) -> tuple[int, int]:
    """Of the refunds to the wallet: minor units, and the coins that were given for them."""
    sums = select(func.coalesce(func.sum(Refund.amount), 0), func.coalesce(func.sum(Refund.coins), 0))
    query = sums.where(Refund.booking_id == booking_id, Refund.coins.is_not(None))
    amount, coins = (await session.execute(query)).one()
    return amount, coins or 0
