"""What is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations import maps
from services.reservations.errors import HoldNotFound, ShowtimeNotFound
from services.reservations.held import Held, RecordedHold
from services.reservations.maps import SeatMap
from services.reservations.models import Claim, Hold, HoldStatus, SeatStatus, Showtime, Slot, Ticket
from services.reservations.offers import read_plan
from services.reservations.office import Office
from services.shared.db import arrived
from services.shared.events import LayoutSeat
from services.shared.paging import Paging, Rows, page

SeatUse = Literal["free", "held", "sold", "blocked"]
# By seat and booking.
Tickets = dict[tuple[int, UUID | None], Ticket]

USE: dict[int, SeatUse] = {
    SeatStatus.free: "free",
    SeatStatus.held: "held",
    SeatStatus.paying: "held",
    SeatStatus.sold: "sold",
    SeatStatus.blocked: "blocked",
}


@dataclass(frozen=True)
class SeatOccupancy:
    seat_no: int
    label: str
    status: SeatUse
    booking_id: UUID | None
    name: str | None
    scanned_at: datetime | None
    kept_for: str | None
    out_of_service: bool


@dataclass(frozen=True)
class Occupancy:
    capacity: int
    free: int
    held: int
    sold: int
    blocked: int
    scanned: int
    seats: list[SeatOccupancy]


@dataclass(frozen=True)
class Export:
    """Everything that is stored about one user."""

    holds: list[RecordedHold]
    slots: Sequence[Slot]
    tickets: Sequence[Ticket]


async def seat_map(office: Office, showtime_id: UUID) -> SeatMap:
    """As it is now. Waits for a showtime that has just been made. Raises ShowtimeNotFound."""
    found = await maps.read(office.statements, [showtime_id])
    if showtime_id not in found:

        async def look(session: AsyncSession) -> Showtime | None:
            return await session.get(Showtime, showtime_id)

        await arrived(office.sessions, look, showtime_id, ShowtimeNotFound)
        found = await maps.read(office.statements, [showtime_id])
    return found[showtime_id]


async def hold(session: AsyncSession, user_id: UUID, booking_id: UUID) -> Held:
    """Raises HoldNotFound, also for somebody else's."""
    found = await session.scalar(select(Hold).where(Hold.booking_id == booking_id, Hold.user_id == user_id))
    if found is None:
        raise HoldNotFound
    return Held.of(found)


async def active_holds(session: AsyncSession, user_id: UUID, place: Paging) -> Rows[Held]:
    """A user's holds that can still be paid for or given back, newest first."""
    mine = select(Hold).where(Hold.user_id == user_id, Hold.status.in_([HoldStatus.held, HoldStatus.paying]))
    rows = await page(session, mine, place, Hold.booking_id, descending=True)
    return Rows([Held.of(row) for row in rows.items], rows.next_cursor)


async def occupancy(session: AsyncSession, showtime_id: UUID) -> Occupancy:
    """Raises ShowtimeNotFound."""
    showtime = await session.get(Showtime, showtime_id)
    plan = await read_plan(session, showtime.hall_id, showtime.layout_version) if showtime else None
    if plan is None:
        raise ShowtimeNotFound
    claims = {claim.seat_no: claim for claim in await session.scalars(select(Claim).filter_by(showtime_id=showtime_id))}
    live = await session.scalars(select(Ticket).filter_by(showtime_id=showtime_id, voided=False))
    tickets: Tickets = {(ticket.seat_no, ticket.booking_id): ticket for ticket in live}
    seats = [occupied(seat, claims.get(seat.seat_no) or UNCLAIMED, tickets) for seat in plan.seats]
    count = Counter(seat.status for seat in seats)
    return Occupancy(
        capacity=len(seats),
        free=count["free"],
        held=count["held"],
        sold=count["sold"],
        blocked=count["blocked"],
        scanned=sum(1 for seat in seats if seat.scanned_at),
        seats=seats,
    )


UNCLAIMED = Claim(status=SeatStatus.free, out_of_service=False)


def occupied(seat: LayoutSeat, claim: Claim, tickets: Tickets) -> SeatOccupancy:
    """Only a ticket of the booking that has the seat tells of it."""
    ticket = tickets.get((seat.seat_no, claim.booking_id))
    return SeatOccupancy(
        seat_no=seat.seat_no,
        label=seat.label,
        status=USE[claim.status],
        booking_id=claim.booking_id,
        name=ticket.holder_name if ticket else None,
        scanned_at=ticket.scanned_at if ticket else None,
        kept_for=claim.kept_for,
        out_of_service=claim.out_of_service,
    )


async def export(session: AsyncSession, user_id: UUID) -> Export:
    holds = await session.scalars(select(Hold).where(Hold.user_id == user_id).order_by(Hold.booking_id))
    slots = await session.scalars(select(Slot).where(Slot.user_id == user_id).order_by(Slot.showtime_id, Slot.slot))
    tickets = await session.scalars(select(Ticket).where(Ticket.user_id == user_id).order_by(Ticket.ticket_id))
    return Export([RecordedHold.of(found) for found in holds], slots.all(), tickets.all())
