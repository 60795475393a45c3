"""What reservations says about the seats of a booking."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.events import SeatHeld, SeatsLost, SeatsReleased, SeatsSold
from services.shared.messaging import NotYet
from services.ticketing.commands import tickets
from services.ticketing.commands.effects import Occasion
from services.ticketing.commands.refunds import Wish
from services.ticketing.errors import LiveTicketExists, OrderNotFound
from services.ticketing.models import Hold, Order, OrderStatus, RefundCause, Showtime, ShowtimeStatus
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance

RELEASED = {"customer": Trigger.SEATS_RELEASED, "grace": Trigger.GRACE_ENDED}
# Statuses in which a word about sold or lost seats has not been expected yet.
BEFORE_PAID = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYING)


async def held(session: AsyncSession, event: SeatHeld) -> None:
    """An order with the prices that froze; a closed one if its seats were released before we heard of them."""
    released = await first_word(session, event.booking_id, None)
    if await session.get(Order, event.booking_id) is not None:
        return
    order = Order(
        booking_id=event.booking_id,
        user_id=event.user_id,
        showtime_id=event.showtime_id,
        seats=[seat.model_dump(mode="json") for seat in event.seats],
        subtotal=event.total,
        total=event.total,
        currency=event.currency,
        expires_at=event.expires_at,
        **await what_is_shown(session, event),
    )
    trigger = Trigger.SEATS_HELD if released is None else RELEASED[released]
    await advance(session, order, trigger, Occasion(cause=cause(event)))
    session.add(order)


async def released(session: AsyncSession, event: SeatsReleased) -> None:
    """Nothing was paid and the seats are gone, so the order closes."""
    await first_word(session, event.booking_id, event.reason)
    try:
        order = await orders.locked(session, event.booking_id)
    except OrderNotFound:
        return  # the row of `first_word` is the tombstone
    await advance(session, order, RELEASED[event.reason], Occasion(cause=cause(event)))


async def first_word(session: AsyncSession, booking_id: Any, reason: str | None) -> str | None:
    """Note what is said of a hold, and return how it was released, if it was. Two events of one hold queue here."""
    word = insert(Hold).values(booking_id=booking_id, released=reason)
    known = {"released": Hold.released if reason is None else word.excluded.released}
    noted = word.on_conflict_do_update(index_elements=[Hold.booking_id], set_=known)
    return await session.scalar(noted.returning(Hold.released))


async def what_is_shown(session: AsyncSession, event: SeatHeld) -> dict[str, Any]:
    """Film and showtime: as our copy has them, locked against a change at the same time, else as the hold says."""
    showtime = await session.get(Showtime, event.showtime_id, with_for_update={"read": True})
    facts = {
        "id": str(event.showtime_id),
        "starts_at": event.starts_at.isoformat(),
        "timezone": event.theater.timezone,
        "theater": event.theater.model_dump(mode="json", include={"id", "name", "city"}),
        "hall": event.hall.model_dump(mode="json", include={"id", "name"}),
        "format": event.format,
        "language": event.language,
        "status": ShowtimeStatus.SCHEDULED,
    }
    return {
        "movie": event.film.model_dump(mode="json", include={"id", "title", "poster_url"}),
        "showtime": facts | (showtime.shown if showtime else {}),
        "starts_at": showtime.starts_at if showtime else event.starts_at,
    }


async def sold(session: AsyncSession, event: SeatsSold) -> None:
    """Tickets, unless the showtime was cancelled meanwhile or somebody has a ticket for such a seat. Raises NotYet."""
    order = await expected(session, event)
    if order.status is not OrderStatus.PAID:
        return
    showtime = await session.get(Showtime, order.showtime_id)
    if showtime is not None and showtime.status is ShowtimeStatus.CANCELLED:
        wish = Wish(RefundCause.SHOWTIME_CANCELLED, reason=showtime.reason)
        await advance(session, order, Trigger.SEATS_SOLD_IN_VAIN, Occasion(cause=cause(event), wish=wish))
        return
    try:
        issued = await tickets.issue(session, order, event.seats)
    except LiveTicketExists:
        wish = Wish(RefundCause.SEATS_LOST)
        await advance(session, order, Trigger.TICKET_EXISTS, Occasion(cause=cause(event), wish=wish))
        return
    order.seats = [seat.model_dump(mode="json") for seat in event.seats]
    occasion = Occasion(cause=cause(event), tickets=issued, replaced=event.replaced)
    await advance(session, order, Trigger.SEATS_SOLD, occasion)


async def lost(session: AsyncSession, event: SeatsLost) -> None:
    """The money goes back. Raises NotYet."""
    order = await expected(session, event)
    wish = Wish(RefundCause.SEATS_LOST)
    await advance(session, order, Trigger.SEATS_LOST, Occasion(cause=cause(event), wish=wish))


async def expected(session: AsyncSession, event: SeatsSold | SeatsLost) -> Order:
    """The order that an answer to PaymentSucceeded is about. Raises NotYet if we have not said that it is paid."""
    try:
        order = await orders.locked(session, event.booking_id)
    except OrderNotFound as error:
        raise NotYet("no such order yet") from error
    if order.status in BEFORE_PAID:
        raise NotYet(f"the order is {order.status}")
    return order


def cause(event: SeatHeld | SeatsReleased | SeatsSold | SeatsLost) -> str:
    return f"{type(event).__name__} {event.id}"
