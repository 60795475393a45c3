"""Keeping our copies of users and showtimes; older versions change nothing."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.db import fire_after_commit
from services.shared.events import ShowtimeCancelled, ShowtimeFacts, UserErased, UserFacts, UserVerified
from services.shared.messaging import NotYet
from services.ticketing.commands import tickets, timeline, wallet
from services.ticketing.models import Customer, ErasedUser, Order, OrderStatus, Showtime, ShowtimeStatus, Ticket
from services.ticketing.wording import Happening

CANCELLED_SIGNAL = "cancelled showtimes"
CUSTOMER = {"email", "full_name", "locale", "is_guest", "version"}
# Orders whose customer cares when the showtime begins.
TOLD = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING, OrderStatus.PAID, OrderStatus.ISSUED)


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
        await tell_orders(session, showtime)


async def cancel_showtime(session: AsyncSession, event: ShowtimeCancelled) -> None:
    """Its orders follow by a job. Raises NotYet before we know the showtime."""
    showtime = await session.get(Showtime, event.showtime_id, with_for_update=True)
    if showtime is None:
        raise NotYet("no such showtime yet")
    showtime.status, showtime.reason = ShowtimeStatus.CANCELLED, event.reason
    showtime.version = max(showtime.version, event.version)
    await tell_orders(session, showtime)
    fire_after_commit(session, CANCELLED_SIGNAL)


async def tell_orders(session: AsyncSession, showtime: Showtime) -> None:
    """Show the showtime as it is now in its orders, and say so where it was moved."""
    of_showtime = Order.showtime_id == showtime.id
    moved = select(Order.booking_id).where(of_showtime, Order.starts_at != showtime.starts_at, Order.status.in_(TOLD))
    for booking_id in await session.scalars(moved):
        timeline.add(session, booking_id, Happening.SHOWTIME_MOVED, starts=showtime.starts_at.isoformat())
    shown = {"movie": showtime.movie, "showtime": showtime.shown, "starts_at": showtime.starts_at}
    is_different = (Order.showtime != showtime.shown) | (Order.movie != showtime.movie)
    changed = update(Order).where(of_showtime, is_different).values(**shown, version=Order.version + 1)
    for booking_id in await session.scalars(changed.returning(Order.booking_id)):
        fire_after_commit(session, booking_id)


async def keep_customer(session: AsyncSession, event: UserFacts) -> None:
    await queue_up(session, event.user_id)
    if not event.email or await session.get(ErasedUser, event.user_id) is not None:
        return
    facts = event.model_dump(include=CUSTOMER) | {"is_verified": event.email_verified}
    new = insert(Customer).values(user_id=event.user_id, **facts)
    newer = new.on_conflict_do_update(
        index_elements=[Customer.user_id], set_=facts, where=Customer.version < event.version
    )
    customer = await session.scalar(newer.returning(Customer), execution_options={"populate_existing": True})
    if customer is not None:
        await tickets.name_holder(session, customer)


async def verify_customer(session: AsyncSession, event: UserVerified) -> None:
    """A verified mail address brings the welcome coins; a guest gets none."""
    await keep_customer(session, event)
    customer = await session.get(Customer, event.user_id)
    if customer is not None and not customer.is_guest:
        await wallet.welcome(session, event.user_id)


async def queue_up(session: AsyncSession, user_id: UUID) -> None:
    """What is told about one user is worked on one after the other: nobody is kept while being forgotten."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(user_id), 0))))


async def forget_customer(session: AsyncSession, event: UserErased) -> Sequence[UUID]:
    """Keep no personal data: neither name nor address. Returns the bookings that are not paid yet."""
    await queue_up(session, event.user_id)
    await session.execute(insert(ErasedUser).values(user_id=event.user_id).on_conflict_do_nothing())
    await session.execute(delete(Customer).where(Customer.user_id == event.user_id))
    await session.execute(update(Ticket).where(Ticket.user_id == event.user_id).values(holder_name=""))
    unpaid = Order.status.in_((OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING))
    theirs = select(Order.booking_id).where(Order.user_id == event.user_id, unpaid)
    return (await session.scalars(theirs.order_by(Order.booking_id))).all()
