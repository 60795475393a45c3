"""A word to those whose film is soon."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import Sessions
from services.shared.jobs import Work
from services.ticketing import notices
from services.ticketing.models import Order, OrderStatus, Showtime, ShowtimeStatus
from services.ticketing.queries import orders

AT_ONCE = 100


async def remind(work: Work) -> None:
    """Each order once for each time that its showtime starts at, some hours before; 0 hours: none."""
    ahead = timedelta(hours=work.sessions.settings.reminder_hours)
    while found := await due(work.sessions, ahead):
        for booking_id in found:
            async with work.sessions.begin() as session:
                await remind_one(session, booking_id)


async def due(transactions: Sessions, ahead: timedelta) -> Sequence[UUID]:
    """Orders of showtimes that begin within `ahead`. Who bought later than that has it in mind."""
    now = datetime.now(UTC)
    soon = select(Order.booking_id).where(
        Order.status == OrderStatus.ISSUED,
        Order.reminded_at.is_(None),
        Order.starts_at.between(now, now + ahead),
        Order.paid_at < Order.starts_at - ahead,
        Order.showtime_id.not_in(select(Showtime.id).where(Showtime.status == ShowtimeStatus.CANCELLED)),
    )
    async with transactions.begin() as session:
        return (await session.scalars(soon.order_by(Order.starts_at).limit(AT_ONCE))).all()


async def remind_one(session: AsyncSession, booking_id: UUID) -> None:
    order = await orders.locked(session, booking_id)
    if order.reminded_at is None:
        order.reminded_at = datetime.now(UTC)
        await notices.showtime_near(session, order)
