"""Tickets mailed again to whoever has lost them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.auth import Principal, Role
from services.shared.db import settings_of
from services.shared.errors import RateLimited
from services.shared.ids import new_id
from services.ticketing import notices
from services.ticketing.commands import timeline
from services.ticketing.errors import NotIssued, OrderNotFound
from services.ticketing.models import Order, OrderStatus, TimelineRow
from services.ticketing.queries import orders
from services.ticketing.wording import Happening

WINDOW = timedelta(hours=1)
# How often within a window, at a RATE_LIMIT_FACTOR of 1.
TIMES = 5


async def resend_tickets(session: AsyncSession, principal: Principal, booking_id: UUID) -> Order:
    """To the customer's present address. Raises OrderNotFound, NotIssued, RateLimited."""
    order = await orders.locked(session, booking_id)
    if order.user_id != principal.id and not principal.may(Role.staff):
        raise OrderNotFound
    if order.status is not OrderStatus.ISSUED:
        raise NotIssued(order_status=order.status)
    await refuse_if_too_often(session, booking_id)
    timeline.add(session, booking_id, Happening.TICKETS_SENT)
    order.version += 1
    await notices.tickets_issued(session, order, again=str(new_id()))
    return await orders.order(session, principal, booking_id)


async def refuse_if_too_often(session: AsyncSession, booking_id: UUID) -> None:
    """Under the lock of the order's row. Raises RateLimited."""
    factor = settings_of(session).rate_limit_factor
    since = datetime.now(UTC) - WINDOW
    sent = select(TimelineRow.at).where(
        TimelineRow.booking_id == booking_id, TimelineRow.kind == Happening.TICKETS_SENT, TimelineRow.at > since
    )
    times = (await session.scalars(sent.order_by(TimelineRow.at))).all()
    if factor and len(times) >= TIMES * factor:
        raise RateLimited((times[0] - since).total_seconds(), "The tickets were sent again often enough for now.")
