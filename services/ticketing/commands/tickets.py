"""Tickets come into being when seats are sold, and end when the money goes back."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.shared.events import HeldSeat, TicketIssued, TicketVoided
from services.shared.messaging import publish
from services.ticketing import notices
from services.ticketing.errors import LiveTicketExists
from services.ticketing.models import Customer, Order, Ticket, TicketStatus
from services.ticketing.pricing import shares

LIVE_KEY = "ticket_live_key"
# Long enough for a showtime that is moved: whether it is the time is judged by the showtime, not by the code.
CODE_LIFE = timedelta(days=30)


async def issue(session: AsyncSession, order: Order, seats: Sequence[HeldSeat]) -> list[Ticket]:
    """A ticket for each of the seats that `order` was sold. Raises LiveTicketExists, and then has issued none."""
    # Locked, so that no name escapes being forgotten.
    customer = await session.get(Customer, order.user_id, with_for_update={"read": True})
    holder_name = customer.full_name if customer else ""
    tickets = [
        Ticket(
            booking_id=order.booking_id,
            user_id=order.user_id,
            showtime_id=order.showtime_id,
            movie_id=UUID(order.movie["id"]),
            **seat.model_dump(exclude={"price"}),
            amount=seat.price,
            discount=share,
            holder_name=holder_name,
            valid_until=order.starts_at + CODE_LIFE,
            frozen_at=order.disputed_at,
        )
        for seat, share in zip(seats, shares([seat.price for seat in seats], order.discount), strict=True)
    ]
    try:
        async with session.begin_nested():
            session.add_all(tickets)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name == LIVE_KEY:
            raise LiveTicketExists from error
        raise
    for ticket in tickets:
        publish(session, issued(ticket, order.starts_at))
    return tickets


def issued(ticket: Ticket, starts_at: datetime) -> TicketIssued:
    return TicketIssued(
        booking_id=ticket.booking_id,
        ticket_id=ticket.id,
        user_id=ticket.user_id,
        holder_name=ticket.holder_name,
        movie_id=ticket.movie_id,
        showtime_id=ticket.showtime_id,
        starts_at=starts_at,
        seat_no=ticket.seat_no,
        seat=ticket.label,
    )


async def void(session: AsyncSession, booking_id: UUID, seat_nos: Collection[int] | None = None) -> list[Ticket]:
    """End the booking's live tickets, or those of `seat_nos` (None: all), used ones too; returns those it ended."""
    live = update(Ticket).where(Ticket.booking_id == booking_id, Ticket.status != TicketStatus.VOID)
    if seat_nos is not None:
        live = live.where(Ticket.seat_no.in_(seat_nos))
    ended = live.values(status=TicketStatus.VOID, voided_at=func.now()).returning(Ticket)
    tickets = list(await session.scalars(ended, execution_options={"populate_existing": True}))
    for ticket in tickets:
        publish(session, voided(ticket))
    return tickets


async def freeze(session: AsyncSession, booking_id: UUID) -> None:
    """The tickets keep their seats and open no door."""
    await session.execute(update(Ticket).where(Ticket.booking_id == booking_id).values(frozen_at=func.now()))


async def thaw(session: AsyncSession, booking_id: UUID) -> None:
    await session.execute(update(Ticket).where(Ticket.booking_id == booking_id).values(frozen_at=None))


def voided(ticket: Ticket) -> TicketVoided:
    return TicketVoided(
        booking_id=ticket.booking_id,
        ticket_id=ticket.id,
        showtime_id=ticket.showtime_id,
        seat_no=ticket.seat_no,
        seat=ticket.label,
    )


async def name_holder(session: AsyncSession, customer: Customer) -> None:
    """Write the name on tickets that were issued before we knew it, and mail them. Changes nothing otherwise."""
    nameless = update(Ticket).where(Ticket.user_id == customer.user_id, Ticket.holder_name == "")
    named = nameless.values(holder_name=customer.full_name).returning(Ticket.booking_id)
    for booking_id in sorted(set(await session.scalars(named))):
        await notices.order_issued(session, await session.get_one(Order, booking_id))
