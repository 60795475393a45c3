"""The ushers' view: who sits where, who is in. What comes first, comes first: each event fills in its part."""

from typing import Any

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.reservations.models import Erased, Hold, Ticket
from services.shared.events import TicketIssued, TicketScanned, TicketVoided, UserErased


async def note_issued(session: AsyncSession, event: TicketIssued) -> None:
    is_erased = select(Erased).where(Erased.user_id == event.user_id).exists()
    await note(session, event, user_id=event.user_id, holder_name=case((is_erased, ""), else_=event.holder_name))


async def note_scanned(session: AsyncSession, event: TicketScanned) -> None:
    await note(session, event, scanned_at=event.scanned_at)


async def note_voided(session: AsyncSession, event: TicketVoided) -> None:
    await note(session, event, voided=True)


async def note(session: AsyncSession, event: TicketIssued | TicketScanned | TicketVoided, **part: Any) -> None:
    new = insert(Ticket).values(
        showtime_id=event.showtime_id,
        ticket_id=event.ticket_id,
        seat_no=event.seat_no,
        booking_id=event.booking_id,
        **part,
    )
    await session.execute(new.on_conflict_do_update(index_elements=["showtime_id", "ticket_id"], set_=part))


async def forget_person(session: AsyncSession, event: UserErased) -> None:
    """The seats stay sold; the name goes, also from tickets that are heard of later."""
    await session.execute(insert(Erased).values(user_id=event.user_id).on_conflict_do_nothing())
    await blank_names(session, Ticket.user_id == event.user_id)
    theirs = update(Hold).where(Hold.user_id == event.user_id)
    await session.execute(theirs.values(idempotency_key=None, body_digest=None))


async def blank_names(session: AsyncSession, whose: ColumnElement[bool]) -> None:
    await session.execute(update(Ticket).where(whose, Ticket.holder_name != "").values(holder_name=""))
