"""Events in."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import audit, erasure
from services.shared.events import (
    InvariantsChecked,
    SeatHeld,
    SeatsLost,
    SeatsReleased,
    SeatsSold,
    ShowtimeCancelled,
    ShowtimeChanged,
    ShowtimeScheduled,
    UserChanged,
    UserErased,
    UserRegistered,
    UserVerified,
)
from services.shared.messaging import Handlers
from services.ticketing.booking import seats
from services.ticketing.commands import copies, showtimes
from services.ticketing.commands.effects import Occasion
from services.ticketing.queries import orders
from services.ticketing.saga import Trigger, advance


async def forget_user(session: AsyncSession, event: UserErased) -> None:
    """What is not paid is closed; tickets stay, the person goes. Orders are locked before customers, as everywhere."""
    for booking_id in await copies.unpaid(session, event.user_id):
        order = await orders.locked(session, booking_id)
        await advance(session, order, Trigger.USER_ERASED, Occasion(cause=f"UserErased {event.id}"))
    await copies.forget_customer(session, event)
    await erasure.forget(session, event.user_id)


HANDLERS: Handlers = {
    UserRegistered: copies.keep_customer,
    UserVerified: copies.verify_customer,
    UserChanged: copies.keep_customer,
    UserErased: forget_user,
    ShowtimeScheduled: showtimes.keep_showtime,
    ShowtimeChanged: showtimes.keep_showtime,
    ShowtimeCancelled: showtimes.cancel_showtime,
    SeatHeld: seats.held,
    SeatsReleased: seats.released,
    SeatsSold: seats.sold,
    SeatsLost: seats.lost,
    InvariantsChecked: audit.keep,
}
