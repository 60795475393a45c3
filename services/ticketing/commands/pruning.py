"""What is long over goes, some at a time: each returns how many things it has removed, 0 when there are no more.

Orders, tickets, payments, the books and the steps of sagas stay: they are what the cinema has to account for.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.shared.ids import earliest
from services.ticketing.models import Hold, Order, OrderStatus, Scan, StripeEvent, TimelineRow

# Longer than events are kept, ours (14 days) and the provider's (30): what goes here, no replay brings back.
KEPT = timedelta(days=31)
# As long as a cinema may have to show who was let in, or a customer may ask what became of an order.
KEPT_TO_ASK = timedelta(days=90)
ROWS_AT_ONCE = 1000


async def prune_holds(session: AsyncSession) -> int:
    """First words of holds: a late event that they would have stopped comes no more."""
    old = select(Hold.booking_id).where(Hold.booking_id < earliest(datetime.now(UTC) - KEPT))
    return await remove(session, Hold.booking_id, old)


async def prune_stripe_events(session: AsyncSession) -> int:
    """Events that were worked on. Those that wait for a person stay."""
    old = select(StripeEvent.id).where(StripeEvent.handled_at < func.now() - KEPT)
    return await remove(session, StripeEvent.id, old)


async def prune_scans(session: AsyncSession) -> int:
    """What doors were answered. The tickets still know when they were used."""
    old = select(Scan.id).where(Scan.id < earliest(datetime.now(UTC) - KEPT_TO_ASK))
    return await remove(session, Scan.id, old)


async def prune_timelines(session: AsyncSession) -> int:
    """Those of orders that nobody paid."""
    unpaid = Order.status.in_((OrderStatus.EXPIRED, OrderStatus.CANCELLED))
    is_old = Order.booking_id < earliest(datetime.now(UTC) - KEPT_TO_ASK)
    old = select(TimelineRow.id).join(Order, Order.booking_id == TimelineRow.booking_id).where(unpaid, is_old)
    return await remove(session, TimelineRow.id, old)


async def remove(session: AsyncSession, key: InstrumentedAttribute[Any], old: Select[Any]) -> int:
    gone = await session.execute(delete(key.class_).where(key.in_(old.limit(ROWS_AT_ONCE))))
    return cast("CursorResult[Any]", gone).rowcount


PRUNING = [prune_holds, prune_stripe_events, prune_scans, prune_timelines]
