"""Events in."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.commands import releases, sales, showtimes, tickets
from services.shared import erasure
from services.shared.events import (
    HallLayoutPublished,
    PaymentAbandoned,
    PaymentStarted,
    PaymentSucceeded,
    ShowtimeCancelled,
    ShowtimeChanged,
    ShowtimeScheduled,
    TicketIssued,
    TicketScanned,
    TicketVoided,
    UserErased,
)
from services.shared.messaging import Handlers


async def void_ticket(session: AsyncSession, event: TicketVoided) -> None:
    await releases.void(session, event)
    await tickets.note_voided(session, event)


async def forget_user(session: AsyncSession, event: UserErased) -> None:
    await tickets.forget_person(session, event)
    await erasure.forget(session, event.user_id)


HANDLERS: Handlers = {
    HallLayoutPublished: showtimes.keep_layout,
    ShowtimeScheduled: showtimes.keep_showtime,
    ShowtimeChanged: showtimes.keep_showtime,
    ShowtimeCancelled: showtimes.cancel_showtime,
    PaymentStarted: sales.start_payment,
    PaymentSucceeded: sales.sell,
    PaymentAbandoned: releases.abandon,
    TicketIssued: tickets.note_issued,
    TicketScanned: tickets.note_scanned,
    TicketVoided: void_ticket,
    UserErased: forget_user,
}
