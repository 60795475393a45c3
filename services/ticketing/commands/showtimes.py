"""Keeping our copies of showtimes, and telling their orders what has become of them; older versions change nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.events import ShowtimeCancelled, ShowtimeChanged, ShowtimeFacts
from services.shared.messaging import NotYet
from services.ticketing import notices
from services.ticketing.commands import timeline
from services.ticketing.commands.tickets import CODE_LIFE
from services.ticketing.models import Order, OrderStatus, Showtime, ShowtimeStatus, Ticket, TicketStatus
from services.ticketing.wording import Happening

CANCELLED_SIGNAL = "cancelled showtimes"
# Orders whose customer cares when the showtime begins; and those who have paid for it.
TOLD = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING, OrderStatus.PAID, OrderStatus.ISSUED)
WRITTEN_TO = (OrderStatus.PAID, OrderStatus.ISSUED)


async def keep_showtime(session: AsyncSession, event: ShowtimeFacts) -> None:
    values = {
        "version": event.version,
        "movie": event.film.model_dump(mode="json", include={"id", "title", "poster_url"}),
        "theater": event.theater.model_dump(mode="json", include={"id", "name", "city"}),
        "hall": event.hall.model_dump(mode="json", include={"id", "name"}),
        "timezone": event.theater.timezone,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "capacity": event.capacity,
        "format": event.format,
        "language": event.language,
    }
    new = insert(Showtime).values(id=event.showtime_id, **values)
    newer = new.on_conflict_do_update(index_elements=[Showtime.id], set_=values, where=Showtime.version < event.version)
    showtime = await session.scalar(newer.returning(Showtime), execution_options={"populate_existing": True})
    if showtime is not None:
        await tell_orders(session, showtime, event.reason if isinstance(event, ShowtimeChanged) else "")


async def cancel_showtime(session: AsyncSession, event: ShowtimeCancelled) -> None:
    """Its orders follow by a job. Raises NotYet before we know the showtime."""
    showtime = await session.get(Showtime, event.showtime_id, with_for_update=True)
    if showtime is None:
        raise NotYet("no such showtime yet")
    showtime.status, showtime.reason = ShowtimeStatus.CANCELLED, event.reason
    showtime.version = max(showtime.version, event.version)
    await tell_orders(session, showtime)
    fire_after_commit(session, CANCELLED_SIGNAL)


async def tell_orders(session: AsyncSession, showtime: Showtime, reason: str = "") -> None:
    """Show the showtime as it is now in its orders, and say so where it was moved; their tickets follow it."""
    is_different = (Order.showtime != showtime.shown) | (Order.movie != showtime.movie)
    stale = select(Order).where(Order.showtime_id == showtime.id, is_different).order_by(Order.booking_id)
    current = {"execution_options": {"populate_existing": True}}
    for order in (await session.scalars(stale.with_for_update(), **current)).all():
        was = order.showtime
        order.movie, order.showtime, order.starts_at = showtime.movie, showtime.shown, showtime.starts_at
        order.version += 1
        fire_after_commit(session, order.booking_id)
        if order.status in TOLD and showtime.status == ShowtimeStatus.SCHEDULED:
            await tell_order(session, order, was, showtime, reason)
    valid_until = showtime.starts_at + CODE_LIFE
    live = (Ticket.showtime_id == showtime.id, Ticket.status != TicketStatus.VOID)
    await session.execute(
        update(Ticket).where(*live, Ticket.valid_until != valid_until).values(valid_until=valid_until)
    )


async def tell_order(
    session: AsyncSession, order: Order, was: Mapping[str, Any], showtime: Showtime, reason: str
) -> None:
    """Who booked another time or place may give it back until the showtime starts."""
    moved_in_time = datetime.fromisoformat(was["starts_at"]) != showtime.starts_at
    moved_in_space = place(was) != place(order.showtime)
    if moved_in_time:
        timeline.add(session, order.booking_id, Happening.SHOWTIME_MOVED, starts=showtime.starts_at.isoformat())
    if moved_in_space:
        where = f"{showtime.theater['name']}, {showtime.hall['name']}"
        timeline.add(session, order.booking_id, Happening.SHOWTIME_PLACED, place=where)
    if moved_in_time or moved_in_space:
        order.moved_at, order.reminded_at = datetime.now(UTC), None
        if order.status in WRITTEN_TO:
            await notices.showtime_moved(session, order, was, showtime.version, reason)


def place(shown: Mapping[str, Any]) -> tuple[str, str]:
    """Their ids: what only has another name has not moved."""
    return shown["theater"]["id"], shown["hall"]["id"]
